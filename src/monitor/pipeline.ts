import type { Clock } from "../model/clock.ts";
import type { PipelineSample, QueueRow, StreamStore } from "../store/port.ts";

/** Ended batches of this time make the throughput. */
const LATELY_MS = 5 * 60_000;
/** Closed windows that one answer looks at. */
const MAX_SAMPLES = 100_000;

export const STAGES = ["watch_to_detect", "detect_to_batch", "batch_to_analyze", "total_pipeline"] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds, percentiles by nearest rank. */
export interface StageFigures {
  avg_ms: number;
  min_ms: number;
  max_ms: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  sample_count: number;
}
export type StageTable = Record<Stage, StageFigures | null>;

export type QueueHealth = "healthy" | "warning" | "critical";

export interface QueueThresholds {
  warningDepth: number;
  criticalDepth: number;
  warningWaitMs: number;
  criticalWaitMs: number;
}

export interface QueueView extends QueueRow {
  health: QueueHealth;
  /** Batches that ended in a minute, over the last five. */
  perMinute: number;
  /** How long the oldest has waited, milliseconds; null = nothing waits. */
  waitMs: number | null;
}

/**
 * How long things take between a first item and the end of its batch, out of the rows of windows and batches themselves: nothing is
 * sampled or rolled up, so the figures reach as far back as batches are kept.
 */
export class Pipeline {
  private readonly store: StreamStore;
  private readonly clock: Clock;
  private readonly thresholds: () => QueueThresholds;

  constructor(store: StreamStore, clock: Clock, thresholds: () => QueueThresholds) {
    this.store = store;
    this.clock = clock;
    this.thresholds = thresholds;
  }

  async queues(tenant: string): Promise<QueueView[]> {
    const now = this.clock.now();
    const rows = await this.store.queues(tenant, now - LATELY_MS);
    return rows.map((row) => {
      const waitMs = row.oldest === null ? null : Math.max(0, now - row.oldest.createdAt);
      return { ...row, waitMs, health: healthOf(row.pending, waitMs ?? 0, this.thresholds()), perMinute: row.ended / (LATELY_MS / 60_000) };
    });
  }

  /** Of windows that closed in the last `windowMs`; of one stream, or all. */
  async latency(tenant: string, windowMs: number, stream: string | null = null): Promise<StageTable> {
    const now = this.clock.now();
    return stagesOf(await this.store.samples(tenant, stream, { from: now - windowMs, to: now + 1, limit: MAX_SAMPLES }));
  }

  /** The same by buckets of the time windows closed, oldest first; buckets without a window are left out. `at` = start of a bucket. */
  async history(tenant: string, sinceMs: number, bucketMs: number): Promise<{ at: number; stages: StageTable }[]> {
    const now = this.clock.now();
    const samples = await this.store.samples(tenant, null, { from: now - sinceMs, to: now + 1, limit: MAX_SAMPLES });
    const buckets = Map.groupBy(samples, (sample) => Math.floor(sample.closedAt / bucketMs) * bucketMs);
    return [...buckets].sort(([a], [b]) => a - b).map(([at, own]) => ({ at, stages: stagesOf(own) }));
  }
}

function healthOf(depth: number, waitMs: number, limits: QueueThresholds): QueueHealth {
  if (depth >= limits.criticalDepth || waitMs >= limits.criticalWaitMs) return "critical";
  return depth >= limits.warningDepth || waitMs >= limits.warningWaitMs ? "warning" : "healthy";
}

export function worstOf(states: readonly QueueHealth[]): QueueHealth {
  return states.includes("critical") ? "critical" : states.includes("warning") ? "warning" : "healthy";
}

/** Nothing watches files here, so the first stage has no figures. */
function stagesOf(samples: readonly PipelineSample[]): StageTable {
  const times = (from: (sample: PipelineSample) => number | null, to: (sample: PipelineSample) => number | null): number[] =>
    samples.flatMap((sample) => {
      const [start, end] = [from(sample), to(sample)];
      return start === null || end === null ? [] : [end - start];
    });
  return {
    watch_to_detect: null,
    detect_to_batch: figures(
      times(
        (sample) => sample.openedAt,
        (sample) => sample.closedAt,
      ),
    ),
    batch_to_analyze: figures(
      times(
        (sample) => sample.closedAt,
        (sample) => sample.startedAt,
      ),
    ),
    total_pipeline: figures(
      times(
        (sample) => sample.openedAt,
        (sample) => sample.completedAt,
      ),
    ),
  };
}

function figures(times: number[]): StageFigures | null {
  if (times.length === 0) return null;
  const sorted = times.toSorted((a, b) => a - b);
  const rank = (p: number): number => sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]!;
  const sum = sorted.reduce((total, ms) => total + ms, 0);
  return {
    avg_ms: sum / sorted.length,
    min_ms: sorted[0]!,
    max_ms: sorted.at(-1)!,
    p50_ms: rank(0.5),
    p95_ms: rank(0.95),
    p99_ms: rank(0.99),
    sample_count: sorted.length,
  };
}
