import type { EstimateRequest } from "./batches/create/upstream-estimate.ts";
import { ledgerEntry } from "./engine/run/ledger-entry.ts";
import type { Circuit } from "./executors/openai/circuit.ts";
import { Endpoint } from "./executors/openai/endpoint.ts";
import { OnlineExecutor } from "./executors/openai/executor.ts";
import type { BatchApiSettings, Desk } from "./executors/openai-batch/desk.ts";
import { OpenAiBatchExecutor } from "./executors/openai-batch/executor.ts";
import { AttemptFiles } from "./executors/openai-batch/files.ts";
import { Keeper } from "./executors/openai-batch/keeper.ts";
import { TokenBudget } from "./executors/openai-batch/token-budget.ts";
import type { Executor } from "./executors/port.ts";
import type { Clock } from "./model/clock.ts";
import { Estimator } from "./money/estimate.ts";
import { Pricing } from "./money/pricing.ts";
import type { Providers } from "./providers/providers.ts";
import type { Store } from "./store/port.ts";

interface UpstreamParts {
  store: Pick<Store, "attempts" | "batches" | "chunks" | "events" | "ledger">;
  providers: Providers;
  clock: Clock;
  /** 0 ≤ x < 1; jitter. */
  random: () => number;
  /** Where files wait for their upload and results for their booking. */
  directory: string;
  /** Who leases attempts here: the same after a restart of this place. */
  owner: string;
  settings(): BatchApiSettings;
  /** Chunks can go on. */
  wake(): void;
  circuit(): Circuit;
  /** Runs what a provider need not be asked for. */
  here: Executor["run"];
  failed(error: unknown): void;
  crashPoint: Desk["crashPoint"];
}

/** What goes to providers: item by item or as their batches, at which price. */
export interface Upstream {
  readonly pricing: Pricing;
  /** Of a request at the price of a batch. */
  readonly estimate: EstimateRequest;
  /** Tokens that are enqueued at providers. */
  readonly budget: TokenBudget;
  readonly keeper: Keeper;
  readonly endpoint: Endpoint;
  readonly online: OnlineExecutor;
  readonly batch: OpenAiBatchExecutor;
}

export async function createUpstream(parts: UpstreamParts): Promise<Upstream> {
  const { store, providers, clock } = parts;
  const pricing = new Pricing(providers.prices());
  const estimators = new Map(providers.names.map((provider) => [provider, new Estimator({ provider, tier: "batch", pricing })]));
  const estimate: EstimateRequest = (provider, body) => {
    const { promptTokens, price } = estimators.get(provider)!.estimate(body, clock.now());
    return { promptTokens, paid: price?.paid ?? null };
  };
  const desk: Desk = {
    attempts: store.attempts,
    chunks: {
      async wake(chunkId, now) {
        const woken = await store.chunks.wake(chunkId, now);
        if (woken) parts.wake();
        return woken;
      },
    },
    events: store.events,
    providers,
    files: new AttemptFiles(parts.directory),
    budget: new TokenBudget(),
    clock,
    random: parts.random,
    owner: parts.owner,
    instance: await store.events.epoch(),
    settings: parts.settings,
    estimate,
    book: async (attempt, spends) => {
      const { tenant, batchId, operation } = attempt;
      const now = clock.now();
      await store.ledger.book(
        spends.map((spend) => ledgerEntry(spend, { tenant, batchId, operation, key: spend.customId, now }, false, pricing)),
      );
    },
    traceparent: async (tenant, batchId) => (await store.batches.get(tenant, batchId))?.trace?.context ?? null,
    failed: parts.failed,
    crashPoint: parts.crashPoint,
  };
  const keeper = new Keeper(desk);
  const endpoint = new Endpoint({ providers, clock, circuit: parts.circuit });
  const online = new OnlineExecutor({
    endpoint,
    clock,
    estimate: (provider, body) => new Estimator({ provider, tier: "online", pricing }).estimate(body, clock.now()).price?.paid ?? null,
    here: { kind: "handler", run: parts.here },
  });
  return { pricing, estimate, budget: desk.budget, keeper, endpoint, online, batch: new OpenAiBatchExecutor(desk, keeper, online) };
}
