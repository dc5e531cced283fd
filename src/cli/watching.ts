import type { Batch, Client } from "../client/index.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { count } from "../terminal/figures.ts";
import { ProgressLine } from "../terminal/progress.ts";

/** Shows a batch moving until it has ended; returns it as it ended. With `json` each move is a line on stdout. */
export async function watchUntilEnd(context: Context, client: Client, id: string, json: boolean): Promise<Batch> {
  const line = new ProgressLine(context.terminal);
  let last: Batch | null = null;
  for await (const move of client.watch(id)) {
    last = move.batch;
    const { batch, ...counts } = move;
    if (json) await context.terminal.out(`${JSON.stringify(counts)}\n`);
    else {
      line.update({
        label: batch.status === "paused" ? `${batch.operation} (paused)` : batch.operation,
        total: move.total,
        processed: move.processed,
        failed: move.failed,
        progress: move.progress,
        itemsPerSecond: move.itemsPerSecond,
        etaAt: move.etaAt === null ? null : Date.parse(move.etaAt),
      });
    }
  }
  if (!json) line.end();
  return last ?? (await client.get(id));
}

/** How the end of a batch ends a command: 4 when items failed, 1 when it was stopped before its end. */
export function exitCodeOf(batch: Pick<Batch, "status" | "failed_items">): ExitCode {
  if (batch.status === "cancelled" || batch.status === "expired") return EXIT.error;
  return batch.failed_items > 0 || batch.status === "failed" ? EXIT.failedItems : EXIT.ok;
}

/** "completed: 98 succeeded, 2 failed of 100" */
export function outcome(batch: Pick<Batch, "status" | "succeeded_items" | "failed_items" | "total_items">): string {
  return `${batch.status}: ${count(batch.succeeded_items)} succeeded, ${count(batch.failed_items)} failed of ${count(batch.total_items)}`;
}
