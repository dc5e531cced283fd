import type { Command } from "commander";
import type { Stream } from "../../client/index.ts";
import { jsonObject, jsonOption } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { count, duration, plural, table } from "../../terminal/figures.ts";
import { clean } from "../../terminal/terminal.ts";

interface Flags extends ConnectionFlags {
  json?: boolean;
}

/** `streams` lists; the commands below it show and change one. */
export function addStreams(program: Command, context: Context): void {
  const { terminal } = context;
  const streams = program
    .command("streams")
    .description("list streams, show their open windows, change them")
    .addHelpText(
      "after",
      '\nExample:\n  $ batchyard streams list\n  $ batchyard streams put orders \'{"operation":"validate","windowSeconds":60}\'',
    );

  withConnection(streams.command("list", { isDefault: true }).description("list streams"))
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard streams list")
    .action(async (flags: Flags) => {
      const list = await connect(flags).streams.list();
      if (flags.json === true) return terminal.out(`${JSON.stringify(list, null, 2)}\n`);
      const rows = list.map((stream) => [
        clean(stream.name),
        clean(String(stream.definition["operation"])),
        stateOf(stream),
        count(stream.open_windows),
        count(stream.open_items),
      ]);
      return terminal.out(table([["NAME", "OPERATION", "STATE", "WINDOWS", "ITEMS"], ...rows], [3, 4]));
    });

  withConnection(
    streams.command("windows").description("open windows, those open longest first").argument("<stream>", "name of the stream"),
  )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard streams windows detections")
    .action(async (name: string, flags: Flags) => {
      const page = await connect(flags).streams.windows(name);
      if (flags.json === true) return terminal.out(`${JSON.stringify(page, null, 2)}\n`);
      if (page.total === 0) return terminal.say(`No window of ${clean(name)} is open`);
      const rows = page.windows.map((window) => [
        window.batch_id,
        clean(window.key),
        count(window.items),
        duration(window.age_seconds * 1000),
        duration(window.idle_seconds * 1000),
        window.due_at ?? "by size",
      ]);
      return terminal.out(table([["BATCH", "KEY", "ITEMS", "AGE", "IDLE", "DUE"], ...rows], [2, 3, 4]));
    });

  withConnection(
    streams
      .command("put")
      .description("create or change a stream; open windows obey at once")
      .argument("<stream>", "name of the stream")
      .argument("<definition>", "its definition as JSON", jsonObject),
  )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      '\nExample:\n  $ batchyard streams put orders \'{"operation":"transform","options":{"expression":"id"},"keyField":"shop","windowSeconds":60}\'',
    )
    .action(async (name: string, definition: Record<string, unknown>, flags: Flags) => {
      const stream = await connect(flags).streams.put(name, definition);
      if (flags.json === true) return terminal.out(`${JSON.stringify(stream, null, 2)}\n`);
      return terminal.say(`Stream ${clean(name)} is ${stateOf(stream)}; hand it items with: batchyard push ${clean(name)} FILE`);
    });

  withConnection(
    streams
      .command("flush")
      .description("close open windows now")
      .argument("<stream>", "name of the stream")
      .option("--key <key>", "only the window of this key"),
  )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard streams flush detections --key gate")
    .action(async (name: string, flags: Flags & { key?: string }) => {
      const batches = await connect(flags).streams.flush(name, flags.key);
      if (flags.json === true) return terminal.out(`${JSON.stringify({ batches }, null, 2)}\n`);
      terminal.say(`${plural(batches.length, "window")} closed`);
      return terminal.out(batches.map((id) => `${id}\n`).join(""));
    });

  for (const [word, description] of [
    ["pause", "let windows fill and close by size only"],
    ["resume", "close windows by all their rules again"],
  ] as const) {
    withConnection(streams.command(word).description(description).argument("<stream>", "name of the stream"))
      .addHelpText("after", `\nExample:\n  $ batchyard streams ${word} detections`)
      .action(async (name: string, flags: Flags) => {
        terminal.say(`Stream ${clean(name)} is ${stateOf(await connect(flags).streams[word](name))}`);
      });
  }

  withConnection(
    streams.command("delete").description("close what is open, then forget the stream").argument("<stream>", "name of the stream"),
  )
    .addHelpText("after", "\nExample:\n  $ batchyard streams delete orders")
    .action(async (name: string, flags: Flags) => {
      const batches = await connect(flags).streams.delete(name);
      terminal.say(`Stream ${clean(name)} is gone; ${plural(batches.length, "open window")} became batches`);
    });
}

function stateOf(stream: Stream): string {
  return stream.fault !== null ? "faulty" : stream.paused ? "paused" : "active";
}
