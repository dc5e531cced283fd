import type { NanoUsd } from "./money.ts";

/** What the price of a request depends on. Totals and parts: `cachedInput`, `cacheWrite` and `audioInput` are within `input`, `reasoning` and `audioOutput` within `output`. */
export interface Tokens {
  input: number;
  cachedInput: number;
  cacheWrite: number;
  audioInput: number;
  output: number;
  reasoning: number;
  audioOutput: number;
}

/** How a request was sent: at the reduced price of a batch interface, or one by one. */
export type Tier = "batch" | "online";

/** What one answered request cost. */
export interface Price {
  /** What it costs when sent by itself. */
  standard: NanoUsd;
  /** What it did cost. */
  paid: NanoUsd;
  /** Paid as a share of standard: "0.5", or by component where they differ ("cachedInput=1 output=0.5"). */
  factor: string;
  /** Where the prices came from, so that a sum can be checked years later: "genai-prices 0.1.8 openai/gpt-4o". */
  version: string;
}

/** One answered request in the books. Booked once per (attempt, customId). */
export interface LedgerEntry {
  tenant: string;
  batchId: string;
  operation: string;
  /** Unique within the tenant for ever, and of one batch: an upstream batch, or one run of a chunk. */
  attempt: string;
  customId: string;
  provider: string;
  /** As the provider's answer names it. */
  model: string;
  tier: Tier;
  tokens: Tokens;
  /** Null: no price is known. Never 0 instead, never that of another model. */
  price: Price | null;
  /** When the answer was complete, Unix milliseconds: the day it is booked on. */
  at: number;
  /** Its result was the one kept; else it was spent on a failure that is tried again, a duplicate, or a late answer. */
  counted: boolean;
}

/** Sums over booked requests. */
export interface CostSums {
  requests: number;
  /** Of these, without a price: their tokens are in the sums, their money is not. */
  unpriced: number;
  /** Of these, whose result was not the one kept. */
  uncounted: number;
  tokens: Tokens;
  standard: NanoUsd;
  paid: NanoUsd;
  /** Of `paid`, what was spent on requests whose result was not the one kept. */
  paidUncounted: NanoUsd;
}

export function noCosts(): CostSums {
  const tokens = { input: 0, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 0, reasoning: 0, audioOutput: 0 };
  return { requests: 0, unpriced: 0, uncounted: 0, tokens, standard: 0, paid: 0, paidUncounted: 0 };
}

const DAY_MS = 86_400_000;

/** A day of the ledger as a date: "2026-03-01". */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The UTC day of a time, in days since 1970-01-01: what the ledger sums by. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}
