import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { Context } from "./context.ts";

/** Adds its command to the program. */
type Add = (program: Command, context: Context) => void;

/**
 * Every command, in the order of the help. Each is loaded when it is meant, or when all are listed: to load what the others
 * bring takes longer than most commands to run.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  serve: async () => (await import("./commands/serve.ts")).addServe,
  start: async () => (await import("./commands/start.ts")).addStart,
  run: async () => (await import("./commands/run.ts")).addRun,
  submit: async () => (await import("./commands/submit.ts")).addSubmit,
  list: async () => (await import("./commands/list.ts")).addList,
  "batch-status": async () => (await import("./commands/batch-status.ts")).addBatchStatus,
  live: async () => (await import("./commands/live.ts")).addLive,
  "batch-dashboard": async () => (await import("./commands/live.ts")).addBatchDashboard,
  results: async () => (await import("./commands/results.ts")).addResults,
  why: async () => (await import("./commands/why.ts")).addWhy,
  cancel: async () => (await import("./commands/cancel.ts")).addCancel,
  pause: async () => (await import("./commands/pause.ts")).addPause,
  resume: async () => (await import("./commands/resume.ts")).addResume,
  retry: async () => (await import("./commands/retry.ts")).addRetry,
  replay: async () => (await import("./commands/replay.ts")).addReplay,
  finish: async () => (await import("./commands/finish.ts")).addFinish,
  export: async () => (await import("./commands/export.ts")).addExport,
  streams: async () => (await import("./commands/streams.ts")).addStreams,
  push: async () => (await import("./commands/push.ts")).addPush,
  keys: async () => (await import("./commands/keys.ts")).addKeys,
  settings: async () => (await import("./commands/settings.ts")).addSettings,
  migrate: async () => (await import("./commands/migrate.ts")).addMigrate,
  doctor: async () => (await import("./commands/doctor.ts")).addDoctor,
  audit: async () => (await import("./commands/audit.ts")).addAudit,
  backup: async () => (await import("./commands/backup.ts")).addBackup,
  bench: async () => (await import("./commands/bench.ts")).addBench,
};

const EXIT_CODES = "\nExit codes: 0 ok, 1 error, 2 wrong usage, 3 server not reachable, 4 ended with failed items";

/**
 * The command line: with the command `asked` for alone where there is one of that name, else with all of them. Throws instead
 * of ending the process; see verdictOf.
 */
export async function createProgram(context: Context, asked?: string): Promise<Command> {
  const program = new Command("batchyard")
    .description("Collects items into batches, runs them, and watches every batch until it has ended.")
    .version(version(), "-V, --version")
    .showHelpAfterError("(--help shows what is allowed)")
    .configureOutput({ writeErr: (text) => context.terminal.say(text.trimEnd()) })
    .addHelpText(
      "after",
      `${EXIT_CODES}\n\nExample:\n  $ batchyard run validate --input products.csv --options '{"schema":{"required":["price"]}}'`,
    );
  const meant = asked !== undefined && Object.hasOwn(COMMANDS, asked) ? [COMMANDS[asked]!] : Object.values(COMMANDS);
  for (const add of await Promise.all(meant.map((load) => load()))) add(program, context);
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
