import type { Comparison } from "batchyard/client";

export type Changed = Comparison["changed"][number];

/** Whether each succeeded, and in one sentence what is not the same. */
export interface Change {
  first: boolean;
  second: boolean;
  sentence: string;
}

const NAMES: Readonly<Record<string, string>> = { result: "result", error: "error", errorCode: "code", qualityScore: "score" };
const MOST_FIELDS = 4;

export function changeOf({ a, b }: Changed): Change {
  const [first, second] = [recordOf(a), recordOf(b)];
  const parts: string[] = [];
  if (second["error"] !== first["error"] && typeof second["error"] === "string") parts.push(second["error"]);
  else
    for (const [name, word] of Object.entries(NAMES))
      if (JSON.stringify(first[name]) !== JSON.stringify(second[name])) parts.push(sentenceOf(word, first[name], second[name]));
  return { first: first["success"] === true, second: second["success"] === true, sentence: parts.join("; ") };
}

/** "score 0.5 → 0.8"; of larger values the fields that differ: "result: title, price". */
function sentenceOf(word: string, before: unknown, after: unknown): string {
  if (isSmall(before) && isSmall(after)) return `${word} ${written(before)} → ${written(after)}`;
  const [x, y] = [recordOf(before), recordOf(after)];
  const fields = [...new Set([...Object.keys(x), ...Object.keys(y)])].filter((key) => JSON.stringify(x[key]) !== JSON.stringify(y[key]));
  if (fields.length === 0) return word;
  const [only] = fields;
  if (fields.length === 1 && only !== undefined && isSmall(x[only]) && isSmall(y[only]))
    return `${only} ${written(x[only])} → ${written(y[only])}`;
  return `${word}: ${fields.slice(0, MOST_FIELDS).join(", ")}${fields.length > MOST_FIELDS ? " …" : ""}`;
}

function isSmall(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function written(value: unknown): string {
  return value === undefined || value === null ? "none" : typeof value === "string" ? value : JSON.stringify(value);
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
