import { useState } from "react";
import { useShortcuts } from "./shortcuts.ts";

/**
 * The row the keyboard stands on in a list of `count`, -1 for none, and how to step to another. It is known by its id: what comes in
 * above it does not put another row in its place. Steps before there are rows count from the first.
 */
export function useActiveRow(count: number, idOf: (row: number) => string | undefined): [number, (by: number) => number] {
  const [at, stand] = useState<{ row: number; id: string | undefined }>({ row: -1, id: undefined });
  const active = at.id === undefined ? Math.min(at.row, count - 1) : at.id === idOf(at.row) ? at.row : rowOf(at.id, count, idOf);
  // Where the row is gone, its neighbours stand on either side of its place.
  const before = active >= 0 ? active : at.row - 0.5;
  function step(by: number): number {
    const row = Math.max(0, Math.min(count - 1, by > 0 ? Math.floor(before + by) : Math.ceil(before + by)));
    stand({ row, id: idOf(row) });
    return row;
  }
  return [active, step];
}

function rowOf(id: string, count: number, idOf: (row: number) => string | undefined): number {
  for (let row = 0; row < count; row += 1) if (idOf(row) === id) return row;
  return -1;
}

/** j, k and o in a list of `count` rows; returns the row the keyboard stands on, -1 for none. */
export function useRowKeys(count: number, what: string, idOf: (row: number) => string | undefined, open: (row: number) => void): number {
  const [active, step] = useActiveRow(count, idOf);
  const go = (): void => {
    if (active >= 0) open(active);
  };
  useShortcuts([
    { keys: "j", label: `Next ${what}`, run: () => step(1) },
    { keys: "k", label: `Previous ${what}`, run: () => step(-1) },
    { keys: "o", label: `Open the ${what}`, run: go },
    { keys: "Enter", label: `Open the ${what}, too`, run: go },
  ]);
  return active;
}
