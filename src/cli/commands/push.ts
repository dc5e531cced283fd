import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Command } from "commander";
import { jsonOption } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { usage } from "../exit.ts";
import { plural } from "../../terminal/figures.ts";
import { openInput } from "../input-file.ts";
import { clean } from "../../terminal/terminal.ts";

const SHOWN = 5;

export function addPush(program: Command, context: Context): void {
  withConnection(
    program
      .command("push")
      .description("hand items to a stream, one JSON object a line; answered when they are stored")
      .argument("<stream>", "name of the stream")
      .argument("<file>", "JSON lines; - is stdin"),
  )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard push detections detections.jsonl")
    .action(async (stream: string, file: string, flags: ConnectionFlags & { json?: boolean }) => {
      const input = await openInput(file, undefined);
      if (input.format !== "jsonl")
        throw usage(`push takes JSON lines, ${input.name} is ${input.format}; turn it into one object a line first`);
      const bytes = Readable.toWeb(Readable.from(input.bytes, { objectMode: false })) as ReadableStream<Uint8Array<ArrayBuffer>>;
      const answer = await connect(flags).streams.pushLines(stream, bytes);
      const { terminal } = context;
      if (flags.json === true) await terminal.out(`${JSON.stringify(answer, null, 2)}\n`);
      else {
        await terminal.out(`${answer.accepted}\n`);
        terminal.say(`${plural(answer.accepted, "item")} taken by ${clean(stream)}, ${answer.rejectedCount} refused`);
        for (const { index, message } of answer.rejected.slice(0, SHOWN)) terminal.say(`  item ${index + 1}: ${clean(message)}`);
      }
      // As with batches: what was refused shows in the exit code.
      if (answer.rejectedCount > 0) context.end(4);
    });
}
