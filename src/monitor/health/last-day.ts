import type { FlowMeasure } from "../../model/flow.ts";
import type { Sketch } from "../../model/stats/sketch.ts";
import type { MonitorStore } from "../../store/port.ts";
import { meanOf } from "../metrics/history.ts";
import type { QueueView } from "../pipeline.ts";
import { ENDED, percentOf } from "./flow-lines.ts";
import { together, type Times } from "./flow-times.ts";
import { MINUTE_MS } from "./open-batches.ts";
import type { DayReport, OverviewFacts, StageReport } from "./overview-report.ts";

const DAY_MS = 86_400_000;

/** The last 24 hours, and what each stage did in them against the 24 hours before. */
export async function lastDay(
  monitor: MonitorStore,
  tenant: string,
  now: number,
  { rows, facts, times }: { rows: readonly QueueView[]; facts: OverviewFacts; times: Times },
): Promise<{ day: DayReport; stages: StageReport[] }> {
  const range = (from: number): { tenant: string; from: number; to: number; sources: string[] } => ({
    tenant,
    from,
    to: from + DAY_MS,
    sources: ["operation:", "stream:"],
  });
  const from = now - DAY_MS + MINUTE_MS;
  const today = totalsOf(await monitor.flow(range(from), null));
  const before = totalsOf(await monitor.flow(range(from - DAY_MS), null));
  const p95 = async (measure: FlowMeasure): Promise<Sketch> => together(await monitor.measured(range(from), measure, null));
  const age = await p95("age");
  const completed = today("batches.completed");
  const failedBatches = today("batches.failed");
  const sum = (of: (row: QueueView) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const rate = (of: typeof today, part: string, ...whole: string[]): number | null =>
    percentOf(
      of(part),
      whole.reduce((total, metric) => total + of(metric), 0),
    );
  const stage = (name: StageReport["stage"], count: number, sketches: Iterable<Sketch>, part: string, ...whole: string[]): StageReport => ({
    stage: name,
    now: count,
    p95Ms: together([...sketches].map((sketch) => ({ sketch }))).quantile(0.95),
    failurePercent: rate(today, part, ...whole),
    failurePercentBefore: rate(before, part, ...whole),
  });
  return {
    stages: [
      stage(
        "collect",
        facts.streams.reduce((total, { openWindows }) => total + openWindows, 0),
        times.age.values(),
        "dead_letters",
        "dead_letters",
        "items.received",
      ),
      stage(
        "wait",
        sum((row) => row.pending),
        times.wait.values(),
        "batches.expired",
        ...ENDED,
      ),
      stage(
        "run",
        sum((row) => row.running),
        times.run.values(),
        "items.failed",
        "items.failed",
        "items.succeeded",
      ),
    ],
    day: {
      batches: {
        created: today("batches.created"),
        completed,
        failed: failedBatches,
        cancelled: today("batches.cancelled"),
        expired: today("batches.expired"),
        reprocessed: today("batches.reprocessed"),
      },
      items: {
        received: today("items.received"),
        succeeded: today("items.succeeded"),
        failed: today("items.failed"),
        retried: today("items.retried"),
        deadLetters: today("dead_letters"),
      },
      itemSuccessPercent: rate(today, "items.succeeded", "items.succeeded", "items.failed"),
      batchFailurePercent: percentOf(failedBatches, completed + failedBatches),
      chunksLost: today("chunks.lost"),
      windows: {
        closed: today("windows.closed."),
        items: today("windows.items"),
        jobsAvoided: Math.max(0, today("windows.items") - today("windows.closed.")),
        closures: today.parts("windows.closed."),
        ageMeanMs: age.count === 0 ? null : meanOf(age),
        ageMaxMs: age.quantile(1),
      },
      waitP95Ms: (await p95("wait")).quantile(0.95),
      runP95Ms: (await p95("run")).quantile(0.95),
      totalP95Ms: (await p95("total")).quantile(0.95),
    },
  };
}

interface Totals {
  /** Over all sources; a beginning that ends in `.` is the sum of what begins so. */
  (metric: string): number;
  parts(beginning: string): Record<string, number>;
}

function totalsOf(points: readonly { metric: string; value: number }[]): Totals {
  const sums = new Map<string, number>();
  for (const { metric, value } of points) sums.set(metric, (sums.get(metric) ?? 0) + value);
  const of = (metric: string): number =>
    metric.endsWith(".")
      ? [...sums].reduce((total, [name, value]) => total + (name.startsWith(metric) ? value : 0), 0)
      : (sums.get(metric) ?? 0);
  const parts = (beginning: string): Record<string, number> =>
    Object.fromEntries(
      [...sums].filter(([name]) => name.startsWith(beginning)).map(([name, value]) => [name.slice(beginning.length), value]),
    );
  return Object.assign(of, { parts });
}
