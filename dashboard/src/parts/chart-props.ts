import type { ReactNode } from "react";
import type { IconName } from "./icon.tsx";

export interface Series {
  label: string;
  /** Name of a colour of the theme: "accent", "bad" … */
  color: "accent" | "good" | "busy" | "warn" | "bad" | "soft" | "idle";
  /** Null = not known: left open, never bridged. */
  values: readonly (number | null)[];
  /** Fill down to the axis. */
  area?: boolean;
  /** `bar`: one from each time to the next, those of all series on top of each other. */
  shape?: "line" | "bar";
  /** Single marks, no line. */
  marks?: boolean;
  /** Of marks: a zero is nothing to mark; the table has it. */
  sparse?: boolean;
  dashed?: boolean;
  /** A bar in half its colour. */
  faint?: boolean;
  /** Fill between this line and the one named so. */
  bandTo?: string;
}

/** Something that happened, as a line across the chart; with `until` as a stretch of it. Unix seconds. */
export interface ChartFlag {
  time: number;
  until: number | null;
  color: "accent" | "bad" | "soft";
  icon: IconName;
  text: string;
}

export interface ChartProps {
  title: string;
  /** Unix seconds, ascending; with `across` values of its unit. */
  times: readonly number[];
  series: readonly Series[];
  height?: number;
  /** How a value is written on the axis and in the table. */
  format: (value: number) => string;
  /** Distances of the lines of the grid to choose from; decimal ones when absent. */
  steps?: readonly number[];
  /** What runs from left to right when it is not time. */
  across?: { label: string; format: (value: number) => string };
  /** All series as bars, each upon the one before. */
  stacked?: boolean;
  /** What the axis shows, Unix seconds, also where there is nothing; else from the first to the last time. */
  span?: { from: number; to: number } | undefined;
  flags?: readonly ChartFlag[];
  /** Told the stretch that was drawn over with the pointer. */
  onSpan?: (span: { from: number; to: number }) => void;
  /** Charts of the same name point at the same time together. */
  group?: string;
  /** Name of the file that the button PNG saves; no button without it. */
  image?: string;
  actions?: ReactNode;
}

/** Where the pointer is: the index of the time, and on which half of the chart. */
export interface Hover {
  index: number;
  isLeft: boolean;
}
