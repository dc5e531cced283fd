import type { BatchStore } from "../store/port.ts";

export interface QueueLimits {
  /** Batches of a tenant that may wait. */
  readonly maxSize: number;
  /** Share of maxSize from which windows hold. */
  readonly backpressureThreshold: number;
}

/** warning: windows hold, what comes is taken. full: nothing new is taken. */
export type PressureState = "normal" | "warning" | "full";

export interface Pressure {
  state: PressureState;
  /** Batches that wait, of all operations. */
  waiting: number;
  maxSize: number;
  /** Batches from which windows hold. */
  threshold: number;
}

/** How much waits for a tenant, measured by the counters that every move maintains; the limits as they are now. */
export class Backpressure {
  private readonly batches: Pick<BatchStore, "counts">;
  private readonly limits: () => QueueLimits;

  constructor(parts: { batches: Pick<BatchStore, "counts">; limits: () => QueueLimits }) {
    this.batches = parts.batches;
    this.limits = parts.limits;
  }

  async of(tenant: string): Promise<Pressure> {
    const { maxSize, backpressureThreshold } = this.limits();
    const threshold = Math.max(1, Math.ceil(maxSize * backpressureThreshold));
    const { byOperation } = await this.batches.counts(tenant);
    const waiting = Object.values(byOperation).reduce((sum, counts) => sum + (counts.pending ?? 0), 0);
    return { state: waiting >= maxSize ? "full" : waiting >= threshold ? "warning" : "normal", waiting, maxSize, threshold };
  }

  async isFull(tenant: string): Promise<boolean> {
    return (await this.of(tenant)).state === "full";
  }
}
