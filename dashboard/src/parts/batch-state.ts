import type { Batch } from "batchyard/client";

/** Not ended: it may still change by itself. */
export function isOpen({ status }: Batch): boolean {
  return status === "pending" || status === "running" || status === "paused";
}

/** Items that a retry would run again. */
export function retriable(batch: Batch): number {
  return isOpen(batch) ? 0 : batch.failed_items + batch.cancelled_items + batch.expired_items;
}
