import { classify } from "../../model/failure.ts";
import type { ItemOutcome } from "../../operations/operation.ts";
import type { ChunkWork, Outcome, RunControl } from "../port.ts";

/** What a handler returned, as an outcome. Anything but `{ result, qualityScore?, cost? }` is the handler's fault. Never throws, as a getter or a proxy may. */
export function toOutcome(value: unknown, durationMs: number): Outcome {
  try {
    return read(value, durationMs);
  } catch (error) {
    return broken("bad_result", `What the handler returned cannot be read: ${classify(error).error}`, durationMs);
  }
}

function read(value: unknown, durationMs: number): Outcome {
  if (typeof value !== "object" || value === null || !("result" in value)) {
    const found =
      value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object without 'result'" : typeof value;
    return broken("result_missing", `The handler returned ${found}; return { result } (null is fine as a result)`, durationMs);
  }
  const qualityScore = "qualityScore" in value ? value.qualityScore : undefined;
  const cost = "cost" in value ? value.cost : undefined;
  if (qualityScore !== undefined && !(typeof qualityScore === "number" && qualityScore >= 0 && qualityScore <= 1)) {
    return broken(
      "bad_quality_score",
      `The handler returned the qualityScore ${shown(qualityScore)}; it must be a number from 0 to 1`,
      durationMs,
    );
  }
  if (cost !== undefined && !(typeof cost === "number" && Number.isFinite(cost) && cost >= 0)) {
    return broken("bad_cost", `The handler returned the cost ${shown(cost)}; it must be a number of US dollars`, durationMs);
  }
  return { ok: true, result: value.result, qualityScore, cost, durationMs };
}

const shown = (value: unknown): string => (typeof value === "number" || typeof value === "string" ? String(value) : typeof value);

function broken(code: string, error: string, durationMs: number): Outcome {
  return { ok: false, error, code, category: "permanent", durationMs };
}

/**
 * Settles a chunk from a list of per-item answers: unknown or repeated keys break the contract and fail the whole chunk,
 * an item without an answer fails with `result_missing`.
 */
export function settleAll(work: ChunkWork, control: RunControl, answers: unknown, durationMs: number): void {
  try {
    settleEach(work, control, answers, durationMs);
  } catch (error) {
    const message = `What the batch handler returned cannot be read: ${classify(error).error}`;
    for (const i of work.items.keys()) control.settle(i, broken("contract_violation", message, durationMs / work.items.length));
  }
}

function settleEach(work: ChunkWork, control: RunControl, answers: unknown, durationMs: number): void {
  const each = durationMs / Math.max(1, work.items.length);
  const failAll = (error: string): void => {
    for (let i = 0; i < work.items.length; i++) control.settle(i, broken("contract_violation", error, each));
  };
  if (!Array.isArray(answers)) return failAll("The batch handler must return an array of { key, result } or { key, error }");
  const places = new Map(work.items.map((item, index) => [item.key, index]));
  const seen = new Map<number, ItemOutcome>();
  for (const answer of answers as unknown[]) {
    const key = typeof answer === "object" && answer !== null && "key" in answer ? answer.key : undefined;
    const index = typeof key === "string" ? places.get(key) : undefined;
    if (index === undefined)
      return failAll(`The batch handler answered for the key ${JSON.stringify(key) ?? "undefined"}, which is not in its chunk`);
    if (seen.has(index)) return failAll(`The batch handler answered twice for the key ${JSON.stringify(key)}`);
    seen.set(index, answer as ItemOutcome);
  }
  for (const i of work.items.keys()) {
    const answer = seen.get(i);
    if (answer === undefined) control.settle(i, broken("result_missing", "The batch handler returned no result for this item", each));
    else if ("error" in answer) control.settle(i, { ok: false, ...classify(answerError(answer)), durationMs: each });
    else control.settle(i, toOutcome(answer, each));
  }
}

/** An `{ key, error, code?, category?, … }` answer as an error that classify understands. */
function answerError(answer: Extract<ItemOutcome, { error: string }>): Error {
  const { error, code = "item_failed", category = "permanent", ...details } = answer;
  return Object.assign(new Error(shown(error)), details, { code, category });
}
