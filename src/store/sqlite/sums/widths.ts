const MINUTE = 60_000;

/** Widths of the buckets kept, milliseconds, narrowest first; each divides the next. */
export const WIDTHS = [MINUTE, 60 * MINUTE, 1440 * MINUTE] as const;
