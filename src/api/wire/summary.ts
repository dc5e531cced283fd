import type { BatchRow } from "../../model/batch.ts";
import type { BatchStats } from "../../model/stats/batch-stats.ts";
import type { Summary } from "../contract/results.ts";
import { round } from "./batch.ts";

/** Mean of the measured durations, milliseconds; 0 without any. */
export function averageDuration(stats: BatchStats): number {
  return stats.durationCount === 0 ? 0 : stats.durationSum / stats.durationCount;
}

/** Mean of the quality scores; null without any. */
export function meanScore(stats: BatchStats): number | null {
  const count = stats.scoreCounts.reduce((sum, n) => sum + n, 0);
  return count === 0 ? null : stats.scoreSums.reduce((sum, n) => sum + n, 0) / count;
}

/** Milliseconds between the start and the end (or now); 0 before the start. */
function wallMs(batch: BatchRow, now: number): number {
  return batch.startedAt === null ? 0 : Math.max(0, (batch.completedAt ?? now) - batch.startedAt);
}

/** Ended items over the wall-clock time, per `unitMs`; 0 while nothing has ended. A batch within one millisecond counts as one. */
export function wallRate(batch: BatchRow, now: number, unitMs: number): number {
  const processed = batch.succeeded + batch.failed;
  return processed === 0 || batch.startedAt === null ? 0 : (processed / Math.max(1, wallMs(batch, now))) * unitMs;
}

export function summaryOf(batch: BatchRow, stats: BatchStats, now: number): Summary {
  const average = averageDuration(stats);
  const quality = meanScore(stats);
  return {
    total: batch.succeeded + batch.failed,
    successful: batch.succeeded,
    failed: batch.failed,
    qualityScore: quality === null ? null : round(quality, 4),
    performanceMetrics: {
      averageDuration: round(average, 2),
      totalDuration: round(stats.durationSum, 3),
      requestsPerMinute: average === 0 ? 0 : round(60_000 / average, 2),
      wallClockItemsPerMinute: round(wallRate(batch, now, 60_000), 2),
    },
  };
}
