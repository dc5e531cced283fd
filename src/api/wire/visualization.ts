import type { BatchView } from "../../batches/service.ts";
import { type BatchRow, openItems } from "../../model/batch.ts";
import { iso } from "../../model/clock.ts";
import { isFinal } from "../../model/moves.ts";
import { type BatchStats, QUALITY_RANGES } from "../../model/stats/batch-stats.ts";
import type { ErrorGroup } from "../../store/port.ts";
import type { Visualization } from "../contract/results.ts";
import { progressOf, round } from "./batch.ts";
import { averageDuration, wallRate } from "./summary.ts";

export function visualizationOf(view: BatchView, groups: ErrorGroup[], now: number): Visualization {
  const { batch, stats } = view;
  const ended = batch.succeeded + batch.failed;
  const open = openItems(batch);
  const average = round(averageDuration(stats), 2);
  const measured = stats.durationCount > 0;
  return {
    batchId: batch.id,
    overview: {
      total: batch.totalItems,
      successful: batch.succeeded,
      failed: batch.failed,
      pending: open,
      successRate: ended === 0 ? 0 : round(batch.succeeded / ended, 4),
      averageDuration: average,
      estimatedCompletion: isFinal(batch.status) ? null : iso(view.etaAt),
    },
    timeline: timeline(batch, stats),
    errorDistribution: errorDistribution(groups),
    qualityDistribution: qualityDistribution(stats),
    performanceMetrics: {
      averageDuration: average,
      p50Duration: quantile(stats, 0.5),
      p95Duration: quantile(stats, 0.95),
      p99Duration: quantile(stats, 0.99),
      min: measured ? round(stats.durationMin, 3) : null,
      max: measured ? round(stats.durationMax, 3) : null,
      totalDuration: round(stats.durationSum, 3),
      throughput: round(wallRate(batch, now, 1_000), 3),
    },
    statusBreakdown: {
      pending: open - Math.min(open, batch.running),
      running: Math.min(open, batch.running),
      succeeded: batch.succeeded,
      failed: batch.failed,
      cancelled: batch.cancelled,
      expired: batch.expired,
    },
    operationMetrics: {
      itemsPerMinute: round(wallRate(batch, now, 60_000), 2),
      estimatedTimeRemaining: isFinal(batch.status) ? 0 : view.etaAt === null ? null : Math.max(0, view.etaAt - now),
      peakThroughput: peakPerMinute(stats),
    },
  };
}

/** Largest error first; percentages of all failures. */
export function shareOfFailures(groups: readonly ErrorGroup[], group: ErrorGroup): number {
  const failures = groups.reduce((sum, one) => sum + one.count, 0);
  return failures === 0 ? 0 : round((group.count / failures) * 100, 2);
}

function errorDistribution(groups: ErrorGroup[]): Visualization["errorDistribution"] {
  return groups.map((group) => ({
    error: group.error,
    count: group.count,
    percentage: shareOfFailures(groups, group),
    examples: group.examples,
  }));
}

/** Best range first; ranges without a score are left out. */
function qualityDistribution(stats: BatchStats): Visualization["qualityDistribution"] {
  const scored = stats.scoreCounts.reduce((sum, n) => sum + n, 0);
  return QUALITY_RANGES.map((range, i) => ({ range, count: stats.scoreCounts[i]!, sum: stats.scoreSums[i]! }))
    .filter(({ count }) => count > 0)
    .reverse()
    .map(({ range, count, sum }) => ({ range, count, percentage: round((count / scored) * 100, 2), averageScore: round(sum / count, 4) }));
}

/** Counts so far at the end of each interval. */
function timeline(batch: BatchRow, stats: BatchStats): Visualization["timeline"] {
  let successful = 0;
  let failed = 0;
  const done = isFinal(batch.status);
  const points = stats.timeline.points();
  return points.map((point, i) => {
    successful += point.succeeded;
    failed += point.failed;
    const pending = Math.max(0, batch.totalItems - successful - failed);
    const share = batch.totalItems === 0 ? 0 : Math.floor(((batch.totalItems - pending) / batch.totalItems) * 100);
    const progress = i === points.length - 1 ? progressOf(batch) : Math.min(done ? 100 : 99, share);
    return { timestamp: new Date(point.at).toISOString(), successful, failed, pending, progress };
  });
}

/** Within the measured extremes: the sketch's 1 % must not show a percentile above the maximum. */
function quantile(stats: BatchStats, q: number): number | null {
  const value = stats.durations.quantile(q);
  return value === null ? null : round(Math.min(stats.durationMax, Math.max(stats.durationMin, value)), 3);
}

function peakPerMinute(stats: BatchStats): number {
  const most = stats.timeline.points().reduce((peak, point) => Math.max(peak, point.succeeded + point.failed), 0);
  return round((most / stats.timeline.widthMs) * 60_000, 2);
}
