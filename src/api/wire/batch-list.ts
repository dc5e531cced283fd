import type { BatchRow } from "../../model/batch.ts";
import { wireBatch } from "./batch.ts";

/** Columns of a list that goes out as a file: what a batch is and how it fares, not what it was told. */
export const LIST_FIELDS = [
  "id",
  "name",
  "operation",
  "status",
  "priority",
  "stream",
  "key",
  "close_reason",
  "tags",
  "total_items",
  "succeeded_items",
  "failed_items",
  "cancelled_items",
  "expired_items",
  "created_at",
  "started_at",
  "completed_at",
  "duration_ms",
  "cost",
  "error",
] as const;

/** Rows of such a file, without these ids. */
export async function* listRows(blocks: AsyncIterable<BatchRow[]>, except: ReadonlySet<string>): AsyncGenerator<Record<string, unknown>[]> {
  for await (const block of blocks) {
    const rows = block.filter(({ id }) => !except.has(id)).map(listRow);
    if (rows.length > 0) yield rows;
  }
}

function listRow(batch: BatchRow): Record<string, unknown> {
  const { startedAt, completedAt } = batch;
  const ran = startedAt === null || completedAt === null ? null : Math.max(0, completedAt - startedAt);
  const wire: Record<string, unknown> = { ...wireBatch(batch), tags: batch.tags.join(", "), duration_ms: ran };
  return Object.fromEntries(LIST_FIELDS.map((field) => [field, wire[field]]));
}
