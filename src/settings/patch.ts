import { SETTINGS, type SettingName } from "../config.ts";
import type { Fault } from "../model/errors.ts";
import { didYouMean } from "../model/schema-faults.ts";
import { HIDDEN_FIELDS, SETTING_FIELDS, type SettingField } from "./table.ts";

export interface PatchedField {
  /** `category.field` */
  path: string;
  name: SettingName;
  /** As it stands in runtime.env. */
  text: string;
}

/** A nested subset of the settings as lines of runtime.env, with every fault of single values. */
export function readPatch(patch: Readonly<Record<string, unknown>>): { fields: PatchedField[]; faults: Fault[] } {
  const fields: PatchedField[] = [];
  const faults: Fault[] = [];
  for (const [category, given] of Object.entries(patch)) {
    const known = Object.hasOwn(SETTING_FIELDS, category) ? SETTING_FIELDS[category] : undefined;
    if (known === undefined) {
      faults.push(unknown(category, category, Object.keys(SETTING_FIELDS)));
      continue;
    }
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      faults.push({ path: category, message: "must be an object of settings", code: "invalid_type" });
      continue;
    }
    for (const [field, value] of Object.entries(given)) {
      const path = `${category}.${field}`;
      const target = Object.hasOwn(known, field) ? known[field] : undefined;
      if (target === undefined) {
        faults.push(unknown(path, field, Object.keys(known)));
        continue;
      }
      const read = readValue(target, value);
      if ("text" in read) fields.push({ path, name: target.name, text: read.text });
      else faults.push({ path, ...read });
    }
  }
  for (const { path, name, text } of fields) {
    const other = fields.find((field) => field.name === name && field.text !== text);
    if (other !== undefined)
      faults.push({ path, message: `is the same setting as ${other.path}, which is given another value`, code: "invalid_value" });
  }
  return { fields, faults };
}

function unknown(path: string, name: string, known: readonly string[]): Fault {
  if (path === "connections" && name === path) {
    return { path, message: `is read-only (${Object.keys(HIDDEN_FIELDS).join(", ")}); set it in the environment`, code: "read_only" };
  }
  const meant = didYouMean(name, known);
  return {
    path,
    message: `unknown setting '${name}'${meant === null ? `; known: ${known.join(", ")}` : `; did you mean '${meant}'?`}`,
    code: "unknown_field",
  };
}

function readValue(field: SettingField, value: unknown): { text: string } | Omit<Fault, "path"> {
  const { schema, fallback, allowed: said } = SETTINGS[field.name];
  const allowed = field.allowed ?? said;
  const wanted = Array.isArray(fallback) ? "array" : typeof fallback;
  if (kindOf(value) !== wanted)
    return {
      message: `must be ${NAMED[wanted] ?? wanted}, not ${NAMED[kindOf(value)] ?? kindOf(value)}; ${allowed}`,
      code: "invalid_type",
    };
  const text = textOf(field, value);
  const isValid = text !== null && text !== "" && schema.safeParse(text).success;
  if (isValid) return { text };
  const found = typeof value === "number" ? `is ${value}; ` : "";
  return { message: `${found}${allowed}`, code: wanted === "number" ? "out_of_range" : "invalid_value" };
}

const NAMED: Readonly<Record<string, string>> = {
  number: "a number",
  boolean: "true or false",
  string: "a text",
  array: "a list of texts",
  object: "an object",
  null: "null",
};

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

/** One line of runtime.env; null when it cannot stand there. */
function textOf(field: SettingField, value: unknown): string | null {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return null;
    if (field.thousandths !== true) return plain(value);
    return Number.isInteger(value) ? plain(value / 1000) : null;
  }
  if (Array.isArray(value)) {
    const words = value.map((word: unknown) => (typeof word === "string" && /^[^\p{Cc},"']+$/u.test(word) ? word.trim() : ""));
    return words.includes("") ? null : words.join(",");
  }
  const text = String(value).trim();
  return /[\p{Cc}"']/u.test(text) ? null : text;
}

/** Without an exponent. */
function plain(value: number): string {
  return Math.abs(value) < 1e-6 ? value.toFixed(12).replace(/\.?0+$/, "") : String(value);
}
