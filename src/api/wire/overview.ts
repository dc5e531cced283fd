import type { z } from "zod";
import { iso } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import type { Bottleneck } from "../../monitor/health/bottleneck.ts";
import type { KeyReport } from "../../monitor/health/key-report.ts";
import type { OverviewReport, Tile } from "../../monitor/health/overview-report.ts";
import type { AlertEpisode } from "../../store/alerts.ts";
import type * as contract from "../contract/system.ts";
import { round } from "./batch.ts";
import type { WireWorker } from "./workers.ts";

type Answer = z.output<typeof contract.overviewAnswer>;

const seconds = (ms: number | null): number | null => (ms === null ? null : round(ms / 1000, 3));
const figure = (value: number | null): number | null => (value === null ? null : round(value, 3));

export function wireOverview(
  report: OverviewReport,
  more: { now: number; workers: WireWorker[]; critical: readonly StoredEvent[]; alerts: ReadonlyMap<string, AlertEpisode> },
): Answer {
  const { health, sentence, utilisation, day, littlesLaw } = report;
  return {
    success: true,
    timestamp: iso(more.now)!,
    health,
    verdict: sentence,
    bottleneck: wireBottleneck(report.bottleneck),
    utilisation: figure(utilisation),
    tiles: report.tiles.map(wireTile),
    queues: report.queues.map((queue) => ({
      name: queue.name,
      health: queue.health,
      depth: queue.depth,
      running: queue.running,
      growth: queue.growth,
      drain_seconds: seconds(queue.drainMs),
      oldest_wait_seconds: seconds(queue.oldestWaitMs),
      wait_p95_seconds: seconds(queue.waitP95Ms),
      run_p95_seconds: seconds(queue.runP95Ms),
      batches_per_minute: round(queue.endedPerMinute, 3),
      items_per_minute: round(queue.itemsPerMinute, 3),
      failure_percent: figure(queue.failurePercent),
      stalled: queue.stalled,
      reprocessed: queue.reprocessed,
      bottleneck: wireBottleneck(queue.bottleneck),
    })),
    streams: report.streams.map((stream) => ({
      name: stream.name,
      operation: stream.operation,
      paused: stream.paused,
      items_per_minute: round(stream.itemsPerMinute, 3),
      open_windows: stream.openWindows,
      open_items: stream.openItems,
      oldest_seconds: seconds(stream.oldestMs),
      depth: stream.depth,
      wait_p95_seconds: seconds(stream.waitP95Ms),
      age_mean_seconds: seconds(stream.ageMeanMs),
      age_max_seconds: seconds(stream.ageMaxMs),
      failure_percent: figure(stream.failurePercent),
      closures_per_minute: round(stream.closuresPerMinute, 3),
      closures: stream.closures,
      bottleneck: wireBottleneck(stream.bottleneck),
    })),
    stages: report.stages.map(({ stage, now, p95Ms, failurePercent, failurePercentBefore }) => ({
      stage,
      now,
      p95_seconds: seconds(p95Ms),
      failure_percent: figure(failurePercent),
      failure_percent_before: figure(failurePercentBefore),
    })),
    day: {
      batches: day.batches,
      items: {
        received: day.items.received,
        succeeded: day.items.succeeded,
        failed: day.items.failed,
        retried: day.items.retried,
        dead_letters: day.items.deadLetters,
      },
      batch_failure_percent: figure(day.batchFailurePercent),
      item_success_percent: figure(day.itemSuccessPercent),
      stalled: day.chunksLost,
      windows: {
        closed: day.windows.closed,
        items: day.windows.items,
        jobs_avoided: day.windows.jobsAvoided,
        closures: day.windows.closures,
        age_mean_seconds: seconds(day.windows.ageMeanMs),
        age_max_seconds: seconds(day.windows.ageMaxMs),
      },
      wait_p95_seconds: seconds(day.waitP95Ms),
      run_p95_seconds: seconds(day.runP95Ms),
      total_p95_seconds: seconds(day.totalP95Ms),
    },
    littles_law: {
      in_system: round(littlesLaw.inSystem, 3),
      rate_per_second: round(littlesLaw.ratePerSecond, 5),
      mean_seconds: figure(littlesLaw.meanSeconds),
      error: figure(littlesLaw.error),
    },
    workers: more.workers,
    critical: more.critical.map(({ type, entity, ts, data }) => {
      const episode = more.alerts.get(entity.id);
      const alert = episode === undefined ? null : { open: episode.resolvedAt === null, acknowledged_by: episode.ackedBy };
      return { type, entity: entity.id, timestamp: iso(ts)!, data, alert };
    }),
  };
}

export function wireKey({ key, items, itemsPerMinute, windows, windowItems, ageMeanMs, ageP95Ms }: KeyReport) {
  return {
    key,
    items,
    items_per_minute: round(itemsPerMinute, 3),
    windows,
    window_items: windowItems,
    age_mean_seconds: seconds(ageMeanMs),
    age_p95_seconds: seconds(ageP95Ms),
  };
}

function wireTile({ name, unit, value, sparkline, yesterday, changePercent }: Tile): Answer["tiles"][number] {
  const shown = unit === "ms" ? seconds : figure;
  return {
    name,
    unit: unit === "ms" ? "seconds" : unit,
    value: shown(value),
    sparkline: sparkline.map(shown),
    yesterday: shown(yesterday),
    change_percent: figure(changePercent),
  };
}

function wireBottleneck(bottleneck: Bottleneck | null): Answer["bottleneck"] {
  if (bottleneck === null) return null;
  const { kind, sentence, shares, endToEndMs } = bottleneck;
  return {
    kind,
    sentence,
    shares: { window: round(shares.window, 3), dispatch: round(shares.dispatch, 3), run: round(shares.run, 3) },
    end_to_end_p95_seconds: round(endToEndMs / 1000, 3),
  };
}
