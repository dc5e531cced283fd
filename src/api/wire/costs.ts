import type { CostSums } from "../../model/ledger.ts";
import { toUsd } from "../../model/money.ts";
import { round } from "./batch.ts";

/** Sums of the ledger as the HTTP contract shows them. */
export function costFigures({ standard, paid, paidUncounted, ...counts }: CostSums) {
  return {
    ...counts,
    ...amounts(standard, paid),
    savingsPercentage: standard === 0 ? 0 : round(((standard - paid) / standard) * 100, 1),
    paidUncounted: toUsd(paidUncounted),
  };
}

/** A range as thirty days of the same. */
export function projectedMonthly({ standard, paid }: CostSums, rangeDays: number) {
  const monthly = (nano: number): number => Math.round((nano / rangeDays) * 30);
  return amounts(monthly(standard), monthly(paid));
}

/** What was booked, without the counts. */
export function amountsOf({ standard, paid }: Pick<CostSums, "standard" | "paid">) {
  return amounts(standard, paid);
}

/** A month that has gone on for `elapsedDays`, at its end. */
export function projectedToEnd({ standard, paid }: CostSums, elapsedDays: number, days: number) {
  const whole = (nano: number): number => Math.round((nano / elapsedDays) * days);
  return amounts(whole(standard), whole(paid));
}

/** Percent, one decimal. */
export function changesOf(now: CostSums, before: CostSums) {
  const change = (of: (sums: CostSums) => number): number | null =>
    of(before) === 0 ? null : round(((of(now) - of(before)) / of(before)) * 100, 1);
  return {
    requests: change(({ requests }) => requests),
    standard: change(({ standard }) => standard),
    paid: change(({ paid }) => paid),
    saved: change(({ standard, paid }) => standard - paid),
  };
}

function amounts(standard: number, paid: number) {
  return { standard: toUsd(standard), paid: toUsd(paid), saved: toUsd(standard - paid) };
}
