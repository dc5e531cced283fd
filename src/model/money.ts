/**
 * Money is kept as whole nano-dollars (10⁻⁹ USD), so that sums of millions of small prices stay exact.
 * 2^53 nano-dollars are nine million dollars: enough for one batch.
 */
export type NanoUsd = number;

export function toNanoUsd(usd: number): NanoUsd {
  return Math.round(usd * 1e9);
}

export function toUsd(nano: NanoUsd): number {
  return nano / 1e9;
}
