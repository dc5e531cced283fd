import type { Batch, BatchFilter, ListExport, Priority, Sorting } from "batchyard/client";
import type { BulkRequest } from "../../bulk/bulk-act.ts";
import type { Selection } from "./selection.ts";

/** What can be done to many batches at once. */
export type BulkAct =
  { kind: "retry" | "cancel" | "pause" | "resume" | "finish" | "dead_letter" } | { kind: "priority"; priority: Priority };

/** What the server takes by id, picked or left out. */
export const MOST_IDS = 10_000;

/** One act of the server: it counts, does it at a rate, goes on when this page is closed, and can be undone at first. */
export function requestOf(act: BulkAct, filter: BatchFilter, selection: Selection, rows: readonly Batch[]): BulkRequest {
  const chosen = selection.all ? [] : rows.filter((batch) => selection.ids.has(batch.id));
  const times = chosen.map((batch) => batch.created_at).sort();
  const { operation, status, ...same } = filter;
  const matching = {
    ...same,
    ...(operation === undefined ? {} : { jobType: operation }),
    ...(status === undefined ? {} : { states: [status] }),
  };
  return {
    action: act.kind,
    ...(act.kind === "priority" ? { priority: act.priority } : {}),
    filter: selection.all
      ? { ...matching, ...(selection.ids.size === 0 ? {} : { except: [...selection.ids] }) }
      : // The times bound what the server looks through for them.
        { ids: chosen.map((batch) => batch.id), createdAfter: times[0]!, createdBefore: times.at(-1)! },
  };
}

/** The selection as a file, in the order of the list; all that match, where nothing is selected. */
export function exportOf(
  format: NonNullable<ListExport["format"]>,
  filter: BatchFilter,
  { all, ids }: Selection,
  rows: readonly Batch[],
  sorting: Sorting,
): ListExport {
  if (!all && ids.size > 0) return { format, ids: rows.filter(({ id }) => ids.has(id)).map(({ id }) => id) };
  return { format, filter, ...sorting, ...(ids.size === 0 ? {} : { except: [...ids] }) };
}
