import type { Clock } from "../../model/clock.ts";
import { sourceOf, type FlowMeasure } from "../../model/flow.ts";
import type { Sketch } from "../../model/stats/sketch.ts";
import type { BatchCounts, MonitorStore } from "../../store/port.ts";
import { meanOf } from "../metrics/history.ts";
import { recordedIn, type Recorder } from "../metrics/recorded.ts";
import { gaugeMeasure, SAMPLE_MS } from "../metrics/sampler.ts";
import type { Pipeline, QueueThresholds, QueueView } from "../pipeline.ts";
import { bottleneckOf, type Bottleneck, type StageFigures } from "./bottleneck.ts";
import { ENDED, FlowLines, percentOf } from "./flow-lines.ts";
import { together, type Times } from "./flow-times.ts";
import { lastDay } from "./last-day.ts";
import { littlesLaw } from "./littles-law.ts";
import { MINUTE_MS, openBatches, type OpenAt } from "./open-batches.ts";
import type { OverviewFacts, OverviewReport, QueueReport, StreamReport, Tile } from "./overview-report.ts";
import { queueHealth, verdictOf, type HealthVerdict, type Reason } from "./queue-health.ts";

/** Items and windows of streams, and what becomes of them: of operations, and of the batches of each stream. */
const SOURCES = ["operation:", "stream:", "runs:"];
/** Figures of "lately" are of this many minutes, the last of which is not over. */
const LATELY_MINUTES = 15;
/** A trend begins that many minutes ago, within the minute before those. */
const TREND_MINUTES = LATELY_MINUTES + 1;
const DAY_MS = 86_400_000;

/** What is going on, in one look. Everything comes from sums the store keeps, so the cost does not grow with batches. */
export class Overview {
  private readonly monitor: MonitorStore;
  private readonly recorder: Recorder;
  private readonly counts: (tenant: string) => Promise<BatchCounts>;
  private readonly pipeline: Pipeline;
  private readonly clock: Clock;
  private readonly thresholds: () => QueueThresholds;

  constructor(parts: {
    monitor: MonitorStore;
    recorder: Recorder;
    counts: (tenant: string) => Promise<BatchCounts>;
    pipeline: Pipeline;
    clock: Clock;
    thresholds: () => QueueThresholds;
  }) {
    this.monitor = parts.monitor;
    this.recorder = parts.recorder;
    this.counts = parts.counts;
    this.pipeline = parts.pipeline;
    this.clock = parts.clock;
    this.thresholds = parts.thresholds;
  }

  async read(tenant: string, facts: OverviewFacts): Promise<OverviewReport> {
    const now = this.clock.now();
    const lately = await this.lines(tenant, now);
    const yesterday = await this.lines(tenant, now - DAY_MS);
    const times = await this.times(tenant, lately.from, now + MINUTE_MS);
    const counts = await this.counts(tenant);
    const utilisation = await this.utilisation(tenant, facts, now);
    const rows = await this.pipeline.queues(tenant);
    const queues = await Promise.all(rows.map((row) => this.queue(tenant, row, { now, lately, times, counts, utilisation, facts })));
    const streams = facts.streams.map((stream) => streamReport(stream, { queues, lately, times, utilisation, facts }));
    const open = await openBatches(this.monitor, counts, { tenant, now, minutes: TREND_MINUTES });
    const bottleneck = bottleneckOf(stages(null, { open, lately, times, utilisation, facts, ofStream: null }));
    const health = verdictOf([...queues.flatMap((queue) => queue.health.reasons), ...serverReasons(facts)]);
    return {
      health,
      sentence: sentenceOf(health, bottleneck, queues, lately),
      bottleneck,
      utilisation,
      tiles: await this.tiles(tenant, { now, lately, yesterday, open, counts }),
      queues,
      streams,
      ...(await lastDay(this.monitor, tenant, now, { rows, facts, times })),
      littlesLaw: await littlesLaw(this.monitor, counts, tenant, now),
    };
  }

  private async lines(tenant: string, now: number): Promise<FlowLines> {
    const from = now - (now % MINUTE_MS) - (LATELY_MINUTES - 1) * MINUTE_MS;
    const points = await this.monitor.flow({ tenant, from, to: now + 1, sources: SOURCES }, MINUTE_MS);
    return new FlowLines(points, from, now);
  }

  private async times(tenant: string, from: number, to: number): Promise<Times> {
    const of = async (measure: FlowMeasure): Promise<ReadonlyMap<string, Sketch>> => {
      const points = await this.monitor.measured({ tenant, from, to, sources: SOURCES }, measure, null);
      return new Map(points.map(({ source, sketch }) => [source, sketch]));
    };
    return {
      wait: await of("wait"),
      run: await of("run"),
      total: await of("total"),
      age: await of("age"),
      lag: await of("lag"),
      items: await of("items"),
    };
  }

  /** Share of the time of all slots: from what they worked in each of the last minutes, or, before the first is over, how many work now. */
  private async utilisation(tenant: string, { busy, slots, outsideWorkers }: OverviewFacts, now: number): Promise<number | null> {
    if (slots === 0) return outsideWorkers > 0 ? null : 0;
    const range = { tenant, from: now - LATELY_MINUTES * MINUTE_MS, to: now + 1, sources: [sourceOf.gauge()] };
    const worked = together(await this.monitor.measured(range, gaugeMeasure("worker_busy_seconds_total"), null));
    return Math.min(1, (worked.count === 0 ? busy : (meanOf(worked) * 1000) / SAMPLE_MS) / slots);
  }

  private async queue(
    tenant: string,
    row: QueueView,
    seen: { now: number; lately: FlowLines; times: Times; counts: BatchCounts; utilisation: number | null; facts: OverviewFacts },
  ): Promise<QueueReport> {
    const { lately, times, facts } = seen;
    const name = row.operation;
    const source = sourceOf.operation(name);
    const open = await openBatches(this.monitor, seen.counts, { tenant, now: seen.now, minutes: TREND_MINUTES, operation: name });
    const [m1, m5, m15] = [growthOver(open, 1), growthOver(open, 5), growthOver(open, LATELY_MINUTES)];
    const growth = { m1: Math.round(m1), m5: Math.round(m5), m15: Math.round(m15) };
    const itemsFailed = lately.sum(source, "items.failed");
    const itemsSettled = itemsFailed + lately.sum(source, "items.succeeded");
    const perMinute = -m5 / 5;
    const openNow = open.at(-1)!.open;
    const drainMs = openNow === 0 ? 0 : perMinute > 0 ? (openNow / perMinute) * MINUTE_MS : null;
    const chunksLost = lately.sum(source, "chunks.lost");
    return {
      name,
      health: queueHealth(
        {
          name,
          depth: row.pending,
          oldestWaitMs: row.waitMs ?? 0,
          growth5: growth.m5,
          growth15: growth.m15,
          drainMs,
          itemsSettled,
          itemsFailed,
          chunksLost,
          breakerOpen: facts.breakersOpen.has(name),
        },
        this.thresholds(),
      ),
      depth: row.pending,
      running: row.running,
      growth,
      drainMs,
      oldestWaitMs: row.waitMs,
      waitP95Ms: times.wait.get(source)?.quantile(0.95) ?? null,
      runP95Ms: times.run.get(source)?.quantile(0.95) ?? null,
      endedPerMinute: lately.perMinute(source, ...ENDED),
      itemsPerMinute: lately.perMinute(source, "items.succeeded", "items.failed"),
      failurePercent: percentOf(itemsFailed, itemsSettled),
      stalled: chunksLost,
      reprocessed: lately.sum(source, "batches.reprocessed"),
      bottleneck: bottleneckOf(stages(name, { ...seen, open, ofStream: null })),
    };
  }

  private async tiles(
    tenant: string,
    {
      now,
      lately,
      yesterday,
      open,
      counts,
    }: { now: number; lately: FlowLines; yesterday: FlowLines; open: readonly OpenAt[]; counts: BatchCounts },
  ): Promise<Tile[]> {
    const isRecorded = await recordedIn(this.monitor, this.recorder, { from: lately.from, to: now, widthMs: MINUTE_MS });
    // Zero is told of minutes that somebody recorded, only.
    const known = (line: readonly number[]): (number | null)[] =>
      line.map((value, n) => (value !== 0 || isRecorded(lately.from + n * MINUTE_MS) ? value : null));
    const rate = (name: string, source: string, ...metrics: string[]): Tile =>
      tile(
        name,
        "per_minute",
        lately.perMinute(source, ...metrics),
        known(lately.line(source, ...metrics)),
        yesterday.perMinute(source, ...metrics),
      );
    const failure = (lines: FlowLines): number | null =>
      percentOf(lines.sum("operation:", "items.failed"), lines.sum("operation:", "items.failed", "items.succeeded"));
    const failed = lately.line("operation:", "items.failed");
    const settled = lately.line("operation:", "items.failed", "items.succeeded");
    const p95 = async (name: string, measure: FlowMeasure): Promise<Tile> => {
      const sources = ["operation:"];
      const points = await this.monitor.measured({ tenant, from: lately.from, to: now + 1, sources }, measure, MINUTE_MS);
      const before = await this.monitor.measured({ tenant, from: yesterday.from, to: now - DAY_MS + 1, sources }, measure, null);
      const line = Array.from({ length: lately.minutes }, (_, n) =>
        together(points.filter(({ at }) => at === lately.from + n * MINUTE_MS)).quantile(0.95),
      );
      return tile(name, "ms", together(points).quantile(0.95), line, together(before).quantile(0.95));
    };
    const openYesterday = await this.openADayAgo(tenant, counts, now);
    return [
      rate("items_received", "stream:", "items.received"),
      rate("items_done", "operation:", "items.succeeded", "items.failed"),
      rate("batches_ended", "operation:", ...ENDED),
      rate("windows_closed", "stream:", "windows.closed."),
      tile("batches_open", "batches", open.at(-1)!.open, known(open.slice(-lately.minutes).map((point) => point.open)), openYesterday),
      tile(
        "failures",
        "percent",
        failure(lately),
        failed.map((value, n) => percentOf(value, settled[n]!)),
        failure(yesterday),
      ),
      await p95("wait_p95", "wait"),
      await p95("end_to_end_p95", "total"),
    ];
  }

  private async openADayAgo(tenant: string, counts: BatchCounts, now: number): Promise<number> {
    const day = await openBatches(this.monitor, counts, { tenant, now, minutes: 1440 });
    return day[0]!.open;
  }
}

function streamReport(
  stream: OverviewFacts["streams"][number],
  seen: { queues: readonly QueueReport[]; lately: FlowLines; times: Times; utilisation: number | null; facts: OverviewFacts },
): StreamReport {
  const { lately, times } = seen;
  const source = sourceOf.stream(stream.name);
  const runs = sourceOf.runs(stream.name);
  const queue = seen.queues.find(({ name }) => name === stream.operation);
  const age = times.age.get(source);
  const growth = (queue?.growth.m5 ?? 0) / 5;
  const open = [
    { at: 0, open: 0 },
    { at: 0, open: (queue?.depth ?? 0) + (queue?.running ?? 0) },
  ];
  const figures = { ...stages(stream.operation, { ...seen, open, ofStream: stream.name }), growthPerMinute: growth };
  return {
    ...stream,
    itemsPerMinute: lately.perMinute(source, "items.received"),
    depth: queue?.depth ?? 0,
    waitP95Ms: times.wait.get(runs)?.quantile(0.95) ?? null,
    ageMeanMs: age === undefined ? null : meanOf(age),
    ageMaxMs: age?.quantile(1) ?? null,
    failurePercent: percentOf(lately.sum(runs, "items.failed"), lately.sum(runs, "items.failed", "items.succeeded")),
    closuresPerMinute: lately.perMinute(source, "windows.closed."),
    closures: lately.parts(source, "windows.closed."),
    bottleneck: bottleneckOf(figures),
  };
}

/** The figures of one operation (null = of all), or of the batches a stream made and its windows; of all, with those of all windows. */
function stages(
  operation: string | null,
  seen: {
    open: readonly OpenAt[];
    lately: FlowLines;
    times: Times;
    utilisation: number | null;
    facts: OverviewFacts;
    ofStream: string | null;
  },
): StageFigures {
  const { lately, times, facts, open } = seen;
  const source = seen.ofStream !== null ? sourceOf.runs(seen.ofStream) : operation === null ? "operation:" : sourceOf.operation(operation);
  const p95 = (sketches: ReadonlyMap<string, Sketch>, of: string): number | null =>
    of.endsWith(":")
      ? together([...sketches].filter(([name]) => name.startsWith(of)).map(([, sketch]) => ({ sketch }))).quantile(0.95)
      : (sketches.get(of)?.quantile(0.95) ?? null);
  const windows = seen.ofStream !== null ? sourceOf.stream(seen.ofStream) : operation === null ? "stream:" : null;
  const runs = facts.runs.filter((run) => operation === null || run.operation === operation);
  return {
    windowMs: windows === null ? null : p95(times.age, windows),
    waitMs: p95(times.wait, source),
    runMs: p95(times.run, source),
    utilisation: seen.utilisation,
    open: open.at(-1)!.open,
    growthPerMinute: growthOver(open, 5) / 5,
    settled: lately.sum(source, "items.succeeded", "items.failed"),
    retried: lately.sum(source, "items.retried"),
    rateLimited: lately.sum(source, "retries.rate_limit", "failures.rate_limit"),
    limited: runs.length === 0 ? 0 : runs.filter((run) => run.limited).length / runs.length,
    breakerOpen: operation === null ? facts.breakersOpen.size > 0 : facts.breakersOpen.has(operation),
  };
}

function serverReasons(facts: OverviewFacts): Reason[] {
  const { pressure, notReady, slots, outsideWorkers, lostWorkers, alerts } = facts;
  const reasons: Reason[] = notReady.map((part) => ({ level: "critical", code: "not_ready", message: `${part} is not ready` }));
  if (pressure.state !== "normal") {
    const full = pressure.state === "full";
    const message = `${pressure.waiting} of ${pressure.maxSize} batches wait: ${full ? "new ones are refused" : "windows hold"}`;
    reasons.push({ level: full ? "critical" : "warning", code: "backpressure", message });
  }
  if (slots === 0 && outsideWorkers === 0 && pressure.waiting > 0)
    reasons.push({ level: "critical", code: "no_workers", message: "batches wait, and there is no worker" });
  if (lostWorkers > 0)
    reasons.push({
      level: "warning",
      code: "worker_lost",
      message: `${lostWorkers} ${lostWorkers === 1 ? "worker" : "workers"} fell silent`,
    });
  // Last, and never more than a warning: what an alert is about is said above as it stands now, and an alert outlasts it.
  if (alerts.firing > 0)
    reasons.push({
      level: "warning",
      code: "alerts",
      message: `${alerts.firing} ${alerts.firing === 1 ? "alert fires" : "alerts fire"}${alerts.critical === 0 ? "" : `, ${alerts.critical} critical`}`,
    });
  return reasons;
}

function sentenceOf(health: HealthVerdict, bottleneck: Bottleneck | null, queues: readonly QueueReport[], lately: FlowLines): string {
  const [worst, ...others] = health.reasons;
  if (worst !== undefined) {
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    return `${health.status === "critical" ? "Critical" : "Warning"}: ${worst.message}${more}.${bottleneck === null ? "" : ` ${bottleneck.sentence}`}`;
  }
  const ended = lately.perMinute("operation:", ...ENDED);
  const waiting = queues.reduce((sum, { depth }) => sum + depth, 0);
  const running = queues.reduce((sum, queue) => sum + queue.running, 0);
  if (ended + waiting + running === 0) return "Healthy: nothing waits, runs, or has ended lately.";
  return `Healthy: ${paceOf(ended)}, ${count(running)} running, ${count(waiting)} waiting.`;
}

/** "12 batches end a minute"; slower than one a minute it is told by the hour: "4.2 batches end an hour". */
function paceOf(perMinute: number): string {
  const [pace, per] = perMinute > 0 && perMinute < 1 ? [perMinute * 60, "an hour"] : [perMinute, "a minute"];
  const shown = Number(pace.toPrecision(2));
  return `${count(shown)} ${shown === 1 ? "batch ends" : "batches end"} ${per}`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** How many more there are than so many minutes ago, evenly over the minute in which that was; of a shorter line, than at its beginning. */
function growthOver(open: readonly OpenAt[], minutes: number): number {
  const now = open.at(-1)!;
  const at = now.at - minutes * MINUTE_MS;
  const n = open.findLastIndex((point) => point.at <= at);
  const [from, to] = [open[n] ?? open[0]!, open[n + 1] ?? now];
  const passed = to.at > from.at ? Math.max(0, at - from.at) / (to.at - from.at) : 0;
  return now.open - (from.open + (to.open - from.open) * passed);
}

function tile(name: string, unit: Tile["unit"], value: number | null, sparkline: (number | null)[], yesterday: number | null): Tile {
  const changePercent = value === null || yesterday === null || yesterday === 0 ? null : ((value - yesterday) / yesterday) * 100;
  return { name, unit, value, sparkline, yesterday, changePercent };
}
