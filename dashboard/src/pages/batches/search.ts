import type { BatchStatus, Sorting } from "batchyard/client";
import { BATCH_LOOK } from "../../parts/states.ts";
import { COLUMN_NAMES, type ColumnName } from "./column-names.ts";

export type Sort = NonNullable<Sorting["sort"]>;

/** Orders of the list: in words, and what stands first the one way and the other. */
export const SORTS: Readonly<Record<Sort, { label: string; desc: string; asc: string }>> = {
  created: { label: "Created", desc: "newest first", asc: "oldest first" },
  completed: { label: "Ended", desc: "newest first", asc: "oldest first" },
  items: { label: "Items", desc: "most first", asc: "fewest first" },
  failed: { label: "Failed items", desc: "most first", asc: "fewest first" },
  duration: { label: "Duration", desc: "longest first", asc: "shortest first" },
};

/** What stands in the address of the list. */
export interface BatchesSearch {
  status?: BatchStatus;
  /** Qualifiers and words, as typed: `op:transform stream:detections age<1h nightly`. */
  q?: string;
  /** By creation without it. */
  sort?: Exclude<Sort, "created">;
  /** Largest or newest first without it. */
  order?: "asc";
  /** Names with commas between; the usual ones without it. */
  columns?: string;
  /** All that match are selected. */
  select?: "all";
}

export function batchesSearch({ status, q, sort, order, columns, select }: Record<string, unknown>): BatchesSearch {
  return {
    ...(typeof status === "string" && Object.hasOwn(BATCH_LOOK, status) ? { status: status as BatchStatus } : {}),
    ...(typeof q === "string" && q !== "" ? { q: q.slice(0, 500) } : {}),
    ...(typeof sort === "string" && sort !== "created" && Object.hasOwn(SORTS, sort) ? { sort: sort as Exclude<Sort, "created"> } : {}),
    ...(order === "asc" ? { order } : {}),
    ...(typeof columns === "string" && columnsOf(columns) !== null ? { columns } : {}),
    ...(select === "all" ? { select } : {}),
  };
}

/** Null: none of them is known. */
export function columnsOf(text: string): readonly ColumnName[] | null {
  const names = text.split(",");
  const known = COLUMN_NAMES.filter((name) => names.includes(name));
  return known.length === 0 ? null : known;
}

/** The same place with another order. */
export function sortedBy(search: BatchesSearch, sort: Sort, order: "desc" | "asc"): BatchesSearch {
  return batchesSearch({ ...search, sort, order });
}

/** The same place for other batches: nothing is selected there yet. */
export function searchedFor(search: BatchesSearch, { status, q = "" }: { status?: BatchStatus | undefined; q?: string }): BatchesSearch {
  return batchesSearch({ ...search, status, q, select: undefined });
}
