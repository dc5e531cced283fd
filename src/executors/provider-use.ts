import type { Providers } from "../providers/providers.ts";
import type { AttemptStore } from "../store/attempts.ts";
import type { TokenBudget } from "./openai-batch/token-budget.ts";
import type { Endpoint } from "./openai/endpoint.ts";

/** How much of what providers allow is in use, by all batches together. */
export interface ProviderUseView {
  /** Single requests to a model: under way now, and as many as may be at once. */
  requests: { provider: string; model: string; underWay: number; limit: number }[];
  /** Limits of a minute that the config names: what the last minute took of them. */
  rates: { provider: string; unit: "requests" | "tokens"; used: number; limit: number }[];
  /** Prompt tokens in batches that a provider has not ended; null = no limit is known. */
  enqueued: { provider: string; model: string; tokens: number; limit: number | null }[];
}

export class ProviderUse {
  private readonly parts: {
    endpoint: Pick<Endpoint, "use">;
    attempts: Pick<AttemptStore, "enqueuedTokens">;
    budget: TokenBudget;
    providers: Pick<Providers, "get">;
  };

  constructor(parts: ProviderUse["parts"]) {
    this.parts = parts;
  }

  async read(): Promise<ProviderUseView> {
    const { endpoint, attempts, budget, providers } = this.parts;
    const enqueued = (await attempts.enqueuedTokens()).map(({ provider: name, model, tokens }) => {
      const provider = providers.get(name);
      return { provider: name, model, tokens, limit: provider === null ? null : budget.of(provider, model) };
    });
    return { ...endpoint.use(), enqueued };
  }
}
