import { z } from "zod";
import { instant, text, time, whole, yes } from "../../model/fields.ts";

/** The event stream, what it carries and how it fares. */

export const eventsQuery = z.strictObject({
  types: text(1, 2_000).optional().meta({ description: "Separated by commas; `batch.*` takes a whole noun" }),
  batch: text(1, 100).optional(),
  stream: text(1, 200).optional().meta({ description: "Only events of this stream and of its windows" }),
  since: text(1, 200).optional().meta({ description: "A cursor, from x-stream-cursor or an event's id" }),
  window: whole(10, 60_000).optional().meta({ description: "Milliseconds between two flushes; 250" }),
  coalesce: z
    .string()
    .regex(/^(?:off|default|classic|\d{1,5}(?:ms|s),\d{1,5})$/)
    .optional()
    .meta({ description: "`off`, `classic`, or a time and a number such as `500ms,10`: when a group of events goes at the latest" }),
  dialect: z.enum(["core", "jobs"]).default("core").meta({ description: "`jobs`: upper-case names, a batch is a job" }),
});

const count = z.int().min(0);
const unread = {
  unread_bytes: count.meta({ description: "Waiting in memory for readers" }),
  most_unread_bytes: count.meta({ description: "The most that ever waited for one of them" }),
};
const counts = { events_batched: count, batches_created: count, events_saved: count, batches_failed: count, pending_events: count };
const prefixed = {
  batcher_events_batched: count,
  batcher_batches_created: count,
  batcher_events_saved: count,
  batcher_batches_failed: count,
  batcher_pending_events: count,
};

const delivery = z
  .strictObject({ p50: z.number().nullable(), p99: z.number().nullable() })
  .meta({ description: "From the stamp of an event until it was written to the last reader, over the last one to two minutes" });
const ok = z.boolean();
const ms = z.number().min(0).nullable();
const health = z
  .strictObject({
    ok,
    lost: z
      .strictObject({ ok, checked: count, missing: count, out_of_order: count })
      .meta({ description: "Events of the log, by their seqs" }),
    payload: z.strictObject({ ok, checked: count, wrong: count }).meta({ description: "Merged frames, taken apart again: one in twenty" }),
    delay: z
      .strictObject({ ok, checked: count, late_p99_ms: ms, late_limit_ms: count })
      .meta({ description: "Of the last 1000 flushes: how long the oldest event of each waited beyond its window" }),
  })
  .meta({ description: "What the stream does with the events it is given" });

export const eventStatistics = z.strictObject({
  ...counts,
  ...prefixed,
  connections: z.strictObject({
    open: count,
    slow: count,
    degraded: count,
    dropped: count,
    ...unread,
  }),
  sockets: z
    .strictObject({
      open: count,
      dropped: count,
      ...unread,
      channels: count,
      events: count,
      packets: count.meta({ description: "What the events became, each counted once however many clients got it" }),
      packets_saved: count,
      packets_written: count,
      delivery_ms: delivery,
    })
    .meta({ description: "Socket.IO" }),
  channels: count.meta({ description: "Different filters and policies; connections that want the same share one" }),
  events: count.meta({ description: "Wanted by someone, each counted once however many read it" }),
  frames: count.meta({ description: "What those events became" }),
  frames_written: count.meta({ description: "Writes to readers" }),
  events_per_second: z.number().min(0),
  frames_per_second: z.number().min(0),
  sse_events_per_second: z.number().min(0).meta({ description: "Event frames written to all readers, mean of the last ten seconds" }),
  delivery_ms: delivery,
  health,
  log: z.strictObject({ epoch: z.string(), first: count, last: count }),
});
export const eventStatsAnswer = z.strictObject({ success: yes, stats: eventStatistics });

const severity = z.enum(["info", "warning", "critical"]);
export const eventLogQuery = z.strictObject({
  types: text(1, 2_000).optional().meta({ description: "Separated by commas; `batch.*` takes a whole noun" }),
  severity: z
    .string()
    .regex(/^(?:info|warning|critical)(?:,(?:info|warning|critical))*$/, { error: "must be info, warning, critical, separated by commas" })
    .optional(),
  from: instant().optional().meta({ description: "From this time on, oldest first" }),
  since: text(1, 200).optional().meta({ description: "From this cursor on; without it and without `from` the newest" }),
  limit: whole(1, 1_000).default(200),
});
export const eventLogAnswer = z.strictObject({
  success: yes,
  events: z
    .array(
      z.strictObject({
        seq: z.int(),
        cursor: z.string(),
        type: z.string(),
        severity,
        entity: z.strictObject({ kind: z.string(), id: z.string() }),
        timestamp: time,
        data: z.record(z.string(), z.unknown()),
      }),
    )
    .meta({ description: "Ascending; may be empty before the end, when what was looked through holds nothing that is wanted" }),
  cursor: z.string().meta({ description: "After the last event that was looked at: `since` of the next page, and of the event stream" }),
  end: z.boolean().meta({ description: "Nothing follows the cursor yet" }),
  reset: z.boolean().meta({ description: "What followed `since` is no longer kept; this begins with the oldest event that is" }),
  begins: time.nullable().meta({ description: "Time of the oldest event kept" }),
});

const schema = z.record(z.string(), z.unknown());
export const eventRegistryAnswer = z.strictObject({
  success: yes,
  events: z.array(
    z.strictObject({
      type: z.string(),
      class: z.enum(["aggregate", "state", "latest", "critical", "durable"]),
      severity,
      when: z.string(),
      schema,
      example: schema,
    }),
  ),
  frames: z
    .array(z.strictObject({ type: z.string(), when: z.string(), schema, example: schema }))
    .meta({ description: "Of the stream itself" }),
});
