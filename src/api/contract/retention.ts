import { z } from "zod";
import { FINAL_BATCH_STATES } from "../../model/moves.ts";
import { time, yes } from "../../model/fields.ts";

const stored = {
  batches: z.int(),
  items: z.int(),
  estimated_bytes: z.int().meta({ description: "The share of the store that so many items and batches have, events and sums included" }),
};

const log = z.strictObject({
  days: z.int().meta({ description: "0 = kept for ever" }),
  setting: z.string(),
  due: z
    .strictObject({ entries: z.int(), more: z.boolean() })
    .meta({ description: "What the next pass would remove, counted up to 10,000" }),
});
export const retentionAnswer = z.strictObject({
  success: yes,
  timestamp: time,
  store: z
    .strictObject({ used_bytes: z.int(), free_bytes: z.int().meta({ description: "Freed by removals, taken by what comes next" }) })
    .nullable()
    .meta({ description: "null for tenants that do not own the server" }),
  states: z.array(
    z.strictObject({
      status: z.enum(FINAL_BATCH_STATES),
      days: z.int().meta({ description: "After its end a batch is kept so long" }),
      setting: z.string().meta({ description: "What says so" }),
      ...stored,
      due: z
        .strictObject({ batches: z.int(), more: z.boolean() })
        .meta({ description: "What the next pass would remove, counted up to 10,000; without what unfinished batches depend on" }),
      ages: z
        .array(z.strictObject({ from_days: z.int(), to_days: z.int().nullable(), ...stored }))
        .meta({ description: "By whole days (UTC) since creation; rungs without batches are left out" }),
    }),
  ),
  unfinished: z.strictObject(stored).meta({ description: "Never removed" }),
  dead_letters: log.meta({ description: "Of streams; what is dead of an operation goes with its batches" }),
  audit: log.nullable().meta({ description: "Entries of all tenants; null for those that do not own the server" }),
  last_pass: z
    .strictObject({
      started_at: time,
      ended_at: time,
      removed: z
        .record(z.enum(FINAL_BATCH_STATES), z.int())
        .nullable()
        .meta({ description: "Batches of all tenants; null for tenants that do not own the server" }),
    })
    .nullable(),
  next_pass_at: time.nullable().meta({ description: "null: one is under way" }),
});
