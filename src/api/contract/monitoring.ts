import { z } from "zod";
import { time, whole, yes } from "../../model/fields.ts";
import { JOB_STATUSES, type JobStatus } from "../../monitor/jobs/job-status.ts";
import { RANGES, type RangeName } from "../../monitor/jobs/range.ts";
import { priority } from "./batch.ts";

const names = <T extends string>(of: Record<T, unknown>): [T, ...T[]] => Object.keys(of) as [T, ...T[]];
const number = z.number();
const perJob = z.enum(names<JobStatus>(JOB_STATUSES));

export const MAX_JOBS = 100;

const range = z.enum(names<RangeName>(RANGES));
export const monitoringQuery = z.strictObject({
  timeRange: range.default("24h"),
  status: perJob.optional(),
  jobType: z.string().min(1).max(100).optional().meta({ description: "Name of an operation" }),
  includeDetails: z.boolean().default(false),
  page: whole(1, 10_000_000).default(1),
  limit: whole(1, Number.MAX_SAFE_INTEGER)
    .default(50)
    .meta({ description: `1 to ${MAX_JOBS}; more counts as ${MAX_JOBS}` }),
  format: z.enum(["json", "csv"]).default("json"),
});

const change = z.object({
  current: number,
  previous: number,
  change: number,
  percent: number.nullable(),
  trend: z.enum(["up", "down", "flat"]),
});

const job = z.object({
  id: z.string(),
  batchId: z.string().nullable().meta({ description: "The provider's id" }),
  status: perJob,
  jobType: z.string(),
  requestCount: number,
  completedCount: number,
  failedCount: number,
  createdAt: time,
  startedAt: time.nullable(),
  completedAt: time.nullable(),
  processingTimeMs: number.nullable(),
  costEstimate: number.meta({ description: "US dollars" }),
  errorSummary: z.array(z.object({ error: z.string(), count: number, percentage: number })),
  details: z
    .object({
      name: z.string().nullable(),
      priority: z.string(),
      executor: z.string(),
      epoch: number,
      retries: number,
      lateResults: number,
      chunks: z.object({ open: number, leased: number }),
      waitMs: number.nullable(),
      savings: number,
      tokens: z.object({ input: number, output: number }),
      upstream: z
        .array(
          z.object({
            provider: z.string(),
            model: z.string(),
            batchId: z.string().nullable(),
            status: z.string().nullable(),
            inputFileId: z.string().nullable(),
            outputFileId: z.string().nullable(),
            errorFileId: z.string().nullable(),
            requests: number,
          }),
        )
        .meta({ description: "Batches of the provider's batch API, with its file ids; the first 20" }),
      timeline: z.array(z.object({ timestamp: time, succeeded: number, failed: number })),
    })
    .optional(),
});

const summary = z.object({
  totalJobs: number,
  completedJobs: number,
  failedJobs: number,
  pendingJobs: number,
  totalRequests: number,
  processedRequests: number,
  costSavings: z.object({ currentPeriod: number, projectedMonthly: number, savingsPercentage: number }),
  averageProcessingTime: number,
  successRate: number,
});

export const monitoringAnswer = z.object({
  success: yes,
  data: z.object({
    summary,
    queues: z.object({ pending: number, processing: number, completed: number, failed: number }),
    performance: z.object({
      throughput: z.object({ requestsPerHour: number, jobsPerHour: number, averageBatchSize: number }),
      efficiency: z.object({ batchUtilization: number, processingEfficiency: number, errorRate: number }),
    }),
    jobs: z.array(job),
    pagination: z.object({ page: number, limit: number, total: number, pages: number }),
    historical: z.array(
      z.object({
        timestamp: time,
        jobs: number,
        completed: number,
        failed: number,
        requests: number,
        cost: number,
        savings: number,
        errorRate: number,
        p95Ms: number.nullable(),
        recorded: z.boolean().meta({ description: "False: no server ran then, as far as is known; the zeros are no figures" }),
      }),
    ),
    changes: z.record(z.string(), change),
  }),
});

export const jobParams = z.strictObject({ id: z.string().min(1).max(100) });
export const priorityBody = z.strictObject({ priority });
export const jobActAnswer = z.object({ success: yes, data: z.object({ id: z.string(), status: perJob }) });

export const analysisQuery = z.strictObject({
  timeRange: range.default("24h"),
  jobType: monitoringQuery.shape.jobType,
  limit: whole(1, MAX_JOBS).default(20),
});

export const errorClass = z.object({
  code: z.string(),
  category: z.string(),
  error: z.string(),
  count: number,
  jobs: number,
  jobIds: z.array(z.string()),
  recoverable: z.boolean(),
  recommendation: z.string(),
});
export const errorsAnswer = z.object({ success: yes, errors: z.array(errorClass), total: number, recoverable: number });

export const slowAnswer = z.object({
  success: yes,
  slowest: z.array(z.object({ id: z.string(), jobType: z.string(), processingTimeMs: number, requestCount: number, msPerRequest: number })),
  byType: z.array(z.object({ jobType: z.string(), jobs: number, averageMs: number, p50Ms: number.nullable(), p95Ms: number.nullable() })),
});

export const sizesAnswer = z.object({
  success: yes,
  sizes: z.array(
    z.object({
      size: z.string(),
      jobs: number,
      requests: number,
      averageMs: number.nullable(),
      msPerRequest: number.nullable(),
      successRate: number,
      errorRate: number,
    }),
  ),
  best: z.string().nullable().meta({ description: "The size with the least time per request" }),
});
