import type { Command } from "commander";
import { jsonOption } from "../arguments.ts";
import { acknowledge, batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";

export function addFinish(program: Command, context: Context): void {
  batchCommand(
    program,
    "finish",
    "end a batch now: what is open fails, what is done stays",
    'finish batch_1767225600000_a1b2c3d4e --reason "the source is gone"',
  )
    .option("--reason <text>", "why; kept in the audit log", "finished by hand")
    .addOption(jsonOption())
    .action(async (id: string, flags: ConnectionFlags & { reason: string; json?: boolean }) => {
      const batch = await withBatch(id, flags, (client) => client.finish(id, flags.reason));
      await acknowledge(context, flags.json, batch, `Finished ${id}: ${batch.status}`);
    });
}
