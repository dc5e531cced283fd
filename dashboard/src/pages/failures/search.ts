export const FAILURE_TABS = ["groups", "codes", "dead", "slow", "sizes"] as const;
export type FailureTab = (typeof FAILURE_TABS)[number];
export const FAILURE_RANGES = ["24h", "7d", "30d"] as const;
export type FailureRange = (typeof FAILURE_RANGES)[number];

/** What stands in the address of the failures. */
export interface FailuresSearch {
  tab?: FailureTab;
  range?: FailureRange;
  /** Only of this operation. */
  operation?: string;
  /** What is dead in this queue is listed: `operation:import`, `stream:clicks`. */
  queue?: string;
}

export function failuresSearch(given: Record<string, unknown>): FailuresSearch {
  const { tab, range, operation, queue } = given;
  const text = (value: unknown): value is string => typeof value === "string" && value !== "";
  return {
    ...(FAILURE_TABS.some((each) => each === tab && each !== "groups") ? { tab: tab as FailureTab } : {}),
    ...(FAILURE_RANGES.some((each) => each === range && each !== "24h") ? { range: range as FailureRange } : {}),
    ...(text(operation) ? { operation: operation.slice(0, 100) } : {}),
    ...(text(queue) ? { queue: queue.slice(0, 200) } : {}),
  };
}
