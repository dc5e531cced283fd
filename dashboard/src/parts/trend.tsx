import type { ReactElement } from "react";
import { count } from "../figures/number.ts";
import { Icon } from "./icon.tsx";

/** Where a number went lately, as an arrow; nothing when it stood still. */
export function Trend({ change, over }: { change: number; over: string }): ReactElement | null {
  if (change === 0) return null;
  return (
    <span
      className="mr-1 inline-flex items-center align-[-0.18em] text-soft"
      title={`${change > 0 ? "+" : "−"}${count(Math.abs(change))} ${over}`}
    >
      <Icon name={change > 0 ? "up" : "down"} />
      <span className="sr-only">{change > 0 ? "growing" : "shrinking"}</span>
    </span>
  );
}
