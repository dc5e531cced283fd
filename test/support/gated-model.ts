import { defineOperation } from "../../src/operations/define.ts";
import type { Operation } from "../../src/operations/operation.ts";

/** A model of which some answers wait until the test lets them go. */
export interface GatedModel {
  operation: Operation;
  /** custom_ids of lines that wait, in the order they came. */
  readonly waiting: string[];
  /** Resolves when so many lines wait. */
  held(count: number): Promise<void>;
  /** Lets everything go that waits, now and from now on. */
  open(): void;
}

/** Messages that start with "hold" wait; "fail" fails for good; every other one is answered with itself. */
export function gatedModel(name = "gated"): GatedModel {
  const waiting: string[] = [];
  const gate = Promise.withResolvers<void>();
  const told = new Set<() => void>();
  const operation = defineOperation({
    name,
    async processItem(item: string, ctx) {
      if (item.startsWith("fail")) throw Object.assign(new Error("It never works"), { category: "permanent", code: "never" });
      if (!item.startsWith("hold")) return { result: item };
      waiting.push(ctx.key);
      for (const tell of told) tell();
      const stopped = new Promise<never>((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
      });
      await Promise.race([gate.promise, stopped]);
      return { result: item };
    },
  });
  return {
    operation,
    waiting,
    async held(count) {
      while (waiting.length < count) {
        await new Promise<void>((resolve) => {
          const tell = (): void => {
            told.delete(tell);
            resolve();
          };
          told.add(tell);
        });
      }
    },
    open: () => gate.resolve(),
  };
}
