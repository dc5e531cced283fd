/** Columns that a list of batches can have besides the batch itself, in their order. */
export const COLUMN_NAMES = [
  "state",
  "progress",
  "items",
  "failed",
  "priority",
  "stream",
  "key",
  "cost",
  "duration",
  "created",
  "ended",
] as const;
export type ColumnName = (typeof COLUMN_NAMES)[number];

/** Those of a reader who chose none. */
export const USUAL_COLUMNS: readonly ColumnName[] = ["state", "progress", "failed", "priority", "created"];

const KEY = "batchyard.batches.columns";

/** The columns this reader chose last, as they stand in an address; null: the usual ones. */
export function rememberedColumns(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Storage may be refused; the usual ones serve.
    return null;
  }
}

export function rememberColumns(columns: string | null): void {
  try {
    if (columns === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, columns);
  } catch {
    // Then they stand in the address only.
  }
}
