import type { MonitorStore } from "../../store/port.ts";
import { sourceOf } from "../../model/flow.ts";
import { BIN_BASE, Sketch } from "../../model/stats/sketch.ts";
import { kindOf, type FlowOrigin, type MetricName } from "./catalogue.ts";
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
  /** Of a counter what came in this time; of the others the mean. Null = nothing was measured. */
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
}

export function widthFor(from: number, to: number): number {
  return WIDTHS.find((width) => (to - from) / width <= POINTS) ?? Math.ceil((to - from) / POINTS / WIDTHS.at(-1)!) * WIDTHS.at(-1)!;
}

/** Any metric of the catalogue over time: what is counted from the flow, what is measured from its distributions. */
export async function historyOf(monitor: MonitorStore, query: HistoryQuery): Promise<History> {
  const { flow } = kindOf(query.metric);
  return flow?.counter === undefined ? measuredHistory(monitor, query, flow) : countedHistory(monitor, query, flow.of, flow.counter);
}

async function countedHistory(monitor: MonitorStore, query: HistoryQuery, of: FlowOrigin["of"], counter: string): Promise<History> {
  const { tenant, from, to, widthMs, source } = query;
  const filter = { tenant, from, to, sources: [source === undefined ? `${of}:` : sourceOf[of](source)], metrics: [counter] };
  const points = Map.groupBy(await monitor.flow(filter, widthMs), ({ at }) => at);
  const hasParts = counter.endsWith(".");
  const pointOf = (at: number, found: readonly { metric: string; value: number }[]): HistoryPoint => {
    const parts: Record<string, number> = {};
    for (const { metric, value } of found) parts[metric.slice(counter.length)] = (parts[metric.slice(counter.length)] ?? 0) + value;
    return { at, value: found.reduce((sum, { value }) => sum + value, 0), ...(hasParts ? { parts } : {}) };
  };
  return {
    points: bucketsOf(query).map((at) => pointOf(at, points.get(at) ?? [])),
    whole: pointOf(from, [...points.values()].flat()),
  };
}

async function measuredHistory(monitor: MonitorStore, query: HistoryQuery, flow: FlowOrigin | null): Promise<History> {
  const { tenant, from, to, widthMs, source, metric } = query;
  const sources = flow === null ? [sourceOf.gauge(source)] : [source === undefined ? `${flow.of}:` : sourceOf[flow.of](source)];
  const measure = flow?.measure ?? gaugeMeasure(metric);
  const found = Map.groupBy(await monitor.measured({ tenant, from, to, sources }, measure, widthMs), ({ at }) => at);
  const scale = flow?.scale ?? 1;
  const isCounter = kindOf(metric).type === "counter";
  const pointOf = (at: number, sketches: readonly { sketch: Sketch }[]): HistoryPoint => {
    const all = new Sketch();
    for (const { sketch } of sketches) all.merge(sketch);
    if (all.count === 0) return { at, value: null, count: 0 };
    if (isCounter) return { at, value: meanOf(all) * all.count };
    const of = (q: number): number => all.quantile(q)! * scale;
    return { at, value: meanOf(all) * scale, count: all.count, p50: of(0.5), p95: of(0.95), p99: of(0.99), max: of(1) };
  };
  return {
    points: bucketsOf(query).map((at) => pointOf(at, found.get(at) ?? [])),
    whole: pointOf(from, [...found.values()].flat()),
  };
}

/** Mean of what a sketch holds, within 1 %; 0 of an empty one. */
export function meanOf(sketch: Sketch): number {
  let sum = 0;
  for (const [bin, n] of sketch.bins) sum += ((2 * Math.pow(BIN_BASE, bin)) / (BIN_BASE + 1)) * n;
  return sketch.count === 0 ? 0 : sum / sketch.count;
}

function bucketsOf({ from, to, widthMs }: HistoryQuery): number[] {
  const first = from - (from % widthMs);
  return Array.from({ length: Math.ceil((to - first) / widthMs) }, (_, n) => first + n * widthMs);
}
