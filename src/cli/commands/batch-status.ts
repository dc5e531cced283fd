import type { Command } from "commander";
import { jsonOption } from "../arguments.ts";
import { batchCommand, withBatch } from "../batch-command.ts";
import { batchScreen } from "../../terminal/batch-screen.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import type { Batch } from "../../client/index.ts";
import { exitCodeOf, watchUntilEnd } from "../watching.ts";

interface Flags extends ConnectionFlags {
  watch?: boolean;
  json?: boolean;
}

export function addBatchStatus(program: Command, context: Context): void {
  batchCommand(
    program,
    "batch-status",
    "show one batch: progress, rate, errors, what it waits for",
    "batch-status batch_1767225600000_a1b2c3d4e --watch",
  )
    .option("--watch", "stay and show it moving until it has ended")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe exit code of an ended batch is 4 when items failed; with --watch it is 1 when the batch was cancelled or expired.",
    )
    .action(async (id: string, flags: Flags) => {
      await withBatch(id, flags, async (client) => {
        if (flags.watch === true) await watchUntilEnd(context, client, id, flags.json === true);
        const batch = await client.get(id);
        const errors = batch.failed_items > 0 ? await client.errors(id) : [];
        const why = batch.completed_at === null ? await client.why(id) : null;
        if (flags.json === true) {
          const whole = { ...batch, errors, why: why === null ? null : { state: why.state, reasons: why.reasons, eta: why.eta } };
          await context.terminal.out(`${JSON.stringify(whole, null, flags.watch === true ? 0 : 2)}\n`);
        } else await context.terminal.out(batchScreen(batch, errors, why, context.terminal.outPaint, Date.now()));
        if (ended(batch) && (flags.watch === true || batch.failed_items > 0)) context.end(exitCodeOf(batch));
      });
    });
}

function ended(batch: Batch): boolean {
  return batch.completed_at !== null;
}
