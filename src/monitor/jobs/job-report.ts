import type { BatchRow } from "../../model/batch.ts";
import { toUsd } from "../../model/money.ts";
import type { JobFilter, MonitorStore, ResultStore } from "../../store/port.ts";
import { recordedIn, type Recorder } from "../metrics/recorded.ts";
import { JobFigures, rounded, type Performance, type Summary } from "./job-figures.ts";
import { JOB_STATUSES, type JobStatus } from "./job-status.ts";
import { RANGES, type RangeName } from "./range.ts";

export interface JobQuery {
  tenant: string;
  timeRange: RangeName;
  status?: JobStatus | undefined;
  /** Name of an operation. */
  jobType?: string | undefined;
  /** From 1. */
  page: number;
  limit: number;
}

export interface ErrorLine {
  error: string;
  count: number;
  /** Percent of the job's requests, one decimal. */
  percentage: number;
}

export interface HistoryPoint {
  at: number;
  jobs: number;
  completed: number;
  failed: number;
  requests: number;
  /** US dollars. */
  cost: number;
  savings: number;
  /** Percent. */
  errorRate: number;
  /** Milliseconds from start to end, within 1 %; null when nothing has ended. */
  p95Ms: number | null;
  /** False: no server ran then. */
  recorded: boolean;
}

/** A figure against the same of the range before; `percent` null when there was nothing before. */
export interface Change {
  current: number;
  previous: number;
  change: number;
  percent: number | null;
  trend: "up" | "down" | "flat";
}

export interface JobReport {
  summary: Summary;
  queues: { pending: number; processing: number; completed: number; failed: number };
  performance: Performance;
  /** Jobs of all pages: those of the range that are still there, while the figures are also of those that retention removed. */
  total: number;
  jobs: { batch: BatchRow; errors: ErrorLine[] }[];
  historical: HistoryPoint[];
  changes: Record<string, Change>;
}

/** The cards of the page, by name. */
const CARDS: Readonly<Record<string, (summary: Summary, performance: Performance) => number>> = {
  totalJobs: (summary) => summary.totalJobs,
  completedJobs: (summary) => summary.completedJobs,
  failedJobs: (summary) => summary.failedJobs,
  totalRequests: (summary) => summary.totalRequests,
  costSavings: (summary) => summary.costSavings.currentPeriod,
  averageProcessingTime: (summary) => summary.averageProcessingTime,
  successRate: (summary) => summary.successRate,
  jobsPerHour: (_, performance) => performance.throughput.jobsPerHour,
  requestsPerHour: (_, performance) => performance.throughput.requestsPerHour,
};

/** What batches of a time range were, from the sums that the store keeps: its cost grows with the points of the range only. */
export class JobReports {
  private readonly monitor: MonitorStore;
  private readonly results: Pick<ResultStore, "groups">;
  private readonly counts: (tenant: string) => Promise<{ byOperation: Record<string, Partial<Record<BatchRow["status"], number>>> }>;
  /** Requests a batch may have. */
  private readonly maxSize: () => number;
  private readonly recorder: Recorder;

  constructor(parts: {
    monitor: MonitorStore;
    recorder: Recorder;
    results: Pick<ResultStore, "groups">;
    counts: JobReports["counts"];
    maxSize: () => number;
  }) {
    this.monitor = parts.monitor;
    this.results = parts.results;
    this.counts = parts.counts;
    this.maxSize = parts.maxSize;
    this.recorder = parts.recorder;
  }

  async read(query: JobQuery, now: number): Promise<JobReport> {
    const { lengthMs, pointMs } = RANGES[query.timeRange];
    // A batch that was created exactly at the beginning of the range belongs to it, and so does one that is created right now.
    const filter = filterOf(query, now - lengthMs, now + 1);
    const before = filterOf(query, now - 2 * lengthMs, now - lengthMs);
    const figures = new JobFigures(await this.monitor.jobs(filter, null));
    const previous = new JobFigures(await this.monitor.jobs(before, null));
    const batches = await this.monitor.page(filter, (query.page - 1) * query.limit, query.limit);
    const summary = figures.summary(lengthMs);
    const performance = figures.performance(lengthMs, this.maxSize());
    return {
      summary,
      queues: await this.queues(query, figures),
      performance,
      total: await this.monitor.count(filter),
      jobs: await Promise.all(batches.map(async (batch) => ({ batch, errors: await this.errorsOf(batch) }))),
      historical: await this.history(filter, pointMs),
      changes: changesOf(summary, performance, previous.summary(lengthMs), previous.performance(lengthMs, this.maxSize())),
    };
  }

  /** Depths as they are now, whenever the batches were created; of the final states, those of the range. */
  private async queues(query: JobQuery, figures: JobFigures): Promise<JobReport["queues"]> {
    const { byOperation } = await this.counts(query.tenant);
    const now = (status: JobStatus): number => {
      if (query.status !== undefined && query.status !== status) return 0;
      const operations = Object.entries(byOperation).filter(([name]) => query.jobType === undefined || name === query.jobType);
      return operations.reduce((sum, [, counts]) => sum + JOB_STATUSES[status].reduce((n, state) => n + (counts[state] ?? 0), 0), 0);
    };
    return { pending: now("pending"), processing: now("processing"), completed: figures.jobs("completed"), failed: figures.jobs("failed") };
  }

  private async errorsOf(batch: BatchRow): Promise<ErrorLine[]> {
    if (batch.failed === 0) return [];
    const groups = await this.results.groups(batch.tenant, batch.id);
    return groups.map(({ error, count }) => ({ error, count, percentage: rounded((count / batch.totalItems) * 100, 1) }));
  }

  /** One point a bucket, also where nothing happened; the first and the last may be cut by the range. */
  private async history(filter: JobFilter, pointMs: number): Promise<HistoryPoint[]> {
    const sums = Map.groupBy(await this.monitor.jobs(filter, pointMs), (point) => point.at);
    const times = new Map((await this.monitor.times(filter, "run", pointMs)).map((point) => [point.at, point.sketch]));
    const isRecorded = await recordedIn(this.monitor, this.recorder, { from: filter.from, to: filter.to, widthMs: pointMs });
    const points: HistoryPoint[] = [];
    for (let at = filter.from - (filter.from % pointMs); at < filter.to; at += pointMs) {
      const figures = new JobFigures(sums.get(at) ?? []);
      points.push({
        at,
        jobs: figures.all.jobs,
        completed: figures.jobs("completed"),
        failed: figures.jobs("failed"),
        requests: figures.all.items,
        cost: toUsd(figures.all.cost),
        savings: toUsd(figures.all.saved),
        errorRate: figures.errorRate,
        p95Ms: times.get(at)?.quantile(0.95) ?? null,
        recorded: figures.all.jobs > 0 || isRecorded(at),
      });
    }
    return points;
  }
}

function filterOf(query: JobQuery, from: number, to: number): JobFilter {
  return {
    tenant: query.tenant,
    from,
    to,
    ...(query.jobType === undefined ? {} : { operation: query.jobType }),
    ...(query.status === undefined ? {} : { statuses: JOB_STATUSES[query.status] }),
  };
}

function changesOf(summary: Summary, performance: Performance, before: Summary, beforePerformance: Performance): Record<string, Change> {
  return Object.fromEntries(
    Object.entries(CARDS).map(([name, of]) => {
      const current = of(summary, performance);
      const previous = of(before, beforePerformance);
      const change = rounded(current - previous, 6);
      const percent = previous === 0 ? null : rounded((change / previous) * 100, 1);
      return [name, { current, previous, change, percent, trend: change > 0 ? "up" : change < 0 ? "down" : "flat" }];
    }),
  );
}
