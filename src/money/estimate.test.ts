import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { countTokens, encodeChat } from "gpt-tokenizer/model/gpt-4o";
import { modelToEncodingMap } from "gpt-tokenizer/mapping";
import { describe, expect, it } from "vitest";
import { Estimator } from "./estimate.ts";
import { Pricing } from "./pricing.ts";
import { Tokenizer } from "./tokenizer.ts";

const AT = Date.UTC(2026, 2, 1);
const estimator = new Estimator({ provider: "openai", tier: "batch", pricing: new Pricing() });
const estimate = (body: Record<string, unknown>) => estimator.estimate({ model: "gpt-4o", ...body }, AT);

describe("tokens of a text", () => {
  it("are those of the model's encoding", () => {
    const text = "The quick brown fox jumps over the lazy dog, 1234567 times.";
    expect(new Tokenizer("gpt-4o").count(text)).toBe(countTokens(text));
    expect(new Tokenizer("gpt-4o").count("")).toBe(0);
    for (const [model, encoding] of [
      ["gpt-5.4-mini-2026-03-17", "o200k_base"],
      ["o3-mini", "o200k_base"],
      ["gpt-4.1", "o200k_base"],
      ["ft:gpt-4o-mini-2024-07-18:acme::x", "o200k_base"],
      ["ft:gpt-3.5-turbo-0125:acme::x", "cl100k_base"],
      ["gpt-4-turbo", "cl100k_base"],
      ["text-embedding-3-small", "cl100k_base"],
      ["text-davinci-003", "p50k_base"],
      ["davinci", "r50k_base"],
    ] as const)
      expect(new Tokenizer(model)).toMatchObject({ encoding, exact: true });
  });

  it("have the encoding that the tokenizer's own table gives a model", () => {
    const alike: Record<string, string> = { gpt2: "r50k_base", p50k_edit: "p50k_base", o200k_harmony: "o200k_base" };
    const models = Object.entries(modelToEncodingMap);
    expect(models.length).toBeGreaterThan(50);
    for (const [model, encoding] of models) expect([model, new Tokenizer(model).encoding]).toEqual([model, alike[encoding] ?? encoding]);
  });

  it("of an unknown model are counted as o200k_base, which is said", () => {
    expect(new Tokenizer("qwen3-8b")).toMatchObject({ encoding: "o200k_base", exact: false });
    expect(estimate({ model: "qwen3-8b", messages: [], max_tokens: 1 }).notes).toEqual([
      "No encoding is known for qwen3-8b; counted as o200k_base",
    ]);
  });

  it("that look like special ones are text", () => {
    expect(new Tokenizer("gpt-4o").count("<|endoftext|>")).toBeGreaterThan(1);
  });

  it("of runs without a break are a few too many, never too few by more than their pieces", () => {
    const tokenizer = new Tokenizer("gpt-4o");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 0, max: 300 }), (noise, spaces) => {
        const text = `Some words, then ${noise}${" ".repeat(spaces)}and a word`;
        const [ours, exact] = [tokenizer.count(text), countTokens(text, { disallowedSpecial: new Set() })];
        expect(ours).toBeGreaterThanOrEqual(exact - 2);
        expect(ours).toBeLessThanOrEqual(exact + 2 * Math.ceil(text.length / 48) + 2);
      }),
      { numRuns: 300 },
    );
  });

  it("are counted in a time that grows with the text, whatever it holds", () => {
    const tokenizer = new Tokenizer("gpt-4o");
    // Counted in one piece, each of these takes seconds.
    expect(tokenizer.count("a".repeat(200_000))).toBeGreaterThan(10_000);
    expect(tokenizer.count(" ".repeat(200_000))).toBeGreaterThan(1000);
    expect(tokenizer.count("語".repeat(50_000))).toBeGreaterThan(10_000);
  });
});

describe("the estimate of a request", () => {
  it("of a chat counts its messages as the model is given them", () => {
    const messages = [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content: "Name three signals of a classification yard." },
    ] as const;
    expect(estimate({ messages, max_tokens: 50 })).toMatchObject({
      promptTokens: encodeChat(messages).length,
      outputTokens: 50,
      inputs: 0,
      notes: [],
    });
  });

  it("has the price of its prompt and of the longest answer", () => {
    const { promptTokens, price } = estimate({ messages: [{ role: "user", content: "Hello" }], max_completion_tokens: 100, n: 2 });
    expect(price).toMatchObject({ standard: promptTokens * 2500 + 200 * 10_000, paid: (promptTokens * 2500 + 200 * 10_000) / 2 });
    expect(estimate({ model: "own", messages: [], max_tokens: 1 }).price).toBeNull();
  });

  it("of an answer without limit is a guess, and says so", () => {
    const { outputTokens, notes } = estimate({ messages: [] });
    expect(outputTokens).toBe(1000);
    expect(notes).toEqual(["The request does not limit its answer; taken as 1000 tokens"]);
  });

  it("counts parts, tools, schemas and images", () => {
    const plain = estimate({ messages: [{ role: "user", content: "Hello" }], max_tokens: 1 }).promptTokens;
    const parts = [{ type: "text", text: "Hello" }];
    expect(estimate({ messages: [{ role: "user", content: parts }], max_tokens: 1 }).promptTokens).toBe(plain);
    const image = { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } };
    expect(estimate({ messages: [{ role: "user", content: [...parts, image] }], max_tokens: 1 })).toMatchObject({
      promptTokens: plain + 85,
      notes: ["Images are counted as of one megapixel"],
    });
    const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
    expect(estimate({ messages: [{ role: "user", content: "Hello" }], tools, max_tokens: 1 }).promptTokens).toBe(
      plain + countTokens(JSON.stringify(tools)),
    );
  });

  it("of a response counts instructions and input", () => {
    const asChat = estimate({
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "Hello" },
      ],
      max_tokens: 9,
    });
    const response = { instructions: "Be brief.", max_output_tokens: 9 };
    expect(estimate({ ...response, input: "Hello" })).toEqual(asChat);
    expect(estimate({ ...response, input: [{ role: "user", content: [{ type: "input_text", text: "Hello" }] }] })).toEqual(asChat);
    expect(estimate({ input: "Hello" }).inputs).toBe(0);
  });

  it("of embeddings counts each input, as text or tokens, and no answer", () => {
    const model = "text-embedding-3-small";
    expect(estimate({ model, input: "Hello world" })).toMatchObject({ promptTokens: 2, inputs: 1, outputTokens: 0, notes: [] });
    expect(estimate({ model, input: ["Hello world", "Hello"] })).toMatchObject({ promptTokens: 3, inputs: 2 });
    expect(estimate({ model, input: [1, 2, 3] })).toMatchObject({ promptTokens: 3, inputs: 1 });
    expect(estimate({ model, input: [[1, 2, 3], [4]] })).toMatchObject({ promptTokens: 4, inputs: 2 });
  });

  it("of a completion counts its prompts", () => {
    const model = "gpt-3.5-turbo-instruct";
    expect(estimate({ model, prompt: "Hello world", max_tokens: 5 })).toMatchObject({ promptTokens: 2, outputTokens: 5 });
    expect(estimate({ model, prompt: ["Hello world", "Hello"], max_tokens: 5 }).promptTokens).toBe(3);
  });

  it("of a body that is none is nothing", () => {
    for (const body of [{}, { messages: "x" }, { messages: [null, 5, { role: 1, content: 7 }], prompt: null }, { input: null }])
      expect(estimate({ ...body, max_tokens: 1 }).promptTokens).toBeLessThan(10);
  });
});

describe("a program that has nothing to price", () => {
  it("loads neither prices nor encodings; the first price and the first text do", () => {
    const here = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
    const script = `
      import { registerHooks } from "node:module";
      let seen = 0;
      registerHooks({ load: (url, context, next) => { if (/genai-prices|gpt-tokenizer/.test(url)) seen += 1; return next(url, context); } });
      await import(${here("../index.ts")});
      const { Pricing } = await import(${here("pricing.ts")});
      const { Estimator } = await import(${here("estimate.ts")});
      const estimator = new Estimator({ provider: "openai", tier: "batch", pricing: new Pricing() });
      const before = seen;
      estimator.estimate({ model: "gpt-4o", prompt: "Hello" }, 0);
      console.log(JSON.stringify([before, seen > 1]));`;
    const run = ["--conditions=batchyard-source", "--input-type=module", "--eval", script];
    expect(JSON.parse(execFileSync(process.execPath, run, { encoding: "utf8" }))).toEqual([0, true]);
  });
});
