import { BatchyardError } from "../model/errors.ts";
import type { BatchRow } from "../model/batch.ts";
import type { Clock } from "../model/clock.ts";
import { newBatchId } from "../model/ids.ts";
import type { ItemText } from "../model/item.ts";
import { priorityRank } from "../model/priority.ts";
import { runsUpstream } from "../model/upstream.ts";
import type { PlanRequest, TenantServices } from "../operations/operation.ts";
import type { Provider } from "../providers/provider.ts";
import type { Providers } from "../providers/providers.ts";
import type { NewBatch, NewChunk, SealRequest, Store } from "../store/port.ts";
import { CHUNK_CHARS, chunkSize, UPSTREAM_CHARS, UPSTREAM_ITEMS } from "./chunk-size.ts";
import { Cutter } from "./cutter.ts";
import { checkedRequests } from "./checked-requests.ts";
import { ItemKeys } from "./item-keys.ts";
import { callsWithChunks, onlyAnnounced, type CheckedRequest, type RequestRules } from "./request-rules.ts";
import { chunksAtOnce, failuresAllowed, lanesPerChunk } from "./options.ts";
import type { Caller, CreateRequest, ItemSource } from "./service.ts";
import { UpstreamSum, type EstimateRequest, type UpstreamEstimate } from "./upstream-estimate.ts";
import type { Signals } from "./signals.ts";
import type { BatchTrace } from "../model/trace.ts";
import type { Tracing } from "../tracing/port.ts";

/** A batch that fits in here is created in one transaction; a larger one is staged chunk by chunk and sealed at the end. */
const SMALL_ITEMS = 2000;
/** Chunks written at once while staging. */
const CHUNKS_A_WRITE = 8;

export interface CreatorSettings {
  defaultSize: number;
  maxItems: number;
  /** Items of a chunk in flight unless the operation says otherwise. */
  lanes: number;
}

export interface CreatorParts {
  store: Store;
  rules: RequestRules;
  clock: Clock;
  signals: Signals;
  settings: CreatorSettings;
  tracing: Pick<Tracing, "batch">;
  servicesFor(tenant: string): TenantServices;
  providers: Pick<Providers, "find">;
  /** Of a request that goes through a provider's batch API. */
  estimate: EstimateRequest;
  /** Items of operations that have no plan of their own. */
  planRows(request: PlanRequest<unknown>, services: TenantServices): Promise<AsyncIterable<ItemText[]>>;
}

/** How the windows of a stream become batches. */
export interface WindowPlan {
  /** The batch but for what the window says: id, stream, key, times. */
  batch: NewBatch;
  /** The ids of one window's batch in its trace. */
  trace(): BatchTrace | null;
  maxFailures(items: number): number | null;
  chunkItems(items: number): number;
  chunkChars: number;
}

/** Turns a request into a sealed batch; whatever breaks on the way leaves nothing behind. */
export class Creator {
  private readonly parts: CreatorParts;

  constructor(parts: CreatorParts) {
    this.parts = parts;
  }

  async create(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<BatchRow> {
    const { store, clock, signals } = this.parts;
    const checked = this.parts.rules.check(caller.tenant, request, items !== null);
    await this.checkDependencies(caller.tenant, request.depends_on ?? []);
    const now = clock.now();
    const trace = this.parts.tracing.batch(caller.traceparent ?? null);
    const batch = { ...this.newBatch(caller, request, checked, now), trace };
    const announced = onlyAnnounced(request, items !== null) ? request.total_items! : 0;
    const source = onlyAnnounced(request, items !== null) ? none() : await this.plan(caller.tenant, request, checked, items);
    const cutter = this.cutter(caller.tenant, checked, now);
    const row = await this.fill(batch, cutter, source, (total) => ({
      tenant: caller.tenant,
      batchId: batch.id,
      now: clock.now(),
      maxFailures: failuresAllowed(checked.run.maxFailures, total + announced),
      announcedItems: announced,
    }));
    signals.wake();
    return (await store.batches.get(caller.tenant, row.id)) ?? row;
  }

  async dryRun(
    caller: Caller,
    request: CreateRequest,
    items: ItemSource | null,
  ): Promise<{ items: number; bytes: number; chunks: number; batchSize: number; upstream?: UpstreamEstimate; warnings: string[] }> {
    const checked = this.parts.rules.check(caller.tenant, request, items !== null);
    await this.checkDependencies(caller.tenant, request.depends_on ?? []);
    const source = onlyAnnounced(request, items !== null) ? none() : await this.plan(caller.tenant, request, checked, items);
    const cutter = this.cutter(caller.tenant, checked, this.parts.clock.now());
    const keys = new ItemKeys(this.parts.settings.maxItems);
    let bytes = 0;
    let chunks = 0;
    let batchSize = 0;
    const upstream = this.upstreamSum(checked);
    const count = async (chunk: NewChunk | null): Promise<void> => {
      if (chunk === null) return;
      await upstream?.add(chunk);
      chunks += 1;
      batchSize = Math.max(batchSize, chunk.keys.length);
    };
    for await (const block of source) {
      for (const item of block) {
        const repeated = keys.add(item.key, () => null);
        if (repeated !== null) await repeated;
        bytes += Buffer.byteLength(item.text);
        const chunk = cutter.add(item);
        if (chunk !== null) await count(chunk);
      }
    }
    await count(cutter.flush());
    const sum = upstream === null ? {} : { upstream: upstream.sum };
    return { items: cutter.position, bytes, chunks, batchSize, ...sum, warnings: checked.warnings };
  }

  private upstreamSum({ operation, options, executor }: CheckedRequest): UpstreamSum | null {
    if (!runsUpstream(executor)) return null;
    const { providers, estimate } = this.parts;
    const rules = {
      providerFor: (model: string) => providers.find("batch", model),
      tokenBudget: (provider: Provider) => provider.limits.enqueuedTokens ?? null,
      promptTokens: (provider: string, body: Record<string, unknown>) => estimate(provider, body).promptTokens,
    };
    return new UpstreamSum({ operation, options, rules, estimate });
  }

  /**
   * What a window of a stream becomes when it closes, checked now so that closing cannot be refused for its options. A handler
   * that takes whole chunks gets a window in one call unless batchSize cuts it. Throws validation_failed, unknown_operation.
   */
  windowPlan(caller: Caller, request: Pick<CreateRequest, "operation" | "options">): WindowPlan {
    const checked = this.parts.rules.check(caller.tenant, request, true);
    const batch = this.newBatch(caller, request, checked, 0);
    const { batchSize, maxFailures, concurrency } = checked.run;
    const upstream = runsUpstream(checked.executor);
    const whole = batchSize === undefined && callsWithChunks(checked.operation, checked.executor);
    const lanes = lanesPerChunk(concurrency) ?? checked.operation.concurrency ?? this.parts.settings.lanes;
    const { settings, signals } = this.parts;
    return {
      batch,
      // Its items come from many requests: it begins a trace of its own, with links to theirs.
      trace: () => this.parts.tracing.batch(null),
      maxFailures: (items) => failuresAllowed(maxFailures, items),
      chunkItems: (items) =>
        upstream
          ? (batchSize ?? UPSTREAM_ITEMS)
          : whole
            ? Infinity
            : chunkSize(
                { batchSize, msPerItem: signals.msPerItem(caller.tenant, request.operation), lanes, firstSize: settings.defaultSize },
                items,
              ),
      chunkChars: upstream ? UPSTREAM_CHARS : whole ? Infinity : CHUNK_CHARS,
    };
  }

  private async checkDependencies(tenant: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if ((await this.parts.store.batches.get(tenant, id)) === null) throw new BatchyardError("unknown_dependency", { id });
    }
  }

  private newBatch(caller: Caller, request: CreateRequest, checked: CheckedRequest, now: number): NewBatch {
    const priority = request.priority ?? checked.run.priority ?? "normal";
    return {
      id: request.id ?? newBatchId(now),
      tenant: caller.tenant,
      operation: request.operation,
      name: request.name ?? null,
      description: request.description ?? null,
      priority: priorityRank(priority),
      filters: request.filters ?? {},
      options: request.options ?? {},
      notify: checked.notify,
      input: request.input ?? null,
      metadata: request.metadata ?? null,
      executor: checked.executor,
      stream: null,
      streamKey: null,
      closeReason: null,
      dependsOn: [...new Set(request.depends_on ?? [])],
      tags: request.tags ?? [],
      warnings: checked.warnings,
      createdAt: now,
      deadlineAt: checked.run.deadline === undefined ? null : Date.parse(checked.run.deadline),
      maxLeasedChunks: runsUpstream(checked.executor) ? null : chunksAtOnce(checked.run.concurrency),
      trace: null,
    };
  }

  private async plan(
    tenant: string,
    request: CreateRequest,
    checked: CheckedRequest,
    items: ItemSource | null,
  ): Promise<AsyncIterable<ItemText[]>> {
    const { operation, options, executor } = checked;
    const plan: PlanRequest<unknown> = { options, items, input: request.input ?? null, filters: request.filters ?? {} };
    const services = this.parts.servicesFor(tenant);
    const source = await (operation.plan === undefined ? this.parts.planRows(plan, services) : operation.plan(plan, services));
    if (!runsUpstream(executor)) return source;
    return checkedRequests(source, { operation, options, providerFor: (model) => this.parts.providers.find("batch", model) });
  }

  private cutter(tenant: string, checked: CheckedRequest, now: number): Cutter {
    const { settings, signals } = this.parts;
    if (runsUpstream(checked.executor)) return new Cutter(() => checked.run.batchSize ?? UPSTREAM_ITEMS, now, UPSTREAM_CHARS);
    const whole = callsWithChunks(checked.operation, checked.executor);
    const options = {
      batchSize: checked.run.batchSize,
      msPerItem: signals.msPerItem(tenant, checked.operation.name),
      // A call with a whole chunk does its items one after another, as far as anybody here knows.
      lanes: whole ? 1 : (lanesPerChunk(checked.run.concurrency) ?? checked.operation.concurrency ?? settings.lanes),
      firstSize: settings.defaultSize,
    };
    const largest = whole ? (lanesPerChunk(checked.run.concurrency) ?? Infinity) : Infinity;
    return new Cutter((position) => Math.min(largest, chunkSize(options, position)), now);
  }

  private async fill(
    batch: NewBatch,
    cutter: Cutter,
    source: AsyncIterable<ItemText[]>,
    sealFor: (total: number) => SealRequest,
  ): Promise<BatchRow> {
    const { store } = this.parts;
    const keys = new ItemKeys(this.parts.settings.maxItems);
    let staged = false;
    let chunks: NewChunk[] = [];
    try {
      for await (const block of source) {
        for (const item of block) {
          const repeated = keys.add(item.key, (position) => keyIn(chunks, position) ?? cutter.keyAt(position));
          if (repeated !== null) await repeated;
          const chunk = cutter.add(item);
          if (chunk !== null) chunks.push(chunk);
        }
        if (!staged && cutter.position > SMALL_ITEMS) {
          await store.batches.stage(batch);
          staged = true;
        }
        if (staged && chunks.length >= CHUNKS_A_WRITE) {
          await store.batches.append(batch.tenant, batch.id, chunks);
          chunks = [];
        }
      }
      const last = cutter.flush();
      if (last !== null) chunks.push(last);
      if (!staged) return await store.batches.create(batch, chunks, sealFor(cutter.position));
      await store.batches.append(batch.tenant, batch.id, chunks);
      return await store.batches.seal(sealFor(cutter.position));
    } catch (error) {
      if (staged) await store.batches.discard({ batchId: batch.id });
      throw error;
    }
  }
}

async function* none(): AsyncGenerator<ItemText[]> {}

function keyIn(chunks: readonly NewChunk[], position: number): string | null {
  const chunk = chunks.find((candidate) => position >= candidate.position && position < candidate.position + candidate.keys.length);
  return chunk?.keys[position - chunk.position] ?? null;
}
