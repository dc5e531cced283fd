import { z } from "zod";
import type { Severity } from "../model/event.ts";
import { PRIORITIES } from "../model/priority.ts";
import {
  alert,
  byCategory,
  closeReason,
  count,
  counts,
  ended,
  exampleAlert,
  exampleCounts,
  final,
  id,
  origin,
  percent,
  worker,
} from "./fields.ts";

/**
 * The one table of events: what happens, when, with which fields. docs/operate/events.md and `GET /api/events/registry` are
 * made from it; the coalescer asks it what may be merged.
 *
 * A class says what a reader who gets fewer frames may miss:
 *
 *     aggregate  many of a kind; merged with its like
 *     state      a step in a life; merged with its like, never left out
 *     latest     a figure that the next one replaces; only the last of an entity is kept
 *     critical   someone should look now; goes at once
 *     durable    a record; never merged
 */

export type EventClass = "aggregate" | "state" | "latest" | "critical" | "durable";

export interface EventKind {
  readonly class: EventClass;
  readonly severity: Severity;
  readonly when: string;
  /** Further fields may come with a later version; readers ignore what they do not know. */
  readonly data: z.ZodObject;
  readonly example: Readonly<Record<string, unknown>>;
}

function kind(from: EventKind): EventKind {
  return from;
}

function batchState(when: string, fields: z.ZodRawShape, example: Record<string, unknown>, severity: Severity = "info"): EventKind {
  return kind({
    class: severity === "critical" ? "critical" : "state",
    severity,
    when,
    data: z.looseObject({ ...counts, ...fields }),
    example: { ...exampleCounts, ...example },
  });
}

export const EVENTS = {
  "item.received": kind({
    class: "aggregate",
    severity: "info",
    when: "an item was accepted into a window",
    data: z.looseObject({
      stream: id,
      key: z.string(),
      batch_id: id.nullable(),
      count: count.meta({ description: "Items that came into the window at once" }),
      item: z.record(z.string(), z.unknown()).optional().meta({ description: "The item, where one came alone and is not long" }),
    }),
    example: {
      stream: "detections",
      key: "front_door",
      batch_id: "batch_1767225600000_a1b2c3d4e",
      count: 1,
      item: { detection_id: 123, label: "person", confidence: 0.93 },
    },
  }),
  "window.opened": kind({
    class: "state",
    severity: "info",
    when: "the first item of a key opened a window",
    data: z.looseObject({ batch_id: id, stream: id, key: z.string(), count, started_at: z.union([z.string(), z.number()]) }),
    example: {
      batch_id: "batch_1767225600000_a1b2c3d4e",
      stream: "detections",
      key: "front_door",
      count: 1,
      started_at: "2026-01-01T00:00:00.000Z",
    },
  }),
  "window.closed": kind({
    class: "state",
    severity: "info",
    when: "a rule or a person closed a window; its items are a batch now",
    data: z.looseObject({
      batch_id: id,
      stream: id,
      key: z.string(),
      count,
      started_at: z.union([z.string(), z.number()]),
      closed_at: z.union([z.string(), z.number()]),
      close_reason: closeReason,
    }),
    example: {
      batch_id: "batch_1767225600000_a1b2c3d4e",
      stream: "detections",
      key: "front_door",
      count: 42,
      started_at: "2026-01-01T00:00:00.000Z",
      closed_at: "2026-01-01T00:01:30.000Z",
      close_reason: "timeout",
    },
  }),
  "batch.created": batchState(
    "a batch was sealed: all its items are stored",
    {
      id,
      progress: percent,
      created_at: z.string(),
      total_items: count,
      processed_items: count,
      succeeded_items: count,
      failed_items: count,
      retried_items: count,
      filters: z.record(z.string(), z.unknown()).optional().meta({ description: "As options and metadata: left out when it is long" }),
      options: z.record(z.string(), z.unknown()).optional(),
      metadata: z.record(z.string(), z.unknown()).optional(),
      name: z.string().nullable(),
      description: z.string().nullable(),
      priority: z.enum(PRIORITIES),
      close_reason: closeReason.optional(),
      executor: id,
      depends_on: z.array(id),
      tags: z.array(z.string()),
      deadline_at: z.string().optional(),
      replay_of: id.optional().meta({ description: "The batch whose items it got" }),
    },
    {
      status: "pending",
      processed: 0,
      succeeded: 0,
      failed: 0,
      id: "batch_1767225600000_a1b2c3d4e",
      progress: 0,
      created_at: "2026-01-01T00:00:00.000Z",
      total_items: 1000,
      processed_items: 0,
      succeeded_items: 0,
      failed_items: 0,
      retried_items: 0,
      filters: {},
      options: { schema: { required: ["price"] } },
      name: "nightly",
      description: null,
      priority: "normal",
      executor: "handler",
      depends_on: [],
      tags: [],
    },
  ),
  "batch.started": batchState("its first chunk was leased", {}, { processed: 0, succeeded: 0, failed: 0 }),
  "batch.paused": batchState("someone paused it", {}, { status: "paused" }),
  "batch.resumed": batchState(
    "it goes on after a pause, or in a new epoch after a retry",
    { retry: count.optional().meta({ description: "Items that run again" }) },
    {},
  ),
  "batch.progress": kind({
    class: "latest",
    severity: "info",
    when: "its counters or its priority moved",
    data: z.looseObject({
      ...counts,
      progress: percent,
      rate: z.number().nullable().optional().meta({ description: "Items per second lately; null = nothing has ended" }),
      eta: z.string().nullable().optional().meta({ description: "When it ends at that rate; null = unknown, or it has ended" }),
      priority: z.enum(PRIORITIES).optional(),
    }),
    example: { ...exampleCounts, progress: 25, rate: 118.4, eta: "2026-01-01T00:00:06.334Z" },
  }),
  "batch.completed": batchState("every item has ended and at least one succeeded, or it was empty", final, {
    ...ended,
    progress: 100,
    duration_ms: 61_250,
  }),
  "batch.failed": batchState(
    "every item failed, its failure limit was passed, or a batch it depends on did not complete",
    final,
    {
      ...ended,
      status: "failed",
      succeeded: 0,
      failed: 1000,
      error: "All 1000 items failed, most with: Timeout",
      progress: 100,
      duration_ms: 61_250,
    },
    "critical",
  ),
  "batch.cancelled": batchState("someone cancelled it", final, { status: "cancelled", cancelled: 750, progress: 100, duration_ms: 4_100 }),
  "batch.expired": batchState("its deadline passed before every item had ended", final, {
    status: "expired",
    expired: 750,
    progress: 100,
    duration_ms: 3_600_000,
  }),
  "chunk.retried": kind({
    class: "state",
    severity: "info",
    when: "items of a chunk failed and will be tried again",
    data: z.looseObject({
      batch_id: id,
      chunk: count,
      reason: z.string(),
      items: count,
      attempt: count,
      operation: id,
      categories: byCategory,
      ...origin,
    }),
    example: { batch_id: "batch_1767225600000_a1b2c3d4e", chunk: 7, reason: "retry", items: 3, attempt: 1, operation: "transform" },
  }),
  "upstream.doubled": kind({
    class: "critical",
    severity: "critical",
    when: "a provider had a second batch of one attempt; it is cancelled, and what it did is paid for",
    data: z.looseObject({
      batch_id: id,
      provider: id,
      attempt: id,
      kept: id.meta({ description: "Id of the upstream batch whose results count" }),
      cancelled: id.meta({ description: "Id of the other one" }),
    }),
    example: {
      batch_id: "batch_1767225600000_a1b2c3d4e",
      provider: "openai",
      attempt: "att_1",
      kept: "batch_68a1",
      cancelled: "batch_68a2",
    },
  }),
  "chunk.stalled": kind({
    class: "critical",
    severity: "critical",
    when: "a worker stopped answering while it held the chunk (reason lease_lost), or somebody took it away (lease_revoked); the chunk runs again",
    data: z.looseObject({
      batch_id: id,
      chunk: count,
      reason: z.string(),
      worker: z.string().nullable(),
      crashes: count,
      operation: id,
      ...origin,
    }),
    example: {
      batch_id: "batch_1767225600000_a1b2c3d4e",
      chunk: 7,
      reason: "lease_lost",
      worker: "local:embedded:4711",
      crashes: 1,
      operation: "transform",
    },
  }),
  "queue.status": kind({
    class: "latest",
    severity: "info",
    when: "once a second while it changes and somebody asks for it by name; not in the log",
    data: z.looseObject({
      queues: z.array(
        z.looseObject({ name: id, status: z.enum(["healthy", "warning", "critical"]), depth: count, running: count, workers: count }),
      ),
      summary: z.looseObject({ overall_status: z.string() }),
    }),
    example: { queues: [{ name: "normal", status: "healthy", depth: 12, running: 4, workers: 4 }], summary: { overall_status: "healthy" } },
  }),
  "pipeline.throughput": kind({
    class: "latest",
    severity: "info",
    when: "once a second while it changes and somebody asks for it by name; not in the log",
    data: z.looseObject({ stream: z.string().optional(), items_per_second: z.number().min(0), batches_per_minute: z.number().min(0) }),
    example: { stream: "detections", items_per_second: 118.4, batches_per_minute: 6 },
  }),
  "worker.stats": kind({
    class: "latest",
    severity: "info",
    when: "once a second while it changes and somebody asks for it by name; not in the log",
    data: z.looseObject({ ...worker, running: count, slots: count.nullable().meta({ description: "Null where only the worker knows" }) }),
    example: { worker: "local:embedded:4711", kind: "local", running: 3, slots: 4 },
  }),
  "worker.statistics": kind({
    class: "latest",
    severity: "info",
    when: "every five minutes, at whole multiples of them: what was done since the last one",
    data: z.looseObject({
      minutes: count,
      slots: count,
      pending: count,
      running: count,
      batches_completed: count,
      batches_failed: count,
      items_succeeded: count,
      items_failed: count,
      items_retried: count,
    }),
    example: {
      minutes: 5,
      slots: 4,
      pending: 2,
      running: 1,
      batches_completed: 12,
      batches_failed: 0,
      items_succeeded: 590,
      items_failed: 3,
      items_retried: 7,
    },
  }),
  "worker.started": kind({
    class: "state",
    severity: "info",
    when: "a worker took up its work; an external one: its first call",
    data: z.looseObject(worker),
    example: { worker: "local:embedded:4711", kind: "local" },
  }),
  "worker.stopped": kind({
    class: "state",
    severity: "info",
    when: "a worker ended in order; an external one: nothing held and nothing heard for 5 minutes",
    data: z.looseObject(worker),
    example: { worker: "local:embedded:4711", kind: "local" },
  }),
  "worker.lost": kind({
    class: "critical",
    severity: "critical",
    when: "a worker was not heard of while it held chunks",
    data: z.looseObject(worker),
    example: { worker: "local:embedded:4711", kind: "local" },
  }),
  "alert.firing": kind({
    class: "durable",
    severity: "critical",
    when: "a rule is met",
    data: z.looseObject(alert),
    example: exampleAlert,
  }),
  "alert.resolved": kind({
    class: "durable",
    severity: "info",
    when: "the rule is no longer met",
    data: z.looseObject(alert),
    example: exampleAlert,
  }),
  "alert.acked": kind({
    class: "durable",
    severity: "info",
    when: "someone took it on",
    data: z.looseObject({ alert: id, by: z.string() }),
    example: { alert: "alert_1", by: "key:key_1" },
  }),
  "settings.changed": kind({
    class: "durable",
    severity: "info",
    when: "someone changed a setting; it is in force",
    data: z.looseObject({ by: z.string(), changes: z.array(z.looseObject({ path: z.string(), from: z.unknown(), to: z.unknown() })) }),
    example: { by: "key:key_1", changes: [{ path: "batch.window_seconds", from: 90, to: 120 }] },
  }),
  "stream.paused": kind({
    class: "durable",
    severity: "info",
    when: "a stream holds its windows back, or does so no longer",
    data: z.looseObject({
      stream: id,
      paused: z.boolean(),
      reason: z.string().optional().meta({ description: "When the server did it by itself" }),
    }),
    example: { stream: "detections", paused: true },
  }),
  "audit.recorded": kind({
    class: "durable",
    severity: "info",
    when: "an act was written to the audit log; what only reads, and each batch of an act on many, has none",
    data: z.looseObject({ actor: z.string(), action: z.string(), target: z.string(), outcome: z.string() }),
    example: { actor: "key:key_1", action: "batch.cancel", target: "batch_1767225600000_a1b2c3d4e", outcome: "SUCCESS" },
  }),
  "audit.unproven": kind({
    class: "critical",
    severity: "critical",
    when: "the server starts and the audit log is not the one that was written, or what proves it is gone; until an admin accepts it",
    data: z.looseObject({ kind: z.string(), entry: count.meta({ description: "Where it begins" }), message: z.string() }),
    example: { kind: "unanchored", entry: 51, message: "the file audit.anchor is missing or not readable; it stood at entry 51" },
  }),
  "bulk.progress": kind({
    class: "durable",
    severity: "info",
    when: "an act on many batches went on",
    data: z.looseObject({ bulk_id: id, done: count, total: count, failed: count }),
    example: { bulk_id: "bulk_1", done: 40, total: 100, failed: 1 },
  }),
} as const satisfies Record<string, EventKind>;

/** Frames of the stream itself: they are about the connection, not in the log. */
export const CONTROL_FRAMES = {
  "stream.hello": {
    when: "first on every connection",
    data: z.looseObject({ cursor: z.string(), heartbeatSeconds: z.number() }),
    example: { cursor: "k3x9qa.1042", heartbeatSeconds: 15 },
  },
  "stream.reset": {
    when: "events were missed for good: load the snapshot, go on from the cursor",
    data: z.looseObject({ snapshotUrl: z.string(), cursor: z.string() }),
    example: { snapshotUrl: "/api/batch/history", cursor: "k3x9qa.1042" },
  },
  "stream.degraded": {
    when: "the reader is slow: from here only latest, critical and durable events come, until a stream.reset",
    data: z.looseObject({ snapshotUrl: z.string(), cursor: z.string() }),
    example: { snapshotUrl: "/api/batch/history", cursor: "k3x9qa.1042" },
  },
  heartbeat: { when: "every 15 s", data: z.looseObject({}), example: {} },
  bye: {
    when: "the server ends the connection; come back after `retry`",
    data: z.looseObject({ reason: z.string() }),
    example: { reason: "shutdown" },
  },
} as const satisfies Record<string, { when: string; data: z.ZodObject; example: Readonly<Record<string, unknown>> }>;

/** An event that is not in the table comes from a later version: nothing is known that would allow to merge it. */
export function classOf(type: string): EventClass {
  return (EVENTS as Readonly<Record<string, EventKind | undefined>>)[type]?.class ?? "durable";
}

const FINAL_TYPES: ReadonlySet<string> = new Set(["batch.completed", "batch.failed", "batch.cancelled", "batch.expired"]);

/** After it the entity's figures say nothing new. */
export function isFinalType(type: string): boolean {
  return FINAL_TYPES.has(type);
}

/** Every type with its JSON Schema and an example, as `GET /api/events/registry` shows it. */
export function registryOf(): {
  type: string;
  class: EventClass;
  severity: Severity;
  when: string;
  schema: Record<string, unknown>;
  example: Record<string, unknown>;
}[] {
  return Object.entries<EventKind>(EVENTS).map(([type, { class: sort, severity, when, data, example }]) => ({
    type,
    class: sort,
    severity,
    when,
    schema: jsonSchema(data),
    example: { ...example },
  }));
}

export function controlFramesOf(): { type: string; when: string; schema: Record<string, unknown>; example: Record<string, unknown> }[] {
  return Object.entries(CONTROL_FRAMES).map(([type, { when, data, example }]) => ({
    type,
    when,
    schema: jsonSchema(data),
    example: { ...example },
  }));
}

function jsonSchema(data: z.ZodObject): Record<string, unknown> {
  const schema: Record<string, unknown> = { ...z.toJSONSchema(data) };
  delete schema["$schema"];
  return schema;
}
