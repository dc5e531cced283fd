import { sourceOf } from "../../model/flow.ts";
import { isFinal, type BatchStatus } from "../../model/moves.ts";
import type { BatchCounts, MonitorStore } from "../../store/port.ts";

export const MINUTE_MS = 60_000;

/** What each step does to the number of batches that are not final. */
const STEPS: Readonly<Record<string, number>> = {
  "batches.created": 1,
  "batches.reprocessed": 1,
  "batches.completed": -1,
  "batches.failed": -1,
  "batches.cancelled": -1,
  "batches.expired": -1,
};

export interface OpenAt {
  at: number;
  open: number;
}

/** Batches that are not final now, of one operation or all. */
function openNow({ byOperation }: BatchCounts, operation?: string): number {
  return Object.entries(byOperation)
    .filter(([name]) => operation === undefined || name === operation)
    .flatMap(([, states]) => Object.entries(states) as [BatchStatus, number][])
    .reduce((sum, [status, batches]) => sum + (isFinal(status) ? 0 : batches), 0);
}

/**
 * How many batches were not final at the beginning of each of the last `minutes` minutes and now, oldest first: reckoned back from what
 * there is now by what came and ended since, so that nothing has to be sampled.
 */
export async function openBatches(
  monitor: MonitorStore,
  counts: BatchCounts,
  asked: { tenant: string; now: number; minutes: number; operation?: string },
): Promise<OpenAt[]> {
  const { tenant, now, minutes, operation } = asked;
  const current = now - (now % MINUTE_MS);
  const points = await monitor.flow(
    {
      tenant,
      from: current - (minutes - 1) * MINUTE_MS,
      to: current + MINUTE_MS,
      sources: [operation === undefined ? "operation:" : sourceOf.operation(operation)],
      metrics: Object.keys(STEPS),
    },
    MINUTE_MS,
  );
  const change = new Map<number, number>();
  for (const { at, metric, value } of points) change.set(at, (change.get(at) ?? 0) + (STEPS[metric] ?? 0) * value);
  let open = openNow(counts, operation);
  const line: OpenAt[] = [{ at: now, open }];
  for (let n = 0; n < minutes; n++) {
    const at = current - n * MINUTE_MS;
    open -= change.get(at) ?? 0;
    line.unshift({ at, open: Math.max(0, open) });
  }
  return line;
}
