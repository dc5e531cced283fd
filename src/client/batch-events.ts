import { partType, unmergeData } from "../model/merged-event.ts";
import type { ClientError } from "./client-error.ts";
import type { FeedEvent } from "./event-feed.ts";
import type { Batch, BatchStatus } from "./wire.ts";

/** What `client.on` hands to a handler, by event. */
export interface BatchEvents {
  "batch:created": Batch;
  "batch:progress": {
    batchId: string;
    progress: number;
    status: BatchStatus;
    processed: number | null;
    failed: number | null;
    itemsPerSecond: number | null;
    etaAt: string | null;
  };
  "batch:completed": { batchId: string };
  "batch:failed": { batchId: string; error: string | null };
  "batch:cancelled": { batchId: string };
  "batch:expired": { batchId: string };
  "batch:error": ClientError;
  /** The event stream is open (again). */
  "connection:open": Record<string, never>;
  /** The event stream was lost; the next try follows in `retryInMs`. */
  "connection:lost": { error: ClientError; retryInMs: number };
  /** Events were missed for good: reload lists. Batches seen before are brought up to date by the client itself. */
  "connection:reset": Record<string, never>;
}

export type BatchEventName = keyof BatchEvents;
export type BatchEvent = { [N in BatchEventName]: { name: N; payload: BatchEvents[N] } }[BatchEventName];

/** One event of the log, as it was before the server merged it with others. */
export interface EventPart {
  type: string;
  data: Record<string, unknown>;
}

/** What was loaded knows of this already: told after it, the batch would go back. */
export function isOlder(data: EventPart["data"], loaded: Batch): boolean {
  const epoch = numberOf(data["epoch"]) ?? loaded.epoch;
  if (epoch !== loaded.epoch) return epoch < loaded.epoch;
  return finalEventOf(loaded) !== null || (numberOf(data["processed"]) ?? Infinity) < loaded.processed_items;
}

/** The id an event of the log is about. */
export function batchIdOf(data: Record<string, unknown>): string | null {
  const id = data["batch_id"] ?? data["batchId"] ?? data["id"];
  return typeof id === "string" ? id : null;
}

/** `batches.started` keeps what it was made of under `events`. */
export function unmerged(event: FeedEvent): EventPart[] {
  const type = partType(event.type);
  return type === null ? [{ type: event.type, data: event.data }] : unmergeData(event.data).map((data) => ({ type, data }));
}

/** What a batch that was loaded whole says. */
export function progressOf(batch: Batch): BatchEvents["batch:progress"] {
  return {
    batchId: batch.id,
    progress: batch.progress,
    status: batch.status,
    processed: batch.processed_items,
    failed: batch.failed_items,
    itemsPerSecond: batch.items_per_second ?? null,
    etaAt: batch.eta_at ?? null,
  };
}

/** The event of a batch's end; null while it is open. */
export function finalEventOf(batch: Pick<Batch, "id" | "status" | "error">): BatchEvent | null {
  const batchId = batch.id;
  switch (batch.status) {
    case "completed":
      return { name: "batch:completed", payload: { batchId } };
    case "failed":
      return { name: "batch:failed", payload: { batchId, error: batch.error ?? null } };
    case "cancelled":
      return { name: "batch:cancelled", payload: { batchId } };
    case "expired":
      return { name: "batch:expired", payload: { batchId } };
    default:
      return null;
  }
}

/** What a program sees for it. `batch.created` names the batch only: who needs it whole loads it. */
export function batchEventsOf({ type, data }: EventPart): BatchEvent[] {
  const batchId = batchIdOf(data);
  if (batchId === null) return [];
  const verb = type.slice("batch.".length);
  switch (verb) {
    case "started":
    case "paused":
    case "resumed":
    case "progress":
      return [progress(batchId, data, verb === "paused" ? "paused" : "running")];
    case "completed":
    case "failed":
    case "cancelled":
    case "expired": {
      const last = finalEventOf({ id: batchId, status: verb, error: textOf(data["error"]) });
      return last === null
        ? []
        : [{ name: "batch:progress", payload: { ...progress(batchId, { ...data, progress: 100 }, verb).payload, status: verb } }, last];
    }
    default:
      return [];
  }
}

function progress(batchId: string, data: Record<string, unknown>, status: BatchStatus): Extract<BatchEvent, { name: "batch:progress" }> {
  return {
    name: "batch:progress",
    payload: {
      batchId,
      progress: progressOfCounts(data),
      status: (textOf(data["status"]) as BatchStatus | null) ?? status,
      processed: numberOf(data["processed"]),
      failed: numberOf(data["failed"]),
      itemsPerSecond: numberOf(data["rate"]),
      etaAt: textOf(data["eta"]),
    },
  };
}

/** The event's own figure, else floor(ended / total · 100) of its counts, which reaches 100 only at the end. */
export function progressOfCounts(data: Record<string, unknown>): number {
  const given = numberOf(data["progress"]);
  if (given !== null) return given;
  const total = numberOf(data["total"]) ?? 0;
  const ended = ["succeeded", "failed", "cancelled", "expired"].reduce((sum, name) => sum + (numberOf(data[name]) ?? 0), 0);
  return total === 0 ? 0 : Math.min(99, Math.floor((ended / total) * 100));
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
