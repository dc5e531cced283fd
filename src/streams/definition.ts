import { Cron } from "croner";
import { z } from "zod";
import { invalid } from "../model/errors.ts";
import { faultsOf } from "../model/schema-faults.ts";
import { decimal, text, whole } from "../model/fields.ts";
import type { WindowRules } from "../model/window.ts";

/** A year: longer is a typing error, and timers of the machine do not reach further. */
const MAX_SECONDS = 31_536_000;
/** Open items of a stream that does not say: what is open has its keys in memory, some 100 bytes each. */
const DEFAULT_MAX_OPEN = 200_000;

const seconds = decimal(0.001, MAX_SECONDS);

/** Groups single items into batches: per key one window, which closes by the first of its rules. */
export const streamDefinition = z
  .strictObject({
    operation: text(1, 100).meta({ description: "What is done to a closed window; one of GET /api/batch/operations" }),
    options: z.looseObject({}).default({}).meta({ description: "Options of the batches and of their operation" }),
    keyField: text(1, 200)
      .optional()
      .meta({ description: "Top-level field whose value names the window; without it the stream has one window at a time" }),
    idField: text(1, 200)
      .optional()
      .meta({ description: "Top-level field that is the item's key and must be there; without it nodeId, id, custom_id, else a number" }),
    numericIds: z.boolean().default(false).meta({ description: "Ids must be whole numbers" }),
    windowSeconds: seconds.optional().meta({ description: "A window closes so long after its first item" }),
    idleTimeoutSeconds: seconds.optional().meta({ description: "A window closes so long after its last item" }),
    checkIntervalSeconds: decimal(0.1, 3_600)
      .default(5)
      .meta({ description: "All windows are looked through this often; timers are exact, this bounds lateness when the clock jumps" }),
    maxItems: whole(1, 100_000).optional().meta({ description: "The item that makes a window so large closes it" }),
    maxBytes: whole(1, 1_073_741_824)
      .optional()
      .meta({ description: "UTF-8 bytes of the items; the item that reaches them closes the window" }),
    minItems: whole(1, 100_000).optional().meta({ description: "Fewer items are held past age and idle time" }),
    maxWaitSeconds: seconds.optional().meta({ description: "A held window closes so long after its first item all the same" }),
    schedule: z
      .string()
      .refine(isCron, { error: "must be a cron expression such as '*/5 * * * *' (UTC)" })
      .optional()
      .meta({ description: "Cron expression, UTC: closes what is open then" }),
    fastPath: z
      .strictObject({ field: text(1, 200), threshold: z.number(), typeField: text(1, 200), types: z.array(text(1, 200)).min(1).max(100) })
      .optional()
      .meta({
        description: "An item whose field is at least the threshold and whose type is one of these (in any case) goes alone, at once",
      }),
    overflow: z
      .enum(["reject", "dead_letter", "drop_oldest"])
      .default("reject")
      .meta({ description: "What happens to an item beyond maxOpen" }),
    maxOpen: whole(1, 10_000_000).default(DEFAULT_MAX_OPEN).meta({ description: "Items in open windows" }),
    eventPrefix: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,39}$/, { error: "must be 1 to 40 of a-z, 0-9 and '_', and start with a letter" })
      .optional()
      .meta({ description: "Socket.IO events <prefix>.new and <prefix>.batch" }),
    paused: z.boolean().default(false),
  })
  .superRefine((definition, ctx) => {
    const say = (path: string, message: string): void =>
      ctx.addIssue({ code: "custom", path: [path], message, params: { code: "invalid_value" } });
    const { windowSeconds, idleTimeoutSeconds, maxItems, minItems, maxBytes, maxWaitSeconds, schedule } = definition;
    if (windowSeconds !== undefined && idleTimeoutSeconds !== undefined && idleTimeoutSeconds >= windowSeconds) {
      say("idleTimeoutSeconds", `must be less than windowSeconds (${windowSeconds}), else it never closes anything`);
    }
    if (minItems !== undefined && maxItems !== undefined && minItems > maxItems)
      say("minItems", `must not be more than maxItems (${maxItems})`);
    if (maxWaitSeconds !== undefined && windowSeconds !== undefined && maxWaitSeconds < windowSeconds)
      say("maxWaitSeconds", `must not be less than windowSeconds (${windowSeconds})`);
    if (maxWaitSeconds !== undefined && minItems === undefined)
      say("maxWaitSeconds", "bounds how long minItems holds a window; give minItems too");
    if ([windowSeconds, idleTimeoutSeconds, maxItems, maxBytes, schedule].every((rule) => rule === undefined)) {
      say("windowSeconds", "no rule closes a window; give one of windowSeconds, idleTimeoutSeconds, maxItems, maxBytes, schedule");
    }
  });
export type StreamDefinition = z.output<typeof streamDefinition>;
/** A definition as it is written: what has a default may be left out. */
export type StreamSettings = z.input<typeof streamDefinition>;

/** As it counts, and as it is kept. Throws validation_failed. */
export function parsedDefinition(given: unknown): { definition: StreamDefinition; kept: Record<string, unknown> } {
  const result = streamDefinition.safeParse(given);
  if (!result.success) throw invalid(faultsOf(result.error, streamDefinition, given));
  return { definition: result.data, kept: result.data };
}

function isCron(expression: string): boolean {
  try {
    new Cron(expression, { paused: true });
    return true;
  } catch {
    return false;
  }
}

/** What says when windows close, besides whether the stream is paused. */
export const CLOSURE_FIELDS = [
  "windowSeconds",
  "idleTimeoutSeconds",
  "maxItems",
  "maxBytes",
  "minItems",
  "maxWaitSeconds",
  "schedule",
] as const satisfies readonly (keyof StreamDefinition)[];
export type ClosureSettings = Pick<StreamDefinition, (typeof CLOSURE_FIELDS)[number]>;

export function rulesOf(definition: ClosureSettings, paused: boolean): WindowRules {
  const ms = (given: number | undefined): number | undefined => (given === undefined ? undefined : given * 1000);
  return {
    maxAgeMs: ms(definition.windowSeconds),
    idleMs: ms(definition.idleTimeoutSeconds),
    maxItems: definition.maxItems,
    maxBytes: definition.maxBytes,
    minItems: definition.minItems,
    maxWaitMs: ms(definition.maxWaitSeconds),
    paused,
  };
}

/** Unix milliseconds of the next run; null when there is none. */
export function nextRun(schedule: string, now: number): number | null {
  return runsOf(schedule)(now);
}

/** The same for many questions about one schedule. */
export function runsOf(schedule: string): (now: number) => number | null {
  const cron = new Cron(schedule, { paused: true, timezone: "UTC" });
  return (now) => cron.nextRun(new Date(now))?.getTime() ?? null;
}
