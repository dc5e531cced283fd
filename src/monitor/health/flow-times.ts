import type { FlowMeasure } from "../../model/flow.ts";
import { Sketch } from "../../model/stats/sketch.ts";
import type { MeasuredPoint } from "../../store/port.ts";

/** What was measured of each source. */
export type Times = Record<FlowMeasure, ReadonlyMap<string, Sketch>>;

export function together(points: readonly Pick<MeasuredPoint, "sketch">[]): Sketch {
  const all = new Sketch();
  for (const { sketch } of points) all.merge(sketch);
  return all;
}
