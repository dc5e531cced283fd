import { live } from "./live.ts";

/** Speed of everything together, as the server measures it once a second while somebody looks. */
export interface Speed {
  itemsPerSecond: number;
  batchesPerMinute: number;
  /** Items a second, the last minutes; oldest first. */
  course: readonly number[];
}

const KEPT = 120;
const listeners = new Set<() => void>();
let speed: Speed | null = null;

live.listen((events) => {
  const told = events.findLast((event) => event.type === "pipeline.throughput" && event.data["stream"] === undefined)?.data;
  if (told === undefined) return;
  const itemsPerSecond = Number(told["items_per_second"] ?? 0);
  speed = {
    itemsPerSecond,
    batchesPerMinute: Number(told["batches_per_minute"] ?? 0),
    course: [...(speed?.course ?? []), itemsPerSecond].slice(-KEPT),
  };
  for (const listener of listeners) listener();
});

export const throughput = {
  get: (): Speed | null => speed,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
