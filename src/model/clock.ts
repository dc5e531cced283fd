/** Time is a value: everything that waits or stamps takes a Clock, so that tests own it. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Milliseconds with fractions since some moment, never going back: for measuring how long something took. */
  elapsed(): number;
  /** Calls `fire` once after `ms` milliseconds of this clock; the returned function cancels it. */
  after(ms: number, fire: () => void): () => void;
}

/** The machine's own clock. Timers never keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, Math.min(Math.max(0, ms), 2_147_483_647));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** ISO 8601 UTC with `Z`, or null for an absent time. */
export function iso(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
