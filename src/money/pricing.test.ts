import { calcPrice, findProvider } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import type { Tier, Tokens } from "../model/ledger.ts";
import { Pricing } from "./pricing.ts";
import type { ProviderPrices } from "./provider-prices.ts";

const AT = Date.parse("2026-03-01T12:00:00Z");
const MILLION = 1_000_000;

function tokens(overrides: Partial<Tokens>): Tokens {
  return { input: 0, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 0, reasoning: 0, audioOutput: 0, ...overrides };
}

function priceOf(
  model: string,
  used: Partial<Tokens>,
  options: { tier?: Tier; provider?: string; at?: number; prices?: ProviderPrices } = {},
) {
  const { tier = "batch", provider = "openai", at = AT, prices } = options;
  const pricing = new Pricing(prices === undefined ? {} : { [provider]: prices });
  return pricing.price({ provider, model, tier, tokens: tokens(used), at });
}

describe("the price of a request", () => {
  it("1M + 1M tokens at 2.50 / 10.00, all in batch: 12.50 standard, 6.25 paid, 50.0 % saved", () => {
    const price = priceOf("gpt-4o", { input: MILLION, output: MILLION })!;
    expect(price).toEqual({
      standard: 12_500_000_000,
      paid: 6_250_000_000,
      factor: "0.5",
      version: expect.stringMatching(/^genai-prices \d+\.\d+\.\d+ openai\/gpt-4o$/) as string,
    });
    expect((1 - price.paid / price.standard) * 100).toBe(50);
  });

  it("of ten equal requests, one done online: 45.0 % saved", () => {
    const used = { input: 100_000, output: 100_000 };
    const prices = Array.from({ length: 10 }, (_, i) => priceOf("gpt-4o", used, { tier: i === 0 ? "online" : "batch" })!);
    const standard = prices.reduce((sum, price) => sum + price.standard, 0);
    const paid = prices.reduce((sum, price) => sum + price.paid, 0);
    expect([standard, paid, ((standard - paid) / standard) * 100]).toEqual([12_500_000_000, 6_875_000_000, 45]);
  });

  it("charges cached tokens at their own price, and as input where there is none", () => {
    expect(priceOf("gpt-4o", { input: 2000, cachedInput: 1500, output: 0 }, { tier: "online" })!.standard).toBe(500 * 2500 + 1500 * 1250);
    expect(priceOf("gpt-4-turbo", { input: 2000, cachedInput: 1500 }, { tier: "online" })!.standard).toBe(2000 * 10_000);
  });

  it("charges cache writes and audio at their own price", () => {
    expect(priceOf("gpt-6-astra", { input: 1000, cachedInput: 200, cacheWrite: 300 }, { tier: "online" })!.standard).toBe(
      500 * 10_000 + 200 * 1000 + 300 * 12_500,
    );
    expect(priceOf("gpt-audio", { input: 100, audioInput: 60, output: 50, audioOutput: 20 }, { tier: "online" })!.standard).toBe(
      40 * 2500 + 60 * 32_000 + 30 * 10_000 + 20 * 64_000,
    );
  });

  it("charges reasoning as output", () => {
    expect(priceOf("o3-mini", { output: 1000, reasoning: 900 }, { tier: "online" })!.standard).toBe(1000 * 4400);
  });

  it("of a long prompt is that of its tier, for all its tokens", () => {
    const short = priceOf("gpt-5.4", { input: 271_999, cachedInput: 1000, output: 10 }, { tier: "online" })!;
    const long = priceOf("gpt-5.4", { input: 272_000, cachedInput: 1000, output: 10 }, { tier: "online" })!;
    expect(short.standard).toBe(270_999 * 2500 + 1000 * 250 + 10 * 15_000);
    expect(long.standard).toBe(271_000 * 5000 + 1000 * 500 + 10 * 22_500);
  });

  it("is the one at the time of completion, and says so", () => {
    const before = priceOf("o3", { input: MILLION }, { at: Date.parse("2025-06-09T23:59:59Z") })!;
    const after = priceOf("o3", { input: MILLION }, { at: Date.parse("2025-06-10T00:00:00Z") })!;
    expect([before.standard, after.standard]).toEqual([10_000_000_000, 2_000_000_000]);
    expect(before.version).toMatch(/openai\/o3$/);
    expect(after.version).toMatch(/openai\/o3 since 2025-06-10$/);
  });

  it("of embeddings needs no price of output", () => {
    expect(priceOf("text-embedding-3-small", { input: MILLION })).toMatchObject({ standard: 20_000_000, paid: 10_000_000 });
    expect(priceOf("text-embedding-3-small", { input: MILLION, output: 1 })).toBeNull();
  });

  it("is rounded once, half up, to a nano-dollar", () => {
    const prices = { prices: { tiny: { input: 0.0005 } } };
    // A token costs half a nano-dollar, a batch token a quarter.
    expect([1, 2, 3].map((input) => priceOf("tiny", { input }, { prices })!.standard)).toEqual([1, 1, 2]);
    expect([1, 2, 3].map((input) => priceOf("tiny", { input }, { prices })!.paid)).toEqual([0, 1, 1]);
  });
});

describe("no price", () => {
  it.each(["gpt-99", "my-deployment", "gpt-4o-2099-01-01", "gpt-5-nano-of-somebody", "omni-moderation-latest", ""])(
    "is known for %j, rather than that of another model",
    (model) => expect(priceOf(model, { input: 10, output: 10 })).toBeNull(),
  );

  it("of a provider that publishes none, whatever its model is called", () => {
    expect(priceOf("gpt-oss-20b", { input: 1 }, { provider: "basement" })).toBeNull();
    const local = { baseURL: "http://127.0.0.1:8000/v1" };
    expect(priceOf("gpt-4o", { input: 1 }, { provider: "openai", prices: local })).toBeNull();
    expect(priceOf("gpt-4o", { input: 1 }, { provider: "openai", prices: { catalogue: null } })).toBeNull();
  });

  it("dated names of a model have its price", () => {
    for (const model of ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-5.6-luna-2026-07-30", "GPT-4o"])
      expect([model, priceOf(model, { input: 1 })]).not.toContain(null);
    // A snapshot with prices of its own.
    expect(priceOf("gpt-4o-2024-05-13", { input: MILLION }, { tier: "online" })!.standard).toBe(5_000_000_000);
  });
});

describe("configured prices", () => {
  it("win over the catalogue and name themselves", () => {
    const prices = { prices: { "gpt-4o": { input: 1, cachedInput: 0.1, output: 2, longContext: { above: 1000, input: 3 } } } };
    expect(priceOf("gpt-4o", { input: 1000, cachedInput: 500, output: 10 }, { prices, tier: "online" })).toEqual({
      standard: 500 * 1000 + 500 * 100 + 10 * 2000,
      paid: 500 * 1000 + 500 * 100 + 10 * 2000,
      factor: "1",
      version: "config openai/gpt-4o input=1/3>1000 cachedInput=0.1 output=2",
    });
    expect(priceOf("gpt-4o", { input: 1001 }, { prices, tier: "online" })!.standard).toBe(1001 * 3000);
    expect(priceOf("gpt-4o-mini", { input: MILLION }, { prices, tier: "online" })!.standard).toBe(150_000_000);
  });

  it("give deployments and unlisted dates the price of the model they are", () => {
    const prices = { catalogue: "azure", aliases: { "my-deployment": "gpt-4o", "gpt-4o-2099-01-01": "gpt-4o" } };
    for (const model of Object.keys(prices.aliases))
      expect(priceOf(model, { input: MILLION }, { provider: "my-azure", prices })).toMatchObject({
        standard: 2_500_000_000,
        version: expect.stringContaining("azure/gpt-4o") as string,
      });
    expect(priceOf("somebody-else", { input: MILLION }, { provider: "my-azure", prices })).toBeNull();
  });

  it("take the catalogue by the address of the provider", () => {
    const prices = { baseURL: "https://api.openai.com/v1" };
    expect(priceOf("gpt-4o", { input: MILLION }, { provider: "second-account", prices })!.standard).toBe(2_500_000_000);
  });

  it("set the share that a batch pays, by provider, model and component", () => {
    const prices = { batchFactor: 0.6, batchFactors: { "gpt-4o": { cachedInput: 1, output: 0.25 }, o3: 0.1 } };
    const used = { input: 2000, cachedInput: 1000, output: 100 };
    expect(priceOf("gpt-4o", used, { prices })).toMatchObject({
      standard: 1000 * 2500 + 1000 * 1250 + 100 * 10_000,
      paid: 1000 * 1500 + 1000 * 1250 + 100 * 2500,
      factor: "input=0.6 cachedInput=1 cacheWrite=0.6 audioInput=0.6 output=0.25 reasoning=0.6 audioOutput=0.6",
    });
    expect(priceOf("o3", { input: MILLION }, { prices })).toMatchObject({ standard: 2_000_000_000, paid: 200_000_000, factor: "0.1" });
    expect(priceOf("gpt-4o-mini", { input: MILLION }, { prices })).toMatchObject({ paid: 90_000_000, factor: "0.6" });
    expect(priceOf("gpt-4o", used, { prices, tier: "online" })).toMatchObject({ factor: "1" });
  });

  it("of names that every object has are not found by accident", () => {
    expect(priceOf("constructor", { input: 1 }, { prices: { prices: {}, aliases: {} } })).toBeNull();
    expect(priceOf("gpt-4o", { input: 1 }, { provider: "constructor" })).toBeNull();
  });
});

/** A generator of the same numbers each time. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

/** An exact fraction of a dollar: written from the definition of a price, sharing nothing with the code under test. */
class Fraction {
  readonly top: bigint;
  readonly bottom: bigint;

  constructor(top: bigint, bottom: bigint) {
    this.top = top;
    this.bottom = bottom;
  }

  static of(decimal: number): Fraction {
    const [whole, digits = ""] = decimal.toFixed(9).split(".");
    return new Fraction(BigInt(whole + digits), 10n ** BigInt(digits.length));
  }

  plus(other: Fraction): Fraction {
    return new Fraction(this.top * other.bottom + other.top * this.bottom, this.bottom * other.bottom);
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.top * other.top, this.bottom * other.bottom);
  }

  nano(): bigint {
    const scaled = this.top * 1_000_000_000n;
    const rest = scaled % this.bottom;
    return scaled / this.bottom + (rest * 2n >= this.bottom ? 1n : 0n);
  }
}

describe("100,000 random requests", () => {
  const pricing = new Pricing({ openai: { batchFactors: { "gpt-5": { cachedInput: 0.75, output: 0.333333 } } } });
  const models = [
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1-nano",
    "gpt-5",
    "gpt-5.4",
    "gpt-5.6-sol",
    "gpt-6-luna",
    "text-embedding-3-small",
    "o3-mini",
  ];
  const random = numbers(20_260_301);
  const draw = (below: number): number => random.next().value! % below;
  const requests = Array.from({ length: 100_000 }, () => {
    const model = models[draw(models.length)]!;
    const input = draw(8) === 0 ? draw(400_000) : draw(5000);
    const cachedInput = draw(input + 1);
    return {
      model,
      tier: draw(4) === 0 ? ("online" as const) : ("batch" as const),
      tokens: tokens({ input, cachedInput, cacheWrite: draw(input - cachedInput + 1), output: model.startsWith("text-") ? 0 : draw(4000) }),
    };
  });

  it("sum up to the nano-dollar like fractions do", () => {
    let standard = 0n;
    let paid = 0n;
    let expectedStandard = 0n;
    let expectedPaid = 0n;
    for (const { model, tier, tokens: used } of requests) {
      const price = pricing.price({ provider: "openai", model, tier, tokens: used, at: AT })!;
      standard += BigInt(price.standard);
      paid += BigInt(price.paid);
      const list = calcPrice({}, model, { providerId: "openai", timestamp: new Date(AT) })!.model_price;
      const perToken = (key: string): Fraction | null => {
        const each = list[key];
        if (each === undefined) return null;
        const usd = typeof each === "number" ? each : (each.tiers.findLast((step) => used.input > step.start)?.price ?? each.base);
        return Fraction.of(usd).times(new Fraction(1n, 1_000_000n));
      };
      const share = (component: "input" | "cachedInput" | "output"): Fraction => {
        if (tier === "online") return Fraction.of(1);
        if (model !== "gpt-5" || component === "input") return Fraction.of(0.5);
        return Fraction.of(component === "cachedInput" ? 0.75 : 0.333333);
      };
      let one = new Fraction(0n, 1n);
      let reduced = new Fraction(0n, 1n);
      const charge = (amount: number, at: Fraction | null, factor: Fraction): void => {
        const cost = new Fraction(BigInt(amount), 1n).times(at ?? new Fraction(0n, 1n));
        one = one.plus(cost);
        reduced = reduced.plus(cost.times(factor));
      };
      const cached = perToken("cache_read_mtok");
      const written = perToken("cache_write_mtok");
      const plain = used.input - (cached === null ? 0 : used.cachedInput) - (written === null ? 0 : used.cacheWrite);
      charge(plain, perToken("input_mtok"), share("input"));
      if (cached !== null) charge(used.cachedInput, cached, share("cachedInput"));
      if (written !== null) charge(used.cacheWrite, written, share("input"));
      charge(used.output, perToken("output_mtok"), share("output"));
      expectedStandard += one.nano();
      expectedPaid += reduced.nano();
    }
    expect([standard, paid]).toEqual([expectedStandard, expectedPaid]);
    expect(standard).toBeGreaterThan(1_000_000_000n);
  });

  it("cost what the price library itself says, to its precision", () => {
    for (const { model, tokens: used } of requests.slice(0, 5000)) {
      const ours = pricing.price({ provider: "openai", model, tier: "online", tokens: used, at: AT })!.standard;
      const usage = {
        input_tokens: used.input,
        cache_read_tokens: used.cachedInput,
        cache_write_tokens: used.cacheWrite,
        output_tokens: used.output,
      };
      const theirs = calcPrice(usage, model, { providerId: "openai", timestamp: new Date(AT) })!.total_price;
      expect(Math.abs(ours - theirs * 1e9)).toBeLessThanOrEqual(1);
    }
  });

  it("know every model that the price library lists for OpenAI with prices of tokens", () => {
    const listed = findProvider({ providerId: "openai" })!.models.filter((model) => JSON.stringify(model.prices).includes('"input_mtok"'));
    expect(listed.length).toBeGreaterThan(80);
    const unknown = listed.filter(
      (model) => pricing.price({ provider: "openai", model: model.id, tier: "batch", tokens: tokens({ input: 1 }), at: AT }) === null,
    );
    // Families of fine-tuned models, which no model is called like.
    expect(unknown.map((model) => model.id)).toEqual(["ft:gpt-4o", "ft:gpt-4o-mini"]);
    const tuned = pricing.price({
      provider: "openai",
      model: "ft:gpt-4o-mini-2024-07-18:acme::abc",
      tier: "batch",
      tokens: tokens({ input: MILLION }),
      at: AT,
    });
    expect(tuned).toMatchObject({ standard: 300_000_000, version: expect.stringContaining("openai/ft:gpt-4o-mini") as string });
  });
});
