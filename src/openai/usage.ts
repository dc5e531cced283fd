import type { OpenAiUsage } from "../store/openai-batches.ts";

/** Sums the `usage` of answers, under the names of chat completions and of responses. */
export class UsageSum {
  private readonly sum: OpenAiUsage = { input: 0, cachedInput: 0, output: 0, reasoningOutput: 0, total: 0 };

  add(body: unknown): void {
    const usage = fieldOf(body, "usage");
    const input = numberOf(usage, "prompt_tokens") ?? numberOf(usage, "input_tokens") ?? 0;
    const output = numberOf(usage, "completion_tokens") ?? numberOf(usage, "output_tokens") ?? 0;
    const inputDetails = fieldOf(usage, "prompt_tokens_details") ?? fieldOf(usage, "input_tokens_details");
    const outputDetails = fieldOf(usage, "completion_tokens_details") ?? fieldOf(usage, "output_tokens_details");
    this.sum.input += input;
    this.sum.output += output;
    this.sum.cachedInput += numberOf(inputDetails, "cached_tokens") ?? 0;
    this.sum.reasoningOutput += numberOf(outputDetails, "reasoning_tokens") ?? 0;
    this.sum.total += numberOf(usage, "total_tokens") ?? input + output;
  }

  value(): OpenAiUsage {
    return { ...this.sum };
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function numberOf(value: unknown, name: string): number | null {
  const found = fieldOf(value, name);
  return typeof found === "number" && Number.isSafeInteger(found) && found >= 0 ? found : null;
}
