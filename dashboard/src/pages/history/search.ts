export const RANGES = ["1h", "24h", "7d", "30d"] as const;
export type Range = (typeof RANGES)[number];

/** What stands in the address of the history. */
export interface HistorySearch {
  /** Name of a metric; the board of several without it. */
  metric?: string;
  /** Value of its first label. */
  source?: string;
  /** Value of its second label. */
  part?: string;
  range?: Range;
  /** A stretch that was chosen; ISO 8601. Both or none. */
  from?: string;
  to?: string;
  /** Beside the time before. */
  compare?: "yes";
}

export function historySearch(given: Record<string, unknown>): HistorySearch {
  const text = (name: "metric" | "source" | "part"): Pick<HistorySearch, typeof name> => {
    const value = given[name];
    return typeof value === "string" && value !== "" ? { [name]: value.slice(0, 300) } : {};
  };
  const range = RANGES.find((each) => each === given["range"]);
  const { from, to } = given;
  const isSpan = isTime(from) && isTime(to) && Date.parse(from) < Date.parse(to);
  return {
    ...text("metric"),
    ...text("source"),
    ...text("part"),
    ...(isSpan ? { from, to } : range === undefined ? {} : { range }),
    ...(given["compare"] === "yes" ? { compare: "yes" } : {}),
  };
}

function isTime(text: unknown): text is string {
  return typeof text === "string" && !Number.isNaN(Date.parse(text));
}

/** The same address without these. */
export function without<N extends keyof HistorySearch>(search: HistorySearch, ...names: N[]): Omit<HistorySearch, N> {
  return Object.fromEntries(Object.entries(search).filter(([name]) => !names.some((each) => each === name))) as Omit<HistorySearch, N>;
}
