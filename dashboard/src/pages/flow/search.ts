export const SPANS = ["15", "60", "1440"] as const;
export type Span = (typeof SPANS)[number];

/** What stands in the address of the flow. */
export interface FlowSearch {
  /** Only this stream and its operation; */
  stream?: string;
  /** only this operation; everything together without either. */
  operation?: string;
  /** Minutes of the figures; 15 without it. */
  minutes?: Span;
}

export function flowSearch({ stream, operation, minutes }: Record<string, unknown>): FlowSearch {
  const span = SPANS.find((each) => each === String(minutes));
  return {
    ...(typeof stream === "string" && stream !== "" ? { stream } : typeof operation === "string" && operation !== "" ? { operation } : {}),
    ...(span === undefined || span === "15" ? {} : { minutes: span }),
  };
}
