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

export function toggled(selection: Selection, id: string): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ...selection, ids };
}

/** How many, of those that match. */
export function sizeOf({ all, ids }: Selection, { total, isExact }: Matches): Matches {
  return all ? { total: Math.max(0, total - ids.size), isExact } : { total: ids.size, isExact: true };
}
