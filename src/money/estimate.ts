import type { Price, Tier } from "../model/ledger.ts";
import type { Pricing } from "./pricing.ts";
import { promptSize } from "./prompt.ts";
import { Tokenizer } from "./tokenizer.ts";

/** What a request is taken to answer with when it does not limit its answer. */
const ASSUMED_OUTPUT = 1000;

export interface Estimate {
  /** Prompt tokens: what enqueued-token limits and budgets count. */
  promptTokens: number;
  /** Tokens that the answer has at most. */
  outputTokens: number;
  /** Inputs of an embedding request; 0 for others. */
  inputs: number;
  /** Of the prompt and the longest answer; null = no price is known. */
  price: Price | null;
  /** What was guessed, one sentence each. */
  notes: string[];
}

/** Estimates requests of one provider before they are sent. About 20 µs for a request of a few hundred characters once it runs. */
export class Estimator {
  private readonly parts: { provider: string; tier: Tier; pricing: Pricing };
  private readonly tokenizers = new Map<string, Tokenizer>();

  constructor(parts: { provider: string; tier: Tier; pricing: Pricing }) {
    this.parts = parts;
  }

  /** `body`: of a chat completion, response, completion or embedding request. `at`: Unix milliseconds. */
  estimate(body: Record<string, unknown>, at: number): Estimate {
    const model = typeof body["model"] === "string" ? body["model"] : "";
    const tokenizer = this.tokenizerOf(model);
    const { tokens: promptTokens, inputs, notes } = promptSize(body, tokenizer);
    if (!tokenizer.exact) notes.push(`No encoding is known for ${model}; counted as ${tokenizer.encoding}`);
    const limit = outputLimit(body);
    const embeds = inputs > 0;
    if (limit === null && !embeds) notes.push(`The request does not limit its answer; taken as ${ASSUMED_OUTPUT} tokens`);
    const outputTokens = embeds ? 0 : (limit ?? ASSUMED_OUTPUT) * answersOf(body);
    const tokens = {
      input: promptTokens,
      cachedInput: 0,
      cacheWrite: 0,
      audioInput: 0,
      output: outputTokens,
      reasoning: 0,
      audioOutput: 0,
    };
    const { provider, tier, pricing } = this.parts;
    return { promptTokens, outputTokens, inputs, price: pricing.price({ provider, model, tier, tokens, at }), notes };
  }

  private tokenizerOf(model: string): Tokenizer {
    let tokenizer = this.tokenizers.get(model);
    if (tokenizer === undefined) {
      if (this.tokenizers.size >= 100) this.tokenizers.clear();
      tokenizer = new Tokenizer(model);
      this.tokenizers.set(model, tokenizer);
    }
    return tokenizer;
  }
}

function outputLimit(body: Record<string, unknown>): number | null {
  for (const name of ["max_completion_tokens", "max_output_tokens", "max_tokens"]) {
    const limit = body[name];
    if (typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 0) return limit;
  }
  return null;
}

function answersOf({ n }: Record<string, unknown>): number {
  return typeof n === "number" && Number.isSafeInteger(n) && n > 1 ? n : 1;
}
