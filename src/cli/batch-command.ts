import type { Command } from "commander";
import { ClientError, type Client } from "../client/index.ts";
import { connect, withConnection, type ConnectionFlags } from "./connection.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./exit.ts";

/** A command about one batch on a server: `<name> <id>`, with the connection's options and an example in its help. */
export function batchCommand(program: Command, name: string, description: string, example: string): Command {
  const command = program.command(name).description(description).argument("<id>", "id of the batch");
  return withConnection(command).addHelpText("after", `\nExample:\n  $ batchyard ${example}`);
}

/** Runs `work` against the server that is meant; an unknown batch ends in the one sentence for it. */
export async function withBatch<T>(id: string, flags: ConnectionFlags, work: (client: Client) => Promise<T>): Promise<T> {
  const client = connect(flags);
  try {
    return await work(client);
  } catch (error) {
    if (error instanceof ClientError && (error.code === "batch_not_found" || error.code === "batch_removed" || error.code === "bad_id"))
      throw new CommandError(`Batch ${id} not found.`);
    throw error;
  } finally {
    client.close();
  }
}

/** Says what was done on stderr, or gives the batch on stdout. */
export async function acknowledge(context: Context, json: boolean | undefined, batch: object, sentence: string): Promise<void> {
  if (json === true) await context.terminal.out(`${JSON.stringify(batch, null, 2)}\n`);
  else context.terminal.say(sentence);
}
