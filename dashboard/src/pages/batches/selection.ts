import type { Matches } from "../../figures/number.ts";

/** Which batches an act is for: those picked, or all that match but those left out. */
export interface Selection {
  all: boolean;
  ids: ReadonlySet<string>;
}

export const NO_SELECTION: Selection = { all: false, ids: new Set() };
export const ALL_SELECTED: Selection = { all: true, ids: new Set() };

export function isSelected({ all, ids }: Selection, id: string): boolean {
  return all !== ids.has(id);
}

/** These become selected, or not. */
export function withSelected({ all, ids }: Selection, which: readonly string[], selected: boolean): Selection {
  const next = new Set(ids);
  for (const id of which) {
    if (selected === all) next.delete(id);
    else next.add(id);
  }
  return { all, ids: next };
}

/** How many, of those that match. */
export function sizeOf({ all, ids }: Selection, { total, isExact }: Matches): Matches {
  return all ? { total: Math.max(0, total - ids.size), isExact } : { total: ids.size, isExact: true };
}
