import { z } from "zod";
import { text, time, whole, yes } from "../../model/fields.ts";

/** What is dead: items that found no room in a stream, and items that failed for good in a batch of an operation. */

const kind = z.enum(["stream", "operation"]);
const reason = text(1, 200)
  .optional()
  .meta({ description: "Only for this reason: of a stream why it was not taken, of an operation the error code" });
const whichKind = kind.optional().meta({ description: "Needed when a stream and an operation have the same name" });
const fingerprint = text(1, 100).optional().meta({ description: "Of an operation: only failures of this group" });
const ids = z
  .array(whole(1, Number.MAX_SAFE_INTEGER))
  .min(1)
  .max(1_000)
  .optional()
  .meta({ description: "Only these, by the ids of the list" });

export const queueParams = z.strictObject({ queue: text(1, 200) });

export const dlqStatsAnswer = z.strictObject({
  success: yes,
  total: z.int(),
  queues: z.array(
    z.strictObject({
      name: z.string(),
      kind,
      count: z.int(),
      reasons: z.array(z.strictObject({ reason: z.string(), count: z.int() })).meta({ description: "Largest first" }),
      oldest: time,
      newest: time,
    }),
  ),
});

export const dlqJobsQuery = z.strictObject({
  limit: whole(1, 1_000).default(100),
  cursor: text(1, 1_000).optional(),
  reason,
  kind: whichKind,
});
export const dlqJobsAnswer = z.strictObject({
  success: yes,
  queue: z.string(),
  kind,
  jobs: z
    .array(
      z.strictObject({
        id: z.int(),
        kind,
        reason: z.string(),
        failed_at: time,
        item_key: z.string().nullable(),
        item: z.unknown().optional().meta({ description: "Of a stream: the item" }),
        batch_id: z.string().optional().meta({ description: "Of an operation: the batch it failed in" }),
        error: z.string().optional(),
        category: z.string().optional(),
      }),
    )
    .meta({ description: "Oldest first" }),
  total: z.int(),
  nextCursor: z.string().nullable(),
});

export const dlqRequeueBody = z
  .strictObject({
    limit: whole(1, 100_000).default(1_000).meta({ description: "The oldest first" }),
    rate: whole(1, 100_000).optional().meta({ description: "Items a second, only for streams; at once without it" }),
    reason,
    fingerprint,
    ids,
    kind: whichKind,
  })
  .prefault({});
export const dlqRequeueAnswer = z.strictObject({
  success: yes,
  queue: z.string(),
  requeued: z.int(),
  scheduled: z.int().meta({ description: "Still to come at the given rate" }),
  left: z
    .array(z.strictObject({ id: z.int(), code: z.string(), message: z.string() }))
    .meta({ description: "Tried and left where they are, at most the first 1,000" }),
  batches: z.array(z.string()).meta({ description: "Of an operation: batches that run again, at most the first 1,000" }),
});

export const dlqDeleteQuery = z.strictObject({ reason, kind: whichKind });
export const dlqDeleteBody = z.strictObject({ reason, fingerprint, ids, kind: whichKind }).optional();
export const dlqDeleteAnswer = z.strictObject({ success: yes, queue: z.string(), deleted: z.int() });
