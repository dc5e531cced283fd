import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../model/clock.ts";

interface Timer {
  /** Unix milliseconds, whole. */
  at: number;
  /** Timers of one moment fire in the order they were set. */
  order: number;
  fire(): void;
}

/** Turns of the event loop without anything new after which what can happen now has happened. */
const QUIET_TURNS = 3;

/**
 * Time that stands still until it is moved. Timers fire in order, and after each one everything that it sets off (promises,
 * turns of the event loop) happens before the next; so a test that waits for hours takes milliseconds and always goes the
 * same way.
 */
export class VirtualClock implements Clock {
  private time: number;
  private timers: Timer[] = [];
  private order = 0;
  private readonly settle: () => Promise<void>;
  /** Grows with every timer that is set or taken back: unchanged = nothing happened here. */
  changes = 0;
  /** Callers of `wait` that still wait. */
  waiting = 0;

  /** `startsAt` in Unix milliseconds. `settle` lets everything happen that can happen without time going on. */
  constructor(options: { startsAt?: number | undefined; settle?: (() => Promise<void>) | undefined } = {}) {
    this.time = options.startsAt ?? Date.UTC(2026, 0, 1);
    this.settle = options.settle ?? ((): Promise<void> => this.quiet());
  }

  now(): number {
    return this.time;
  }

  elapsed(): number {
    return this.time;
  }

  after(ms: number, fire: () => void): () => void {
    const timer: Timer = { at: Math.ceil(this.time + Math.max(0, ms)), order: this.order++, fire };
    this.timers.push(timer);
    this.changes += 1;
    return () => {
      const place = this.timers.indexOf(timer);
      if (place < 0) return;
      this.timers.splice(place, 1);
      this.changes += 1;
    };
  }

  /** Resolves `ms` milliseconds of this clock later; rejects with the signal's reason when that comes first. What a handler under test waits with. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      this.waiting += 1;
      const aborted = (): void => {
        this.waiting -= 1;
        cancel();
        reject(signal!.reason as Error);
      };
      const cancel = this.after(ms, () => {
        this.waiting -= 1;
        signal?.removeEventListener("abort", aborted);
        resolve();
      });
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }

  /** When the next timer fires (Unix milliseconds); null = none is set. */
  nextAt(): number | null {
    return this.next()?.at ?? null;
  }

  /** Moves time on by `ms`, from timer to timer. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await this.settle();
    for (let next = this.next(); next !== null && next.at <= end; next = this.next()) await this.skipTo(next.at);
    await this.skipTo(end);
  }

  /** Moves time to `at` (Unix milliseconds) at once: what is due by then fires late, as after a sleep of the machine. */
  async skipTo(at: number): Promise<void> {
    this.time = Math.max(this.time, at);
    for (let next = this.next(); next !== null && next.at <= this.time; next = this.next()) {
      this.timers.splice(this.timers.indexOf(next), 1);
      this.changes += 1;
      next.fire();
      await this.settle();
    }
  }

  private next(): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.timers) {
      if (first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }

  private async quiet(): Promise<void> {
    for (let turns = 0, seen = this.changes; turns < QUIET_TURNS; turns++) {
      await turn();
      if (seen === this.changes) continue;
      seen = this.changes;
      turns = 0;
    }
  }
}
