import type { ReactElement } from "react";
import { slotsInUse } from "../../figures/number.ts";

const MOST_CELLS = 64;

/** A cell for each slot, full where a chunk runs. */
export function SlotGrid({ running, slots }: { running: number; slots: number }): ReactElement {
  return (
    <span className="flex items-center gap-3">
      {slots === 0 || slots > MOST_CELLS ? null : (
        <span aria-hidden="true" className="flex w-max max-w-52 shrink-0 flex-wrap gap-[3px]">
          {Array.from({ length: slots }, (_, i) => (
            <span key={i} className={`h-3.5 w-2.5 rounded-[2px] ${i < running ? "bg-busy" : "bg-line"}`} />
          ))}
        </span>
      )}
      <span className="figure whitespace-nowrap">{slotsInUse(running, slots)}</span>
    </span>
  );
}
