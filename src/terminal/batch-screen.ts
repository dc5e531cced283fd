import type { Batch, ErrorGroup, Why } from "../client/index.ts";
import { count, duration, plural, rate } from "./figures.ts";
import { bar } from "./progress.ts";
import { clean, type Paint } from "./terminal.ts";

const STATUS_STYLE = {
  pending: "dim",
  running: "cyan",
  paused: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
  expired: "red",
} as const;

export function statusWord(status: Batch["status"], paint: Paint): string {
  return paint(STATUS_STYLE[status], status);
}

/** What there is to say of a batch, by name; colours are given by `paint`. */
export function batchFacts(batch: Batch, paint: Paint, now: number): [name: string, value: string][] {
  const facts: [string, string | null][] = [
    ["Name", batch.name === null ? null : clean(batch.name)],
    ["Progress", `${bar(batch.progress)} ${batch.progress} %`],
    [
      "Items",
      `${count(batch.total_items)} total, ${count(batch.succeeded_items)} succeeded, ${count(batch.failed_items)} failed${ended(batch)}`,
    ],
    ["Retries", batch.retried_items === 0 ? null : count(batch.retried_items)],
    ["Rate", batch.items_per_second === null ? null : rate(batch.items_per_second)],
    ["Left", batch.eta_at === null ? null : duration(Date.parse(batch.eta_at) - now)],
    ["Priority", batch.priority],
    ["Run", batch.epoch === 1 ? null : `number ${batch.epoch}`],
    ["Cost", batch.cost === 0 ? null : `$${batch.cost.toFixed(6)}`],
    ["Created", batch.created_at],
    ["Started", batch.started_at],
    ["Ended", batch.completed_at],
    [
      "Took",
      batch.started_at === null || batch.completed_at === null
        ? null
        : duration(Date.parse(batch.completed_at) - Date.parse(batch.started_at)),
    ],
    ["Error", batch.error === null ? null : paint("red", clean(batch.error))],
    ["Warnings", batch.warnings.length === 0 ? null : batch.warnings.map(clean).join("; ")],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}

/** Everything a person wants to know of one batch, as lines. */
export function batchScreen(batch: Batch, errors: readonly ErrorGroup[], why: Why | null, paint: Paint, now: number): string {
  const lines = [`${paint("bold", batch.id)}  ${clean(batch.operation)}  ${statusWord(batch.status, paint)}`];
  for (const [name, value] of batchFacts(batch, paint, now)) lines.push(`  ${name.padEnd(9)} ${value}`);
  lines.push(...errorLines(errors, paint), ...whyLines(why, paint));
  return `${lines.join("\n")}\n`;
}

export function whyLines(why: Why | null, paint: Paint): string[] {
  if (why === null || why.reasons.length === 0) return [];
  return [
    paint("bold", "Why"),
    ...why.reasons.map((reason) => `  ${reason.code}: ${clean(reason.message)}${reason.since === null ? "" : ` (since ${reason.since})`}`),
  ];
}

function errorLines(errors: readonly ErrorGroup[], paint: Paint): string[] {
  if (errors.length === 0) return [];
  const shown = errors
    .slice(0, 10)
    .map(
      (group) =>
        `  ${count(group.count)} (${group.percentage} %)  ${group.code}: ${clean(group.error)}  e.g. ${group.examples.slice(0, 3).map(clean).join(", ")}`,
    );
  const more = errors.length > 10 ? [`  and ${plural(errors.length - 10, "more kind")}`] : [];
  return [paint("bold", "Errors"), ...shown, ...more];
}

function ended(batch: Batch): string {
  const parts = [
    batch.cancelled_items > 0 ? `${count(batch.cancelled_items)} cancelled` : null,
    batch.expired_items > 0 ? `${count(batch.expired_items)} expired` : null,
    batch.running_items > 0 ? `${count(batch.running_items)} running` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}
