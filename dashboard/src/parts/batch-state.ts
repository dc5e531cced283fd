import type { Batch } from "batchyard/client";

/** Not ended: it may still change by itself. */
export function isOpen({ status }: Batch): boolean {
  return status === "pending" || status === "running" || status === "paused";
}

/** Ended before all its items were done: its progress says that it is over, not that the work is. */
export function isCutShort(batch: Batch): boolean {
  return !isOpen(batch) && batch.processed_items < batch.total_items;
}

/** Items that a retry would run again. */
export function retriable(batch: Batch): number {
  return isOpen(batch) ? 0 : batch.failed_items + batch.cancelled_items + batch.expired_items;
}
