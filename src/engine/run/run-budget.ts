import type { NanoUsd } from "../../model/money.ts";
import type { Budget } from "../limits/budget.ts";

/** What one run holds of its batch's budget. Without a budget everything may be afforded and nothing is counted. */
export class RunBudget {
  private readonly budget: Budget | null;
  /** Kept free for items on their way, by their index. */
  private readonly promised = new Map<number, NanoUsd>();
  /** Paid since the last commit, whether a result carries it or not. */
  private paid: NanoUsd = 0;

  /** Null: the batch may spend any amount. */
  constructor(budget: Budget | null) {
    this.budget = budget;
  }

  /** Keeps room for requests that are about to be sent: all of them or none. An estimate of null cannot be kept room for. */
  promise(requests: readonly { index: number; estimate: NanoUsd | null }[]): boolean {
    if (this.budget === null) return true;
    let sum = 0;
    for (const { estimate } of requests) {
      if (estimate === null) return false;
      sum += estimate;
    }
    if (!this.budget.promise(sum)) return false;
    for (const { index, estimate } of requests) this.promised.set(index, (this.promised.get(index) ?? 0) + estimate!);
    return true;
  }

  /** The request of this item is answered, or will never be sent. */
  release(index: number): void {
    const estimate = this.promised.get(index);
    if (estimate === undefined) return;
    this.promised.delete(index);
    this.budget?.release(estimate);
  }

  releaseAll(): void {
    for (const index of this.promised.keys()) this.release(index);
  }

  /** True when this was the last of it. */
  pay(amount: NanoUsd): boolean {
    if (this.budget === null) return false;
    this.paid += amount;
    this.budget.pay(amount);
    return this.budget.spent;
  }

  /** What was paid since the last time; it goes into the next commit, which tells `settled`. */
  take(): NanoUsd {
    const { paid } = this;
    this.paid = 0;
    return paid;
  }

  /** `cost`: of the batch, as the commit left it. */
  settled(paid: NanoUsd, cost: NanoUsd | undefined): void {
    this.budget?.settled(paid, cost);
  }
}
