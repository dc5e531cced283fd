import type { Tokens } from "../model/ledger.ts";
import type { NanoUsd } from "../model/money.ts";

/** What has a price of its own. Tokens whose component has none are charged as the total they belong to. */
export const COMPONENTS = ["input", "cachedInput", "cacheWrite", "audioInput", "output", "reasoning", "audioOutput"] as const;
export type Component = (typeof COMPONENTS)[number];

/** US dollars per million tokens, and other prices for requests with more input tokens than `above` (long context). */
export interface Rate {
  base: number;
  /** By rising `above`; the last that is exceeded holds for all tokens of the request. */
  tiers: readonly { above: number; price: number }[];
}

/** Prices of one model at one time. */
export interface PriceSheet {
  /** Names the source, the model and, where prices change with time, the period. */
  version: string;
  rates: Partial<Record<Component, Rate>>;
}

/** Share of the standard price that is paid, by component. */
export type Factors = Record<Component, number>;

/** Units a dollar is counted in while a request is summed up: 10⁻¹⁵ USD a token is 10⁻⁹ USD a million tokens, finer than any price. */
const FEMTO_PER_MTOK = 1e9;
const FEMTO_PER_NANO = 1_000_000n;
/** Factors are kept to a millionth. */
const FACTOR_SCALE = 1_000_000n;

/**
 * Standard and paid price of one request, each rounded once, half up, to a nano-dollar. Null when tokens were used that the
 * sheet has no price for.
 */
export function priced(tokens: Tokens, sheet: PriceSheet, factors: Factors): { standard: NanoUsd; paid: NanoUsd } | null {
  const { rates } = sheet;
  if ((tokens.input > 0 && rates.input === undefined) || (tokens.output > 0 && rates.output === undefined)) return null;
  if (rates.input === undefined && rates.output === undefined) return null;
  let standard = 0n;
  let paid = 0n;
  for (const [component, amount] of parts(tokens, rates)) {
    if (amount === 0) continue;
    const cost = BigInt(amount) * femto(rateFor(rates[component]!, tokens.input));
    standard += cost;
    paid += cost * BigInt(Math.round(factors[component] * Number(FACTOR_SCALE)));
  }
  return { standard: Number(rounded(standard, FEMTO_PER_NANO)), paid: Number(rounded(paid, FEMTO_PER_NANO * FACTOR_SCALE)) };
}

/** Tokens by the component that prices them; together they are input + output. */
function parts(tokens: Tokens, rates: PriceSheet["rates"]): [Component, number][] {
  const cached = rates.cachedInput === undefined ? 0 : tokens.cachedInput;
  const cacheWrite = rates.cacheWrite === undefined ? 0 : tokens.cacheWrite;
  // Which audio tokens were cached is not told: as many as fit count as not cached.
  const audioInput = rates.audioInput === undefined ? 0 : Math.min(tokens.audioInput, tokens.input - cached - cacheWrite);
  const reasoning = rates.reasoning === undefined ? 0 : tokens.reasoning;
  const audioOutput = rates.audioOutput === undefined ? 0 : Math.min(tokens.audioOutput, tokens.output - reasoning);
  return [
    ["input", tokens.input - cached - cacheWrite - audioInput],
    ["cachedInput", cached],
    ["cacheWrite", cacheWrite],
    ["audioInput", audioInput],
    ["output", tokens.output - reasoning - audioOutput],
    ["reasoning", reasoning],
    ["audioOutput", audioOutput],
  ];
}

function rateFor(rate: Rate, inputTokens: number): number {
  let price = rate.base;
  for (const tier of rate.tiers) if (inputTokens > tier.above) price = tier.price;
  return price;
}

function femto(usdPerMtok: number): bigint {
  return BigInt(Math.round(usdPerMtok * FEMTO_PER_MTOK));
}

function rounded(amount: bigint, unit: bigint): bigint {
  return (2n * amount + unit) / (2n * unit);
}
