import { openItems, type BatchRow } from "../batch.ts";
import { isFinal } from "../moves.ts";
import type { BatchStats } from "./batch-stats.ts";

/** Weight of the past halves in this time: long enough to smooth chunks, short enough to follow a change. */
const HALF_LIFE_MS = 15_000;
/** After a long standstill the recent rate is next to nothing; an end in centuries is no estimate, and no date either. */
const LONGEST_ETA_MS = 10 * 365 * 86_400_000;

type Standing = Pick<BatchRow, "status" | "totalItems" | "succeeded" | "failed" | "cancelled" | "expired" | "startedAt" | "completedAt">;

/**
 * Items per second lately: ended items weighted by age (half-life 15 s), over the equally weighted time they took. A final
 * batch has its mean rate. Null when nothing has ended.
 */
export function recentRate(batch: Standing, stats: BatchStats, now: number): number | null {
  const points = stats.timeline.points();
  const ended = batch.succeeded + batch.failed;
  if (batch.startedAt === null || points.length === 0 || ended === 0) return null;
  if (isFinal(batch.status)) return meanRate(batch);
  let items = 0;
  for (const point of points) {
    const middle = Math.min(now, point.at + stats.timeline.widthMs / 2);
    items += (point.succeeded + point.failed) * 0.5 ** ((now - middle) / HALF_LIFE_MS);
  }
  const seconds = (HALF_LIFE_MS / Math.LN2 / 1000) * (1 - 0.5 ** (Math.max(1, now - batch.startedAt) / HALF_LIFE_MS));
  return items / seconds;
}

/** Unix milliseconds at which the batch ends if it goes on at its recent rate; null = unknown. */
export function etaAt(batch: Standing, rate: number | null, now: number): number | null {
  if (isFinal(batch.status) || batch.status === "paused" || rate === null || rate <= 0) return null;
  const at = Math.round(now + (openItems(batch) / rate) * 1000);
  return at - now > LONGEST_ETA_MS ? null : at;
}

/** Items per second of a batch that has ended; null for one that never ran anything. */
export function meanRate({ succeeded, failed, startedAt, completedAt }: Standing): number | null {
  if (startedAt === null || completedAt === null || succeeded + failed === 0) return null;
  return (succeeded + failed) / Math.max(0.001, (completedAt - startedAt) / 1000);
}
