export const RANGES = ["1h", "24h", "7d", "30d"] as const;
export type Range = (typeof RANGES)[number];

/** What stands in the address of the overview. */
export interface OverviewSearch {
  range?: Range;
}

export function overviewSearch({ range }: Record<string, unknown>): OverviewSearch {
  const known = RANGES.find((each) => each === range);
  return known === undefined ? {} : { range: known };
}
