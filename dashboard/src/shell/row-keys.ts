import { useState } from "react";
import { useShortcuts } from "./shortcuts.ts";

/** j, k and o in a list of `count` rows; returns the row the keyboard stands on, -1 for none. */
export function useRowKeys(count: number, what: string, open: (row: number) => void): number {
  const [active, setActive] = useState(-1);
  const move = (by: number): void => setActive((at) => Math.max(0, Math.min(count - 1, at + by)));
  const row = Math.min(active, count - 1);
  const go = (): void => {
    if (row >= 0) open(row);
  };
  useShortcuts([
    { keys: "j", label: `Next ${what}`, run: () => move(1) },
    { keys: "k", label: `Previous ${what}`, run: () => move(-1) },
    { keys: "o", label: `Open the ${what}`, run: go },
    { keys: "Enter", label: `Open the ${what}, too`, run: go },
  ]);
  return row;
}
