import { readFileSync, statSync } from "node:fs";
import { profilesFile } from "../config.ts";
import { usage, type CommandError } from "./exit.ts";

/** A server under a name, as its user keeps it. */
export interface Profile {
  url: string;
  /** API key; without it the one of BATCHYARD_TOKEN. */
  token?: string;
  /** `batchyard live` changes nothing there. */
  readOnly?: boolean;
}

const KINDS: Readonly<Record<keyof Profile, string>> = { url: "string", token: "string", readOnly: "boolean" };
const EXAMPLE = '{"prod":{"url":"https://…","token":"by_…","readOnly":true}}';
const READ_BY_OTHERS = 0o077;

/** Throws CommandError: no such file or profile, a file that is not understood, or keys that others can read. */
export function profileOf(name: string, file = profilesFile()): Profile {
  const all = recordOf(parsed(textOf(name, file)));
  if (all === null) throw misread(file, "it is no JSON object");
  if (!Object.hasOwn(all, name))
    throw usage(`There is no profile '${name}' in ${file}; it has ${Object.keys(all).toSorted().join(", ") || "none"}`);
  const profile = recordOf(all[name]);
  if (profile === null || typeof profile["url"] !== "string") throw misread(file, `'${name}' has no url`);
  for (const [field, value] of Object.entries(profile)) {
    const kind = Object.hasOwn(KINDS, field) ? KINDS[field as keyof Profile] : null;
    if (kind === null) throw misread(file, `'${name}.${field}' means nothing`);
    if (typeof value !== kind) throw misread(file, `'${name}.${field}' is no ${kind}`);
  }
  if (profile["token"] !== undefined && process.platform !== "win32" && (statSync(file).mode & READ_BY_OTHERS) !== 0)
    throw usage(`${file} has API keys and can be read by others; run: chmod 600 ${file}`);
  return profile as unknown as Profile;
}

function misread(file: string, what: string): CommandError {
  return usage(`${file}: ${what}; it is to be like ${EXAMPLE}`);
}

function textOf(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw usage(`There is no profile '${name}': write ${EXAMPLE} into ${file} and keep it to yourself (chmod 600)`);
    throw usage(`${file} cannot be read (${code})`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}
