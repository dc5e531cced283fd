import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { BatchyardError } from "../model/errors.ts";
import { serves } from "./provider.ts";
import { Providers, type ProvidersParts } from "./providers.ts";
import { Pricing } from "../money/pricing.ts";

const KEY = "sk-canary-0123456789";

function made(declared: unknown, parts: Partial<ProvidersParts> = {}): Providers {
  return new Providers({ declared, openai: { apiKey: null, baseUrl: null }, variable: () => null, ...parts });
}

function faults(declared: unknown, parts: Partial<ProvidersParts> = {}): unknown[] {
  try {
    made(declared, parts);
  } catch (error) {
    if (error instanceof BatchyardError) return error.errors!.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  throw new Error("was accepted");
}

describe("providers", () => {
  it("come from the config, completed by defaults", () => {
    const providers = made({ vllm: { baseURL: "http://127.0.0.1:8000/v1/", models: ["qwen-*"] } });
    expect(providers.get("vllm")).toMatchObject({
      name: "vllm",
      baseURL: "http://127.0.0.1:8000/v1",
      online: true,
      batch: false,
      apiKey: null,
      limits: { maxLines: 50_000, maxBytes: 209_715_200 },
    });
    expect(providers.find("online", "qwen-7b")?.name).toBe("vllm");
    expect(providers.find("online", "gpt-5")).toBeNull();
    expect(providers.find("batch", "qwen-7b")).toBeNull();
  });

  it("the environment gives the provider openai, and completes one of that name", () => {
    const openai = { apiKey: KEY, baseUrl: "http://127.0.0.1:9/v1" };
    expect(made(undefined, { openai }).list()).toEqual([
      { name: "openai", baseURL: "http://127.0.0.1:9/v1", online: true, batch: true, models: ["*"], hasKey: true },
    ]);
    expect(made({ openai: { baseURL: "http://gateway/v1" } }, { openai }).get("openai")).toMatchObject({ baseURL: "http://gateway/v1" });
    expect(made({ openai: {} }, { openai }).get("openai")!.apiKey!.reveal()).toBe(KEY);
    expect(made(undefined).names).toEqual([]);
  });

  it("names every fault at once, with its path and its cure, and no value", () => {
    expect(
      faults({
        "Bad Name": {},
        a: { baseURL: "ftp://x", limits: { maxLine: 3 } },
        b: { baseURL: `https://user:${KEY}@host/v1` },
        b2: { baseURL: `https://:${KEY}@host/v1` },
        b3: { baseURL: `https://host/v1?key=${KEY}` },
        c: { apiKey: { env: "MY_KEY" } },
        d: { online: false },
        e: { apiKey: `${KEY} x` },
      }),
    ).toEqual([
      "providers.Bad Name: is no name; names match ^[a-z][a-z0-9_-]{0,31}$",
      "providers.a.baseURL: must be a URL that starts with http:// or https://",
      "providers.a.limits.maxLine: unknown field 'maxLine'; did you mean 'maxLines'?",
      "providers.b.baseURL: must hold no credentials; give them as apiKey",
      "providers.b2.baseURL: must hold no credentials; give them as apiKey",
      "providers.b3.baseURL: must end with its path; give what a gateway wants more as headers",
      "providers.c.apiKey: names the environment variable MY_KEY, which is not set; set it or remove the provider",
      "providers.d: is neither online nor batch; set one of them to true",
      "providers.e.apiKey: must be visible ASCII characters without blanks",
    ]);
    expect(faults([])).toEqual(["providers: must be an object: name → { baseURL, apiKey, … }"]);
  });

  it("show no secret, however they are printed", () => {
    const providers = made({ gateway: { apiKey: { env: "K" }, headers: { "x-key": KEY } } }, { variable: () => KEY });
    const provider = providers.get("gateway")!;
    expect(provider.apiKey!.reveal()).toBe(KEY);
    for (const shown of [
      inspect(provider, { depth: 9 }),
      JSON.stringify(provider),
      String(provider.apiKey),
      JSON.stringify(providers.list()),
    ])
      expect(shown).not.toContain(KEY);
  });

  it("models match by name or pattern; a price by its name, then by its longest pattern", () => {
    expect(["gpt-5-mini", "gpt-5", "x-gpt-5"].map((model) => serves({ models: ["gpt-*"] }, model))).toEqual([true, true, false]);
    expect(["ab", "aXb", "aXbY", "aba"].map((model) => serves({ models: ["a*b"] }, model))).toEqual([true, true, false, false]);
    expect(serves({ models: ["a*a"] }, "a")).toBe(false);
  });

  it("the prices of a provider are its own, else those its address publishes", () => {
    const prices = { "*": { input: 1, output: 1 }, "gpt-*": { input: 2, output: 2 }, "gpt-5": { input: 3, output: 3, batchFactor: 0.25 } };
    const providers = made({
      vllm: { baseURL: "http://127.0.0.1:8000/v1", prices },
      openai: { aliases: { mine: "gpt-4o" } },
      west: { baseURL: "https://west.openai.azure.com/openai", azure: true, batch: true },
      basement: { baseURL: "http://127.0.0.1:8001/v1" },
    });
    const pricing = new Pricing(providers.prices());
    const tokens = { input: 1_000_000, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 0, reasoning: 0, audioOutput: 0 };
    const price = (provider: string, model: string) => pricing.price({ provider, model, tier: "batch", tokens, at: Date.UTC(2026, 2, 1) });
    expect(["gpt-5", "gpt-4", "other"].map((model) => price("vllm", model)?.standard)).toEqual([3e9, 2e9, 1e9]);
    expect(["gpt-5", "gpt-4"].map((model) => price("vllm", model)?.paid)).toEqual([0.75e9, 1e9]);
    expect(price("openai", "mine")).toMatchObject({ standard: 2.5e9, version: expect.stringContaining("openai/gpt-4o") as string });
    expect(price("west", "gpt-4o")).toMatchObject({ standard: 2.5e9, version: expect.stringContaining("azure/gpt-4o") as string });
    expect(price("basement", "gpt-4o")).toBeNull();
  });
});

describe("the client of a provider", () => {
  /** What one request of a provider's client looks like from outside. */
  async function seen(settings: object): Promise<{ url: string; headers: Headers; tries: number }> {
    const calls: { url: string; headers: Headers }[] = [];
    const providers = made(
      { p: { baseURL: "http://peer/v1", ...settings } },
      {
        fetch: async (url, init) => {
          calls.push({ url: new Request(url).url, headers: new Headers(init?.headers) });
          return new Response("{}", { status: 503 });
        },
      },
    );
    const client = await providers.client(providers.get("p")!);
    expect(await providers.client(providers.get("p")!)).toBe(client);
    await expect(client.batches.list({ limit: 1 })).rejects.toMatchObject({ status: 503 });
    return { ...calls[0]!, tries: calls.length };
  }

  it("tries once, with the key as bearer and the provider's headers", async () => {
    const { url, headers, tries } = await seen({ apiKey: KEY, headers: { "x-tenant": "7" } });
    expect([url, headers.get("authorization"), headers.get("x-tenant"), tries]).toEqual([
      "http://peer/v1/batches?limit=1",
      `Bearer ${KEY}`,
      "7",
      1,
    ]);
  });

  it("sends no authorization without a key", async () => {
    expect((await seen({})).headers.has("authorization")).toBe(false);
  });

  it("speaks to Azure with its own header, and its version where one is named", async () => {
    const plain = await seen({ apiKey: KEY, azure: true });
    expect([plain.headers.get("api-key"), plain.headers.has("authorization")]).toEqual([KEY, false]);
    const dated = await seen({ apiKey: KEY, azure: { apiVersion: "2025-04-01-preview" } });
    expect([dated.url, dated.headers.get("api-key")]).toEqual(["http://peer/v1/batches?api-version=2025-04-01-preview&limit=1", KEY]);
  });
});
