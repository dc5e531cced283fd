import type { ReactElement } from "react";
import type { Overview } from "../data/wire.ts";
import type { Look } from "../parts/states.ts";
import { Status } from "../parts/status.tsx";

type Bottleneck = NonNullable<Overview["bottleneck"]>;

export const BOTTLENECK_LOOK: Readonly<Record<Bottleneck["kind"], Look>> = {
  window: { word: "Window", icon: "clock", tone: "idle" },
  dispatch: { word: "Dispatch", icon: "flow", tone: "warn" },
  capacity: { word: "Capacity", icon: "workers", tone: "warn" },
  handler: { word: "Handler", icon: "half", tone: "busy" },
  retry: { word: "Retries", icon: "retry", tone: "warn" },
  throttle: { word: "Throttled", icon: "slash", tone: "bad" },
};

/** Where most of the time goes, in a word; the sentence with its numbers when pointed at. */
export function BottleneckMark({ bottleneck }: { bottleneck: Bottleneck | null }): ReactElement {
  if (bottleneck === null) return <span className="text-soft">—</span>;
  return (
    <span title={bottleneck.sentence}>
      <Status look={BOTTLENECK_LOOK[bottleneck.kind]} />
    </span>
  );
}
