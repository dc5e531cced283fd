export const RANGES = ["month", "7d", "30d", "90d"] as const;
export type Range = (typeof RANGES)[number];
export const GROUPS = ["model", "operation", "batch", "provider", "tier", "tenant"] as const;
export type Group = (typeof GROUPS)[number];

/** What stands in the address of the costs. */
export interface CostsSearch {
  /** The last 30 days without it. */
  range?: Range;
  /** By model without it. */
  by?: Group;
}

export function costsSearch({ range, by }: Record<string, unknown>): CostsSearch {
  const knownRange = RANGES.find((each) => each === range);
  const knownGroup = GROUPS.find((each) => each === by);
  return { ...(knownRange === undefined ? {} : { range: knownRange }), ...(knownGroup === undefined ? {} : { by: knownGroup }) };
}
