import { z } from "zod";
import { instant, text, time, whole, yes } from "../../model/fields.ts";

/** Impact previews: what other rules would have done to the arrivals that were recorded. */

const since = instant().optional().meta({ description: "Arrivals from then on; a day without it. At most the newest 1,000,000 are kept" });
const sweepShape = {
  values: z.array(z.number()).min(1).max(50).optional(),
  from: z.number().optional(),
  to: z.number().optional(),
  steps: whole(2, 50).optional().meta({ description: "Values from `from` to `to`; 10 without it" }),
};
const sweep = (setting: z.ZodString) =>
  z
    .strictObject({ setting, ...sweepShape })
    .refine(
      ({ values, from, to, steps }) =>
        values === undefined ? from !== undefined && to !== undefined : (from ?? to ?? steps) === undefined,
      {
        error: "needs either values, or from and to",
      },
    )
    .optional()
    .meta({ description: "The same at each of several values of one setting: a curve" });

const changed = z.number().nullable().optional().meta({ description: "Null takes the rule away" });
/** What these arrivals cannot say anything about; named, so that the answer says why. */
const untried = z.unknown().optional();
export const previewBody = z
  .strictObject({
    windowSeconds: changed,
    idleTimeoutSeconds: changed,
    checkIntervalSeconds: z.number().optional(),
    maxItems: changed,
    maxBytes: changed,
    minItems: changed,
    maxWaitSeconds: changed,
    schedule: z.string().nullable().optional(),
    keyField: untried,
    fastPath: untried,
    overflow: untried,
    maxOpen: untried,
    since,
    sweep: sweep(text(1, 100)),
  })
  .prefault({})
  .meta({
    description:
      "Fields of the definition as they would be; no payload is recorded, so keyField, fastPath, overflow and maxOpen are refused",
    example: { windowSeconds: 120, sweep: { setting: "windowSeconds", values: [30, 60, 90, 120] } },
  });
export const settingsPreviewBody = z
  .looseObject({ since, sweep: sweep(text(1, 100)) })
  .prefault({})
  .meta({
    description: "Any subset of the settings, nested as in PATCH",
    example: { batch: { window_seconds: 120 }, sweep: { setting: "batch.window_seconds", from: 30, to: 300, steps: 10 } },
  });

const percentiles = { p50: z.number(), p95: z.number(), p99: z.number() };
const reasons = z.record(z.string(), z.int()).meta({ description: "Close reason → windows" });
const figureShape = {
  batches: z.int(),
  items: z.int().meta({ description: "In those batches; what is still open is not among them" }),
  items_per_batch: z.strictObject({ mean: z.number(), ...percentiles }).nullable(),
  age_at_closure_ms: z
    .strictObject(percentiles)
    .nullable()
    .meta({ description: "First item to closure; without urgent items that went alone" }),
  reasons,
  jobs_avoided: z.int().meta({ description: "Items less batches" }),
  peak_closures_per_second: z.int(),
};
const outcome = z.strictObject({
  ...figureShape,
  utilisation: z
    .strictObject({ mean: z.number(), busiest_hour: z.number() })
    .nullable()
    .meta({ description: "Share of the worker slots' time; null = no batch of the operation has run yet, or there are no workers here" }),
  peak_open_items: z.int(),
  refused: z.boolean().meta({ description: "These rules cannot be recommended, for `reason`" }),
  reason: z.string().nullable(),
});
const rules = z
  .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
  .meta({ description: "windowSeconds, idleTimeoutSeconds, maxItems, maxBytes, minItems, maxWaitSeconds, schedule" });
const tallied = z.strictObject({ batches: z.int(), reasons });

export const previewAnswer = z.strictObject({
  success: yes,
  stream: z.string(),
  recorded: z.boolean().meta({ description: "False: nothing came in that time, and nothing is predicted" }),
  message: z.string(),
  since: time.nullable().meta({ description: "First arrival that takes part" }),
  until: time,
  arrivals: z.strictObject({
    items: z.int(),
    keys: z.int(),
    left_out: z.int().meta({ description: "Of windows that were open before the recording begins" }),
  }),
  rules: z.strictObject({ current: rules, candidate: rules }),
  unaffected: z.array(z.string()).meta({ description: "Changed settings that say nothing about when windows close" }),
  percentiles: z.literal("nearest rank from a DDSketch, within 1 %"),
  calibration: z
    .strictObject({
      since: time,
      recorded: tallied,
      replayed: tallied,
      matched: z.int(),
      share: z.number().nullable().meta({ description: "0..1: windows with the same key, start, items and reason" }),
    })
    .nullable()
    .meta({ description: "The rules in force, replayed, against what really happened since they are" }),
  service: z
    .strictObject({ per_batch_ms: z.number(), per_item_ms: z.number(), batches: z.int(), slots: z.int() })
    .nullable()
    .meta({ description: "What a batch of the operation takes, by the latest ones" }),
  current: outcome.nullable(),
  candidate: outcome.nullable(),
  sweep: z.strictObject({ setting: z.string(), points: z.array(outcome.extend({ value: z.number() })) }).nullable(),
  warnings: z.array(z.string()),
});

const measured = z.strictObject({ since: time, until: time, hours: z.number(), ...figureShape }).nullable();
export const previewHistoryAnswer = z.strictObject({
  success: yes,
  stream: z.string(),
  changes: z.array(
    z.strictObject({
      at: time,
      before: rules,
      after: rules,
      state: z.enum(["waiting", "measured", "no_traffic"]),
      measured_at: time.meta({ description: "A day after the change, or at the next change" }),
      predicted: measured.meta({ description: "The new rules on the arrivals of the day before; null = there were none" }),
      actual: measured.meta({ description: "What closed since; null = nothing did, or it is not time yet" }),
      error: z
        .strictObject({ items_per_batch: z.number(), age_p50: z.number().nullable(), age_p95: z.number().nullable() })
        .nullable()
        .meta({ description: "predicted ÷ actual − 1" }),
    }),
  ),
});
