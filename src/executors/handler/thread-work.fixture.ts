import { appendFileSync, readFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
import type { HandlerLog } from "../../operations/operation.ts";
import { opened } from "../../../test/support/gate.ts";

/** What items ask a thread to do. */
export async function processItem(
  item: {
    does: "sum" | "meet" | "loop" | "exit" | "throw" | "bigint" | "function" | "wait" | "note" | "speak";
    upTo?: number;
    file?: string;
    gate?: string;
  },
  ctx: { attempt: number; key: string; options: unknown; log: HandlerLog; progress: (share: number) => void },
): Promise<{ result: unknown }> {
  switch (item.does) {
    case "sum": {
      let sum = 0;
      for (let i = 1; i <= (item.upTo ?? 0); i++) sum += i;
      return { result: { sum, threadId, key: ctx.key } };
    }
    case "meet": {
      // Occupies its thread until so many threads are there.
      appendFileSync(item.file!, `${threadId}\n`);
      const here = (): number => new Set(readFileSync(item.file!, "utf8").trim().split("\n")).size;
      while (here() < item.upTo!) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      return { result: { threadId } };
    }
    case "loop":
      appendFileSync(item.file!, `${ctx.key}\n`);
      for (;;);
    case "exit":
      return process.exit(7);
    case "throw":
      throw Object.assign(new Error("from the thread"), { status: 422 });
    case "bigint":
      return { result: 1n };
    case "function":
      return { result: () => 1 };
    case "note":
      appendFileSync(item.file!, `${ctx.key}\n`);
      return { result: threadId };
    case "speak":
      ctx.log.error({ left: 3 }, "nearly");
      ctx.progress(0.5);
      return { result: "spoke" };
    case "wait":
      appendFileSync(item.file!, `${ctx.key}\n`);
      await opened(item.gate!);
      return { result: "waited" };
  }
}
