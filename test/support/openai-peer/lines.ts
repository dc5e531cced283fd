import type { OpenAI } from "openai";
import { randomText } from "../../../src/model/ids.ts";
import { type Endpoint, type Executed, type Question, questionOf } from "./answers.ts";
import type { BatchFault, Faults } from "./faults.ts";

export type BatchError = Required<OpenAI.Batches.BatchError>;

/** A line of an output or error file. */
export interface OutputLine {
  id?: string;
  custom_id: string | null;
  response: { status_code: number; request_id: string; body: unknown } | null;
  error: { code: string; message: string } | null;
}

/** `/v1/x` for `/v1/x` and `/x`: Azure leaves the version out. */
export const withVersion = (url: unknown): string => (typeof url === "string" && !url.startsWith("/v1/") ? `/v1${url}` : String(url));

/** The lines of an input file, and what makes the provider refuse it. `models` null = every model is known. */
export function readLines(
  text: string,
  endpoint: Endpoint,
  models: readonly string[] | null,
): { questions: Question[]; errors: BatchError[] } {
  const questions: Question[] = [];
  const errors: BatchError[] = [];
  const seen = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const read = readLine(line, endpoint, models);
    const error = "error" in read ? read.error : clash(read.question, questions[0], seen);
    if (error !== null) errors.push({ ...error, line: index + 1 });
    else if ("question" in read) {
      seen.add(read.question.customId!);
      questions.push(read.question);
    }
  }
  if (questions.length === 0 && errors.length === 0) errors.push({ ...EMPTY, line: null });
  return { questions, errors };
}

type LineError = Omit<BatchError, "line">;
type Read = { error: LineError } | { question: Question };

function clash({ customId, body }: Question, first: Question | undefined, seen: ReadonlySet<string>): LineError | null {
  if (seen.has(customId!)) return DUPLICATE;
  return first === undefined || first.body["model"] === body["model"] ? null : MISMATCHED;
}

const DUPLICATE: LineError = {
  code: "duplicate_custom_id",
  param: "custom_id",
  message:
    "The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.",
};
const MISMATCHED: LineError = {
  code: "mismatched_model",
  param: "body.model",
  message: "The provided model does not match the model of the other requests in the batch.",
};
const EMPTY: LineError = {
  code: "empty_file",
  param: null,
  message: "The input file is empty. Please ensure that the batch contains at least one request.",
};

function readLine(line: string, endpoint: Endpoint, models: readonly string[] | null): Read {
  const parsed = objectOf(line);
  if (parsed === null) return refused("invalid_json_line", null, "This line is not parseable as valid JSON.");
  for (const param of ["custom_id", "method", "url", "body"]) {
    if (parsed[param] === undefined || parsed[param] === null)
      return refused("missing_required_parameter", param, `Missing required parameter: '${param}'.`);
  }
  if (withVersion(parsed["url"]) !== endpoint) {
    return refused("invalid_url", "url", "The URL provided for this request does not match the batch endpoint.");
  }
  const body = parsed["body"] as Record<string, unknown>;
  const model = String(body["model"]);
  if (models !== null && !models.includes(model)) {
    return refused("model_not_found", "body.model", `The provided model '${model}' is not supported by the Batch API.`);
  }
  return { question: questionOf(endpoint, body, String(parsed["custom_id"])) };
}

const refused = (code: string, param: string | null, message: string): Read => ({ error: { code, param, message } });

function objectOf(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The two files of a batch that has ended so, as far as there are lines for them; `done` belongs to the first questions. */
export function resultLines(
  questions: readonly Question[],
  done: readonly (Executed & { requestId: string })[],
  { expired, ids }: { expired: boolean; ids: boolean },
): { good: OutputLine[]; bad: OutputLine[] } {
  const lines = questions.slice(0, expired ? questions.length : done.length).map(({ customId }, index): OutputLine => {
    const head = { ...(ids ? { id: `batch_req_${randomText(24)}` } : {}), custom_id: customId };
    const run = done[index];
    if (run === undefined) return { ...head, response: null, error: EXPIRED };
    return { ...head, response: { status_code: run.status, request_id: run.requestId, body: run.body }, error: null };
  });
  const [good, bad] = [true, false].map((wanted) => lines.filter(({ response }) => (response?.status_code === 200) === wanted));
  return { good: good!, bad: bad! };
}

const EXPIRED = { code: "batch_expired", message: "This request could not be executed before the completion window expired." };

/** What the faults make of an output file. */
export function distorted(lines: readonly OutputLine[], born: readonly BatchFault[], faults: Faults): OutputLine[] {
  return born.reduce<OutputLine[]>(
    (before, fault) => {
      const after = distort(before, fault, faults.random);
      if (after !== before) faults.count(fault.fault);
      return after;
    },
    [...lines],
  );
}

function distort(lines: OutputLine[], fault: BatchFault, random: () => number): OutputLine[] {
  if (lines.length === 0) return lines;
  switch (fault.fault) {
    case "shuffle":
      return shuffled(lines, random);
    case "repeat":
      return [...lines, ...some(lines, fault.share, random)];
    case "drop-lines": {
      const dropped = new Set(some(lines, fault.share, random));
      return lines.filter((line) => !dropped.has(line));
    }
    case "drop-ids": {
      const dropped = new Set(some(lines, fault.share, random));
      return lines.map((line) => (dropped.has(line) ? { ...line, custom_id: null } : line));
    }
    case "invent-ids":
      return [...lines, ...Array.from({ length: fault.lines }, () => ({ ...lines[0]!, custom_id: `invented-${randomText(8)}` }))];
    default:
      return lines;
  }
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value);
}

/** That share of the values, at least one. */
function some<T>(values: readonly T[], share: number, random: () => number): T[] {
  return shuffled(values, random).slice(0, Math.max(1, Math.floor(values.length * share)));
}
