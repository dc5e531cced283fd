const KEPT = 10_000;

export interface LagView {
  /** Closures by a rule of time since the start. */
  closures: number;
  /** Milliseconds over the last 10,000 of them, nearest rank; null before the first. */
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
}

/** How much later than their rule windows were durably closed. */
export class ClosureLag {
  private readonly ring = new Float64Array(KEPT);
  private count = 0;

  add(ms: number): void {
    this.ring[this.count++ % KEPT] = ms;
  }

  view(): LagView {
    const sorted = this.ring.slice(0, Math.min(this.count, KEPT)).sort();
    const at = (p: number): number | null => sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? null;
    return { closures: this.count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}
