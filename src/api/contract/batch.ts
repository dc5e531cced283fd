import { z } from "zod";
import { BATCH_STATES } from "../../model/moves.ts";
import { PRIORITIES } from "../../model/priority.ts";
import { collectionName, instant, record, text, time, whole, yes } from "../../model/fields.ts";
import { RUN_OPTION_NAMES, runOptions } from "../../model/run-options.ts";
import { BATCH_SORTS } from "../../store/batches.ts";

export const priority = z.enum(PRIORITIES);
export const status = z.enum(BATCH_STATES);

/** A create request without its items, which travel as exact JSON text. */
export const createRequest = z.strictObject({
  operation: text(1, 100).meta({ description: "One of GET /api/batch/operations" }),
  name: text(1, 200).optional(),
  description: text(0, 2_000).optional(),
  filters: record
    .optional()
    .meta({ description: "Which records of input.collection: equality on top-level fields, createdAfter, createdBefore, tags" }),
  options: z
    .looseObject({})
    .optional()
    .meta({ description: `${RUN_OPTION_NAMES.join(", ")}, and the operation's own` }),
  input: z.strictObject({ file_id: text(1, 100).optional(), collection: collectionName.optional() }).optional(),
  total_items: whole(0, 100_000_000).optional().meta({ description: "Items that outside workers will report with POST /:id/results" }),
  priority: priority.optional(),
  depends_on: z.array(text(1, 100)).max(100).optional(),
  metadata: record.optional(),
  tags: z.array(text(1, 100)).max(50).optional(),
});

/** What /openapi.json shows: the request with inline items and the named run options. */
export const createBody = createRequest.extend({
  options: z.looseObject(runOptions.shape).optional(),
  items: z.array(record).optional().meta({ description: "Objects; an item's key is its nodeId, id or custom_id, else item_<n>" }),
});

export const createQuery = z.strictObject({
  stream: z.enum(["1", "true"]).optional().meta({ description: "The body is NDJSON: first line the request, then one item a line" }),
  dryRun: z.boolean().optional().meta({ description: "Report every fault, create nothing" }),
});

export const batch = z.strictObject({
  id: z.string(),
  operation: z.string(),
  status,
  progress: z.int().min(0).max(100),
  created_at: time,
  started_at: time.nullable(),
  completed_at: time.nullable(),
  total_items: z.int(),
  processed_items: z.int(),
  succeeded_items: z.int(),
  failed_items: z.int(),
  cancelled_items: z.int(),
  expired_items: z.int(),
  running_items: z.int(),
  retried_items: z.int(),
  late_results: z.int().meta({ description: "Results refused because their lease was lost or the batch had ended" }),
  filters: record,
  options: record,
  input: z.strictObject({ file_id: z.string().optional(), collection: z.string().optional() }).nullable(),
  name: z.string().nullable(),
  description: z.string().nullable(),
  priority,
  stream: z.string().nullable(),
  key: z.string().nullable(),
  close_reason: z.string().nullable(),
  executor: z.string(),
  epoch: z.int(),
  depends_on: z.array(z.string()),
  replay_of: z.string().nullable().meta({ description: "The batch whose items it got; that one may have been removed since" }),
  tags: z.array(z.string()),
  metadata: record.nullable(),
  warnings: z.array(z.string()),
  eta_at: time.nullable(),
  items_per_second: z.number().nullable(),
  cost: z.number().meta({ description: "US dollars" }),
  deadline_at: time.nullable(),
  error: z.string().nullable(),
  trace_id: z.string().nullable().meta({ description: "W3C trace id of its spans; null = it belongs to no trace" }),
});
export type WireBatch = z.output<typeof batch>;

export const batchAnswer = z.strictObject({ success: yes, batch });
export const oneBatchAnswer = batchAnswer.extend({
  trace_url: z.string().nullable().meta({ description: "Where its trace is looked at (BATCHYARD_TRACE_URL)" }),
  window: z
    .strictObject({
      opened_at: time,
      closed_at: time,
      lag_seconds: z.number().nullable().meta({ description: "That it closed after it was due" }),
      reason: z.string(),
      rules_since: time.nullable().meta({ description: "Since when the rules stood by which it closed; null = not known" }),
    })
    .nullable()
    .meta({ description: "The window of a stream that became this batch; null = it came from none" }),
});
export const dryRunAnswer = z.strictObject({
  success: yes,
  dryRun: yes,
  items: z.int(),
  bytes: z.int(),
  chunks: z.int(),
  batchSize: z.int(),
  upstream: z
    .strictObject({ batches: z.int(), promptTokens: z.int(), estimatedUsd: z.number().nullable() })
    .optional()
    .meta({ description: "With executor openai-batch: upstream batches, prompt tokens, and US dollars at most (null = no known price)" }),
  warnings: z.array(z.string()),
});

/** Batches named one by one in a request. */
export const MOST_IDS = 10_000;

const batchFilter = z.strictObject({
  operation: text(1, 100).optional(),
  status: status.optional(),
  createdAfter: instant().optional(),
  createdBefore: instant().optional(),
  name: text(1, 200).optional(),
  stream: text(1, 200).optional(),
  tag: text(1, 100).optional(),
  id: text(1, 100).optional(),
  key: text(1, 512).optional().meta({ description: "Key of the stream's window" }),
  closeReason: text(1, 100).optional().meta({ description: "Why the stream's window closed" }),
  worker: text(1, 200).optional().meta({ description: "Works on it now" }),
  error: text(1, 200).optional().meta({ description: "Code of a failure that stands in it" }),
  replayOf: text(1, 100).optional().meta({ description: "Id of the batch whose items it got" }),
  minItems: whole(0, 1_000_000_000).optional().meta({ description: "Batches with at least so many items" }),
  maxItems: whole(0, 1_000_000_000).optional().meta({ description: "Batches with at most so many items" }),
});
const sorting = {
  sort: z.enum(BATCH_SORTS).optional().meta({
    description: "created without it; completed = when it ended, duration = from its start to its end. What has no value comes last",
  }),
  order: z.enum(["desc", "asc"]).optional().meta({ description: "desc without it" }),
};
export const historyQuery = batchFilter.extend({
  ...sorting,
  limit: whole(1, 100).default(50),
  offset: whole(0, 1_000_000_000).optional().meta({ description: "Of the newest first; other orders go on by cursor only" }),
  cursor: text(1, 500).optional(),
});
export const historyAnswer = z.strictObject({
  success: yes,
  batches: z.array(batch),
  count: z.int().meta({ description: "Rows on this page" }),
  filter: record.meta({ description: "The parameters as they were understood" }),
  total: z.int().meta({ description: "All that match; at least so many when totalIsExact is false" }),
  totalIsExact: z.boolean().meta({
    description:
      "False: narrowed by name, tag, stream, key, reason, items or error, more match than are counted (10,000) or were looked at (50,000)",
  }),
  nextCursor: z
    .string()
    .nullable()
    .meta({ description: "Null = there are no more; a page that was narrowed may have fewer rows, or none, and still go on" }),
});

export const listExportBody = z
  .strictObject({
    format: z.enum(["csv", "xlsx", "jsonl"]).default("csv"),
    filter: batchFilter.default({}),
    ...sorting,
    ids: z.array(text(1, 100)).min(1).max(MOST_IDS).optional().meta({ description: "Only these, in this order, instead of a filter" }),
    except: z.array(text(1, 100)).min(1).max(MOST_IDS).optional().meta({ description: "All that match but these" }),
  })
  .refine(
    (body) =>
      body.ids === undefined ||
      ([body.except, body.sort, body.order].every((part) => part === undefined) && Object.keys(body.filter).length === 0),
    { path: ["ids"], error: "goes with neither filter, except, sort nor order" },
  );

export const activeQuery = z.strictObject({ limit: whole(1, 100).default(50) });
export const activeAnswer = z.strictObject({
  success: yes,
  batches: z.array(batch).meta({ description: "With rate and ETA: running first, then paused, then waiting, each newest first" }),
  count: z.int().meta({ description: "Those listed" }),
  total: z.int().meta({ description: "All that have not ended" }),
});

export const statsAnswer = z.strictObject({
  success: yes,
  stats: z.strictObject({
    total: z.int(),
    byStatus: z.record(z.string(), z.int()),
    byOperation: z.record(z.string(), z.int()),
    completionRate: z.number().meta({ description: "completed / total, 0 without batches" }),
  }),
});

export const cancelAnswer = z.strictObject({ success: yes, message: z.string(), batch });
export const priorityBody = z.strictObject({ priority });
export const retryBody = z
  .strictObject({ errorFingerprint: text(1, 200).optional(), nodeIds: z.array(text(1, 512)).min(1).max(10_000).optional() })
  .optional();
export const finishBody = z.strictObject({ reason: text(1, 1_000) });

export const cleanupQuery = z.strictObject({ daysToKeep: whole(1, 365).optional(), dryRun: z.boolean().optional() });
export const cleanupBody = cleanupQuery.optional();
export const cleanupAnswer = z.strictObject({ success: yes, deleted: z.int(), daysToKeep: z.int(), dryRun: z.boolean() });

export const whyAnswer = z.strictObject({
  success: yes,
  state: status,
  reasons: z.array(
    z.strictObject({
      code: z.string(),
      message: z.string(),
      since: time.nullable(),
      chunks: z.int().optional(),
      worker: z.string().optional(),
      nextRetryAt: time.optional(),
      blockedBy: z.array(z.string()).optional(),
      requests: z.int().optional(),
      provider: z.string().optional(),
      upstreamBatch: z.string().nullable().optional().meta({ description: "As the provider calls it; null before it has one" }),
      upstreamStatus: z.string().optional(),
      nextPollAt: time.optional(),
    }),
  ),
  eta: time.nullable(),
});

export const operationsAnswer = z.strictObject({
  success: yes,
  operations: z.array(
    z.strictObject({
      name: z.string(),
      description: z.string(),
      runs: z.enum(["handler", "http", "external"]),
      options: record.meta({ description: "JSON Schema" }),
    }),
  ),
  runOptions: record.meta({ description: "JSON Schema of the options every batch takes" }),
});
