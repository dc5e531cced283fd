import { z } from "zod";
import { instant, text, time, whole, yes } from "../../model/fields.ts";

/** Failures of a time by their kind, over all batches. */

const count = z.int();
const part = z.strictObject({ name: z.string(), count });

export const failureGroupsQuery = z.strictObject({
  range: z.enum(["24h", "7d", "30d"]).default("24h"),
  operation: text(1, 100).optional(),
  limit: whole(1, 100).default(50),
});

const group = z.strictObject({
  fingerprint: z.string().meta({ description: "'' = kinds beyond the 500 that are told apart in an hour, together" }),
  error: z.string().meta({ description: "The text of the newest" }),
  code: z.string(),
  category: z.string(),
  recoverable: z.boolean().meta({ description: "Whether a retry has a chance as things are" }),
  recommendation: z.string(),
  count,
  first_seen: time.meta({ description: "Within the range" }),
  last_seen: time,
  new: z.boolean().meta({ description: "Never seen before the range" }),
  operations: z.array(part),
  streams: z.array(part),
  trend: z.array(count).meta({ description: "By steps of width_seconds, oldest first" }),
  sample: z.strictObject({ batch_id: z.string(), item_key: z.string() }).meta({ description: "The newest; its batch may be gone" }),
});

export const failureGroupsAnswer = z.strictObject({
  success: yes,
  from: time,
  to: time,
  width_seconds: count,
  groups: z.array(group).meta({ description: "Most frequent first" }),
  total: count.meta({ description: "Groups in all, without the muted ones" }),
  failures: count.meta({ description: "Failures as they happened, without those of muted groups: a retry takes nothing off" }),
  recoverable: count,
  muted: z.strictObject({ total: count, failures: count }).meta({ description: "Of muted groups within the range" }),
});

export const muteParams = z.strictObject({
  fingerprint: z.string().regex(/^[0-9a-f]{12}$/, { error: "must be the fingerprint of a group: 12 digits 0-9a-f" }),
});
export const muteBody = z
  .strictObject({
    reason: text(1, 1_000),
    minutes: whole(1, 525_600).optional(),
    until: instant().optional(),
    untilChange: z.boolean().default(false).meta({ description: "Also ends when the kind turns up in an operation that never had it" }),
  })
  .refine(({ minutes, until }) => minutes === undefined || until === undefined, {
    error: "give `minutes` or `until`, not both; neither = until somebody ends it",
    path: ["until"],
  });

const mute = z.strictObject({
  fingerprint: z.string(),
  error: z.string().meta({ description: "The text of the newest when it was muted" }),
  code: z.string(),
  reason: z.string(),
  by: z.string(),
  at: time,
  until: time.nullable().meta({ description: "null = until somebody ends it" }),
  until_change: z.boolean(),
});
export const muteAnswer = z.strictObject({ success: yes, mute });
export const mutesQuery = failureGroupsQuery.omit({ limit: true });
export const mutesAnswer = z.strictObject({
  success: yes,
  mutes: z
    .array(mute.extend({ count: count.meta({ description: "Failures within the range" }), last_seen: time.nullable() }))
    .meta({ description: "In force, newest first, at most 500" }),
});
