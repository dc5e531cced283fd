import type { BatchCounts, MonitorStore } from "../../store/port.ts";
import { Sketch } from "../../model/stats/sketch.ts";
import { meanOf } from "../metrics/history.ts";
import { MINUTE_MS, openBatches } from "./open-batches.ts";

const WINDOW_MINUTES = 15;

export interface LittlesLaw {
  /** Mean number of batches that were not final. */
  inSystem: number;
  /** Batches that ended, per second. */
  ratePerSecond: number;
  /** Mean time from creation to end of those, seconds; null = none ended. */
  meanSeconds: number | null;
  /** |L − λW| as a share of the larger; null while nothing has ended, or there is less than one batch at a time. In a system that grows or drains it is not 0. */
  error: number | null;
}

/** The law that what is in a system is what comes times how long it stays: figures that contradict it are wrong, or the system is not at rest. */
export async function littlesLaw(monitor: MonitorStore, counts: BatchCounts, tenant: string, now: number): Promise<LittlesLaw> {
  const line = await openBatches(monitor, counts, { tenant, now, minutes: WINDOW_MINUTES });
  const from = line[0]!.at;
  let area = 0;
  for (let n = 1; n < line.length; n++) area += ((line[n]!.open + line[n - 1]!.open) / 2) * (line[n]!.at - line[n - 1]!.at);
  const total = new Sketch();
  const range = { tenant, from, to: now + MINUTE_MS, sources: ["operation:"] };
  for (const { sketch } of await monitor.measured(range, "total", null)) total.merge(sketch);
  const inSystem = now === from ? line.at(-1)!.open : area / (now - from);
  const ratePerSecond = total.count / ((now - from) / 1000);
  const meanSeconds = total.count === 0 ? null : meanOf(total) / 1000;
  const expected = ratePerSecond * (meanSeconds ?? 0);
  const larger = Math.max(inSystem, expected);
  return {
    inSystem,
    ratePerSecond,
    meanSeconds,
    error: meanSeconds === null || larger < 1 ? null : Math.abs(inSystem - expected) / larger,
  };
}
