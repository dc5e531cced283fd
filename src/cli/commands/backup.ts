import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { configFromProcess } from "../../config.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../exit.ts";
import { bytes } from "../../terminal/figures.ts";

export function addBackup(program: Command, context: Context): void {
  program
    .command("backup")
    .description("write a consistent copy of the store, while the server runs")
    .argument("<file>", "where to write it; must not exist yet")
    .option("--data <dir>", "data directory (default: BATCHYARD_DATA, else ./data)")
    .addHelpText(
      "after",
      "\nTo restore: stop the server and put the copy in the place of batchyard.db in the data directory, without\nthe files batchyard.db-wal and batchyard.db-shm. Uploaded files are not in it: copy <data>/files beside it.\n\nExample:\n  $ batchyard backup backups/2026-01-31.db",
    )
    .action(async (file: string, flags: { data?: string }) => {
      const config = configFromProcess({ BATCHYARD_DATA: flags.data });
      if (!existsSync(join(config.data, "batchyard.db")))
        throw new CommandError(`There is no store in ${config.data}; name the data directory with --data`);
      if (existsSync(file)) throw new CommandError(`${file} exists already; a backup never overwrites another`);
      const { openUpkeep } = await import("../../main.ts");
      const { upkeep, close } = await openUpkeep(config);
      try {
        const { bytes: size } = await upkeep.backup(file);
        context.terminal.say(`${file}: ${bytes(size)}`);
      } finally {
        await close();
      }
    });
}
