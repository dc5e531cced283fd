/** The receiver answered, but not with yes. */
export class Refusal extends Error {
  /** 410: it is not there any more and will not come back. */
  readonly isGone: boolean;
  /** How long it asked to be left alone; null = it said nothing. */
  readonly retryAfterMs: number | null;

  constructor(status: number, retryAfter: string | undefined, now: number) {
    super(`the webhook answered ${status}${status === 410 ? ": it is gone" : ""}`);
    this.isGone = status === 410;
    this.retryAfterMs = status === 429 || status === 503 ? waitOf(retryAfter, now) : null;
  }
}

/** Seconds, or a date; anything else is as if nothing had been said. */
function waitOf(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** Some of a channel's receivers got it and others did not. */
export class PartlySent extends Error {
  /** All who got it so far. */
  readonly reached: readonly string[];

  constructor(message: string, reached: readonly string[]) {
    super(message);
    this.reached = reached;
  }
}
