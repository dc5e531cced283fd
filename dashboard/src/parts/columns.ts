import { useSyncExternalStore } from "react";

const WIDTHS = (["(min-width: 40rem)", "(min-width: 48rem)", "(min-width: 64rem)"] as const).map((query) => window.matchMedia(query));

function subscribe(listener: () => void): () => void {
  for (const width of WIDTHS) width.addEventListener("change", listener);
  return () => {
    for (const width of WIDTHS) width.removeEventListener("change", listener);
  };
}

/** Columns that there is room for, of those of a phone, `sm`, `md` and `lg`: a cell over more would take the room of the others. */
export function useColumns(counts: readonly [phone: number, sm: number, md: number, lg: number]): number {
  const wide = useSyncExternalStore(subscribe, () => WIDTHS.filter((width) => width.matches).length);
  return counts[wide] ?? counts[0];
}
