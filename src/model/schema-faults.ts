import { z } from "zod";
import type { Fault } from "./errors.ts";

type Issue = z.core.$ZodIssue;

/** How the library words a fault where a schema does not. */
const english = z.locales.en().localeError;

/** Every fault of a value as the contract words it: dotted path, a sentence with the cure, a code of the catalogue. */
export function faultsOf(error: z.ZodError, schema: z.ZodType, value: unknown): Fault[] {
  return error.issues.flatMap((issue) => fromIssue(issue, schema, value));
}

/** The known name a mistyped one was probably meant to be; null when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const steps = distance(word.toLowerCase(), candidate.toLowerCase());
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}

function fromIssue(issue: Issue, schema: z.ZodType, value: unknown): Fault[] {
  const path = dotted(issue.path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysAt(schema, issue.path);
      return issue.keys.map((key) => {
        const meant = didYouMean(key, known);
        const message = meant === null ? `unknown field '${key}'` : `unknown field '${key}'; did you mean '${meant}'?`;
        return { path: path === "" ? key : `${path}.${key}`, message, code: "unknown_field" };
      });
    }
    case "invalid_type": {
      const found = valueAt(value, issue.path);
      if (typeof found === "number") {
        if (issue.expected === "int" || issue.expected === "number") return [{ path, message: issue.message, code: "out_of_range" }];
      }
      if (found === undefined) return [{ path, message: "is required", code: "required" }];
      return [{ path, message: `must be ${named(issue.expected)}, not ${kindOf(found)}`, code: "invalid_type" }];
    }
    case "too_small":
    case "too_big": {
      const code =
        issue.origin === "number" || issue.origin === "int" ? "out_of_range" : issue.code === "too_small" ? "too_short" : "too_long";
      return [{ path, message: sizeMessage(issue), code }];
    }
    case "invalid_value": {
      const found = valueAt(value, issue.path);
      const choices = issue.values.map(String);
      const meant = typeof found === "string" ? didYouMean(found, choices) : null;
      const code =
        found === undefined
          ? "required"
          : typeof found === "string" || typeof found === typeof issue.values[0]
            ? "invalid_value"
            : "invalid_type";
      return [{ path, message: `must be one of ${choices.join(", ")}${meant === null ? "" : `; did you mean '${meant}'?`}`, code }];
    }
    case "invalid_union":
      return fromUnion(issue, schema, value);
    case "custom": {
      const code: unknown = issue.params?.["code"];
      return [{ path, message: issue.message, code: typeof code === "string" ? code : "invalid_value" }];
    }
    default:
      return [{ path, message: issue.message, code: issue.code }];
  }
}

/** What a schema says of its bounds, or our words where it says nothing. */
function sizeMessage(issue: Extract<Issue, { code: "too_small" | "too_big" }>): string {
  const own = english({ ...issue, input: undefined });
  if (issue.message !== (typeof own === "string" ? own : own?.message)) return issue.message;
  const bound = issue.code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  switch (issue.origin) {
    case "array":
    case "set":
      return `must have ${bound} entries`;
    case "string":
      return `must have ${bound} characters`;
    default:
      return `must be ${bound}`;
  }
}

/** Of a union, the faults of the branch that came nearest: the one whose first fault lies deepest, else that is not a wrong type. */
function fromUnion(issue: Extract<Issue, { code: "invalid_union" }>, schema: z.ZodType, value: unknown): Fault[] {
  const near = issue.errors.filter((issues) => issues.length > 0).sort((a, b) => score(b) - score(a))[0];
  if (near === undefined) return [{ path: dotted(issue.path), message: issue.message, code: "invalid_value" }];
  return near.flatMap((inner) => fromIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema, value));
}

function score(issues: readonly Issue[]): number {
  const first = issues[0];
  if (first === undefined) return -1;
  return first.path.length * 2 + (first.code === "invalid_type" && first.path.length === 0 ? 0 : 1);
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}

/** The names an object schema knows at a path; none where the schema is not a closed object. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = bare(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = bare(at.shape[String(step)]);
    else if (at instanceof z.ZodArray) at = bare(at.element);
    else if (at instanceof z.ZodUnion)
      at = at.options.map((option) => bare(option)).find((option) => option instanceof z.ZodArray === (typeof step === "number"));
    else return [];
    if (at instanceof z.ZodArray && typeof step === "number") at = bare(at.element);
  }
  if (at instanceof z.ZodUnion) at = at.options.map((option) => bare(option)).find((option) => option instanceof z.ZodObject);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function bare(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodNullable)
    at = at.unwrap();
  return at;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return named(typeof value);
}

function named(kind: string): string {
  if (kind === "record") return "an object";
  if (kind === "int") return "a whole number";
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return 99;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}
