/** One exchange with the server: when it was asked and heard by the clock of this page, and what its clock said in between. */
export interface Exchange {
  asked: number;
  heard: number;
  server: number;
}

/** How far the server's clock is ahead of this page's, in milliseconds; the truth lies within `within` of it. */
export interface Offset {
  ms: number;
  within: number;
}

const KEPT = 8;

/**
 * The offset of the server's clock, as NTP estimates it: the server read its clock somewhere within the round trip, so the middle of
 * the trip is wrong by half of it at most, however unevenly the way there and the way back took; the shortest trip says it best.
 */
export class ServerClock {
  #exchanges: Exchange[] = [];

  /** An answer that cannot come from the same two clocks as those before: one of them was set, and what was known is forgotten. */
  add(exchange: Exchange): void {
    if (exchange.heard < exchange.asked) return;
    const known = this.offset();
    const fresh = offsetOf(exchange);
    if (known !== null && Math.abs(fresh.ms - known.ms) > fresh.within + known.within) this.#exchanges = [];
    this.#exchanges = [...this.#exchanges, exchange].slice(-KEPT);
  }

  /** Null = nothing was measured yet. */
  offset(): Offset | null {
    const offsets = this.#exchanges.map(offsetOf);
    return offsets.reduce<Offset | null>((best, each) => (best === null || each.within < best.within ? each : best), null);
  }
}

/** Half a millisecond more on both sides: clocks are read in whole ones. */
function offsetOf({ asked, heard, server }: Exchange): Offset {
  return { ms: server - (asked + heard) / 2, within: (heard - asked) / 2 + 1 };
}
