import { setTimeout as pause } from "node:timers/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { qualified, QUALIFIERS } from "../../client/index.ts";
import { preferProduction, terminalFromProcess } from "../../config.ts";
import { PLAIN, UNICODE } from "../../tui/glyphs.ts";
import { isCritical, WINDOW_MINUTES, type RunOptions } from "../../tui/options.ts";
import { loadAll, type Snapshot } from "../../tui/snapshot.ts";
import { jsonOption, wholeNumber } from "../arguments.ts";
import { connect, serverUrl, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { directFetch } from "../direct-fetch.ts";
import { EXIT, usage } from "../exit.ts";
import { profileOf } from "../profiles.ts";
import { stopSignal } from "../stopping.ts";

interface Flags extends ConnectionFlags {
  once?: boolean;
  json?: boolean;
  watch?: number;
  plain?: boolean;
  refresh: number;
  filter?: string;
  ascii?: boolean;
  color: boolean;
  readOnly?: boolean;
  failOn?: "critical";
}

const DEFAULT_REFRESH_MS = 1_000;

export function addLive(program: Command, context: Context): void {
  dashboard(program, context, "live");
}

/** The same under its other name. */
export function addBatchDashboard(program: Command, context: Context): void {
  dashboard(program, context, "batch-dashboard");
}

function dashboard(program: Command, context: Context, name: string): void {
  withConnection(program.command(name).description("everything alive on one screen: batches, windows, workers, failures, alerts, events"))
    .addOption(new Option("--once", "print every panel once and end").conflicts("watch"))
    .addOption(jsonOption())
    .option("--watch <span>", "print again every so often, such as 2s or 500ms; with --plain or --json", span)
    .addOption(new Option("--plain", "plain text, no keys; what happens anyway off a terminal").conflicts("json"))
    .option("--refresh <ms>", "how old figures may become", wholeNumber(100, 60_000), DEFAULT_REFRESH_MS)
    .option("--filter <text>", `only such batches: words of the name, ${QUALIFIERS.join(" ")}`)
    .option("--ascii", "only characters every terminal has")
    .option("--no-color", "no colours; NO_COLOR does the same")
    .option("--read-only", "keys that change something do nothing")
    .addOption(new Option("--fail-on <what>", "end with 4 when something critical is the case").choices(["critical"]))
    .addHelpText(
      "after",
      `\nExample:\n  $ batchyard ${name} --filter 'op:transform age<2h'\n  $ batchyard ${name} --once --json --fail-on critical`,
    )
    .action((flags: Flags) => run(context, flags));
}

async function run(context: Context, flags: Flags): Promise<void> {
  const surroundings = terminalFromProcess();
  const stdout = process.stdout;
  const interactive = stdout.isTTY && process.stdin.isTTY && !surroundings.ci && !surroundings.dumb;
  const attended = interactive && flags.once !== true && flags.json !== true && flags.plain !== true && flags.watch === undefined;
  const color = surroundings.color && flags.color && (stdout.isTTY || surroundings.forced);
  const options = { ...optionsOf(flags, color), browser: surroundings.browser };
  try {
    if (attended) {
      preferProduction();
      // Only here: what draws takes longer to load than most commands to run.
      const { runLive } = await import("../../tui/live.ts");
      verdict(context, flags, await runLive(options));
    } else await unattended(context, flags, options, stdout.columns || surroundings.columns || 80);
  } finally {
    options.client.close();
  }
}

async function unattended(context: Context, flags: Flags, options: RunOptions, width: number): Promise<void> {
  const print = async (): Promise<Snapshot> => {
    const asked = loadAll(options.client, { filter: options.filter, sorting: {}, windowMinutes: WINDOW_MINUTES });
    // While the server answers.
    const plain = flags.json === true ? null : await import("../../tui/plain.ts");
    const snapshot = await asked;
    await context.terminal.out(
      plain === null
        ? `${JSON.stringify({ timestamp: snapshot.overview.timestamp, ...snapshot })}\n`
        : plain.plainFrame(snapshot, { ...options, width, now: Date.now() }),
    );
    return snapshot;
  };
  const everyMs = flags.watch ?? (flags.json === true && flags.once !== true ? flags.refresh : null);
  if (flags.once === true || everyMs === null) return verdict(context, flags, await print());
  const stop = stopSignal(context.terminal, "stopping …");
  try {
    for (let last = await print(); ; last = await print()) {
      verdict(context, flags, last);
      if (flags.json !== true) await context.terminal.out("\n");
      await pause(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
    }
  } finally {
    stop.forget();
  }
}

function verdict(context: Context, flags: Flags, last: Snapshot | null): void {
  if (flags.failOn === undefined || last === null) return;
  context.end(isCritical(last) ? EXIT.failedItems : EXIT.ok);
}

function optionsOf(flags: Flags, color: boolean): Omit<RunOptions, "browser"> {
  const filterText = flags.filter ?? "";
  const { filter, unknown } = qualified(filterText, Date.now());
  if (unknown.length > 0)
    throw usage(`--filter does not understand ${unknown.join(" ")}; it takes words of the name and ${QUALIFIERS.join(" ")}`);
  return {
    client: connect(flags, directFetch),
    url: serverUrl(flags),
    palette: { color, glyphs: flags.ascii === true ? PLAIN : UNICODE },
    refreshMs: flags.refresh,
    filterText,
    filter,
    readOnly: flags.readOnly === true || (flags.profile !== undefined && profileOf(flags.profile).readOnly === true),
  };
}

/** `2s`, `500ms` as milliseconds. */
function span(value: string): number {
  const [, amount, unit] = /^(\d{1,6})(ms|s|m)$/.exec(value) ?? [];
  const ms = Number(amount) * { ms: 1, s: 1_000, m: 60_000 }[(unit ?? "s") as "ms" | "s" | "m"];
  if (!(ms >= 100 && ms <= 3_600_000)) throw new InvalidArgumentError("It must be a span from 100ms to 60m, such as 2s.");
  return ms;
}
