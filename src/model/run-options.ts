import { z } from "zod";
import { decimal, instant, text, whole } from "./fields.ts";

const PERCENT = /^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/;

/**
 * The options every batch takes, whatever its operation. The operation's own options stand beside them in the same object and
 * are parsed by the operation's schema.
 */
export const runOptions = z.strictObject({
  batchSize: whole(1, 10_000).optional().meta({ description: "Items a chunk: the unit of dispatch and commit" }),
  retryAttempts: whole(0, 20).optional().meta({ description: "Retries after the first try" }),
  retryBackoffMs: whole(0, 86_400_000).optional().meta({ description: "Base of the exponential back-off, milliseconds" }),
  timeout: z
    .unknown()
    .superRefine((value, ctx) => {
      if (typeof value === "string")
        ctx.addIssue({
          code: "custom",
          message: "is a whole number of milliseconds, for example 30000 for 30 s",
          params: { code: "invalid_duration" },
        });
    })
    .pipe(whole(1, 86_400_000))
    .optional()
    .meta({ description: "Milliseconds an item may take" }),
  priority: z.enum(["low", "normal", "high", "critical"]).optional(),
  notifyOnComplete: z
    .union([z.boolean(), z.array(text(1, 100)).max(20)])
    .optional()
    .meta({ description: "true, or names of channels" }),
  concurrency: whole(1, 1_000).optional().meta({ description: "Items in flight at once, over all workers" }),
  maxFailures: z
    .union([whole(0, 1_000_000_000), z.string().regex(PERCENT, { error: 'must be a count or a share such as "10%"' })])
    .optional()
    .meta({ description: "Failed items above which the batch is stopped: a count, or a share of all items" }),
  deadline: instant().optional(),
  hedgeMs: whole(1_000, 86_400_000)
    .optional()
    .meta({ description: "Milliseconds before the deadline at which what is still open in a provider's batch is asked for online too" }),
  budgetUsd: decimal(0, 1_000_000).optional().meta({ description: "US dollars; nothing more is started once they are spent" }),
  rateLimit: z
    .strictObject({ requestsPerMinute: whole(1, 10_000_000).optional(), tokensPerMinute: whole(1, 1_000_000_000).optional() })
    .optional(),
  executor: text(1, 100).optional(),
});

export const RUN_OPTION_NAMES: readonly string[] = Object.keys(runOptions.shape);
