import type { Command } from "commander";
import { jsonOption } from "../arguments.ts";
import { batchCommand, withBatch } from "../batch-command.ts";
import { whyLines } from "../../terminal/batch-screen.ts";
import type { ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";

export function addWhy(program: Command, context: Context): void {
  batchCommand(program, "why", "say why a batch is not done yet", "why batch_1767225600000_a1b2c3d4e")
    .addOption(jsonOption())
    .action(async (id: string, flags: ConnectionFlags & { json?: boolean }) => {
      const { state, reasons, eta } = await withBatch(id, flags, (client) => client.why(id));
      const { terminal } = context;
      if (flags.json === true) return terminal.out(`${JSON.stringify({ state, reasons, eta }, null, 2)}\n`);
      const lines = [
        `${id} is ${state}${eta === null ? "" : `, expected to end at ${eta}`}`,
        ...whyLines({ state, reasons, eta }, terminal.outPaint),
      ];
      return terminal.out(`${lines.join("\n")}\n`);
    });
}
