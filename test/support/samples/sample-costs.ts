import { serve } from "../../../src/api/server.fixture.ts";
import type { Client } from "../../../src/client/index.ts";
import { toNanoUsd } from "../../../src/model/money.ts";

const DAY = 86_400_000;
/** US dollars a million tokens, in and out; null = nobody knows. */
const MODELS = [
  { model: "gpt-4o", provider: "openai", tier: "batch", price: [2.5, 10] },
  { model: "gpt-4o-mini", provider: "openai", tier: "batch", price: [0.15, 0.6] },
  { model: "gpt-4o", provider: "openai", tier: "online", price: [2.5, 10] },
  { model: "our-own-7b", provider: "vllm", tier: "online", price: null },
] as const;

/** Books `days` of requests in the ledger of a data directory, as executors do; today's are among them. */
export async function sampleCosts(directory: string, days = 45): Promise<void> {
  const served = await serve({ directory });
  const batches: string[] = [];
  for (const name of ["Product texts", "Reviews", "Support mail"])
    batches.push(await served.create({ operation: "echo", name, items: [{ id: "1" }] }));
  for (let ago = days - 1; ago >= 0; ago -= 1) {
    const at = Date.now() - ago * DAY;
    // Less at the week-end; some days nothing.
    const busy = [0, 1].includes(new Date(at).getUTCDay()) ? 1 : 3 + (ago % 4);
    await served.yard.store.ledger.book(
      MODELS.flatMap(({ model, provider, tier, price }, m) =>
        Array.from({ length: ago % 11 === 5 ? 0 : busy }, (_, n) => {
          const tokens = { input: 41_237 * (n + 1) * (m + 1), output: 9_113 * (n + 2) };
          const standard = price === null ? 0 : toNanoUsd((tokens.input * price[0] + tokens.output * price[1]) / 1e6);
          const batchId = batches[(n + m) % batches.length]!;
          return {
            tenant: "default",
            batchId,
            operation: m === 1 ? "annotate" : "analyze",
            attempt: `attempt ${batchId}`,
            customId: `${model} ${tier} ${ago} ${n}`,
            provider,
            model,
            tier,
            tokens: { ...tokens, cachedInput: 0, cacheWrite: 0, audioInput: 0, reasoning: 0, audioOutput: 0 },
            price:
              price === null
                ? null
                : { standard, paid: tier === "batch" ? Math.round(standard / 2) : standard, factor: "0.5", version: "sample" },
            at,
            counted: true,
          };
        }),
      ),
    );
  }
  await served.close();
}

/** Two batches that run for minutes with a budget, one of which is nearly spent. Needs the operations of misbehaving.config.ts. */
export async function sampleBudgets(client: Client): Promise<void> {
  const numbers = Array.from({ length: 400 }, (_, n) => ({ id: `n${n}`, n }));
  const options = { workMs: 300, batchSize: 5, concurrency: 1, itemUsd: 0.0125 };
  const far = await client.create({ operation: "steady", name: "Winter catalogue", options: { ...options, budgetUsd: 4 } }, numbers);
  const near = await client.create(
    { operation: "steady", name: "Trial of a new prompt", options: { ...options, budgetUsd: 0.15 } },
    numbers,
  );
  for await (const { processed } of client.watch(near.id)) if ((processed ?? 0) >= 10) break;
  for await (const { processed } of client.watch(far.id)) if ((processed ?? 0) >= 5) break;
}
