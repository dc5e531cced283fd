import type { Command } from "commander";
import { configFromProcess } from "../../config.ts";
import type { Context } from "../context.ts";

export function addMigrate(program: Command, context: Context): void {
  program
    .command("migrate")
    .description("bring the store to the schema of this version; a start does the same")
    .option("--data <dir>", "data directory (default: BATCHYARD_DATA, else ./data)")
    .addHelpText("after", "\nExample:\n  $ batchyard migrate --data ./data")
    .action(async (flags: { data?: string }) => {
      const config = configFromProcess({ BATCHYARD_DATA: flags.data });
      const { migrateStore } = await import("../../main.ts");
      const { from, to } = await migrateStore(config);
      context.terminal.say(
        from === to
          ? `The store in ${config.data} has schema ${to} already`
          : `The store in ${config.data} went from schema ${from} to ${to}`,
      );
    });
}
