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

function amounts(standard: number, paid: number) {
  return { standard: toUsd(standard), paid: toUsd(paid), saved: toUsd(standard - paid) };
}
