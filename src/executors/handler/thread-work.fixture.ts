import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";

/** What items ask a thread to do. */
export async function processItem(
  item: { does: "sum" | "loop" | "exit" | "throw" | "bigint" | "function" | "sleep" | "note"; upTo?: number; file?: string },
  ctx: { attempt: number; key: string; options: unknown },
): Promise<{ result: unknown }> {
  switch (item.does) {
    case "sum": {
      let sum = 0;
      for (let i = 1; i <= (item.upTo ?? 0); i++) sum += i;
      return { result: { sum, threadId, key: ctx.key } };
    }
    case "loop":
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
    case "sleep":
      await sleep(1000);
      return { result: "slept" };
  }
}
