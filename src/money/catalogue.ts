import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as GenaiPrices from "@pydantic/genai-prices";
import type { MatchLogic, ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import type { Component, PriceSheet, Rate } from "./price-sheet.ts";

const PRICE_KEYS: Record<Component, string> = {
  input: "input_mtok",
  cachedInput: "cache_read_mtok",
  cacheWrite: "cache_write_mtok",
  audioInput: "input_audio_mtok",
  output: "output_mtok",
  reasoning: "output_reasoning_mtok",
  audioOutput: "output_audio_mtok",
};

/** What a name may have after the entry's own: a snapshot's date, or "latest". */
const SNAPSHOT = /^-(latest|\d{4}-?\d{2}-?\d{2})$/;

let loaded: (Pick<typeof GenaiPrices, "calcPrice" | "findProvider"> & { version: string }) | null = null;

/** The library is half a megabyte of prices: loaded with the first price that is asked for, not with the program. */
function library(): NonNullable<typeof loaded> {
  if (loaded === null) {
    const require = createRequire(import.meta.url);
    const { calcPrice, findProvider } = require("@pydantic/genai-prices") as typeof GenaiPrices;
    const file = join(dirname(require.resolve("@pydantic/genai-prices")), "..", "package.json");
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    loaded = { calcPrice, findProvider, version };
  }
  return loaded;
}

/** Who publishes prices: an id of the catalogue such as "openai", or whoever serves this base URL. */
export type Publisher = { id: string } | { baseURL: string };

/** Published prices of a model as they were at `at`; null when the catalogue does not name exactly this model of this publisher. */
export function cataloguePrices(publisher: Publisher, model: string, at: number): PriceSheet | null {
  const { calcPrice, findProvider, version } = library();
  const provider = findProvider("id" in publisher ? { providerId: publisher.id } : { providerApiUrl: publisher.baseURL })?.id;
  if (provider === undefined || ("id" in publisher && provider !== publisher.id)) return null;
  const found = calcPrice({}, model, { providerId: provider, timestamp: new Date(at) });
  if (found === null || !names(found.model, model)) return null;
  const rates = ratesOf(found.model_price);
  if (rates.input === undefined && rates.output === undefined) return null;
  return { version: `genai-prices ${version} ${provider}/${found.model.id}${period(found.model, found.model_price)}`, rates };
}

/**
 * Is this entry meant for this name? The catalogue also matches by beginnings and parts of names ("gpt-5-nano-" and whatever
 * comes behind it); what is not listed and no snapshot of the entry could as well be another model with another price.
 */
function names(entry: ModelInfo, model: string): boolean {
  const name = model.toLowerCase().trim();
  const id = entry.id.toLowerCase();
  if (name === id || listed(entry.match, name)) return true;
  if (name.startsWith(id) && SNAPSHOT.test(name.slice(id.length))) return true;
  // Fine-tuned models have a price by family, and names of their own.
  return id.startsWith("ft:") && name.startsWith(id);
}

function listed(match: MatchLogic, name: string): boolean {
  if ("or" in match) return match.or.some((each) => listed(each, name));
  if ("equals" in match) return match.equals.toLowerCase() === name;
  return false;
}

function ratesOf(prices: ModelPrice): PriceSheet["rates"] {
  const rates: PriceSheet["rates"] = {};
  for (const [component, key] of Object.entries(PRICE_KEYS) as [Component, string][]) {
    const price = prices[key];
    if (price === undefined) continue;
    const rate: Rate =
      typeof price === "number"
        ? { base: price, tiers: [] }
        : {
            base: price.base,
            tiers: [...price.tiers].sort((a, b) => a.start - b.start).map((tier) => ({ above: tier.start, price: tier.price })),
          };
    rates[component] = rate;
  }
  return rates;
}

/** Of prices that change with time, since when or at what hours these hold. */
function period(model: ModelInfo, prices: ModelPrice): string {
  if (!Array.isArray(model.prices)) return "";
  const constraint = model.prices.find((each) => each.prices === prices)?.constraint;
  if (constraint === undefined) return "";
  return constraint.type === "start_date" ? ` since ${constraint.start_date}` : ` ${constraint.start_time} to ${constraint.end_time}`;
}
