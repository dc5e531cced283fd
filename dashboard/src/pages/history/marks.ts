import type { ChartFlag } from "../../parts/chart-props.ts";
import type { Look } from "../../parts/states.ts";
import type { Marker } from "./queries.ts";

export const MARKER_LOOK: Readonly<Record<Marker["kind"], Look & { color: ChartFlag["color"] }>> = {
  settings: { word: "Settings", icon: "sliders", tone: "busy", color: "accent" },
  alert: { word: "Alert", icon: "bell", tone: "bad", color: "bad" },
  start: { word: "Start", icon: "right", tone: "idle", color: "soft" },
};

/** As lines across a chart. `now`: until when an alert lasts that is still open; Unix milliseconds. */
export function marksOf(markers: readonly Marker[], now: number): ChartFlag[] {
  return markers.map(({ kind, timestamp, until, text }) => {
    const { color, icon } = MARKER_LOOK[kind];
    const end = kind !== "alert" ? null : until === null ? now / 1000 : Date.parse(until) / 1000;
    return { time: Date.parse(timestamp) / 1000, until: end, color, icon, text };
  });
}
