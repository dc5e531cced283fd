import { z } from "zod";
import { text, time, whole, yes } from "../../model/fields.ts";

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
  total: count.meta({ description: "Groups in all" }),
  failures: count.meta({ description: "Failures as they happened: a retry takes nothing off" }),
  recoverable: count,
});
