import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BatchyardOptions } from "../index.ts";
import type { Operation } from "../operations/operation.ts";
import { CommandError } from "./exit.ts";

/** What `batchyard.config.ts` exports by default: the result of defineConfig. */
export interface ProjectConfig {
  operations?: readonly Operation[];
  /** Where notifications go, by name; checked where the yard is made. */
  channels?: BatchyardOptions["channels"];
  /** Definitions of streams, by name. */
  streams?: Readonly<Record<string, unknown>>;
  /** Model providers by name; checked where the yard is made. */
  providers?: unknown;
  /** Addresses that are told when a batch of an OpenAI client ends. */
  webhooks?: readonly { url: string; secret: string; tenant?: string }[];
  [part: string]: unknown;
}

const DEFAULT_NAMES = ["batchyard.config.ts", "batchyard.config.mts", "batchyard.config.js", "batchyard.config.mjs"];

/** Loads the file that is named, else the first of the usual names in `directory`; an empty config when there is none. */
export async function loadProjectConfig(path: string | undefined, directory = process.cwd()): Promise<ProjectConfig> {
  const found =
    path === undefined ? DEFAULT_NAMES.map((name) => resolve(directory, name)).find((file) => existsSync(file)) : resolve(directory, path);
  if (found === undefined) return {};
  if (!existsSync(found)) throw new CommandError(`There is no config file ${found}; create it or name another one with --config`);
  const module = await importing(found);
  const config: unknown = module["default"];
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new CommandError(`${found} has no default export; write: export default defineConfig({ operations: […] })`);
  }
  const { operations } = config as ProjectConfig;
  if (operations !== undefined && !Array.isArray(operations))
    throw new CommandError(`'operations' in ${found} must be a list of what defineOperation returns`);
  return config as ProjectConfig;
}

async function importing(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new CommandError(`The config file ${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}
