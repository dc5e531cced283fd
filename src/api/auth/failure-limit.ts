import type { Clock } from "../../model/clock.ts";

const FAILURES = 10;
const WINDOW_MS = 60_000;
// A scan from many addresses must not fill the memory: past this many the oldest are forgotten.
const ADDRESSES = 10_000;

/**
 * Counts failed credentials by address. Past ten a minute an address gets 429 instead of 401 for a bad credential; a good one
 * still passes, so that one misconfigured client cannot lock out everybody behind the same address. (Keys have 256 bits:
 * the limit spares the store and the log, guessing was never going to work.)
 */
export class FailureLimit {
  private readonly clock: Clock;
  private readonly byAddress = new Map<string, { since: number; failures: number }>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Counts one more failure; seconds to wait when there were too many, else null. `first`: there are too many as of this one. */
  add(address: string): { waitSeconds: number | null; first: boolean } {
    const now = this.clock.now();
    let entry = this.byAddress.get(address);
    if (entry === undefined || now - entry.since >= WINDOW_MS) {
      entry = { since: now, failures: 0 };
      this.byAddress.delete(address);
      this.byAddress.set(address, entry);
      if (this.byAddress.size > ADDRESSES) this.byAddress.delete(this.byAddress.keys().next().value!);
    }
    entry.failures += 1;
    return {
      waitSeconds: entry.failures > FAILURES ? Math.ceil((entry.since + WINDOW_MS - now) / 1000) : null,
      first: entry.failures === FAILURES + 1,
    };
  }
}
