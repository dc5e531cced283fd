/** Longest wait between two tries of an item, unless its server asked for more. */
const CAP_MS = 5 * 60_000;

/**
 * Exponential back-off with full jitter (Brooker, AWS Architecture Blog, 2015): a random time up to base · 2^attempt, so
 * that items which failed together do not come back together. A server's Retry-After is a lower bound.
 */
export function backoffMs(attempt: number, baseMs: number, retryAfterMs: number | null, random: () => number): number {
  const ceiling = Math.min(CAP_MS, baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(Math.round(random() * ceiling), retryAfterMs ?? 0);
}
