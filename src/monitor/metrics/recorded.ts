import { sourceOf } from "../../model/flow.ts";
import type { MonitorStore } from "../../store/port.ts";
import { gaugeMeasure, SAMPLE_MS } from "./sampler.ts";

/** Who records, for everybody: the tenant the gauges of the server are kept under, and since when this process does. */
export interface Recorder {
  home: string;
  /** Unix milliseconds. */
  since: number;
}

/**
 * Whether a bucket lies in time that was recorded. While a server runs it samples its own gauges every minute: where nothing was
 * counted although they are there, nothing happened; where they are not, nobody knows, and a zero would be invented.
 */
export async function recordedIn(
  monitor: Pick<MonitorStore, "measured">,
  { home, since }: Recorder,
  { from, to, widthMs }: { from: number; to: number; widthMs: number },
): Promise<(at: number) => boolean> {
  const range = { tenant: home, from: from - (from % widthMs), to: to + SAMPLE_MS, sources: [sourceOf.gauge()] };
  const sampled = new Set((await monitor.measured(range, gaugeMeasure("uptime_seconds"), widthMs)).map(({ at }) => at));
  // A sample tells of the minute before it, too.
  return (at) => at + widthMs > since || sampled.has(at) || (widthMs === SAMPLE_MS && sampled.has(at + widthMs));
}
