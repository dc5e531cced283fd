import type { Clock } from "../../model/clock.ts";

const MINUTE_MS = 60_000;
/** So much of a minute's amount may go at once. The flow is slower by as much, so that no minute, wherever it begins, has more than its limit. */
const BURST_MS = 100;

/** An amount a minute (requests, tokens) as an even flow. */
export class Pace {
  private readonly clock: Clock;
  private readonly msEach: number;
  private readonly perMinute: number;
  /** When the next unit is due if all before it came on time. */
  private due = 0;

  constructor(clock: Clock, perMinute: number) {
    this.clock = clock;
    this.perMinute = perMinute;
    this.msEach = (MINUTE_MS + BURST_MS) / perMinute;
  }

  /** When the next request may go, Unix milliseconds; in the past or now = at once. What is too large for the burst goes first and is waited for after. */
  get readyAt(): number {
    return Math.ceil(this.due - Math.max(0, BURST_MS - this.msEach));
  }

  take(amount: number): void {
    this.due = Math.max(this.due, this.clock.now()) + this.bounded(amount) * this.msEach;
  }

  /** What was taken as `estimated` turned out to be `actual`. */
  correct(estimated: number, actual: number): void {
    this.due += (this.bounded(actual) - this.bounded(estimated)) * this.msEach;
  }

  /** Amounts come from requests and answers, which may say anything: none holds up the others for more than a minute. */
  private bounded(amount: number): number {
    return Math.min(this.perMinute, Math.max(0, amount));
  }
}
