import { z } from "zod";
import { instant, text, whole, yes } from "../../model/fields.ts";
import { status as batchStatus } from "./batch.ts";

/** US dollars, exact to a billionth. */
const usd = z.number();

/** What requests used and cost. */
export const costFigures = z.strictObject({
  requests: z.int(),
  unpriced: z.int().meta({ description: "Of these, without a known price: in tokens, not in money" }),
  uncounted: z.int().meta({ description: "Of these, whose result was not the one kept: retried tries, duplicates, late answers" }),
  tokens: z.strictObject({
    input: z.int(),
    cachedInput: z.int(),
    cacheWrite: z.int(),
    audioInput: z.int(),
    output: z.int(),
    reasoning: z.int(),
    audioOutput: z.int(),
  }),
  standard: usd.meta({ description: "US dollars, had each request been sent by itself" }),
  paid: usd,
  saved: usd,
  savingsPercentage: z.number().meta({ description: "Of standard, one decimal" }),
  paidUncounted: usd.meta({ description: "Of paid, for requests whose result was not the one kept" }),
});

export const costsQuery = z.strictObject({
  from: instant().optional().meta({ description: "Its UTC day is the first; 29 days before `to` when absent" }),
  to: instant().optional().meta({ description: "Its UTC day is the last; today when absent" }),
  groupBy: z.enum(["model", "operation", "tenant", "day", "batch", "provider", "tier"]).default("model"),
});

const amounts = { standard: usd, paid: usd, saved: usd };
const percent = z.number().nullable().meta({ description: "Null where there was nothing before" });

export const costsAnswer = z.strictObject({
  success: yes,
  from: z.iso.date(),
  to: z.iso.date(),
  rangeDays: z.int(),
  groupBy: costsQuery.shape.groupBy,
  totals: costFigures,
  groups: z
    .array(costFigures.extend({ key: z.string() }))
    .meta({ description: "What costs most first, at most 1,000; all days, in their order" }),
  projectedMonthly: z.strictObject(amounts).meta({ description: "The range, as 30 days of the same" }),
  previous: z
    .strictObject({ from: z.iso.date(), to: z.iso.date(), requests: z.int(), ...amounts })
    .meta({ description: "As many days before" }),
  changes: z.strictObject({ requests: percent, standard: percent, paid: percent, saved: percent }).meta({ description: "Percent" }),
  month: z
    .strictObject({
      from: z.iso.date(),
      to: z.iso.date().meta({ description: "Its last day" }),
      ...amounts,
      projected: z
        .strictObject(amounts)
        .meta({ description: "At its end, if it goes on as it has so far; the first day counts as a whole one" }),
    })
    .meta({ description: "The UTC month of now, whatever the range" }),
});

export const budgetsQuery = z.strictObject({ limit: whole(1, 100).default(50), cursor: text(1, 500).optional() });
export const budgetsAnswer = z.strictObject({
  success: yes,
  budgets: z
    .array(
      z.strictObject({
        batchId: z.string(),
        name: z.string().nullable(),
        status: batchStatus,
        paid: usd,
        budget: usd.meta({ description: "What it may cost, retries included" }),
      }),
    )
    .meta({ description: "Of batches that have not ended, newest first" }),
  nextCursor: z.string().nullable(),
});
