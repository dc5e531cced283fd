import { z } from "zod";
import { decimal, record, text, time, whole, yes } from "../../model/fields.ts";

/** Pull workers in any language: lease chunks under a fence, renew, settle. */

const lease = z.strictObject({ chunk: whole(1, Number.MAX_SAFE_INTEGER), fence: whole(1, Number.MAX_SAFE_INTEGER) });

/** What a worker may tell of itself, shown on the page Workers. */
const process = z
  .strictObject({
    version: text(1, 100).optional(),
    host: text(1, 255).optional().meta({ description: "Name of the machine" }),
    cpuPercent: decimal(0, 1_000_000).optional().meta({ description: "Of one core" }),
    rssBytes: whole(0, Number.MAX_SAFE_INTEGER).optional(),
    eventLoopLagMs: decimal(0, 86_400_000).optional(),
    hostCpuPercent: decimal(0, 100).optional().meta({ description: "Of all cores, whoever uses them" }),
    hostMemoryBytes: whole(0, Number.MAX_SAFE_INTEGER).optional(),
    hostMemoryFreeBytes: whole(0, Number.MAX_SAFE_INTEGER).optional(),
  })
  .optional();

export const leaseBody = z.strictObject({
  worker: text(1, 200).meta({ description: "Your name for this worker, shown in 'why is it not done'" }),
  operations: z.array(text(1, 100)).min(1).max(100).optional().meta({ description: "Only chunks of these operations" }),
  max: whole(1, 100).default(1).meta({ description: "Chunks at most" }),
  leaseMs: whole(1_000, 3_600_000).default(60_000),
  process,
});
export const leaseAnswer = z.strictObject({
  success: yes,
  draining: z.boolean().meta({ description: "true: this worker was told to drain and gets nothing; finish what you have" }),
  chunks: z.array(
    z.strictObject({
      chunk: z.int(),
      fence: z.int(),
      batchId: z.string(),
      operation: z.string(),
      options: record,
      attempt: z.int(),
      leaseUntil: time,
      traceparent: z.string().nullable().meta({ description: "W3C Trace Context: the lease as a span, for calls on its behalf" }),
      items: z.array(z.strictObject({ key: z.string(), payload: z.unknown(), idempotencyKey: z.string() })),
    }),
  ),
});

export const heartbeatBody = z.strictObject({
  worker: text(1, 200).optional(),
  leaseMs: whole(1_000, 3_600_000)
    .default(12_000)
    .meta({ description: "From now. 12 s, renewed every 4 s: missed within 15 s of its last heartbeat, and not for a pause of 8 s" }),
  leases: z.array(lease).min(1).max(1_000),
  process,
});
export const heartbeatAnswer = z.strictObject({
  success: yes,
  held: z.array(z.int()).meta({ description: "Chunks whose lease was renewed" }),
  lost: z.array(z.int()).meta({ description: "Chunks to drop: their results would be refused" }),
});

export const settledItem = z.strictObject({
  key: text(1, 512),
  result: z.unknown().optional(),
  error: text(1, 8_192).optional().meta({ description: "Given = the item failed" }),
  errorCode: text(1, 100).optional(),
  category: z.enum(["transient", "resource", "rate_limit", "configuration", "data", "permanent"]).optional(),
  retryAfterMs: whole(0, 86_400_000).optional(),
  durationMs: decimal(0, 31_536_000_000).optional(),
  qualityScore: decimal(0, 1).optional(),
  cost: decimal(0, 1_000_000).optional(),
});
export const settleBody = z.strictObject({
  chunk: lease.shape.chunk,
  fence: lease.shape.fence,
  results: z.array(settledItem).max(10_000),
  done: z.boolean().default(false).meta({
    description: "true ends the chunk: items without a result fail with result_missing. A chunk whose items all have one ends by itself",
  }),
  handBack: z
    .boolean()
    .default(false)
    .meta({ description: "true ends the lease: items without a result go back as they were, which costs them no try" }),
});
export const settleAnswer = z.strictObject({ success: yes, accepted: z.int(), retried: z.int(), open: z.int() });
