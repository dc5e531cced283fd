import { systemClock } from "../../model/clock.ts";
import { Gauges } from "./gauges.ts";

/** For tests of the doors that are about the log. */
export function noGauges(): Gauges {
  const none = { measure: () => Promise.resolve([]) };
  const meters = { "queue.status": none, "pipeline.throughput": none, "worker.stats": none };
  return new Gauges({ clock: systemClock, meters, failed: () => undefined });
}
