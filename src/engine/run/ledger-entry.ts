import type { LedgerEntry, Tokens } from "../../model/ledger.ts";
import type { Pricing } from "../../money/pricing.ts";
import { tokensOf } from "../../money/usage.ts";
import type { Spend } from "../../executors/port.ts";

const NOTHING: Tokens = { input: 0, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 0, reasoning: 0, audioOutput: 0 };

/** A charged request as it is booked. Without usage there is nothing to price: the books show the request and no money. */
export function ledgerEntry(
  spend: Spend,
  chunk: { tenant: string; batchId: string; operation: string; key: string; now: number },
  counted: boolean,
  pricing: Pricing,
): LedgerEntry {
  const { attempt, customId, provider, model, tier } = spend;
  const at = spend.at ?? chunk.now;
  const tokens = tokensOf(spend.usage);
  return {
    tenant: chunk.tenant,
    batchId: chunk.batchId,
    operation: chunk.operation,
    attempt,
    customId: customId ?? chunk.key,
    provider,
    model,
    tier,
    tokens: tokens ?? NOTHING,
    price: tokens === null ? null : pricing.price({ provider, model, tier, tokens, at }),
    at,
    counted,
  };
}
