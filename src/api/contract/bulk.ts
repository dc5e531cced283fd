import { z } from "zod";
import { instant, text, time, whole, yes } from "../../model/fields.ts";
import { JOB_STATUSES, type JobStatus } from "../../monitor/jobs/job-status.ts";
import { RANGES, type RangeName } from "../../monitor/jobs/range.ts";
import { BULK_ACTIONS, BULK_STATUSES } from "../../store/bulk.ts";
import { MOST_IDS, priority, status as batchStatus } from "./batch.ts";

const count = z.number().int();

const filter = z.strictObject({
  status: z.enum(Object.keys(JOB_STATUSES) as [JobStatus, ...JobStatus[]]).optional(),
  jobType: text(1, 100).optional().meta({ description: "Name of an operation" }),
  timeRange: z.enum(Object.keys(RANGES) as [RangeName, ...RangeName[]]).optional(),
  createdAfter: instant().optional(),
  createdBefore: instant().optional(),
  states: z.array(batchStatus).min(1).max(7).optional().meta({ description: "As batches have them; with status, both apply" }),
  name: text(1, 200).optional().meta({ description: "Part of the name" }),
  stream: text(1, 200).optional(),
  tag: text(1, 100).optional(),
  id: text(1, 100).optional(),
  key: text(1, 512).optional(),
  closeReason: text(1, 100).optional(),
  worker: text(1, 200).optional(),
  replayOf: text(1, 100).optional(),
  minItems: whole(0, 1_000_000_000).optional(),
  maxItems: whole(0, 1_000_000_000).optional(),
  error: text(1, 200).optional().meta({ description: "As in the list: batches with such failures; a retry takes all their failed items" }),
  ids: z.array(text(1, 100)).min(1).max(MOST_IDS).optional().meta({ description: "Only these" }),
  except: z.array(text(1, 100)).min(1).max(MOST_IDS).optional().meta({ description: "All but these" }),
  errorFingerprint: text(1, 100).optional().meta({ description: "Only batches with such failures; a retry takes only these" }),
  errorCode: text(1, 200).optional().meta({ description: "Only batches with such failures; a retry takes only these" }),
});

export const bulkBody = z
  .strictObject({
    action: z.enum(BULK_ACTIONS),
    priority: priority.optional().meta({ description: "Of the action 'priority'" }),
    reason: text(1, 1_000)
      .optional()
      .meta({ description: "Of 'finish' and 'dead_letter': why; it stands in the error of the items and in the audit log" }),
    filter,
    ratePerSecond: whole(1, 10_000).default(100).meta({ description: "Batches a second, at most" }),
    delaySeconds: whole(0, 60).default(0).meta({ description: "Nothing is done before: a cancel until then undoes it" }),
    dryRun: z.boolean().default(false).meta({ description: "Only count" }),
  })
  .refine((body) => (body.action === "priority") === (body.priority !== undefined), {
    path: ["priority"],
    error: "goes with the action 'priority', and only with it",
  })
  .refine(
    ({ action, reason, dryRun }) =>
      action === "finish" || action === "dead_letter" ? reason !== undefined || dryRun : reason === undefined,
    { path: ["reason"], error: "goes with the actions 'finish' and 'dead_letter', and only with them" },
  )
  .refine(
    ({ filter: { timeRange, createdAfter, createdBefore } }) => timeRange === undefined || (createdAfter ?? createdBefore) === undefined,
    {
      path: ["filter", "timeRange"],
      error: "does not go with createdAfter or createdBefore",
    },
  );

export const bulkParams = z.strictObject({ id: z.string().min(1).max(100) });

const bulk = z.object({
  id: z.string(),
  action: z.enum(BULK_ACTIONS),
  priority: priority.nullable(),
  reason: z.string().nullable(),
  by: z.string().meta({ description: "Who began it, as in the audit log" }),
  status: z.enum(BULK_STATUSES),
  total: count.meta({ description: "Batches that matched at the start" }),
  done: count,
  failed: count,
  skipped: count.meta({ description: "Batches that no longer allowed the act when it was their turn" }),
  error: z.string().nullable().meta({ description: "What the last failed batch said" }),
  ratePerSecond: z.number(),
  createdAt: time,
  startsAt: time,
  endedAt: time.nullable(),
});

export const bulkStarted = z.object({ success: yes, bulk });
export const bulkCounted = z.object({ success: yes, dryRun: yes, count });
export const bulkList = z.object({ success: yes, bulks: z.array(bulk) });
