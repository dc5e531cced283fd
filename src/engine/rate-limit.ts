import type { Clock } from "../model/clock.ts";

/** Requests per minute as an even flow with a burst of one second's worth: waiters are let through in order. */
export class RateLimit {
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly burstMs: number;
  /** When the next request is due if all before it came on time. */
  private due = 0;

  constructor(clock: Clock, perMinute: number) {
    this.clock = clock;
    this.intervalMs = 60_000 / perMinute;
    this.burstMs = Math.max(0, 1000 - this.intervalMs);
  }

  /** Null = go at once. */
  admit(): Promise<void> | null {
    const now = this.clock.now();
    this.due = Math.max(this.due, now - this.burstMs);
    const waitMs = this.due - now;
    this.due += this.intervalMs;
    if (waitMs <= 0) return null;
    return new Promise((resolve) => {
      this.clock.after(waitMs, resolve);
    });
  }
}
