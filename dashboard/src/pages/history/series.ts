import type { Series } from "../../parts/chart-props.ts";
import { CLOSURE_TONES } from "../../parts/closure-bar.tsx";
import { titleOf } from "./names.ts";
import type { History, Point } from "./queries.ts";

type Color = Series["color"];

/** Of parts whose meaning is known; the others get what is left. */
const COLORS: Readonly<Record<string, Color>> = {
  ...CLOSURE_TONES,
  succeeded: "good",
  completed: "good",
  failed: "bad",
  retried: "warn",
  expired: "warn",
  cancelled: "idle",
  created: "busy",
  started: "idle",
  reprocessed: "warn",
  pending: "idle",
  running: "busy",
  paused: "warn",
  live: "good",
  lost: "bad",
  draining: "warn",
};
const OTHERS: readonly Color[] = ["accent", "busy", "warn", "good", "bad", "idle"];
const MOST_PARTS = 6;

/** Parts of these are steps that one thing takes one after the other: their sum is no figure. */
const STEPS = new Set(["batches_total"]);

export function addsUp({ metric }: Pick<History, "metric">): boolean {
  return !STEPS.has(metric);
}

/** Names of the parts there are figures of, those with most first; what is too much for the eye is one. */
export function partsOf({ current, previous }: Pick<History, "current" | "previous">): string[] {
  const sums = new Map<string, number>();
  for (const { parts = {} } of [...current.points, ...previous.points])
    for (const [part, value] of Object.entries(parts)) sums.set(part, (sums.get(part) ?? 0) + value);
  return [...sums].toSorted(([, a], [, b]) => b - a).map(([part]) => part);
}

/** What is drawn of a history: parts as stacked bars, times as a band from the median to the 99th percentile, the rest as it is. */
export function seriesOf(history: History, shown: { part?: string | undefined; compare: boolean }): Series[] {
  const { type, current, previous } = history;
  const { part } = shown;
  const before = aligned(previous.points, current.points.length);
  const compared = (label: string, of: (point: Point) => number | null): Series[] =>
    shown.compare ? [{ label, color: "soft", dashed: true, values: before.map((point) => (point === undefined ? null : of(point))) }] : [];
  const values = (of: (point: Point) => number | null): (number | null)[] => current.points.map(of);

  if (part !== undefined)
    return [
      { label: wordOf(part), color: COLORS[part] ?? "accent", shape: type === "counter" ? "bar" : "line", values: values(ofPart(part)) },
      ...compared(`${wordOf(part)}, before`, ofPart(part)),
    ];
  const parts = partsOf(history);
  if (parts.length > 0) {
    const own = parts.slice(0, parts.length > MOST_PARTS ? MOST_PARTS - 1 : MOST_PARTS);
    const rest = parts.slice(own.length);
    const free = OTHERS.filter((color) => !own.some((name) => COLORS[name] === color));
    const shape = addsUp(history) ? "bar" : "line";
    const lines = own.map((name, n): Series => ({
      label: wordOf(name),
      color: COLORS[name] ?? free[n % free.length] ?? "soft",
      shape,
      values: values(ofPart(name)),
    }));
    if (rest.length > 0)
      lines.push({
        label: `${rest.length} others`,
        color: "soft",
        shape,
        values: values((point) => (point.value === null ? null : rest.reduce((sum, name) => sum + (point.parts?.[name] ?? 0), 0))),
      });
    return [...lines, ...(addsUp(history) ? compared("All, before", ({ value }) => value) : [])];
  }
  if (type === "counter")
    return [
      { label: titleOf(history.metric), color: "accent", shape: "bar", values: values(({ value }) => value) },
      ...compared("Before", ({ value }) => value),
    ];
  if (type === "gauge")
    return [
      { label: `${titleOf(history.metric)}, mean`, color: "accent", area: true, values: values(({ value }) => value) },
      ...compared("Before", ({ value }) => value),
    ];
  const p = (name: "p50" | "p95" | "p99") => (point: Point) => point[name] ?? null;
  return [
    { label: "p50", color: "busy", values: values(p("p50")) },
    { label: "p95", color: "accent", bandTo: "p50", values: values(p("p95")) },
    { label: "p99", color: "warn", bandTo: "p95", values: values(p("p99")) },
    ...compared("p95, before", p("p95")),
  ];
}

/** Of a time that is known, what had no part had none. */
function ofPart(part: string): (point: Point) => number | null {
  return ({ value, parts }) => (value === null ? null : (parts?.[part] ?? 0));
}

/** The time before, point for point under this one; it may begin within a bucket and have one more. */
function aligned(before: readonly Point[], length: number): (Point | undefined)[] {
  return Array.from({ length }, (_, n) => before[before.length - length + n]);
}

function wordOf(part: string): string {
  return part.replaceAll("_", " ");
}
