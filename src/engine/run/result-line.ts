import { fingerprint } from "../../model/failure.ts";
import { stampOf } from "../../model/success-block.ts";
import type { NewFailure } from "../../store/port.ts";
import type { Outcome } from "../../executors/port.ts";

/** Longest result of one item, in characters of JSON. */
export const MAX_RESULT_CHARS = 1_048_576;
/** The same for what a model answers: it is paid for, and the vectors of a few hundred texts are longer than anything a handler should return. */
export const MAX_ANSWER_CHARS = 16 * 1_048_576;

/** Milliseconds with three decimals: what a clock of microseconds can tell. */
export const milliseconds = (ms: number): number => Math.round(ms * 1000) / 1000;

/** The JSON text of a result, or the failure that it cannot be one. Functions, symbols, BigInts and cycles are not JSON. */
export function resultText(result: unknown, maxChars = MAX_RESULT_CHARS): string | { error: string; code: string } {
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch (error) {
    const reason =
      error instanceof RangeError
        ? "it is nested too deeply"
        : error instanceof Error
          ? error.message.split("\n")[0]!
          : "it cannot be serialised";
    return { error: `The result is not JSON: ${reason}`, code: "result_not_serialisable" };
  }
  if (text === undefined)
    return { error: `The result is ${typeof result}, which is not JSON; return null for "nothing"`, code: "result_not_serialisable" };
  if (text.length > maxChars) {
    return {
      error: `The result is ${text.length} characters of JSON; at most ${maxChars} are kept. Save it as a file and return its id`,
      code: "result_too_large",
    };
  }
  if (text.includes("null") && holdsNoNumber(result)) {
    return {
      error: "The result holds NaN or Infinity, which JSON cannot: it would become null. Return null or a text instead",
      code: "result_not_serialisable",
    };
  }
  return text;
}

/** JSON writes NaN and the infinities as null; only results with a null in them are looked through. */
function holdsNoNumber(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value !== "object" || value === null || "toJSON" in value) return false;
  return Object.values(value).some(holdsNoNumber);
}

/** A final failure with its ItemResult. `cost`: US dollars its last try was paid with. */
export function failureRow(
  key: string,
  index: number,
  outcome: Extract<Outcome, { ok: false }>,
  retries: number,
  now: number,
  cost?: number,
): NewFailure {
  const found = outcome.result === undefined ? undefined : resultText(outcome.result);
  const result = typeof found === "string" ? `"result":${found},` : "";
  const quality = outcome.qualityScore === undefined ? "" : `"qualityScore":${outcome.qualityScore},`;
  const paid = cost === undefined ? "" : `"cost":${cost},`;
  return {
    nodeId: key,
    index,
    fingerprint: groupOf(outcome.code, outcome.error),
    error: outcome.error,
    code: outcome.code,
    category: outcome.category,
    line:
      `{"nodeId":${JSON.stringify(key)},"success":false,${result}${quality}"error":${JSON.stringify(outcome.error)},"errorCode":${JSON.stringify(outcome.code)},` +
      `"retries":${retries},"durationMs":${milliseconds(outcome.durationMs)},${paid}"createdAt":"${stampOf(now)}"}`,
  };
}

const groups = new Map<string, string>();

/** Fingerprint of an error; the same sentences come again and again. */
function groupOf(code: string, error: string): string {
  const name = `${code}\0${error}`;
  let group = groups.get(name);
  if (group === undefined) {
    group = fingerprint(code, error).fingerprint;
    if (groups.size >= 1000) groups.clear();
    groups.set(name, group);
  }
  return group;
}
