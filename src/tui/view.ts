import type { Row } from "./pane.ts";
import type { Pane, PaneId, Scene } from "./pane.ts";
import { textOf } from "./pane.ts";
import type { Act } from "./acts.ts";
import type { Tone } from "./text.ts";

export type Dialog =
  | { readonly kind: "help"; readonly scroll: number }
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "palette"; readonly text: string; readonly at: number }
  /** More than ten things are confirmed by typing how many. */
  | { readonly kind: "confirm"; readonly act: Act; readonly typed: string };

interface Chosen {
  /** Null: the first row. */
  readonly key: string | null;
  /** Where it was, for when it is gone. */
  readonly at: number;
}

export const TOP: Chosen = { key: null, at: 0 };

/** What the person at the keys has set. */
export interface View {
  readonly focus: PaneId;
  readonly chosen: Readonly<Record<PaneId, Chosen>>;
  /** Ids of batches. */
  readonly marked: ReadonlySet<string>;
  readonly filters: Readonly<Record<PaneId, string>>;
  readonly orders: Readonly<Record<PaneId, number>>;
  /** The row of the focused pane that is shown whole. */
  readonly detail: { readonly pane: PaneId; readonly key: string; readonly scroll: number } | null;
  readonly dialog: Dialog | null;
  readonly frozen: boolean;
  readonly message: { readonly text: string; readonly tone: Tone } | null;
  readonly windowMinutes: number;
}

const each = <T>(value: T): Record<PaneId, T> => ({
  streams: value,
  batches: value,
  workers: value,
  failures: value,
  alerts: value,
  events: value,
});

export function firstView(filterText: string, windowMinutes: number): View {
  return {
    focus: "batches",
    chosen: each(TOP),
    marked: new Set(),
    filters: { ...each(""), batches: filterText },
    orders: each(0),
    detail: null,
    dialog: null,
    frozen: false,
    message: null,
    windowMinutes,
  };
}

/** The rows of a pane as they are listed: filtered and in order. Batches are filtered by the server. */
export function listed(pane: Pane, scene: Scene, view: View, width = 80): readonly Row[] {
  let rows = pane.rows(scene, width);
  const wanted =
    pane.id === "batches"
      ? []
      : view.filters[pane.id]
          .toLowerCase()
          .split(" ")
          .filter((word) => word !== "");
  if (wanted.length > 0)
    rows = rows.filter((row) => {
      const text = textOf(row).toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  const compare = orderOf(pane, view).compare?.(scene);
  return compare === undefined ? rows : rows.toSorted((a, b) => compare(a.key, b.key));
}

export function orderOf(pane: Pane, view: View): Pane["orders"][number] {
  return pane.orders[view.orders[pane.id] % pane.orders.length]!;
}

/** Index of the chosen row; -1 without rows. */
export function chosenAt(rows: readonly Row[], { key, at }: Chosen): number {
  if (rows.length === 0) return -1;
  const found = key === null ? 0 : rows.findIndex((row) => row.key === key);
  return found >= 0 ? found : Math.min(at, rows.length - 1);
}

export function choose(view: View, pane: PaneId, rows: readonly Row[], at: number): View {
  const index = Math.max(0, Math.min(rows.length - 1, at));
  const row = rows[index];
  return row === undefined ? view : { ...view, chosen: { ...view.chosen, [pane]: { key: row.key, at: index } } };
}
