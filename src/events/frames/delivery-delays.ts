import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Clock } from "../../model/clock.ts";
import type { Frame } from "./frame.ts";

const TURN_MS = 60_000;

/** Milliseconds from the stamp of an event until it was written to the last of its readers, over the last one to two minutes. */
export class DeliveryDelays {
  private readonly clock: Clock;
  private now: RecordableHistogram = createHistogram();
  private before: RecordableHistogram = createHistogram();
  private turnsAt: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.turnsAt = clock.now() + TURN_MS;
  }

  /** The frames were written just now. */
  record(frames: readonly Frame[]): void {
    const now = this.clock.now();
    this.turn(now);
    // The histogram knows no zero.
    for (const { events } of frames) for (const { ts } of events) this.now.record(Math.max(1, Math.round(now - ts)));
  }

  /** Null when nothing was delivered of late. */
  percentiles(): { p50: number | null; p99: number | null } {
    this.turn(this.clock.now());
    const both = createHistogram();
    both.add(this.before);
    both.add(this.now);
    return both.count === 0 ? { p50: null, p99: null } : { p50: both.percentile(50), p99: both.percentile(99) };
  }

  private turn(now: number): void {
    if (now < this.turnsAt) return;
    this.before = now < this.turnsAt + TURN_MS ? this.now : createHistogram();
    this.now = createHistogram();
    this.turnsAt = now + TURN_MS;
  }
}
