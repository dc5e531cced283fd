/** What batches add up to. Times in milliseconds, money in nano-dollars. */
export const JOB_SUMS = [
  "jobs",
  "items",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
  "retried",
  "cost",
  /** What the same requests would have cost one by one, where a price is known. */
  "standard",
  /** Of that, what was not paid. */
  "saved",
  /** Batches that have started and ended: those the next two sums are over. */
  "timed",
  /** From start to end. */
  "run_ms",
  /** From creation to start. */
  "wait_ms",
] as const;

export type JobSum = (typeof JOB_SUMS)[number];
export type JobTotals = Record<JobSum, number>;

/** run: start → end, wait: creation → start, total: creation → end; all in milliseconds. */
export const JOB_TIMES = ["run", "wait", "total"] as const;
export type JobTime = (typeof JOB_TIMES)[number];

export function noJobs(): JobTotals {
  return {
    jobs: 0,
    items: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    expired: 0,
    retried: 0,
    cost: 0,
    standard: 0,
    saved: 0,
    timed: 0,
    run_ms: 0,
    wait_ms: 0,
  };
}

/** Adds `more` to `totals`, `times` times (-1 takes it off again). */
export function addJobs(totals: JobTotals, more: JobTotals, times = 1): JobTotals {
  for (const sum of JOB_SUMS) totals[sum] += more[sum] * times;
  return totals;
}

/** What one batch adds, while it stands as it does. */
export function jobTotals(batch: {
  total_items: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  expired: number;
  retried: number;
  cost: number;
  standard: number;
  saved: number;
  created_at: number;
  started_at: number | null;
  completed_at: number | null;
}): JobTotals {
  const times = jobTimes(batch);
  return {
    jobs: 1,
    items: batch.total_items,
    succeeded: batch.succeeded,
    failed: batch.failed,
    cancelled: batch.cancelled,
    expired: batch.expired,
    retried: batch.retried,
    cost: batch.cost,
    standard: batch.standard,
    saved: batch.saved,
    timed: times === null ? 0 : 1,
    run_ms: times?.run ?? 0,
    wait_ms: times?.wait ?? 0,
  };
}

/** The times of a batch that has started and ended; null before. */
export function jobTimes(batch: {
  created_at: number;
  started_at: number | null;
  completed_at: number | null;
}): Record<JobTime, number> | null {
  const { created_at: created, started_at: started, completed_at: completed } = batch;
  if (started === null || completed === null) return null;
  return { run: completed - started, wait: started - created, total: completed - created };
}

/** Batches are put together by their items in steps of this. */
export const SIZE_STEP = 50;

/** 0 = empty, 1 = up to one step, … */
export function sizeStep(items: number): number {
  return Math.ceil(items / SIZE_STEP);
}

/** What batches of one size add up to; `timed` are those that have started and ended, with their requests and their time from start to end. */
export const SIZE_SUMS = ["jobs", "requests", "succeeded", "failed", "timed", "timed_requests", "run_ms"] as const;
export type SizeSum = (typeof SIZE_SUMS)[number];
