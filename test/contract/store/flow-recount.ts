import type { Opened } from "./adapters.ts";
import type { Store } from "../../../src/store/port.ts";

const DAY = 86_400_000;
const WIDTHS = [60_000, 3_600_000, DAY];
/** A whole day, so that no bucket is cut. */
const END = Math.ceil(4_000_000_000_000 / DAY) * DAY;

/** Something that happened so many times in the bucket of a width that starts at `at`. */
export interface Happened {
  tenant: string;
  at: number;
  source: string;
  metric: string;
  value: number;
}

/** Metrics that events, results and failures tell anew. */
const TOLD = [
  ...["created", "started", "completed", "failed", "cancelled", "expired", "reprocessed"].map((move) => `batches.${move}`),
  "chunks.lost",
  "items.succeeded",
  "items.failed",
  "items.retried",
] as const;

/** Where the flow of operations and of the batches of streams differs from what is stored of what happened, by the minute, the hour and the day; and how much was compared. */
export async function recountFlow(
  opened: Pick<Opened, "tenants" | "happened">,
  store: Store,
): Promise<{ faults: string[]; compared: number }> {
  const faults: string[] = [];
  let compared = 0;
  for (const width of WIDTHS) {
    const found = new Map<string, number>();
    const name = ({ tenant, at, source, metric }: Omit<Happened, "value">): string =>
      `${tenant} ${source} ${metric} at ${at} by ${width} ms`;
    for (const row of opened.happened(width)) found.set(name(row), row.value);
    for (const tenant of opened.tenants()) {
      for (const point of await store.monitor.flow({ tenant, from: 0, to: END, sources: ["operation:", "runs:"], metrics: TOLD }, width)) {
        const at = name({ ...point, tenant });
        const value = found.get(at) ?? 0;
        if (point.value !== value) faults.push(`flow of ${at} is ${point.value}, recounted ${value}`);
        found.delete(at);
        compared += 1;
      }
    }
    for (const [at, value] of found) if (value !== 0) faults.push(`flow of ${at} is missing, recounted ${value}`);
  }
  return { faults, compared };
}
