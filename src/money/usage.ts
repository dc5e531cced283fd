import type { Tokens } from "../model/ledger.ts";

/**
 * The `usage` of an answer as tokens; null when there is none to read. Shapes:
 * - chat completions, completions: `{prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details}`
 * - responses: `{input_tokens, output_tokens, input_tokens_details, output_tokens_details}`
 * - embeddings: `{prompt_tokens, total_tokens}`
 *
 * Parts that are larger than their total are cut to it: a provider that counts wrongly must not make a price negative.
 */
export function tokensOf(usage: unknown): Tokens | null {
  if (!isRecord(usage)) return null;
  const input = count(usage["prompt_tokens"]) ?? count(usage["input_tokens"]);
  const output = count(usage["completion_tokens"]) ?? count(usage["output_tokens"]);
  if (input === null && output === null) return null;
  const inside = details(usage, "prompt_tokens_details", "input_tokens_details");
  const outside = details(usage, "completion_tokens_details", "output_tokens_details");
  const part = (of: Record<string, unknown>, name: string, total: number): number => Math.min(count(of[name]) ?? 0, total);
  const cached = part(inside, "cached_tokens", input ?? 0);
  const cacheWrite = part(inside, "cache_write_tokens", (input ?? 0) - cached);
  return {
    input: input ?? 0,
    cachedInput: cached,
    cacheWrite,
    audioInput: part(inside, "audio_tokens", input ?? 0),
    output: output ?? 0,
    reasoning: part(outside, "reasoning_tokens", output ?? 0),
    audioOutput: part(outside, "audio_tokens", output ?? 0),
  };
}

function details(usage: Record<string, unknown>, ...names: string[]): Record<string, unknown> {
  for (const name of names) if (isRecord(usage[name])) return usage[name];
  return {};
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
