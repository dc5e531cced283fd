import type { BatchView } from "../../batches/service.ts";
import { type BatchRow, openItems } from "../../model/batch.ts";
import { iso } from "../../model/clock.ts";
import { toUsd } from "../../model/money.ts";
import { isFinal } from "../../model/moves.ts";
import { priorityName } from "../../model/priority.ts";
import { traceIdOf } from "../../model/trace.ts";
import type { WireBatch } from "../contract/batch.ts";

/** floor(ended / total · 100); 100 exactly when the batch is final, an empty one included. */
export function progressOf(batch: BatchRow): number {
  if (isFinal(batch.status)) return 100;
  if (batch.totalItems === 0) return 0;
  return Math.min(99, Math.floor(((batch.totalItems - openItems(batch)) / batch.totalItems) * 100));
}

/** The `batch` of the HTTP contract. Rates are null where only the row is known. */
export function wireBatch(
  batch: BatchRow,
  rates: Pick<BatchView, "itemsPerSecond" | "etaAt"> = { itemsPerSecond: null, etaAt: null },
): WireBatch {
  return {
    id: batch.id,
    operation: batch.operation,
    status: batch.status,
    progress: progressOf(batch),
    created_at: new Date(batch.createdAt).toISOString(),
    started_at: iso(batch.startedAt),
    completed_at: iso(batch.completedAt),
    total_items: batch.totalItems,
    processed_items: batch.succeeded + batch.failed,
    succeeded_items: batch.succeeded,
    failed_items: batch.failed,
    cancelled_items: batch.cancelled,
    expired_items: batch.expired,
    running_items: batch.running,
    retried_items: batch.retried,
    late_results: batch.late,
    filters: batch.filters,
    options: { ...batch.options },
    input: batch.input,
    name: batch.name,
    description: batch.description,
    priority: priorityName(batch.priority),
    stream: batch.stream,
    key: batch.streamKey,
    close_reason: batch.closeReason,
    executor: batch.executor,
    epoch: batch.epoch,
    depends_on: batch.dependsOn,
    replay_of: batch.replayOf,
    tags: batch.tags,
    metadata: batch.metadata,
    warnings: batch.warnings,
    eta_at: iso(rates.etaAt),
    items_per_second: rates.itemsPerSecond === null ? null : round(rates.itemsPerSecond, 3),
    cost: toUsd(batch.cost),
    deadline_at: iso(batch.deadlineAt),
    error: batch.error,
    trace_id: batch.trace === null ? null : traceIdOf(batch.trace.context),
  };
}

/** A batch as it was when it was created (or retried): what `batch:created` announces, however far it has come since. */
export function asCreated(batch: BatchRow): BatchRow {
  const ended = batch.totalItems === 0;
  if (ended) return batch;
  return {
    ...batch,
    status: "pending",
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    expired: 0,
    running: 0,
    retried: 0,
    late: 0,
    cost: 0,
    error: null,
    startedAt: null,
    completedAt: null,
  };
}

export function round(value: number, places: number): number {
  const scale = 10 ** places;
  return Math.round((value + Number.EPSILON) * scale) / scale;
}
