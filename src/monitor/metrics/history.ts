import type { MonitorStore } from "../../store/port.ts";
import { sourceOf } from "../../model/flow.ts";
import { BIN_BASE, Sketch } from "../../model/stats/sketch.ts";
import { kindOf, sampledParts, type FlowOrigin, type MetricName } from "./catalogue.ts";
import { recordedIn, type Recorder } from "./recorded.ts";
import { gaugeMeasure } from "./sampler.ts";

const MINUTE = 60_000;
/** Widths that a point may have by itself, milliseconds; the first with which a range has at most POINTS points is taken. */
const WIDTHS = [1, 5, 15, 60, 180, 360, 1440].map((minutes) => minutes * MINUTE);
const POINTS = 120;

export interface HistoryQuery {
  tenant: string;
  metric: MetricName;
  /** An operation, a stream, whatever the first label names; absent = all together. */
  source?: string | undefined;
  from: number;
  to: number;
  widthMs: number;
}

export interface HistoryPoint {
  at: number;
  /** Of a counter what came in this time; of the others the mean. Null = nothing was measured, or nobody recorded. */
  value: number | null;
  /** By the second label, where there is one. */
  parts?: Record<string, number>;
  /** Not of counters. */
  count?: number;
  p50?: number;
  p95?: number;
  p99?: number;
  max?: number;
}

export interface History {
  points: HistoryPoint[];
  /** Of the whole range, in the same shape. */
  whole: HistoryPoint;
  /** Values of the first label that have figures in this range, whichever of them was asked for. */
  sources: string[];
}

/** `finest`: the least width in which the range is known. */
export function widthFor(from: number, to: number, finest = MINUTE): number {
  const fits = (width: number): boolean => width >= finest && (to - from) / width <= POINTS;
  return WIDTHS.find(fits) ?? Math.ceil((to - from) / POINTS / WIDTHS.at(-1)!) * WIDTHS.at(-1)!;
}

/** Any metric of the catalogue over time: what is counted from the flow, what is measured from its distributions. */
export async function historyOf(monitor: MonitorStore, recorder: Recorder, query: HistoryQuery): Promise<History> {
  const { flow } = kindOf(query.metric);
  return flow?.counter === undefined
    ? measuredHistory(monitor, query, flow)
    : countedHistory(monitor, recorder, query, { of: flow.of, counter: flow.counter });
}

async function countedHistory(
  monitor: MonitorStore,
  recorder: Recorder,
  query: HistoryQuery,
  { of, counter }: { of: FlowOrigin["of"]; counter: string },
): Promise<History> {
  const { tenant, from, to, widthMs, source } = query;
  const every = { tenant, from, to, sources: [`${of}:`], metrics: [counter] };
  const isRecorded = await recordedIn(monitor, recorder, query);
  const filter = source === undefined ? every : { ...every, sources: [sourceOf[of](source)] };
  const found = Map.groupBy(await monitor.flow(filter, widthMs), ({ at }) => at);
  const hasParts = counter.endsWith(".");
  const pointOf = (at: number, counts: readonly { metric: string; value: number }[], isKnown: boolean): HistoryPoint => {
    const parts: Record<string, number> = {};
    for (const { metric, value } of counts) parts[metric.slice(counter.length)] = (parts[metric.slice(counter.length)] ?? 0) + value;
    const value = counts.length === 0 && !isKnown ? null : counts.reduce((sum, count) => sum + count.value, 0);
    return { at, value, ...(hasParts ? { parts } : {}) };
  };
  const buckets = bucketsOf(query);
  return {
    points: buckets.map((at) => pointOf(at, found.get(at) ?? [], isRecorded(at))),
    whole: pointOf(from, [...found.values()].flat(), buckets.some(isRecorded)),
    sources: namesOf(of, source === undefined ? [...found.values()].flat() : await monitor.flow(every, null)),
  };
}

async function measuredHistory(monitor: MonitorStore, query: HistoryQuery, flow: FlowOrigin | null): Promise<History> {
  const { tenant, from, to, widthMs, source, metric } = query;
  const of = flow?.of ?? "gauge";
  const measure = flow?.measure ?? gaugeMeasure(metric);
  const every = { tenant, from, to, sources: [`${of}:`] };
  const filter = source === undefined ? every : { ...every, sources: [sourceOf[of](source)] };
  const all = await monitor.measured(filter, measure, widthMs);
  // A gauge is sampled as a whole beside its sources; what flows has its sources only.
  const found = Map.groupBy(flow === null && source === undefined ? all.filter(isWhole) : all, ({ at }) => at);
  const parts = new Map<string, ReadonlyMap<number, number>>();
  for (const part of sampledParts(metric)) parts.set(part, sumsOf(await monitor.measured(filter, gaugeMeasure(metric, part), widthMs)));
  const scale = flow?.scale ?? 1;
  const isCounter = kindOf(metric).type === "counter";
  const pointOf = (at: number, sketches: readonly { sketch: Sketch }[]): HistoryPoint => {
    const merged = new Sketch();
    for (const { sketch } of sketches) merged.merge(sketch);
    if (merged.count === 0) return { at, value: null, ...(isCounter ? {} : { count: 0 }) };
    if (isCounter) return { at, value: meanOf(merged) * merged.count };
    const quantile = (q: number): number => merged.quantile(q)! * scale;
    const percentiles = { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: quantile(1) };
    return { at, value: meanOf(merged) * scale, count: merged.count, ...percentiles };
  };
  // A part without a sample was none then: by the samples of the whole, parts add up to it.
  const partsAt = (at: number): Pick<HistoryPoint, "parts"> => {
    const samples = isCounter ? 1 : (found.get(at) ?? []).reduce((sum, { sketch }) => sum + sketch.count, 0);
    const known = [...parts].flatMap(([part, sums]) => (sums.has(at) ? [[part, sums.get(at)! / samples] as const] : []));
    return known.length === 0 || samples === 0 ? {} : { parts: Object.fromEntries(known) };
  };
  return {
    points: bucketsOf(query).map((at) => ({ ...pointOf(at, found.get(at) ?? []), ...partsAt(at) })),
    whole: pointOf(from, [...found.values()].flat()),
    sources: namesOf(of, source === undefined ? all : await monitor.measured(every, measure, null)),
  };
}

function isWhole({ source }: { source: string }): boolean {
  return source === sourceOf.gauge();
}

/** Everything that was sampled, added up bucket by bucket. */
function sumsOf(points: readonly { at: number; sketch: Sketch }[]): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const { at, sketch } of points) sums.set(at, (sums.get(at) ?? 0) + meanOf(sketch) * sketch.count);
  return sums;
}

/** Mean of what a sketch holds, within 1 %; 0 of an empty one. */
export function meanOf(sketch: Sketch): number {
  let sum = 0;
  for (const [bin, n] of sketch.bins) sum += ((2 * Math.pow(BIN_BASE, bin)) / (BIN_BASE + 1)) * n;
  return sketch.count === 0 ? 0 : sum / sketch.count;
}

function namesOf(of: string, points: readonly { source: string }[]): string[] {
  const names = new Set(points.map(({ source }) => source.slice(of.length + 1)));
  names.delete("");
  return [...names].toSorted();
}

function bucketsOf({ from, to, widthMs }: HistoryQuery): number[] {
  const first = from - (from % widthMs);
  return Array.from({ length: Math.ceil((to - first) / widthMs) }, (_, n) => first + n * widthMs);
}
