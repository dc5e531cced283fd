import type { MessagePort } from "node:worker_threads";
import { classify, type Failure } from "../../model/failure.ts";
import type { HandlerLog } from "../../operations/operation.ts";
import { idempotencyKey, type ChunkWork } from "../port.ts";
import { checkedShare } from "./voice.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly (keyof HandlerLog)[];

/** A group of items on its way into a thread. */
export interface ThreadCall {
  /** URL of a module that exports `processItem(payload, ctx)`. */
  module: string;
  items: readonly { key: string; payload: unknown }[];
  context: Pick<ChunkWork, "attempt" | "batchId" | "epoch" | "options" | "tenant" | "traceparent">;
  /** Only the first item starts after this moment of process.hrtime (nanoseconds), which is the same clock in every thread. */
  startsUntil: bigint;
  /** Gets a ThreadAnswer as each item ends, in their order: whoever ends this thread still finds what was done. */
  answers: MessagePort;
}

/** What the item that runs says; its answer comes behind. */
export type ThreadSaying = { level: keyof HandlerLog; said: readonly unknown[] } | { progress: number };

export type ThreadAnswer = ({ value: unknown } | { failure: Failure }) & { durationMs: number };

/** What runs inside the thread: one item after the other, until the group is done or its time is over. */
export default async function run({ module, items, context, startsUntil, answers }: ThreadCall): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index > 0 && process.hrtime.bigint() > startsUntil) return;
    const startedAt = performance.now();
    const answer = await runItem(module, item, context, (saying) => answers.postMessage(saying));
    const durationMs = performance.now() - startedAt;
    try {
      answers.postMessage({ ...answer, durationMs });
    } catch (error) {
      answers.postMessage({ failure: { ...classify(error), code: "result_not_serialisable", category: "permanent" }, durationMs });
    }
  }
}

/** Errors are classed here: their class and fields would not survive the way back. */
async function runItem(
  href: string,
  { key, payload }: ThreadCall["items"][number],
  context: ThreadCall["context"],
  say: (saying: ThreadSaying) => void,
): Promise<{ value: unknown } | { failure: Failure }> {
  try {
    const module = (await import(href)) as { processItem?: (payload: unknown, ctx: unknown) => unknown };
    if (typeof module.processItem !== "function") throw new TypeError(`${href} does not export processItem`);
    const { attempt, batchId, options, tenant, traceparent } = context;
    // The thread is ended from outside when the item must stop; the signal is there for handlers that pass it on.
    const ctx = {
      attempt,
      batchId,
      options,
      tenant,
      traceparent,
      key,
      idempotencyKey: idempotencyKey(context, key),
      signal: new AbortController().signal,
      log: Object.fromEntries(LEVELS.map((level) => [level, (...said: unknown[]) => say({ level, said })])),
      progress: (share: number) => say({ progress: checkedShare(share) }),
    };
    return { value: await module.processItem(payload, ctx) };
  } catch (error) {
    return { failure: classify(error) };
  }
}
