import type { Provider } from "../../providers/provider.ts";

/** "Limit: 90,000 enqueued tokens" */
const LIMIT = /limit:?\s*([\d,._]+)/i;

/** Prompt tokens that may wait upstream at once, by account and model: what the config says, and what refusals have taught. */
export class TokenBudget {
  private readonly learned = new Map<string, number>();

  /** Null = as far as anybody knows, any number. */
  of(provider: Provider, model: string): number | null {
    const limits = [provider.limits.enqueuedTokens, this.learned.get(keyOf(provider.name, model))].filter((limit) => limit !== undefined);
    return limits.length === 0 ? null : Math.min(...limits);
  }

  /** What refusals taught an earlier process, from their messages; the newest of each account and model. */
  remember(refusals: readonly { provider: string; model: string; message: string }[]): void {
    for (const { provider, model, message } of refusals) this.learn(provider, model, message);
  }

  /** From the message of a `token_limit_exceeded`; true when it named the limit. */
  learn(provider: string, model: string, message: string): boolean {
    const limit = Number(LIMIT.exec(message)?.[1]?.replace(/[,._]/g, ""));
    if (!Number.isSafeInteger(limit) || limit < 1) return false;
    this.learned.set(keyOf(provider, model), limit);
    return true;
  }
}

function keyOf(provider: string, model: string): string {
  return `${provider}\0${model}`;
}
