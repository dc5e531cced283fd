import type { BatchRow } from "../../model/batch.ts";
import { iso } from "../../model/clock.ts";
import { jobTimes } from "../../model/job-totals.ts";
import { toUsd } from "../../model/money.ts";
import { priorityName } from "../../model/priority.ts";
import type { BatchStats } from "../../model/stats/batch-stats.ts";
import type { ErrorLine } from "../../monitor/jobs/job-report.ts";
import { jobStatusOf } from "../../monitor/jobs/job-status.ts";

/** The fields of a job, in the order of the columns of a CSV. */
export const JOB_FIELDS = [
  "id",
  "batchId",
  "status",
  "jobType",
  "requestCount",
  "completedCount",
  "failedCount",
  "createdAt",
  "startedAt",
  "completedAt",
  "processingTimeMs",
  "costEstimate",
  "errorSummary",
] as const;

/** A batch as a row of monitoring; every field is always there. */
export function wireJob(batch: BatchRow, errors: readonly ErrorLine[]) {
  const times = jobTimes({ created_at: batch.createdAt, started_at: batch.startedAt, completed_at: batch.completedAt });
  return {
    id: batch.id,
    batchId: null as string | null,
    status: jobStatusOf(batch.status),
    jobType: batch.operation,
    requestCount: batch.totalItems,
    completedCount: batch.succeeded,
    failedCount: batch.failed,
    createdAt: iso(batch.createdAt),
    startedAt: iso(batch.startedAt),
    completedAt: iso(batch.completedAt),
    processingTimeMs: times?.run ?? null,
    costEstimate: toUsd(batch.cost),
    errorSummary: errors,
  };
}

/** What `includeDetails` adds. */
export function wireJobDetails(batch: BatchRow, stats: BatchStats) {
  return {
    name: batch.name,
    priority: priorityName(batch.priority),
    executor: batch.executor,
    epoch: batch.epoch,
    retries: batch.retried,
    lateResults: batch.late,
    openChunks: batch.openChunks,
    waitMs: batch.startedAt === null ? null : batch.startedAt - batch.createdAt,
    savings: toUsd(batch.saved),
    timeline: stats.timeline.points().map(({ at, succeeded, failed }) => ({ timestamp: iso(at), succeeded, failed })),
  };
}
