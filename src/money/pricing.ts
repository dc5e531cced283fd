import type { CacheFigures } from "../model/cache-figures.ts";
import type { Price, Tier, Tokens } from "../model/ledger.ts";
import { cataloguePrices, type Publisher } from "./catalogue.ts";
import { COMPONENTS, priced, type Factors, type PriceSheet } from "./price-sheet.ts";
import { batchFactors, factorText, ownPrices, type ProviderPrices } from "./provider-prices.ts";

/** Prices are looked up once a minute and model: none changes by the second, and a batch has 50,000 lines. */
const MINUTE_MS = 60_000;
const MAX_CACHED = 1000;

const ALL_OF_IT = Object.fromEntries(COMPONENTS.map((component) => [component, 1])) as Factors;

/** What the price of a request is looked up by. */
export interface Charge {
  /** Name of the configured provider. */
  provider: string;
  /** As the answer names it. */
  model: string;
  tier: Tier;
  tokens: Tokens;
  /** When the answer was complete, Unix milliseconds. */
  at: number;
}

/** Prices by provider. A provider without an entry has the prices that the catalogue publishes under its name. */
export class Pricing {
  private readonly providers: Readonly<Record<string, ProviderPrices>>;
  private readonly sheets = new Map<string, PriceSheet | null>();
  private hits = 0;
  private misses = 0;
  private readonly factors = new Map<string, { values: Factors; text: string }>();

  constructor(providers: Readonly<Record<string, ProviderPrices>> = {}) {
    this.providers = providers;
  }

  /** Null: there is no price for this model, or none for a kind of token that it used. */
  price(charge: Charge): Price | null {
    const sheet = this.sheet(charge.provider, charge.model, charge.at);
    if (sheet === null) return null;
    const factors = charge.tier === "online" ? { values: ALL_OF_IT, text: "1" } : this.batchFactors(charge.provider, charge.model);
    const amounts = priced(charge.tokens, sheet, factors.values);
    return amounts === null ? null : { ...amounts, factor: factors.text, version: sheet.version };
  }

  private sheet(provider: string, model: string, at: number): PriceSheet | null {
    const key = `${provider}\0${model}\0${Math.floor(at / MINUTE_MS)}`;
    let sheet = this.sheets.get(key);
    if (sheet !== undefined) this.hits += 1;
    else {
      this.misses += 1;
      if (this.sheets.size >= MAX_CACHED) this.sheets.clear();
      sheet = this.lookUp(provider, model, at);
      this.sheets.set(key, sheet);
    }
    return sheet;
  }

  cache(): CacheFigures {
    return { name: "price_sheets", entries: this.sheets.size, limit: MAX_CACHED, hits: this.hits, misses: this.misses, bytes: null };
  }

  private lookUp(provider: string, model: string, at: number): PriceSheet | null {
    const configured = this.own(provider);
    const name = aliasOf(configured, model);
    const own = ownPrices(provider, configured, name);
    if (own !== null) return own;
    const publisher = publisherOf(provider, configured);
    return publisher === null ? null : cataloguePrices(publisher, name, at);
  }

  private batchFactors(provider: string, model: string): { values: Factors; text: string } {
    const key = `${provider}\0${model}`;
    let factors = this.factors.get(key);
    if (factors === undefined) {
      if (this.factors.size >= MAX_CACHED) this.factors.clear();
      const configured = this.own(provider);
      const values = batchFactors(configured, aliasOf(configured, model));
      factors = { values, text: factorText(values) };
      this.factors.set(key, factors);
    }
    return factors;
  }

  private own(provider: string): ProviderPrices | undefined {
    return Object.hasOwn(this.providers, provider) ? this.providers[provider] : undefined;
  }
}

/** A server of one's own may answer under the name of a model that others sell: its address says whose prices hold. */
function publisherOf(provider: string, prices: ProviderPrices | undefined): Publisher | null {
  if (prices === undefined) return { id: provider };
  if (prices.catalogue === undefined) return prices.baseURL === undefined ? { id: provider } : { baseURL: prices.baseURL };
  return prices.catalogue === null ? null : { id: prices.catalogue };
}

function aliasOf(prices: ProviderPrices | undefined, model: string): string {
  const { aliases } = prices ?? {};
  return aliases !== undefined && Object.hasOwn(aliases, model) ? aliases[model]! : model;
}
