import type { Command } from "commander";
import { jsonOption, repeatable } from "../arguments.ts";
import { acknowledge, batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { plural } from "../../terminal/figures.ts";
import { exitCodeOf, outcome, watchUntilEnd } from "../watching.ts";

interface Flags extends ConnectionFlags {
  error?: string;
  item?: string[];
  watch?: boolean;
  json?: boolean;
}

export function addRetry(program: Command, context: Context): void {
  batchCommand(program, "retry", "run the failed items of an ended batch again", "retry batch_1767225600000_a1b2c3d4e --watch")
    .option("--error <fingerprint>", "only the failures of one group, as batch-status --json names it")
    .option("--item <key>", "only this item; can be given several times", repeatable)
    .option("--watch", "stay until the batch has ended again")
    .addOption(jsonOption())
    .action(async (id: string, flags: Flags) => {
      await withBatch(id, flags, async (client) => {
        const batch = await client.retry(id, {
          ...(flags.error === undefined ? {} : { errorFingerprint: flags.error }),
          ...(flags.item === undefined ? {} : { nodeIds: flags.item }),
        });
        const open = batch.total_items - batch.processed_items - batch.cancelled_items - batch.expired_items;
        await acknowledge(context, flags.json, batch, `Retrying ${plural(open, "item")} of ${id} (run ${batch.epoch})`);
        if (flags.watch !== true) return;
        const last = await watchUntilEnd(context, client, id, flags.json === true);
        context.terminal.say(outcome(last));
        context.end(exitCodeOf(last));
      });
    });
}
