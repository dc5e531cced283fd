export const TABS = ["windows", "traffic", "rules", "dead-letters"] as const;
export type Tab = (typeof TABS)[number];
export const RANGES = ["1h", "24h", "7d"] as const;
export type Range = (typeof RANGES)[number];

/** What stands in the address of a stream. */
export interface StreamSearch {
  /** Its windows without it. */
  tab?: Tab;
  /** Only the window of this key. */
  key?: string;
  /** Of its traffic; a day without it. */
  range?: Range;
}

export function streamSearch({ tab, key, range }: Record<string, unknown>): StreamSearch {
  const isTab = TABS.find((each) => each === tab);
  const isRange = RANGES.find((each) => each === range);
  return {
    ...(isTab === undefined || isTab === "windows" ? {} : { tab: isTab }),
    ...(typeof key === "string" && key !== "" ? { key: key.slice(0, 512) } : {}),
    ...(isRange === undefined || isRange === "24h" ? {} : { range: isRange }),
  };
}
