import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { Priority, ReplayRequest } from "../../client/index.ts";
import { jsonObject, jsonOption, priorityOption, repeatable } from "../arguments.ts";
import { batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { CommandError, usage } from "../exit.ts";
import { plural } from "../../terminal/figures.ts";
import { exitCodeOf, outcome, watchUntilEnd } from "../watching.ts";

interface Flags extends ConnectionFlags {
  failed?: boolean;
  item?: string[];
  edit?: string;
  operation?: string;
  options?: Record<string, unknown>;
  priority?: Priority;
  name?: string;
  idempotencyKey?: string;
  dryRun?: boolean;
  watch?: boolean;
  json?: boolean;
}

export function addReplay(program: Command, context: Context): void {
  batchCommand(program, "replay", "create a batch of the items another one has", "replay batch_1767225600000_a1b2c3d4e --failed --watch")
    .option("--failed", "only the items that have no success")
    .option("--item <key>", "only this item; can be given several times", repeatable)
    .option("--edit <file>", "other payloads: a JSON file with one object, key to payload")
    .option("--operation <name>", "another operation than the original's")
    .option("--options <json>", "options over those of the original; null takes one away", jsonObject)
    .addOption(priorityOption())
    .option("--name <text>", "a name for the batch")
    .option("--idempotency-key <key>", "the same key answers the same batch, however often it is sent")
    .option("--dry-run", "say what it would become and every fault, create nothing")
    .option("--watch", "stay until the batch has ended")
    .addOption(jsonOption())
    .action(async (id: string, flags: Flags) => {
      const request = await requestOf(flags);
      const { terminal } = context;
      await withBatch(id, flags, async (client) => {
        if (flags.dryRun === true) {
          const { items, bytes, chunks, batchSize, warnings } = await client.replayDryRun(id, request);
          if (flags.json === true) return terminal.out(`${JSON.stringify({ items, bytes, chunks, batchSize, warnings }, null, 2)}\n`);
          terminal.say(
            `Would create a batch with ${plural(items, "item")} in ${plural(chunks, "chunk")}, ${plural(bytes, "byte")} of payload`,
          );
          for (const warning of warnings) terminal.say(warning);
          return;
        }
        const batch = await client.replay(id, request, flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey });
        await terminal.out(flags.json === true ? `${JSON.stringify(batch, null, 2)}\n` : `${batch.id}\n`);
        terminal.say(`Created ${batch.id} with ${plural(batch.total_items, "item")} of ${id}`);
        for (const warning of batch.warnings) terminal.say(warning);
        if (flags.watch !== true) return;
        const last = await watchUntilEnd(context, client, batch.id, flags.json === true);
        terminal.say(outcome(last));
        context.end(exitCodeOf(last));
      });
    });
}

async function requestOf({ failed, item, edit, operation, options, priority, name }: Flags): Promise<ReplayRequest> {
  if (failed === true && item !== undefined) throw usage("Give --failed or --item, not both.");
  return {
    ...(failed === true ? { items: "failed" as const } : item === undefined ? {} : { items: item }),
    ...(edit === undefined ? {} : { edits: await editsIn(edit) }),
    ...(operation === undefined ? {} : { operation }),
    ...(options === undefined ? {} : { options }),
    ...(priority === undefined ? {} : { priority }),
    ...(name === undefined ? {} : { name }),
  };
}

async function editsIn(file: string): Promise<Record<string, Record<string, unknown>>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError(`Cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
  try {
    return jsonObject(text) as Record<string, Record<string, unknown>>;
  } catch {
    throw usage(`${file} must hold one JSON object, key to payload: {"item_1": {"price": 5}}`);
  }
}
