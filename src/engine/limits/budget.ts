import type { NanoUsd } from "../../model/money.ts";

/**
 * What is left of a batch's budget, shared by its runs in this process. Spent = committed + what runs have paid and not yet
 * committed; promised = estimates of requests that are on their way.
 */
export class Budget {
  readonly limit: NanoUsd;
  private committed: NanoUsd = 0;
  private paid: NanoUsd = 0;
  private promised: NanoUsd = 0;

  constructor(limit: NanoUsd) {
    this.limit = limit;
  }

  /** Nothing more may be started. A budget of 0 is spent by the first request that costs something. */
  get spent(): boolean {
    const sum = this.committed + this.paid;
    return sum >= this.limit && sum > 0;
  }

  /** Keeps room for requests that are expected to cost this; false = there is not so much left. */
  promise(estimate: NanoUsd): boolean {
    if (this.spent || this.committed + this.paid + this.promised + estimate > this.limit) return false;
    this.promised += estimate;
    return true;
  }

  release(estimate: NanoUsd): void {
    this.promised -= estimate;
  }

  pay(amount: NanoUsd): void {
    this.paid += amount;
  }

  /** What was paid is in the cost of the batch now. */
  settled(amount: NanoUsd, cost: NanoUsd | undefined): void {
    this.paid -= amount;
    this.seen(cost ?? this.committed + amount);
  }

  /** The cost of the batch as the store told it; it never falls. */
  seen(cost: NanoUsd): void {
    this.committed = Math.max(this.committed, cost);
  }
}
