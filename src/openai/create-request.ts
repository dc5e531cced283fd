import { ENDPOINTS } from "./endpoints.ts";
import { missing, OpenAiError, unknownParameter, wrongType, wrongValue } from "./error.ts";

/** A parsed body of POST /v1/batches. */
export interface OpenAiCreate {
  endpoint: string;
  inputFileId: string;
  metadata: Record<string, string> | null;
  /** Seconds the output and error file are kept. */
  outputExpiresAfter: number;
}

const KNOWN = new Set(["input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"]);
const MAX_PAIRS = 16;
const MAX_KEY = 64;
const MAX_VALUE = 512;
const LEAST_SECONDS = 3_600;
const MOST_SECONDS = 2_592_000;

/** Throws OpenAiError for what can be known without looking at the file. */
export function parseCreate(body: unknown): OpenAiCreate {
  if (!isObject(body)) throw wrongType("body", "an object", body);
  const inputFileId = textOf(body, "input_file_id");
  const endpoint = textOf(body, "endpoint");
  const window = textOf(body, "completion_window");
  if (!Object.hasOwn(ENDPOINTS, endpoint)) throw wrongValue("endpoint", endpoint, Object.keys(ENDPOINTS));
  if (window !== "24h") throw wrongValue("completion_window", window, ["24h"]);
  const unknown = Object.keys(body).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw unknownParameter(unknown);
  return {
    endpoint,
    inputFileId,
    metadata: metadataOf(body["metadata"]),
    outputExpiresAfter: expiresAfter(body["output_expires_after"], "output_expires_after"),
  };
}

/** Seconds of `{anchor: "created_at", seconds}`; 30 days when absent. */
export function expiresAfter(value: unknown, param: string): number {
  if (value === undefined || value === null) return MOST_SECONDS;
  if (!isObject(value)) throw wrongType(param, "an object", value);
  const anchor = value["anchor"];
  if (anchor === undefined) throw missing(`${param}.anchor`);
  if (typeof anchor !== "string") throw wrongType(`${param}.anchor`, "a string", anchor);
  if (anchor !== "created_at") throw wrongValue(`${param}.anchor`, anchor, ["created_at"]);
  const seconds = value["seconds"];
  if (seconds === undefined) throw missing(`${param}.seconds`);
  if (typeof seconds !== "number" || !Number.isInteger(seconds)) throw wrongType(`${param}.seconds`, "an integer", seconds);
  if (seconds < LEAST_SECONDS || seconds > MOST_SECONDS) throw outOfRange(`${param}.seconds`, seconds, LEAST_SECONDS, MOST_SECONDS);
  return seconds;
}

export function outOfRange(param: string, value: number, least: number, most: number): OpenAiError {
  const [what, sign, bound] = value < least ? ["below minimum", ">=", least] : ["above maximum", "<=", most];
  return new OpenAiError(400, `Invalid '${param}': integer ${what} value. Expected a value ${sign} ${bound}, but got ${value} instead.`, {
    code: value < least ? "integer_below_min_value" : "integer_above_max_value",
    param,
  });
}

function textOf(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) throw missing(name);
  if (typeof value !== "string") throw wrongType(name, "a string", value);
  return value;
}

function metadataOf(value: unknown): Record<string, string> | null {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) throw wrongType("metadata", "an object", value);
  const invalid = (param: string, message: string): OpenAiError => new OpenAiError(400, message, { code: "invalid_type", param });
  const pairs = Object.entries(value);
  if (pairs.length > MAX_PAIRS)
    throw invalid("metadata", `Invalid 'metadata': it has ${pairs.length} pairs; at most ${MAX_PAIRS} are allowed.`);
  for (const [key, entry] of pairs) {
    if (key.length > MAX_KEY)
      throw invalid(
        "metadata",
        `Invalid 'metadata': the key '${key.slice(0, MAX_KEY)}…' has ${key.length} characters; at most ${MAX_KEY} are allowed.`,
      );
    if (typeof entry !== "string") throw wrongType(`metadata.${key}`, "a string", entry);
    if (entry.length > MAX_VALUE)
      throw invalid(`metadata.${key}`, `Invalid 'metadata.${key}': it has ${entry.length} characters; at most ${MAX_VALUE} are allowed.`);
  }
  return Object.fromEntries(pairs) as Record<string, string>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
