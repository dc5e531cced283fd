import type { Command } from "commander";
import { ClientError, type Client } from "../../client/index.ts";
import { jsonOption } from "../arguments.ts";
import { acknowledge, batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../exit.ts";

export function addCancel(program: Command, context: Context): void {
  batchCommand(
    program,
    "cancel",
    "cancel a batch: nothing of it starts any more, what is done stays",
    "cancel batch_1767225600000_a1b2c3d4e",
  )
    .addOption(jsonOption())
    .action(async (id: string, flags: ConnectionFlags & { json?: boolean }) => {
      const batch = await withBatch(id, flags, async (client) => client.cancel(id).catch((error: unknown) => explain(client, id, error)));
      await acknowledge(context, flags.json, batch, `Cancelled ${id}`);
    });
}

/** The API has one answer for "unknown" and "already over"; a person wants to know which. */
async function explain(client: Client, id: string, error: unknown): Promise<never> {
  if (!(error instanceof ClientError) || error.code !== "not_cancellable") throw error;
  const { status } = await client.get(id);
  throw new CommandError(`Batch ${id} is ${status} and cannot be cancelled.`);
}
