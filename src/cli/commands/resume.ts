import type { Command } from "commander";
import { jsonOption } from "../arguments.ts";
import { acknowledge, batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";

export function addResume(program: Command, context: Context): void {
  batchCommand(program, "resume", "go on with a paused batch where it was", "resume batch_1767225600000_a1b2c3d4e")
    .addOption(jsonOption())
    .action(async (id: string, flags: ConnectionFlags & { json?: boolean }) => {
      const batch = await withBatch(id, flags, (client) => client.resume(id));
      await acknowledge(context, flags.json, batch, `Resumed ${id}`);
    });
}
