import { Writable } from "node:stream";
import type { Command } from "commander";
import { exportFormatOption } from "../arguments.ts";
import { batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { usage } from "../exit.ts";
import { bytes } from "../../terminal/figures.ts";
import { fileSink, formatOf } from "../output-file.ts";

interface Flags extends ConnectionFlags {
  format?: "jsonl" | "csv" | "xlsx";
  output?: string;
  failed?: boolean;
  succeeded?: boolean;
}

export function addExport(program: Command, context: Context): void {
  batchCommand(
    program,
    "export",
    "write a batch's results as a table or lines",
    "export batch_1767225600000_a1b2c3d4e --output results.xlsx",
  )
    .addOption(exportFormatOption())
    .option("--output <file>", "write here (default: stdout)")
    .option("--failed", "only failed items")
    .option("--succeeded", "only items that succeeded")
    .action(async (id: string, flags: Flags) => {
      const format = flags.format ?? formatOf(flags.output) ?? "csv";
      if (format === "xlsx" && flags.output === undefined && process.stdout.isTTY)
        throw usage("An xlsx file does not belong on a terminal; name one with --output");
      if (flags.failed === true && flags.succeeded === true) throw usage("--failed and --succeeded exclude each other");
      const query = { format, ...(flags.failed === true ? { success: false } : flags.succeeded === true ? { success: true } : {}) };
      await withBatch(id, flags, async (client) => {
        const body = await client.export(id, query);
        if (flags.output === undefined) {
          await body.pipeTo(Writable.toWeb(process.stdout), { preventClose: true });
          return;
        }
        const sink = await fileSink(flags.output);
        try {
          for await (const piece of body) await sink.write(piece);
          context.terminal.say(`${flags.output}: ${bytes(await sink.commit())}`);
        } catch (error) {
          await sink.discard();
          throw error;
        }
      });
    });
}
