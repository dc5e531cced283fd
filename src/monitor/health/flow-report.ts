import { sourceOf, type FlowMeasure } from "../../model/flow.ts";
import { Sketch } from "../../model/stats/sketch.ts";
import type { MonitorStore } from "../../store/port.ts";
import { meanOf } from "../metrics/history.ts";
import { gaugeMeasure, SAMPLE_MS } from "../metrics/sampler.ts";

export interface StageTimes {
  stage: "window" | "queue" | "run";
  /** Windows or batches that passed it. */
  count: number;
  /** Milliseconds; null = none did. */
  times: { mean: number; p50: number; p95: number; p99: number } | null;
  /** Of the sum of the stages' 95th percentiles, as the bottleneck reckons. */
  share: number;
}

export interface FlowReport {
  stages: StageTimes[];
  /** From the creation of a batch to its end: queue and run together. */
  batch: StageTimes["times"];
  tries: { settled: number; retried: number; byCategory: Record<string, number> };
  /** How full the slots were and how long batches waited meanwhile, oldest first; points without an end of a batch are left out. */
  saturation: { at: number; utilisation: number; waitP95Ms: number; batches: number }[];
}

export interface FlowAsked {
  tenant: string;
  /** Null = all. */
  stream: string | null;
  /** Null = all; not looked at beside a stream, whose own batches count. */
  operation: string | null;
  from: number;
  to: number;
  widthMs: number;
  /** Chunks that this server runs at once; 0 = nobody knows how full the workers are. */
  slots: number;
}

/** Where the time between a first item and the end of its batch goes: out of the distributions that are kept by the minute. */
export async function flowOf(monitor: MonitorStore, asked: FlowAsked): Promise<FlowReport> {
  const { tenant, from, to, stream, operation, widthMs, slots } = asked;
  const ofStream = stream === null ? "stream:" : sourceOf.stream(stream);
  const ofBatches = stream !== null ? sourceOf.runs(stream) : operation === null ? "operation:" : sourceOf.operation(operation);
  const isWindowed = stream !== null || operation === null;
  const all = async (source: string, measure: FlowMeasure): Promise<Sketch> =>
    together(await monitor.measured({ tenant, from, to, sources: [source] }, measure, null));
  const sketches = {
    window: isWindowed ? await all(ofStream, "age") : new Sketch(),
    queue: await all(ofBatches, "wait"),
    run: await all(ofBatches, "run"),
  };
  const p95 = (sketch: Sketch): number => sketch.quantile(0.95) ?? 0;
  const sum = p95(sketches.window) + p95(sketches.queue) + p95(sketches.run);
  const stages = (["window", "queue", "run"] as const).map((stage): StageTimes => {
    const sketch = sketches[stage];
    return { stage, count: sketch.count, times: timesOf(sketch), share: sum === 0 ? 0 : p95(sketch) / sum };
  });
  const ended = await all(ofBatches, "total");
  const counters = await monitor.flow({ tenant, from, to, sources: [ofBatches] }, null);
  const counted = (metric: string): number => counters.reduce((total, point) => total + (point.metric === metric ? point.value : 0), 0);
  const byCategory: Record<string, number> = {};
  for (const { metric, value } of counters) {
    if (!metric.startsWith("retries.")) continue;
    const category = metric.slice("retries.".length);
    byCategory[category] = (byCategory[category] ?? 0) + value;
  }
  const waits = Map.groupBy(await monitor.measured({ tenant, from, to, sources: [ofBatches] }, "wait", widthMs), ({ at }) => at);
  const busy = Map.groupBy(
    await monitor.measured({ tenant, from, to, sources: [sourceOf.gauge()] }, gaugeMeasure("worker_busy_seconds_total"), widthMs),
    ({ at }) => at,
  );
  const saturation = [...waits.keys()]
    .sort((a, b) => a - b)
    .flatMap((at) => {
      const worked = together(busy.get(at) ?? []);
      const wait = together(waits.get(at)!);
      if (slots === 0 || worked.count === 0) return [];
      const utilisation = Math.min(1, (meanOf(worked) * 1000) / SAMPLE_MS / slots);
      return [{ at, utilisation, waitP95Ms: wait.quantile(0.95)!, batches: wait.count }];
    });
  return {
    stages,
    batch: timesOf(ended),
    tries: { settled: counted("items.succeeded") + counted("items.failed"), retried: counted("items.retried"), byCategory },
    saturation,
  };
}

function timesOf(sketch: Sketch): StageTimes["times"] {
  if (sketch.count === 0) return null;
  return { mean: meanOf(sketch), p50: sketch.quantile(0.5)!, p95: sketch.quantile(0.95)!, p99: sketch.quantile(0.99)! };
}

function together(points: readonly { sketch: Sketch }[]): Sketch {
  const all = new Sketch();
  for (const { sketch } of points) all.merge(sketch);
  return all;
}
