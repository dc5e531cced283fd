import type { Clock } from "../../model/clock.ts";

/** Requests per minute as an even flow with a burst of one second's worth: waiters are let through in order. */
export class RateLimit {
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly burstMs: number;
  private readonly waiting: (() => void)[] = [];
  /** When the next request is due if all before it came on time. */
  private due = 0;

  constructor(clock: Clock, perMinute: number) {
    this.clock = clock;
    this.intervalMs = 60_000 / perMinute;
    this.burstMs = Math.max(0, 1000 - this.intervalMs);
  }

  /** Null = go at once. A waiter that is stopped goes at once too, and takes nobody's turn: it is to look again whether it may start. */
  admit(stop: AbortSignal): Promise<void> | null {
    if (stop.aborted || (this.waiting.length === 0 && this.take())) return null;
    return new Promise((resolve) => {
      const go = (): void => {
        stop.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(go), 1);
        resolve();
      };
      stop.addEventListener("abort", leave, { once: true });
      this.waiting.push(go);
      if (this.waiting.length === 1) this.arm();
    });
  }

  /** Somebody waits for a turn. */
  get holds(): boolean {
    return this.waiting.length > 0;
  }

  private take(): boolean {
    const now = this.clock.now();
    this.due = Math.max(this.due, now - this.burstMs);
    if (this.due > now) return false;
    this.due += this.intervalMs;
    return true;
  }

  /** One timer for the first in line; it goes on firing until nobody waits. */
  private arm(): void {
    this.clock.after(Math.max(1, Math.ceil(this.due - this.clock.now())), () => {
      while (this.waiting.length > 0 && this.take()) this.waiting.shift()!();
      if (this.waiting.length > 0) this.arm();
    });
  }
}
