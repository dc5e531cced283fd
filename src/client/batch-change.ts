import type { FeedEvent } from "./event-feed.ts";
import type { Batch } from "./wire.ts";

const ENDED = new Set(["batch.completed", "batch.failed", "batch.cancelled", "batch.expired"]);

/** What an event says of a batch, in the names of the batch. */
export function batchChange({ type, data, timestamp }: Pick<FeedEvent, "type" | "data" | "timestamp">): Partial<Batch> {
  const change: Partial<Batch> = {};
  const numbers = { total: "total_items", processed: "processed_items", succeeded: "succeeded_items", failed: "failed_items", cancelled: "cancelled_items", expired: "expired_items", epoch: "epoch" } as const; // prettier-ignore
  for (const [from, to] of Object.entries(numbers) as [keyof typeof numbers, (typeof numbers)[keyof typeof numbers]][]) {
    const value = data[from];
    if (typeof value === "number") change[to] = value;
  }
  if (typeof data["status"] === "string") change.status = data["status"] as Batch["status"];
  if (typeof data["rate"] === "number") change.items_per_second = data["rate"];
  if (typeof data["eta"] === "string") change.eta_at = data["eta"];
  if (typeof data["error"] === "string") change.error = data["error"];
  if (type === "batch.started" && timestamp !== null) change.started_at = timestamp;
  if (ENDED.has(type)) {
    change.progress = 100;
    if (timestamp !== null) change.completed_at = timestamp;
  } else if (typeof data["progress"] === "number") change.progress = data["progress"];
  else if (change.total_items !== undefined && change.total_items > 0 && change.processed_items !== undefined)
    change.progress = Math.min(99, Math.floor((100 * change.processed_items) / change.total_items));
  return change;
}

/** The batch as it stands after the change; unchanged when the change is older than what is known. */
export function withChange(batch: Batch, change: Partial<Batch> | undefined): Batch {
  if (change === undefined) return batch;
  const epoch = change.epoch ?? batch.epoch;
  if (epoch < batch.epoch || (epoch === batch.epoch && (change.processed_items ?? Infinity) < batch.processed_items)) return batch;
  return { ...batch, ...change };
}
