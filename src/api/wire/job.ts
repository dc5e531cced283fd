import type { BatchRow } from "../../model/batch.ts";
import { iso } from "../../model/clock.ts";
import { jobTimes } from "../../model/job-totals.ts";
import type { Tokens } from "../../model/ledger.ts";
import { toUsd } from "../../model/money.ts";
import { priorityName } from "../../model/priority.ts";
import type { BatchStats } from "../../model/stats/batch-stats.ts";
import type { ErrorLine } from "../../monitor/jobs/job-report.ts";
import { jobStatusOf } from "../../monitor/jobs/job-status.ts";
import type { AttemptRow } from "../../store/attempts.ts";

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
export function wireJob(batch: BatchRow, errors: readonly ErrorLine[], upstream: readonly AttemptRow[]) {
  const times = jobTimes({ created_at: batch.createdAt, started_at: batch.startedAt, completed_at: batch.completedAt });
  return {
    id: batch.id,
    batchId: upstream.find(({ upstreamId }) => upstreamId !== null)?.upstreamId ?? null,
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
export function wireJobDetails(batch: BatchRow, more: { stats: BatchStats; upstream: readonly AttemptRow[]; tokens: Tokens }) {
  return {
    name: batch.name,
    priority: priorityName(batch.priority),
    executor: batch.executor,
    epoch: batch.epoch,
    retries: batch.retried,
    lateResults: batch.late,
    chunks: { open: batch.openChunks, leased: batch.leasedChunks },
    waitMs: batch.startedAt === null ? null : batch.startedAt - batch.createdAt,
    savings: toUsd(batch.saved),
    tokens: { input: more.tokens.input, output: more.tokens.output },
    upstream: more.upstream.map(({ provider, model, upstreamId, upstreamStatus, inputFileId, outputFileId, errorFileId, lines }) => ({
      provider,
      model,
      batchId: upstreamId,
      status: upstreamStatus,
      inputFileId,
      outputFileId,
      errorFileId,
      requests: lines,
    })),
    timeline: more.stats.timeline.points().map(({ at, succeeded, failed }) => ({ timestamp: iso(at), succeeded, failed })),
  };
}
