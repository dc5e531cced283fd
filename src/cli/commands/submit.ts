import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Command } from "commander";
import type { Batch, Client, CreateRequest, Priority } from "../../client/index.ts";
import { linesOf } from "../../client/lines.ts";
import type { ReadFormat } from "../../formats/format.ts";
import { inputFormatOption, jsonObject, jsonOption, priorityOption, repeatable } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { plural } from "../../terminal/figures.ts";
import { openInput } from "../input-file.ts";
import { exitCodeOf, outcome, watchUntilEnd } from "../watching.ts";

interface Flags extends ConnectionFlags {
  input: string;
  inputFormat?: ReadFormat;
  options?: Record<string, unknown>;
  name?: string;
  tag?: string[];
  priority?: Priority;
  dependsOn?: string[];
  idempotencyKey?: string;
  watch?: boolean;
  json?: boolean;
}

export function addSubmit(program: Command, context: Context): void {
  withConnection(
    program.command("submit").description("create a batch on a server out of a file").argument("<operation>", "what is done to the items"),
  )
    .requiredOption("--input <file>", "items: jsonl, csv, json or xlsx; - is stdin")
    .addOption(inputFormatOption())
    .option("--options <json>", "options of the batch and of its operation", jsonObject)
    .option("--name <text>", "a name for the batch")
    .option("--tag <tag>", "a tag; can be given several times", repeatable)
    .addOption(priorityOption())
    .option("--depends-on <id>", "start when this batch has ended; can be given several times", repeatable)
    .option("--idempotency-key <key>", "the same key answers the same batch, however often it is sent")
    .option("--watch", "stay until the batch has ended")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      '\nExample:\n  $ batchyard submit validate --input products.csv --options \'{"schema":{"required":["price"]}}\' --watch',
    )
    .action(async (operation: string, flags: Flags) => {
      const client = connect(flags);
      const batch = await create(client, operation, flags);
      const { terminal } = context;
      if (flags.watch !== true) {
        await terminal.out(flags.json === true ? `${JSON.stringify(batch, null, 2)}\n` : `${batch.id}\n`);
        terminal.say(`Created with ${plural(batch.total_items, "item")}; follow it with: batchyard batch-status ${batch.id} --watch`);
        return;
      }
      if (flags.json !== true) terminal.say(`Created ${batch.id} with ${plural(batch.total_items, "item")}`);
      const last = await watchUntilEnd(context, client, batch.id, flags.json === true);
      if (flags.json !== true) await terminal.out(`${last.id}\n`);
      terminal.say(outcome(last));
      context.end(exitCodeOf(last));
    });
}

/** Lines are streamed as the items they are; tables are stored as a file first, so that the server reads them row by row. */
async function create(client: Client, operation: string, flags: Flags): Promise<Batch> {
  const input = await openInput(flags.input, flags.inputFormat);
  const request: CreateRequest = {
    operation,
    ...(flags.options === undefined ? {} : { options: flags.options }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.tag === undefined ? {} : { tags: flags.tag }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
    ...(flags.dependsOn === undefined ? {} : { depends_on: flags.dependsOn }),
  };
  const extras = flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey };
  const bytes = Readable.toWeb(Readable.from(input.bytes, { objectMode: false })) as ReadableStream<Uint8Array<ArrayBuffer>>;
  if (input.format === "jsonl") return client.create(request, linesOf(bytes), extras);
  const file = await client.files.upload(input.name, bytes, input.contentType);
  return client.create({ ...request, input: { file_id: file.id } }, undefined, extras);
}
