import type { HandlerContext, Operation } from "../operations/operation.ts";

/** Counts the calls of handlers that are under way. A call also ends when its item is stopped by signal: nobody waits for it any more. */
export class HandlerCalls {
  /** Under way. */
  open = 0;
  /** Grows with every call that starts or ends. */
  changes = 0;

  /** The same operation, its handler counted. */
  counted(operation: Operation): Operation {
    const { processItem, processBatch } = operation;
    if (processItem !== undefined)
      return { ...operation, processItem: (payload, ctx) => this.during(ctx, () => processItem.call(operation, payload, ctx)) };
    if (processBatch !== undefined)
      return { ...operation, processBatch: (items, ctx) => this.during(ctx, () => processBatch.call(operation, items, ctx)) };
    return operation;
  }

  private during<T>(ctx: HandlerContext<unknown>, call: () => T | Promise<T>): T | Promise<T> {
    this.open += 1;
    this.changes += 1;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      this.open -= 1;
      this.changes += 1;
    };
    let answer: T | Promise<T>;
    try {
      answer = call();
    } catch (error) {
      end();
      throw error;
    }
    if (answer instanceof Promise) {
      ctx.signal.addEventListener("abort", end, { once: true });
      answer.then(end, end);
    } else {
      end();
    }
    return answer;
  }
}
