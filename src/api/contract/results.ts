import { z } from "zod";
import { batch } from "./batch.ts";
import { decimal, text, time, whole, yes } from "../../model/fields.ts";
import { costFigures } from "./costs.ts";

export const itemResult = z.strictObject({
  nodeId: z.string(),
  success: z.boolean(),
  result: z.unknown().optional(),
  error: z.string().optional(),
  errorCode: z.string().optional(),
  retries: z.int(),
  durationMs: z.number().optional(),
  qualityScore: z.number().optional(),
  cost: z.number().optional(),
  createdAt: time,
});

/** A result that an outside worker reports. */
export const reportedResult = z.strictObject({
  nodeId: text(1, 512),
  success: z.boolean(),
  result: z.unknown().optional(),
  error: text(0, 8_192).optional(),
  errorCode: text(1, 100).optional(),
  retries: whole(0, 1_000_000).optional(),
  durationMs: decimal(0, 31_536_000_000).optional(),
  qualityScore: decimal(0, 1).optional(),
  cost: decimal(0, 1_000_000).optional(),
  createdAt: z
    .string()
    .optional()
    .meta({ description: "Accepted so that results can be sent back as they were read; the time of recording counts" }),
});
export const recordBody = z.union([reportedResult, z.array(reportedResult).min(1).max(10_000)]);
export const recordAnswer = z.strictObject({ success: yes, accepted: z.int(), duplicates: z.int(), unknown: z.array(z.string()), batch });

export const resultsQuery = z.strictObject({
  limit: whole(1, 10_000).default(1_000),
  cursor: text(1, 500).optional(),
  success: z.boolean().optional(),
  error: text(1, 500).optional(),
  nodeId: text(1, 512).optional(),
});

export const summary = z.strictObject({
  total: z.int(),
  successful: z.int(),
  failed: z.int(),
  qualityScore: z.number().nullable(),
  performanceMetrics: z.strictObject({
    averageDuration: z.number().meta({ description: "Milliseconds over results that carry a duration" }),
    totalDuration: z.number(),
    requestsPerMinute: z.number().meta({ description: "60000 / averageDuration" }),
    wallClockItemsPerMinute: z.number().meta({ description: "Ended items over the time since the start" }),
  }),
});
export type Summary = z.output<typeof summary>;

export const resultsAnswer = z.strictObject({
  success: yes,
  batch: batch.extend({ results: z.array(itemResult), summary }),
  nextCursor: z.string().nullable(),
});

export const errorsAnswer = z.strictObject({
  success: yes,
  groups: z.array(
    z.strictObject({
      fingerprint: z.string(),
      error: z.string(),
      code: z.string(),
      category: z.string(),
      count: z.int(),
      percentage: z.number().meta({ description: "Of all failures" }),
      firstSeen: time,
      lastSeen: time,
      examples: z.array(z.string()),
    }),
  ),
});

export const visualization = z.strictObject({
  batchId: z.string(),
  overview: z.strictObject({
    total: z.int(),
    successful: z.int(),
    failed: z.int(),
    pending: z.int(),
    successRate: z.number().meta({ description: "0..1 of the ended items" }),
    averageDuration: z.number(),
    estimatedCompletion: time.nullable(),
  }),
  timeline: z.array(z.strictObject({ timestamp: time, successful: z.int(), failed: z.int(), pending: z.int(), progress: z.int() })),
  errorDistribution: z.array(z.strictObject({ error: z.string(), count: z.int(), percentage: z.number(), examples: z.array(z.string()) })),
  qualityDistribution: z.array(z.strictObject({ range: z.string(), count: z.int(), percentage: z.number(), averageScore: z.number() })),
  performanceMetrics: z.strictObject({
    averageDuration: z.number(),
    p50Duration: z.number().nullable().meta({ description: "DDSketch, within 1 %" }),
    p95Duration: z.number().nullable(),
    p99Duration: z.number().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    totalDuration: z.number(),
    throughput: z.number().meta({ description: "Ended items per second since the start" }),
  }),
  statusBreakdown: z.strictObject({
    pending: z.int(),
    running: z.int(),
    succeeded: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    expired: z.int(),
  }),
  operationMetrics: z.strictObject({
    itemsPerMinute: z.number(),
    estimatedTimeRemaining: z.number().nullable().meta({ description: "Milliseconds; 0 when done" }),
    peakThroughput: z.number().meta({ description: "Items per minute of the best interval of the timeline" }),
  }),
});
export type Visualization = z.output<typeof visualization>;
export const visualizationAnswer = z.strictObject({ success: yes, visualization });

export const compareQuery = z.strictObject({
  a: text(1, 100),
  b: text(1, 100),
  kind: z
    .enum(["fixed", "broken", "other"])
    .optional()
    .meta({ description: "fixed: failed in a, succeeded in b; broken: the other way round" }),
  offset: whole(0, 10_000).default(0),
  limit: whole(1, 1_000).default(100).meta({ description: "Changed items of this page; the first 10,000 can be paged through" }),
  brief: z.boolean().default(false).meta({ description: "Changed items field by field only, without both results as a whole" }),
});
const side = z.strictObject({ batch, summary });
export const compareAnswer = z.strictObject({
  success: yes,
  a: side,
  b: side,
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(
    z.strictObject({
      nodeId: z.string(),
      kind: z.enum(["fixed", "broken", "other"]),
      a: z.unknown().optional(),
      b: z.unknown().optional(),
      changes: z.array(
        z.strictObject({
          path: z.string().meta({ description: "result.tags[2]" }),
          a: z.string().nullable().meta({ description: "JSON text, cut to what differs where it is long; null = not there" }),
          b: z.string().nullable(),
        }),
      ),
      more: z.int().meta({ description: "Fields that differ and are not told" }),
    }),
  ),
  counts: z.strictObject({ added: z.int(), removed: z.int(), changed: z.int(), fixed: z.int(), broken: z.int(), same: z.int() }),
  deltas: z.strictObject({
    successful: z.int(),
    failed: z.int(),
    averageDuration: z.number(),
    qualityScore: z.number().nullable(),
    cost: z.number(),
  }),
});

export const reconcileAnswer = z.strictObject({
  success: yes,
  reconciliation: z.strictObject({
    ok: z.boolean(),
    expected: z.int(),
    settled: z.int(),
    open: z.int(),
    missing: z.array(z.string()),
    duplicate: z.array(z.string()),
    unknown: z.array(z.string()),
    counts: z.strictObject({ missing: z.int(), duplicate: z.int(), unknown: z.int() }),
    upstream: z
      .strictObject({
        attempts: z.int(),
        open: z.int(),
        strays: z.int(),
        lines: z.int(),
        succeeded: z.int(),
        failed: z.int(),
        missing: z.int(),
        duplicates: z.int(),
        unknown: z.int(),
        unreadable: z.int(),
      })
      .nullable()
      .meta({ description: "Lines of all upstream batches, by what came back; null when none was sent to a provider's batch API" }),
    costs: costFigures.meta({ description: "What was charged for the batch" }),
  }),
});

export const chunksQuery = z.strictObject({ after: whole(0, Number.MAX_SAFE_INTEGER).default(0), limit: whole(1, 1_000).default(100) });
export const chunksAnswer = z.strictObject({
  success: yes,
  chunks: z.array(
    z.strictObject({
      id: z.int(),
      epoch: z.int(),
      state: z.enum(["pending", "leased", "done", "cancelled"]),
      position: z.int(),
      items: z.int(),
      settled: z.int(),
      attempt: z.int(),
      crashes: z.int(),
      availableAt: time,
      leaseUntil: time.nullable(),
      workerId: z.string().nullable(),
    }),
  ),
});

export const exportQuery = z.strictObject({ format: z.enum(["csv", "xlsx", "jsonl"]), success: z.boolean().optional() });

export const itemAnswer = z.strictObject({ success: yes, nodeId: z.string(), payload: z.unknown(), result: itemResult.nullable() });
