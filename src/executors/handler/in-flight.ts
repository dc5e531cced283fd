import type { Clock } from "../../model/clock.ts";

/** Something that was started and must end by itself, by its time limit, or by an abort. */
interface Flight {
  startedAt: number;
  open: boolean;
  /** Called at the time limit or at an abort; at most once, and only while open. */
  stop(reason: "timeout" | "aborted"): void;
}

/**
 * Time limits without a timer an item: all items of a chunk have the same limit, so those in flight stand in the order
 * they run out, and one timer for the oldest is enough.
 */
export class InFlight {
  private readonly clock: Clock;
  private readonly limitMs: number;
  private readonly flights: Flight[] = [];
  private oldest = 0;
  private cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, limitMs: number) {
    this.clock = clock;
    this.limitMs = limitMs;
  }

  /** Returns a function that says the flight ended; it answers false when it had been stopped before. */
  start(stop: Flight["stop"]): () => boolean {
    const flight: Flight = { startedAt: this.clock.now(), open: true, stop };
    this.flights.push(flight);
    if (this.cancelTimer === null) this.arm();
    return () => {
      const wasOpen = flight.open;
      flight.open = false;
      return wasOpen;
    };
  }

  stopAll(): void {
    for (const flight of this.flights.slice(this.oldest)) this.stop(flight, "aborted");
  }

  close(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private arm(): void {
    while (this.oldest < this.flights.length && !this.flights[this.oldest]!.open) this.oldest++;
    const next = this.flights[this.oldest];
    if (this.oldest > 1024) {
      this.flights.splice(0, this.oldest);
      this.oldest = 0;
    }
    this.cancelTimer =
      next === undefined ? null : this.clock.after(Math.max(1, next.startedAt + this.limitMs - this.clock.now()), () => this.expire());
  }

  private expire(): void {
    const due = this.clock.now() - this.limitMs;
    for (let i = this.oldest; i < this.flights.length && this.flights[i]!.startedAt <= due; i++) this.stop(this.flights[i]!, "timeout");
    this.arm();
  }

  private stop(flight: Flight, reason: "timeout" | "aborted"): void {
    if (!flight.open) return;
    flight.open = false;
    flight.stop(reason);
  }
}
