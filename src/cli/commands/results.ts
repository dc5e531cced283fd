import { Option, type Command } from "commander";
import { batchCommand, withBatch } from "../batch-command.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";

interface Flags extends ConnectionFlags {
  failed?: boolean;
  succeeded?: boolean;
  error?: string;
  nodeId?: string;
  summary?: boolean;
}

export function addResults(program: Command, context: Context): void {
  batchCommand(
    program,
    "results",
    "write a batch's results to stdout, one JSON object a line",
    "results batch_1767225600000_a1b2c3d4e --failed",
  )
    .option("--failed", "only failed items")
    .addOption(new Option("--succeeded", "only items that succeeded").conflicts("failed"))
    .option("--error <text>", "only failures whose error contains this")
    .option("--node-id <key>", "only this item")
    .option("--summary", "one JSON object with the counts and times instead of the results")
    .option("--json", "the same: results are JSON in any case")
    .action(async (id: string, flags: Flags) => {
      const query = {
        ...(flags.failed === true ? { success: false } : flags.succeeded === true ? { success: true } : {}),
        ...(flags.error === undefined ? {} : { error: flags.error }),
        ...(flags.nodeId === undefined ? {} : { nodeId: flags.nodeId }),
      };
      await withBatch(id, flags, async (client) => {
        if (flags.summary === true) {
          const { batch } = await client.resultsPage(id, { limit: 1 });
          await context.terminal.out(`${JSON.stringify(batch.summary, null, 2)}\n`);
          return;
        }
        let piece = "";
        for await (const line of client.resultLines(id, query)) {
          piece += `${line}\n`;
          if (piece.length < 65_536) continue;
          await context.terminal.out(piece);
          piece = "";
        }
        await context.terminal.out(piece);
      });
    });
}
