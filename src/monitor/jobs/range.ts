const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Time ranges of monitoring: how far back, and the width of a point of their history; both in milliseconds. */
export const RANGES = {
  "1h": { lengthMs: HOUR, pointMs: 60_000 },
  "24h": { lengthMs: DAY, pointMs: HOUR },
  "7d": { lengthMs: 7 * DAY, pointMs: 6 * HOUR },
  "30d": { lengthMs: 30 * DAY, pointMs: DAY },
} as const;

export type RangeName = keyof typeof RANGES;
