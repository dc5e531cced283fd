/** Where nothing is known of a provider yet. */
const FIRST = 8;
/** Sockets of one model at most. */
export const MOST = 128;

/**
 * How many requests may be under way at once: additive increase, multiplicative decrease. Until the first refusal it grows by one
 * an answer (doubling each round), after it by one a round. A refusal halves it, once for all requests that were under way then.
 */
export class Window {
  private limit = FIRST;
  private refusedOnce = false;
  /** Requests are numbered; those up to here were sent before the last decrease. */
  private decreasedAt = 0;
  private sent = 0;

  get size(): number {
    return Math.floor(this.limit);
  }

  /** Number of the request. */
  send(): number {
    return ++this.sent;
  }

  /** `full` = all places were taken: an unused window says nothing about what the provider takes. */
  answered(full: boolean): void {
    if (full) this.limit = Math.min(MOST, this.limit + (this.refusedOnce ? 1 / this.limit : 1));
  }

  /** False when this refusal belongs to a decrease that has been made. */
  refused(request: number): boolean {
    if (request <= this.decreasedAt) return false;
    this.refusedOnce = true;
    this.decreasedAt = this.sent;
    this.limit = Math.max(1, this.limit / 2);
    return true;
  }
}
