import { isRetryable, type ErrorCategory } from "../../model/item.ts";
import { SIZE_STEP } from "../../model/job-totals.ts";
import type { AnalysisFilter, MonitorStore } from "../../store/port.ts";
import { rounded } from "./job-figures.ts";

const MAX_IDS = 20;

export interface ErrorClass {
  code: string;
  category: ErrorCategory;
  /** The text of the largest group of this code in the newest batch that has it. */
  error: string;
  count: number;
  jobs: number;
  /** Newest first, at most 20. */
  jobIds: string[];
  /** Would a retry have a chance as things are? */
  recoverable: boolean;
  recommendation: string;
}

export const RECOMMENDATIONS: Readonly<Record<ErrorCategory, string>> = {
  transient: "Retry these: the cause lay outside and may be gone",
  resource: "Retry these with fewer at once: something ran short of memory, space or time",
  rate_limit: "Retry these with a lower rate: set options.rateLimit.requestsPerMinute",
  configuration: "Mend the configuration or credentials first, then retry: every try will fail the same way until then",
  data: "Mend the items and send them again: a retry gives the same result",
  permanent: "Look at the examples: a retry gives the same result unless the handler changes",
};

/** Failures that stand, by error code, most frequent first. */
export async function errorsByCode(monitor: MonitorStore, filter: AnalysisFilter): Promise<ErrorClass[]> {
  return (await monitor.errorCodes(filter, MAX_IDS)).map(({ code, category, error, failures, jobs, batchIds }) => ({
    code,
    category,
    error,
    count: failures,
    jobs,
    jobIds: batchIds,
    recoverable: isRetryable(category),
    recommendation: RECOMMENDATIONS[category],
  }));
}

export interface SlowJob {
  id: string;
  jobType: string;
  processingTimeMs: number;
  requestCount: number;
  msPerRequest: number;
}

export interface TypeTimes {
  jobType: string;
  jobs: number;
  averageMs: number;
  /** Within 1 %. */
  p50Ms: number | null;
  p95Ms: number | null;
}

/** The slowest batches that have ended, and how long batches of each operation take; of these also those that retention removed. */
export async function slowest(
  monitor: MonitorStore,
  filter: AnalysisFilter,
  limit: number,
): Promise<{ slowest: SlowJob[]; byType: TypeTimes[] }> {
  const types = new Map<string, { jobs: number; sum: number }>();
  for (const { operation, totals } of await monitor.jobs(filter, null)) {
    if (totals.timed === 0) continue;
    const type = types.get(operation) ?? { jobs: 0, sum: 0 };
    types.set(operation, { jobs: type.jobs + totals.timed, sum: type.sum + totals.run_ms });
  }
  const byType = await Promise.all(
    [...types].map(async ([jobType, { jobs, sum }]) => {
      const sketch = (await monitor.times({ ...filter, operation: jobType }, "run", null))[0]?.sketch;
      return {
        jobType,
        jobs,
        averageMs: Math.round(sum / jobs),
        p50Ms: sketch?.quantile(0.5) ?? null,
        p95Ms: sketch?.quantile(0.95) ?? null,
      };
    }),
  );
  const top = (await monitor.slowest(filter, limit)).map((batch) => {
    const run = batch.completedAt! - batch.startedAt!;
    return {
      id: batch.id,
      jobType: batch.operation,
      processingTimeMs: run,
      requestCount: batch.totalItems,
      msPerRequest: rounded(run / Math.max(1, batch.totalItems), 2),
    };
  });
  return { slowest: top, byType: byType.sort((a, b) => b.averageMs - a.averageMs) };
}

export interface SizeClass {
  /** `1-50`, `51-100`, …; `0` for empty batches. */
  size: string;
  jobs: number;
  requests: number;
  averageMs: number | null;
  msPerRequest: number | null;
  /** Percent of the requests that have ended. */
  successRate: number;
  errorRate: number;
}

/** How batches of each size do: which size gives the least time per request. */
export async function sizes(monitor: MonitorStore, filter: AnalysisFilter): Promise<{ sizes: SizeClass[]; best: string | null }> {
  const rows = (await monitor.sizes(filter)).map((sum): SizeClass => {
    const ended = sum.succeeded + sum.failed;
    const successRate = ended === 0 ? 100 : rounded((sum.succeeded / ended) * 100, 1);
    return {
      size: sum.step === 0 ? "0" : `${(sum.step - 1) * SIZE_STEP + 1}-${sum.step * SIZE_STEP}`,
      jobs: sum.jobs,
      requests: sum.requests,
      averageMs: sum.timed === 0 ? null : Math.round(sum.run_ms / sum.timed),
      msPerRequest: sum.timed_requests === 0 ? null : rounded(sum.run_ms / sum.timed_requests, 3),
      successRate,
      errorRate: rounded(100 - successRate, 1),
    };
  });
  const measured = rows.filter((row) => row.msPerRequest !== null).sort((a, b) => a.msPerRequest! - b.msPerRequest!);
  return { sizes: rows, best: measured[0]?.size ?? null };
}
