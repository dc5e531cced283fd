import type { Clock } from "../../model/clock.ts";

const MINUTE_MS = 60_000;
/** What was taken is known by parts of a minute. */
const PARTS = 6;
const PART_MS = MINUTE_MS / PARTS;
/** So much of a minute's amount may go at once. The flow is slower by as much, so that no minute, wherever it begins, has more than its limit. */
const BURST_MS = 100;

/** An amount a minute (requests, tokens) as an even flow. */
export class Pace {
  private readonly clock: Clock;
  private readonly msEach: number;
  readonly perMinute: number;
  /** Amounts by the part of a minute they were taken in; `part` = since when. */
  private recent: { part: number; amount: number }[] = [];
  /** When the next unit is due if all before it came on time. */
  private due = 0;

  constructor(clock: Clock, perMinute: number) {
    this.clock = clock;
    this.perMinute = perMinute;
    this.msEach = (MINUTE_MS + BURST_MS) / perMinute;
  }

  /** At least a millisecond: clocks tell no parts of one, and what each request came later than due would be lost. */
  private get earlyMs(): number {
    return Math.max(1, BURST_MS - this.msEach);
  }

  /** When the next request may go, Unix milliseconds; in the past or now = at once. What is too large for the burst goes first and is waited for after. */
  get readyAt(): number {
    return Math.ceil(this.due - this.earlyMs);
  }

  take(amount: number): void {
    this.note(amount);
    this.due = Math.max(this.due, this.clock.now()) + this.bounded(amount) * this.msEach;
  }

  /** What was taken as `estimated` turned out to be `actual`. */
  correct(estimated: number, actual: number): void {
    this.note(actual - estimated);
    this.due += (this.bounded(actual) - this.bounded(estimated)) * this.msEach;
  }

  /** Taken within the last minute, to ten seconds. */
  get used(): number {
    const since = this.clock.now() - MINUTE_MS;
    return Math.max(
      0,
      this.recent.reduce((sum, { part, amount }) => (part > since ? sum + amount : sum), 0),
    );
  }

  private note(amount: number): void {
    const now = this.clock.now();
    const part = now - (now % PART_MS);
    const last = this.recent.at(-1);
    if (last?.part === part) last.amount += amount;
    else this.recent = [...this.recent.slice(-PARTS), { part, amount }];
  }

  /** Amounts come from requests and answers, which may say anything: none holds up the others for more than a minute. */
  private bounded(amount: number): number {
    return Math.min(this.perMinute, Math.max(0, amount));
  }
}
