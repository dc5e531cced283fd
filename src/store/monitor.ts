import type { BatchRow } from "../model/batch.ts";
import type { ErrorCategory } from "../model/item.ts";
import type { FlowMeasure, GaugeMeasure } from "../model/flow.ts";
import type { JobTime, JobTotals, SizeSum } from "../model/job-totals.ts";
import type { BatchStatus } from "../model/moves.ts";
import type { Sketch } from "../model/stats/sketch.ts";

/** Sealed batches by the time they were created. */
export interface JobFilter {
  tenant: string;
  /** Inclusive. */
  from: number;
  /** Exclusive. */
  to: number;
  operation?: string | undefined;
  statuses?: readonly BatchStatus[] | undefined;
}

/** Of a batch, what an analysis looks at. */
export interface JobFacts {
  id: string;
  operation: string;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
  totalItems: number;
  succeeded: number;
  failed: number;
}

/** Batches of a time, of every state. */
export type AnalysisFilter = Omit<JobFilter, "statuses">;

export interface SizeSums extends Record<SizeSum, number> {
  /** See src/model/job-totals.ts. */
  step: number;
}

/** Failures of one error code that stand. */
export interface ErrorSums {
  code: string;
  failures: number;
  jobs: number;
  /** Newest first. */
  batchIds: string[];
  /** Of the largest group of the newest batch. */
  category: ErrorCategory;
  error: string;
}

/** Failures of a batch that stand, by kind. */
export interface JobError {
  batchId: string;
  code: string;
  category: ErrorCategory;
  error: string;
  count: number;
}

export interface JobPoint {
  /** Start of the bucket; without buckets, start of the range. */
  at: number;
  operation: string;
  status: BatchStatus;
  totals: JobTotals;
}

export interface TimePoint {
  at: number;
  sketch: Sketch;
}

/**
 * What batches add up to, maintained with every move of a batch. A query costs by the buckets of its range, never by its
 * batches, and is exact to the millisecond; batches that retention removed stay in it by the minute.
 */
export interface MonitorStore {
  /** In order of time. `widthMs`: a minute, an hour, a day or a multiple of one of them; null = the whole range as one. */
  jobs(filter: JobFilter, widthMs: number | null): Promise<JobPoint[]>;
  /** Distribution of a time over the batches that have started and ended. */
  times(filter: JobFilter, metric: JobTime, widthMs: number | null): Promise<TimePoint[]>;
  /** Batches of the range that `page` finds: sums are also of those that retention removed. */
  count(filter: JobFilter): Promise<number>;
  /** Batches of the range, newest first (created_at, id), from position `offset` on: the cost does not grow with it. */
  page(filter: JobFilter, offset: number, limit: number): Promise<BatchRow[]>;
  /** How many batches of each size there are, what became of their items and how long they took, smallest first. */
  sizes(filter: AnalysisFilter): Promise<SizeSums[]>;
  /** Failures that stand, by error code, most frequent first; of each code at most `ids` batches. */
  errorCodes(filter: AnalysisFilter, ids: number): Promise<ErrorSums[]>;
  /** The batches that took longest from start to end, of those that have ended; the last id first where they are equal. */
  slowest(filter: AnalysisFilter, limit: number): Promise<JobFacts[]>;
  /** Failures that stand in these batches, by kind: of each batch the most frequent first. */
  errors(tenant: string, batchIds: readonly string[]): Promise<JobError[]>;
  /** What happened, by the time it happened: minutes, hours and days in order. A bucket belongs to the range it starts in. */
  flow(filter: FlowFilter, widthMs: number | null): Promise<FlowPoint[]>;
  /** Distributions of what was measured when it happened. */
  measured(filter: Omit<FlowFilter, "metrics">, metric: FlowMeasure | GaugeMeasure, widthMs: number | null): Promise<MeasuredPoint[]>;
  /** All of them but gauges, over the whole range. */
  distributions(filter: Omit<FlowFilter, "metrics">): Promise<Distribution[]>;
  /** Adds one value of each gauge to its distribution in the buckets of `now`: what `measured` gives under the same names. */
  sample(tenant: string, gauges: readonly GaugeSample[], now: number): Promise<void>;
  /**
   * Takes off buckets before these times, some at a time; true while there may be more. Buckets of batches that are still there
   * stay. The sums of whole hours and days stay as they are; ranges that begin or end within one are then rounded to it.
   */
  trim(before: RollupHorizons): Promise<boolean>;
}

/** Unix milliseconds: what happened earlier is no longer kept by the minute, by the hour, by the day. */
export interface RollupHorizons {
  minutes: number;
  hours: number;
  days: number;
}

/** A gauge, measured from time to time. `source` and `metric` as in FlowFilter; the value is not negative. */
export interface GaugeSample {
  source: string;
  metric: GaugeMeasure;
  value: number;
}

/** Counters of src/model/flow.ts. */
export interface FlowFilter {
  tenant: string;
  /** Inclusive; rounded down to a minute, for keys of streams to an hour; before the horizons of `trim` to an hour, to a day. */
  from: number;
  /** Exclusive; rounded up likewise. */
  to: number;
  /** Exact names, or beginnings that end in `:` or `/`. */
  sources: readonly string[];
  /** Exact names, or beginnings that end in `.`; none = all. */
  metrics?: readonly string[] | undefined;
}

export interface FlowPoint {
  at: number;
  source: string;
  metric: string;
  value: number;
}

export interface MeasuredPoint {
  at: number;
  source: string;
  sketch: Sketch;
}

export interface Distribution {
  source: string;
  metric: FlowMeasure;
  sketch: Sketch;
}
