import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAudit } from "./commands/audit.ts";
import { addBackup } from "./commands/backup.ts";
import { addBatchStatus } from "./commands/batch-status.ts";
import { addCancel } from "./commands/cancel.ts";
import { addBench } from "./commands/bench.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addExport } from "./commands/export.ts";
import { addFinish } from "./commands/finish.ts";
import { addKeys } from "./commands/keys.ts";
import { addLive } from "./commands/live.ts";
import { addList } from "./commands/list.ts";
import { addMigrate } from "./commands/migrate.ts";
import { addPause } from "./commands/pause.ts";
import { addResults } from "./commands/results.ts";
import { addResume } from "./commands/resume.ts";
import { addRetry } from "./commands/retry.ts";
import { addRun } from "./commands/run.ts";
import { addServe } from "./commands/serve.ts";
import { addSettings } from "./commands/settings.ts";
import { addStart } from "./commands/start.ts";
import { addSubmit } from "./commands/submit.ts";
import { addPush } from "./commands/push.ts";
import { addStreams } from "./commands/streams.ts";
import { addWhy } from "./commands/why.ts";
import type { Context } from "./context.ts";

const COMMANDS = [
  addServe,
  addStart,
  addRun,
  addSubmit,
  addList,
  addBatchStatus,
  addLive,
  addResults,
  addWhy,
  addCancel,
  addPause,
  addResume,
  addRetry,
  addFinish,
  addExport,
  addStreams,
  addPush,
  addKeys,
  addSettings,
  addMigrate,
  addDoctor,
  addAudit,
  addBackup,
  addBench,
];

const EXIT_CODES = "\nExit codes: 0 ok, 1 error, 2 wrong usage, 3 server not reachable, 4 ended with failed items";

/** The whole command line. Throws instead of ending the process; see verdictOf. */
export function createProgram(context: Context): Command {
  const program = new Command("batchyard")
    .description("Collects items into batches, runs them, and watches every batch until it has ended.")
    .version(version(), "-V, --version")
    .showHelpAfterError("(--help shows what is allowed)")
    .configureOutput({ writeErr: (text) => context.terminal.say(text.trimEnd()) })
    .addHelpText(
      "after",
      `${EXIT_CODES}\n\nExample:\n  $ batchyard run validate --input products.csv --options '{"schema":{"required":["price"]}}'`,
    );
  for (const add of COMMANDS) add(program, context);
  throwingInsteadOfEnding(program);
  return program;
}

function throwingInsteadOfEnding(command: Command): void {
  command.exitOverride();
  for (const sub of command.commands) {
    sub.copyInheritedSettings(command);
    throwingInsteadOfEnding(sub);
  }
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return found;
}
