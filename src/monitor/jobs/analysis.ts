import { isRetryable, type ErrorCategory } from "../../model/item.ts";
import { jobTimes } from "../../model/job-totals.ts";
import { Sketch } from "../../model/stats/sketch.ts";
import type { JobError, JobFacts, JobFilter, MonitorStore } from "../../store/port.ts";
import { rounded } from "./job-figures.ts";

/** Batches are put together by their items in steps of this. */
const SIZE_STEP = 50;
const MAX_IDS = 20;

export interface ErrorClass {
  code: string;
  category: ErrorCategory;
  /** The text of the largest group of this code. */
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

/** `largest`: failures of the largest group so far; `last`: the batch that was counted last. */
type Gathered = ErrorClass & { largest: number; last: string };

/** Failures that stand, by error code, most frequent first. */
export async function errorsByCode(monitor: MonitorStore, filter: JobFilter): Promise<ErrorClass[]> {
  return (await latestErrors(monitor, filter, Infinity)).errors;
}

/** The same of the newest batches only, at most `most` of them: its cost does not grow with what came before. */
export async function latestErrors(
  monitor: MonitorStore,
  filter: JobFilter,
  most: number,
): Promise<{ errors: ErrorClass[]; batches: number; whole: boolean }> {
  const classes = new Map<string, Gathered>();
  let looked = 0;
  for await (const block of monitor.scan(filter)) {
    const batches = block.slice(0, most - looked);
    looked += batches.length;
    const failing = batches.filter((batch) => batch.failed > 0).map(({ id }) => id);
    for (const each of failing.length === 0 ? [] : await monitor.errors(filter.tenant, failing)) addError(classes, each);
    if (batches.length < block.length) return { errors: ordered(classes.values()), batches: looked, whole: false };
  }
  return { errors: ordered(classes.values()), batches: looked, whole: true };
}

/** Errors of one batch come one after the other. */
function addError(classes: Map<string, Gathered>, each: JobError): void {
  const { code, category, error, count, batchId } = each;
  let found = classes.get(code);
  if (found === undefined) {
    const advice = { recoverable: isRetryable(category), recommendation: RECOMMENDATIONS[category] };
    classes.set(code, (found = { code, category, error, count: 0, jobs: 0, jobIds: [], ...advice, largest: 0, last: "" }));
  }
  found.count += count;
  if (count > found.largest) {
    found.largest = count;
    found.error = error;
  }
  if (found.last === batchId) return;
  found.last = batchId;
  found.jobs += 1;
  if (found.jobIds.length < MAX_IDS) found.jobIds.push(batchId);
}

function ordered(classes: Iterable<Gathered>): ErrorClass[] {
  return [...classes].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)).map(({ largest: _, last: __, ...rest }) => rest);
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

/** The slowest batches that have ended, and how long batches of each operation take. */
export async function slowest(
  monitor: MonitorStore,
  filter: JobFilter,
  limit: number,
): Promise<{ slowest: SlowJob[]; byType: TypeTimes[] }> {
  let top: SlowJob[] = [];
  const types = new Map<string, { jobs: number; sum: number; sketch: Sketch }>();
  for await (const batches of monitor.scan(filter)) {
    for (const batch of batches) {
      const run = runMs(batch);
      if (run === null) continue;
      let type = types.get(batch.operation);
      if (type === undefined) types.set(batch.operation, (type = { jobs: 0, sum: 0, sketch: new Sketch() }));
      type.jobs += 1;
      type.sum += run;
      type.sketch.add(run);
      top.push({
        id: batch.id,
        jobType: batch.operation,
        processingTimeMs: run,
        requestCount: batch.totalItems,
        msPerRequest: rounded(run / Math.max(1, batch.totalItems), 2),
      });
    }
    top = top.sort((a, b) => b.processingTimeMs - a.processingTimeMs || (a.id < b.id ? 1 : -1)).slice(0, limit);
  }
  const byType = [...types].map(([jobType, { jobs, sum, sketch }]) => ({
    jobType,
    jobs,
    averageMs: Math.round(sum / jobs),
    p50Ms: sketch.quantile(0.5),
    p95Ms: sketch.quantile(0.95),
  }));
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
export async function sizes(monitor: MonitorStore, filter: JobFilter): Promise<{ sizes: SizeClass[]; best: string | null }> {
  const classes = new Map<
    number,
    { jobs: number; requests: number; timed: number; timedRequests: number; ms: number; ok: number; failed: number }
  >();
  for await (const batches of monitor.scan(filter)) {
    for (const batch of batches) {
      const step = Math.ceil(batch.totalItems / SIZE_STEP);
      let found = classes.get(step);
      if (found === undefined) classes.set(step, (found = { jobs: 0, requests: 0, timed: 0, timedRequests: 0, ms: 0, ok: 0, failed: 0 }));
      found.jobs += 1;
      found.requests += batch.totalItems;
      found.ok += batch.succeeded;
      found.failed += batch.failed;
      const run = runMs(batch);
      if (run === null) continue;
      found.timed += 1;
      found.timedRequests += batch.totalItems;
      found.ms += run;
    }
  }
  const list = [...classes].sort(([a], [b]) => a - b);
  const rows = list.map(([step, sum]): SizeClass => {
    const ended = sum.ok + sum.failed;
    const successRate = ended === 0 ? 100 : rounded((sum.ok / ended) * 100, 1);
    return {
      size: step === 0 ? "0" : `${(step - 1) * SIZE_STEP + 1}-${step * SIZE_STEP}`,
      jobs: sum.jobs,
      requests: sum.requests,
      averageMs: sum.timed === 0 ? null : Math.round(sum.ms / sum.timed),
      msPerRequest: sum.timedRequests === 0 ? null : rounded(sum.ms / sum.timedRequests, 3),
      successRate,
      errorRate: rounded(100 - successRate, 1),
    };
  });
  const measured = rows.filter((row) => row.msPerRequest !== null).sort((a, b) => a.msPerRequest! - b.msPerRequest!);
  return { sizes: rows, best: measured[0]?.size ?? null };
}

function runMs(batch: JobFacts): number | null {
  return jobTimes({ created_at: batch.createdAt, started_at: batch.startedAt, completed_at: batch.completedAt })?.run ?? null;
}
