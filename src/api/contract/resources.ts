import { z } from "zod";
import { time, yes } from "../../model/fields.ts";
import { worker } from "./workers.ts";

const ratio = z.number().nullable();

/** What is of the whole server is null for tenants that do not own it; what a server has none of is null for everybody. */
export const resourcesAnswer = z.strictObject({
  success: yes,
  timestamp: time,
  store: z
    .strictObject({
      kind: z.string(),
      bytes: z.int(),
      free_bytes: z.int().meta({ description: "Of these, what removed rows have left" }),
      log_bytes: z.int().meta({ description: "The write-ahead log" }),
      disk_free_bytes: z.int().nullable(),
      connections: z.int(),
      waiting: z
        .int()
        .nullable()
        .meta({ description: "Writers that wait for a connection; null = nobody can, its work is done within a turn of the event loop" }),
      busy_seconds: z.number().meta({ description: "That connections were in use since the start" }),
      transactions: z.int(),
      slow_transactions: z.int().meta({ description: "Of these, those that took longer than 100 ms" }),
      statements: z.int().meta({ description: "Outside of transactions" }),
    })
    .nullable(),
  redis: z.null().meta({ description: "This server uses none" }),
  workers: z.array(worker),
  caches: z
    .array(
      z.strictObject({
        name: z.string(),
        entries: z.int(),
        limit: z.int().nullable(),
        hits: z.int(),
        misses: z.int(),
        hit_ratio: ratio.meta({ description: "null: nobody has asked yet" }),
        bytes: z.int().nullable().meta({ description: "Estimated; null = nobody can know" }),
      }),
    )
    .nullable(),
  process: z
    .strictObject({
      pid: z.int(),
      uptime_seconds: z.number(),
      cpu_seconds: z.number(),
      cpu_percent: z.number().meta({ description: "Of one core, over window_seconds" }),
      rss_bytes: z.int(),
      heap_used_bytes: z.int(),
      heap_limit_bytes: z.int(),
      event_loop_lag_seconds: z.strictObject({ mean: z.number(), p99: z.number(), max: z.number() }).nullable(),
      window_seconds: z.number(),
    })
    .nullable(),
  providers: z
    .strictObject({
      requests: z
        .array(z.strictObject({ provider: z.string(), model: z.string(), under_way: z.int(), limit: z.int() }))
        .meta({ description: "Single requests to models that were asked lately; limit = as many as may be under way at once now" }),
      rates: z
        .array(z.strictObject({ provider: z.string(), unit: z.enum(["requests", "tokens"]), used: z.number(), limit: z.number() }))
        .meta({ description: "Limits of a minute that the config names, and what the last minute took of them" }),
      enqueued_tokens: z
        .array(z.strictObject({ provider: z.string(), model: z.string(), tokens: z.int(), limit: z.int().nullable() }))
        .meta({ description: "Prompt tokens in batches that a provider has not ended, and the quota for them; null = none is known" }),
    })
    .nullable(),
});
