import { describe, expect, it } from "vitest";
import { tokensOf } from "./usage.ts";

const NOTHING = { input: 0, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 0, reasoning: 0, audioOutput: 0 };

describe("usage", () => {
  it("of a chat completion", () => {
    const usage = {
      prompt_tokens: 2006,
      completion_tokens: 300,
      total_tokens: 2306,
      prompt_tokens_details: { cached_tokens: 1920, cache_write_tokens: 50, audio_tokens: 10 },
      completion_tokens_details: { reasoning_tokens: 128, audio_tokens: 7, accepted_prediction_tokens: 0 },
    };
    expect(tokensOf(usage)).toEqual({
      input: 2006,
      cachedInput: 1920,
      cacheWrite: 50,
      audioInput: 10,
      output: 300,
      reasoning: 128,
      audioOutput: 7,
    });
  });

  it("of a response", () => {
    const usage = {
      input_tokens: 81,
      input_tokens_details: { cached_tokens: 64, cache_write_tokens: 9 },
      output_tokens: 1035,
      output_tokens_details: { reasoning_tokens: 832 },
      total_tokens: 1116,
    };
    expect(tokensOf(usage)).toEqual({ ...NOTHING, input: 81, cachedInput: 64, cacheWrite: 9, output: 1035, reasoning: 832 });
  });

  it("of embeddings, and of a completion of a server that gives no details", () => {
    expect(tokensOf({ prompt_tokens: 8, total_tokens: 8 })).toEqual({ ...NOTHING, input: 8 });
    expect(tokensOf({ prompt_tokens: 8, completion_tokens: 3, total_tokens: 11, prompt_tokens_details: null })).toEqual({
      ...NOTHING,
      input: 8,
      output: 3,
    });
  });

  it("that is none is not taken for nothing used", () => {
    for (const usage of [undefined, null, {}, [], "12", { total_tokens: 5 }, { prompt_tokens: "8" }, { prompt_tokens: -1 }])
      expect(tokensOf(usage)).toBeNull();
  });

  it("whose parts exceed their total is cut to it", () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 2,
      prompt_tokens_details: { cached_tokens: 99, cache_write_tokens: 99 },
      completion_tokens_details: { reasoning_tokens: 99 },
    };
    expect(tokensOf(usage)).toEqual({ ...NOTHING, input: 10, cachedInput: 10, output: 2, reasoning: 2 });
  });
});
