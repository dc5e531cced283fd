import { InvalidArgumentError, type Command } from "commander";
import type { Preview, SettingsPatch } from "../../client/index.ts";
import { instant, jsonOption } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { count, duration, table } from "../../terminal/figures.ts";
import { clean } from "../../terminal/terminal.ts";

interface Flags extends ConnectionFlags {
  json?: boolean;
  since?: string;
  sweep?: Sweep;
}

type Outcome = NonNullable<Preview["current"]>;
interface Sweep {
  setting: string;
  values?: number[];
  from?: number;
  to?: number;
  steps?: number;
}

export function addPreview(settings: Command, context: Context, assignment: (text: string, before?: SettingsPatch) => SettingsPatch): void {
  const { terminal } = context;
  withConnection(
    settings
      .command("preview")
      .description("what changed settings would have done to the recorded detections; changes nothing")
      .argument("[path=value...]", "such as batch.window_seconds=120", assignment),
  )
    .option("--since <time>", "arrivals from then on, such as 12h (default: 24h)", instant("past"))
    .option("--sweep <path=values>", "one setting at several values: batch.window_seconds=30,60,120 or =30..300 or =30..300/10", range)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  $ batchyard settings preview batch.window_seconds=120\n  $ batchyard settings preview --sweep batch.window_seconds=30..300/10",
    )
    .action(async (patch: SettingsPatch | [], { since, sweep, ...flags }: Flags) => {
      const preview = await connect(flags).settings.preview({ patch: Array.isArray(patch) ? {} : patch, since, sweep });
      if (flags.json === true) return terminal.out(`${JSON.stringify(preview, null, 2)}\n`);
      for (const path of preview.unaffected) terminal.say(`${clean(path)} says nothing about when windows close`);
      const { current, candidate, calibration } = preview;
      if (current === null || candidate === null) return terminal.say(clean(preview.message));
      await terminal.out(
        preview.sweep === null
          ? compared(current, candidate)
          : table([
              [clean(preview.sweep.setting), ...HEADS],
              ...preview.sweep.points.map((point) => [String(point.value), ...cells(point)]),
            ]),
      );
      const share = calibration?.share ?? null;
      if (share !== null)
        terminal.say(`Replayed ${count(preview.arrivals.items)} arrivals; the settings in force match ${percent(share)} of what happened`);
      for (const warning of preview.warnings) terminal.say(clean(warning));
      if (candidate.reason !== null) terminal.say(`Not recommended: ${clean(candidate.reason)}`);
    });
}

const HEADS = ["BATCHES", "ITEMS/BATCH", "AGE P50", "AGE P95", "AGE P99", "JOBS AVOIDED", "PEAK/S", "BUSY", "REASONS"];

function cells(outcome: Outcome): string[] {
  const { items_per_batch: size, age_at_closure_ms: age, utilisation, reasons } = outcome;
  const ms = (value: number | undefined): string => (value === undefined ? "" : duration(value));
  const busy = utilisation === null ? "unknown" : percent(utilisation.busiest_hour) + (outcome.refused ? " refused" : "");
  return [
    count(outcome.batches),
    size === null ? "" : size.mean.toFixed(1),
    ms(age?.p50),
    ms(age?.p95),
    ms(age?.p99),
    count(outcome.jobs_avoided),
    count(outcome.peak_closures_per_second),
    busy,
    Object.entries(reasons)
      .map(([reason, windows]) => `${clean(reason)} ${count(windows)}`)
      .join(", "),
  ];
}

function compared(current: Outcome, candidate: Outcome): string {
  return table([
    ["", ...HEADS],
    ["now", ...cells(current)],
    ["then", ...cells(candidate)],
  ]);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function range(text: string): Sweep {
  const list = /^([a-z_]+\.[a-z_]+)=([\d.]+(?:,[\d.]+)*)$/.exec(text);
  const span = /^([a-z_]+\.[a-z_]+)=(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text);
  if (span !== null) {
    const [, setting = "", from, to, steps] = span;
    return { setting, from: Number(from), to: Number(to), ...(steps === undefined ? {} : { steps: Number(steps) }) };
  }
  const values = list?.[2]?.split(",").map(Number) ?? [];
  if (list === null || values.some(Number.isNaN))
    throw new InvalidArgumentError("It must be such as batch.window_seconds=30,60,120 or batch.window_seconds=30..300/10.");
  return { setting: list[1] ?? "", values };
}
