import { Sketch } from "../../model/stats/sketch.ts";

const SECOND = 1_000;
const HOUR = 3_600_000;
/** Busier than this, what waits grows faster than anyone predicts. */
const MOST_BUSY = 0.9;

/** What a batch of an operation takes: perBatchMs + items · perItemMs, least squares over `batches` recorded ones. */
export interface ServiceTimes {
  perBatchMs: number;
  perItemMs: number;
  batches: number;
  /** Batches that run at once. */
  slots: number;
}

/** Shares of the slots' time, 0..1 and beyond. */
export interface Utilisation {
  mean: number;
  /** In the hour of the recording that has most to do; the mean when the recording is shorter. */
  busiestHour: number;
}

/** What became, or would have become, of the arrivals of a time. Percentiles from a DDSketch: nearest rank within 1 %. */
export interface Figures {
  batches: number;
  /** In those batches. */
  items: number;
  itemsPerBatch: { mean: number; p50: number; p95: number; p99: number } | null;
  /** From a window's first item to its closure, milliseconds; urgent items that went alone are not among them. */
  ageMs: { p50: number; p95: number; p99: number } | null;
  reasons: Record<string, number>;
  /** Items less batches: runs that were not needed because items went together. */
  jobsAvoided: number;
  peakClosuresPerSecond: number;
  utilisation: Utilisation | null;
}

interface Closing {
  reason: string;
  openedAt: number;
  closedAt: number;
  items: number;
}

/** Adds closures up, in the order they happen. */
export class FigureCounter {
  private batches = 0;
  private items = 0;
  private readonly ages = new Sketch();
  private readonly sizes = new Sketch();
  private readonly reasons = new Map<string, number>();
  private second = -1;
  private inSecond = 0;
  private peak = 0;
  private readonly service: ServiceTimes | null;
  private readonly from: number;
  /** Milliseconds of work by hour since `from`. */
  private readonly work = new Map<number, number>();

  /** `from`: Unix milliseconds; hours count from there. */
  constructor(from: number, service: ServiceTimes | null) {
    this.from = from;
    this.service = service;
  }

  add({ reason, openedAt, closedAt, items }: Closing): void {
    this.batches += 1;
    this.items += items;
    this.sizes.add(items);
    if (reason !== "fast_path") this.ages.add(closedAt - openedAt);
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    const second = Math.floor(closedAt / SECOND);
    this.inSecond = second === this.second ? this.inSecond + 1 : 1;
    this.second = second;
    if (this.inSecond > this.peak) this.peak = this.inSecond;
    if (this.service === null) return;
    const hour = Math.floor((closedAt - this.from) / HOUR);
    this.work.set(hour, (this.work.get(hour) ?? 0) + this.service.perBatchMs + items * this.service.perItemMs);
  }

  view(until: number): Figures {
    const { batches, items } = this;
    const at = (sketch: Sketch, q: number): number => sketch.quantile(q) ?? 0;
    const of = (sketch: Sketch): { p50: number; p95: number; p99: number } => ({
      p50: at(sketch, 0.5),
      p95: at(sketch, 0.95),
      p99: at(sketch, 0.99),
    });
    return {
      batches,
      items,
      itemsPerBatch: batches === 0 ? null : { mean: items / batches, ...of(this.sizes) },
      ageMs: this.ages.count === 0 ? null : of(this.ages),
      reasons: Object.fromEntries([...this.reasons].sort(([a], [b]) => (a < b ? -1 : 1))),
      jobsAvoided: items - batches,
      peakClosuresPerSecond: this.peak,
      utilisation: this.utilisation(until),
    };
  }

  private utilisation(until: number): Utilisation | null {
    if (this.service === null) return null;
    // A recording of seconds says nothing about hours: less than a minute counts as one.
    const span = Math.max(until - this.from, 60 * SECOND);
    let total = 0;
    let most = 0;
    for (const ms of this.work.values()) {
      total += ms;
      most = Math.max(most, ms);
    }
    const mean = total / (span * this.service.slots);
    return { mean, busiestHour: span < HOUR ? mean : most / (HOUR * this.service.slots) };
  }
}

/** Why these rules cannot be recommended; null = nothing speaks against them. */
export function refusalOf({ utilisation }: Figures, service: ServiceTimes | null): string | null {
  if (utilisation === null || service === null || utilisation.busiestHour <= MOST_BUSY) return null;
  const busy = `${Math.round(utilisation.busiestHour * 100)} %`;
  const slots = `${service.slots} worker ${service.slots === 1 ? "slot" : "slots"}`;
  return `The batches would keep ${slots} busy for ${busy} of the busiest hour, more than ${MOST_BUSY * 100} %: they would wait longer and longer, so how long is not predicted`;
}

/** Least squares of milliseconds over items, neither part below 0. Null without a sample or a slot. */
export function serviceTimes(samples: readonly { items: number; ms: number }[], slots: number): ServiceTimes | null {
  const n = samples.length;
  if (n === 0 || slots < 1) return null;
  const meanItems = samples.reduce((sum, { items }) => sum + items, 0) / n;
  const meanMs = samples.reduce((sum, { ms }) => sum + ms, 0) / n;
  let spread = 0;
  let together = 0;
  for (const { items, ms } of samples) {
    spread += (items - meanItems) ** 2;
    together += (items - meanItems) * (ms - meanMs);
  }
  // Where all were of one size nothing says what an item costs: a batch then costs what it cost.
  let perItemMs = spread === 0 ? 0 : Math.max(0, together / spread);
  let perBatchMs = meanMs - perItemMs * meanItems;
  if (perBatchMs < 0) {
    perBatchMs = 0;
    perItemMs = meanItems === 0 ? 0 : meanMs / meanItems;
  }
  return { perBatchMs, perItemMs, batches: n, slots };
}
