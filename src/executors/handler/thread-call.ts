import { classify, type Failure } from "../../model/failure.ts";

/** One item on its way into a thread. */
export interface ThreadCall {
  /** URL of a module that exports `processItem(payload, ctx)`. */
  module: string;
  payload: unknown;
  context: { attempt: number; idempotencyKey: string; key: string; batchId: string; tenant: string; options: unknown };
}

export type ThreadAnswer = { value: unknown } | { failure: Failure };

/** What runs inside the thread. Errors are classed here: their class and fields would not survive the way back. */
export default async function run(call: ThreadCall): Promise<ThreadAnswer> {
  try {
    const module = (await import(call.module)) as { processItem?: (payload: unknown, ctx: unknown) => unknown };
    if (typeof module.processItem !== "function") throw new TypeError(`${call.module} does not export processItem`);
    // The thread is ended from outside when the item must stop; the signal is there for handlers that pass it on.
    const context = { ...call.context, signal: new AbortController().signal };
    return { value: await module.processItem(call.payload, context) };
  } catch (error) {
    return { failure: classify(error) };
  }
}
