import type { Sorting } from "../client/index.ts";
import type { Glyphs } from "./glyphs.ts";
import type { Model } from "./feed.ts";
import { fit, fitLine, lineWidth, span, type Line, type Span } from "./text.ts";

/** What a pane is drawn from. */
export interface Scene {
  readonly model: Model;
  readonly glyphs: Glyphs;
  /** Unix milliseconds. */
  readonly now: number;
}

export interface Column {
  readonly title: string;
  /** Columns of the terminal; "rest" takes what the others leave. */
  readonly width: number | "rest";
  readonly right?: true;
  /** Of "rest": others are left out before it has less. */
  readonly least?: number;
  /** The larger, the sooner it is left out where there is little room; 0 = never. */
  readonly drop?: number;
}

export interface Row {
  /** Stays the same while its thing does. */
  readonly key: string;
  /** Of a long list only those of the rows on the screen are made. */
  readonly cells: readonly Line[];
}

/** One of the numbered panes: rows that can be chosen. */
export interface Pane {
  readonly id: PaneId;
  /** The key that goes there. */
  readonly digit: string;
  readonly title: string;
  /** Beside the title: how much there is. */
  aside(scene: Scene): Line;
  columns(scene: Scene, width: number): readonly Column[];
  rows(scene: Scene, width: number): readonly Row[];
  /** What to say in place of no rows. */
  empty(scene: Scene): string;
  /** Names of the orders that `s` goes through, the first is the one at the start. */
  readonly orders: readonly Order[];
}

export interface Order {
  readonly name: string;
  /** In which the server is asked for the list. */
  readonly sorting?: Sorting;
  /** Sorts a copy; absent = as it comes. */
  readonly compare?: (scene: Scene) => (a: string, b: string) => number;
}

export type PaneId = "streams" | "batches" | "workers" | "failures" | "alerts" | "events";

const REST_MIN = 10;
const GAP = 1;

/** The columns that fit, each with its width. */
function widths(columns: readonly Column[], width: number): { column: Column; at: number; width: number }[] {
  let kept = columns.map((column, at) => ({ column, at }));
  const fixed = (): number =>
    kept.reduce((sum, { column }) => sum + (column.width === "rest" ? 0 : column.width), 0) + GAP * (kept.length - 1);
  const rests = (): number => kept.reduce((sum, { column }) => sum + (column.width === "rest" ? (column.least ?? REST_MIN) : 0), 0);
  while (fixed() + rests() > width) {
    const last = kept.reduce<(typeof kept)[number] | null>(
      (found, each) => ((each.column.drop ?? 0) > (found?.column.drop ?? 0) ? each : found),
      null,
    );
    if (last === null) break;
    kept = kept.filter((each) => each !== last);
  }
  const rest = Math.max(0, width - fixed());
  return kept.map(({ column, at }) => ({ column, at, width: column.width === "rest" ? rest : column.width }));
}

export function headOf(columns: readonly Column[], width: number): Line {
  return widths(columns, width).flatMap(({ column, width: wide }, n) => [
    ...(n === 0 ? [] : [span(" ".repeat(GAP))]),
    span(fit(column.title, wide, column.right === true), "soft"),
  ]);
}

export function rowOf(columns: readonly Column[], row: Row, width: number): Line {
  return widths(columns, width).flatMap(({ column, at, width: wide }, n) => {
    const cell = row.cells[at] ?? [];
    const placed = column.right === true ? rightOf(cell, wide) : fitLine(cell, wide);
    return n === 0 ? placed : [span(" ".repeat(GAP)), ...placed];
  });
}

function rightOf(cell: Line, width: number): Line {
  const short = lineWidth(cell);
  return short >= width ? fitLine(cell, width) : [span(" ".repeat(width - short)), ...cell];
}

/** `███░░░░░` */
export function meter(share: number, width: number, { bar }: Glyphs): string {
  const full = Math.floor(Math.max(0, Math.min(1, share)) * width);
  return bar.full.repeat(full) + bar.empty.repeat(width - full);
}

/** A column for each value, the newest at the right; a gap where nothing is known. */
export function sparkline(values: readonly (number | null)[], width: number, { spark }: Glyphs): string {
  const shown = values.slice(-width);
  const most = Math.max(0, ...shown.map((value) => value ?? 0));
  const signs = shown.map((value) =>
    value === null ? " " : most === 0 ? spark[0]! : spark[Math.min(spark.length - 1, Math.round((value / most) * (spark.length - 1)))]!,
  );
  return signs.join("").padStart(Math.min(width, values.length));
}

export function words(text: string, tone: Span["tone"] = "plain"): Line {
  return [span(text, tone)];
}

export const NOTHING = "—";

/** The figure, or a dash where the API has none. */
export function or(value: number | null | undefined, write: (value: number) => string): string {
  return value === null || value === undefined ? NOTHING : write(value);
}

/** Words of a line, for what is typed after `/`. */
export function textOf(row: Row): string {
  return row.cells.map((cell) => cell.map(({ text }) => text).join("")).join(" ");
}
