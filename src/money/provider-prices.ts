import { z } from "zod";
import { bestFit } from "../model/name-pattern.ts";
import { COMPONENTS, type Component, type Factors, type PriceSheet } from "./price-sheet.ts";

const name = z.string().min(1).max(200);
const usdPerMtok = z.number().min(0).max(100_000);
const share = z.number().min(0).max(10);
const byComponent = z.strictObject({
  input: share.optional(),
  cachedInput: share.optional(),
  cacheWrite: share.optional(),
  audioInput: share.optional(),
  output: share.optional(),
  reasoning: share.optional(),
  audioOutput: share.optional(),
});

const factor = z.union([share, byComponent]);

/** US dollars per million tokens. `longContext` holds for requests with more than `above` input tokens. */
const ownPrice = z.strictObject({
  input: usdPerMtok.optional(),
  cachedInput: usdPerMtok.optional(),
  cacheWrite: usdPerMtok.optional(),
  audioInput: usdPerMtok.optional(),
  output: usdPerMtok.optional(),
  reasoning: usdPerMtok.optional(),
  audioOutput: usdPerMtok.optional(),
  longContext: z
    .strictObject({
      above: z.int().min(1),
      input: usdPerMtok.optional(),
      cachedInput: usdPerMtok.optional(),
      cacheWrite: usdPerMtok.optional(),
      audioInput: usdPerMtok.optional(),
      output: usdPerMtok.optional(),
      reasoning: usdPerMtok.optional(),
      audioOutput: usdPerMtok.optional(),
    })
    .optional(),
  /** Share of these prices that a batch pays. */
  batchFactor: factor.optional(),
});

/** What a provider's entry in the configuration says about money. */
export const providerPrices = z.strictObject({
  /** The provider of the catalogue whose published prices hold ("openai", "azure"); null = only `prices`. */
  catalogue: z.string().min(1).max(100).nullable().optional(),
  /** By model name as the provider answers it, or pattern with `*`; these win over the catalogue. */
  prices: z.record(name, ownPrice).optional(),
  /** Name as the provider answers it → name the price is under: deployments, dated names the catalogue does not know. */
  aliases: z.record(name, name).optional(),
  /** Share of the standard price that a batch pays. 0.5 without. */
  batchFactor: factor.optional(),
  /** The same by model name or pattern, for prices of the catalogue. */
  batchFactors: z.record(name, factor).optional(),
});

export type ProviderPrices = z.output<typeof providerPrices> & {
  /** Whose published prices hold when `catalogue` is absent. */
  baseURL?: string | undefined;
};
type Factor = z.output<typeof factor>;

/** What a batch interface is charged at unless the configuration says otherwise. */
const BATCH_FACTOR = 0.5;

/** The price that the configuration gives a model; null when it gives none. */
export function ownPrices(provider: string, prices: ProviderPrices | undefined, model: string): PriceSheet | null {
  const price = found(prices?.prices, model);
  if (price === undefined) return null;
  const { longContext } = price;
  const rates: PriceSheet["rates"] = {};
  const said: string[] = [];
  for (const component of COMPONENTS) {
    const base = price[component];
    if (base === undefined) continue;
    const long = longContext?.[component];
    rates[component] = { base, tiers: long === undefined ? [] : [{ above: longContext!.above, price: long }] };
    said.push(`${component}=${base}${long === undefined ? "" : `/${long}>${longContext!.above}`}`);
  }
  return { version: `config ${provider}/${model} ${said.join(" ")}`, rates };
}

export function batchFactors(prices: ProviderPrices | undefined, model: string): Factors {
  const of = (given: Factor | undefined, component: Component): number | undefined =>
    typeof given === "object" ? given[component] : given;
  const own = found(prices?.prices, model)?.batchFactor ?? found(prices?.batchFactors, model);
  const share = (component: Component): number => of(own, component) ?? of(prices?.batchFactor, component) ?? BATCH_FACTOR;
  return Object.fromEntries(COMPONENTS.map((component) => [component, share(component)])) as Factors;
}

/** The entry of a table by model name or pattern. */
function found<T>(table: Readonly<Record<string, T>> | undefined, model: string): T | undefined {
  const fitting = bestFit(Object.keys(table ?? {}), model);
  return fitting === undefined ? undefined : table![fitting];
}

/** One number where all components share it. */
export function factorText(factors: Factors): string {
  const [first] = COMPONENTS;
  if (COMPONENTS.every((component) => factors[component] === factors[first])) return String(factors[first]);
  return COMPONENTS.map((component) => `${component}=${factors[component]}`).join(" ");
}
