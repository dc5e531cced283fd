import { BatchyardError } from "../../model/errors.ts";
import type { BatchRow } from "../../model/batch.ts";
import type { Clock } from "../../model/clock.ts";
import { newBatchId } from "../../model/ids.ts";
import { LINE_JOINT, type ItemText } from "../../model/item.ts";
import { priorityRank } from "../../model/priority.ts";
import { runsUpstream } from "../../model/upstream.ts";
import type { PlanRequest, TenantServices } from "../../operations/operation.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Providers } from "../../providers/providers.ts";
import type { NewBatch, NewChunk, Store } from "../../store/port.ts";
import { CHUNK_CHARS, chunkSize, UPSTREAM_CHARS, UPSTREAM_ITEMS } from "./chunk-size.ts";
import { cut } from "./cut.ts";
import { Cutter } from "./cutter.ts";
import { fill } from "./fill.ts";
import { checkedBlocks, replayChunks } from "./replay-chunks.ts";
import { editsOf, keepsCut, replayedItems, replayRequest } from "./replay.ts";
import { checkedRequests } from "./checked-requests.ts";
import { callsWithChunks, onlyAnnounced, type CheckedRequest, type RequestRules } from "./request-rules.ts";
import { chunksAtOnce, failuresAllowed, lanesPerChunk } from "../options.ts";
import type { Caller, CreateRequest, DryRun, ItemSource, ReplayRequest } from "../service.ts";
import { UpstreamSum, type EstimateRequest } from "./upstream-estimate.ts";
import type { Signals } from "../signals.ts";
import type { BatchTrace } from "../../model/trace.ts";
import type { Tracing } from "../../tracing/port.ts";

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
    const chunks = cut(source, this.cutter(caller.tenant, checked, now), this.parts.settings.maxItems);
    const row = await fill(store.batches, batch, chunks, (total) => ({
      tenant: caller.tenant,
      batchId: batch.id,
      now: clock.now(),
      maxFailures: failuresAllowed(checked.run.maxFailures, total + announced),
      announcedItems: announced,
    }));
    signals.wake();
    return (await store.batches.get(caller.tenant, row.id)) ?? row;
  }

  async dryRun(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<DryRun> {
    const checked = this.parts.rules.check(caller.tenant, request, items !== null);
    await this.checkDependencies(caller.tenant, request.depends_on ?? []);
    const source = onlyAnnounced(request, items !== null) ? none() : await this.plan(caller.tenant, request, checked, items);
    const cutter = this.cutter(caller.tenant, checked, this.parts.clock.now());
    return this.sum(checked, cut(source, cutter, this.parts.settings.maxItems));
  }

  /** A batch of items that are stored already, with the lineage to the one they are of. */
  async replay(caller: Caller, original: BatchRow, asked: ReplayRequest): Promise<BatchRow> {
    const { store, clock, signals } = this.parts;
    const now = clock.now();
    const { checked, request, chunks } = this.replayed(caller.tenant, original, asked, now);
    const batch = {
      ...this.newBatch(caller, request, checked, now),
      replayOf: original.id,
      trace: this.parts.tracing.batch(caller.traceparent ?? null),
    };
    const row = await fill(store.batches, batch, chunks, (total) => ({
      tenant: caller.tenant,
      batchId: batch.id,
      now: clock.now(),
      maxFailures: failuresAllowed(checked.run.maxFailures, total),
      announcedItems: 0,
    }));
    signals.wake();
    return (await store.batches.get(caller.tenant, row.id)) ?? row;
  }

  replayDryRun(caller: Caller, original: BatchRow, asked: ReplayRequest): Promise<DryRun> {
    const { checked, chunks } = this.replayed(caller.tenant, original, asked, this.parts.clock.now());
    return this.sum(checked, chunks);
  }

  private replayed(
    tenant: string,
    original: BatchRow,
    asked: ReplayRequest,
    now: number,
  ): { checked: CheckedRequest; request: CreateRequest; chunks: AsyncIterable<NewChunk> } {
    const { request, warnings } = replayRequest(original, asked);
    const found = this.parts.rules.check(tenant, request, true);
    const checked = { ...found, warnings: [...warnings, ...found.warnings] };
    const items = replayedItems(this.parts.store, original, asked.items, editsOf(asked));
    const { operation, options, executor, run } = checked;
    const requests = { operation, options, providerFor: (model: string) => this.parts.providers.find("batch", model) };
    const blocks = runsUpstream(executor) ? checkedBlocks(items, requests) : items;
    // A window goes to its handler in one call; so does what is replayed of it.
    const whole = original.stream !== null && run.batchSize === undefined && callsWithChunks(operation, executor);
    const cutter = whole ? new Cutter(() => Infinity, now, Infinity) : this.cutter(tenant, checked, now);
    return { checked, request, chunks: replayChunks(blocks, { cutter, keepsCut: keepsCut(original, asked, executor), availableAt: now }) };
  }

  /** What chunks come to. */
  private async sum(checked: CheckedRequest, chunks: AsyncIterable<NewChunk>): Promise<DryRun> {
    const upstream = this.upstreamSum(checked);
    const found = { items: 0, bytes: 0, chunks: 0, batchSize: 0 };
    for await (const chunk of chunks) {
      await upstream?.add(chunk);
      const count = chunk.keys.length;
      found.items += count;
      found.bytes += Buffer.byteLength(chunk.body) - (count - 1) * LINE_JOINT.length;
      found.chunks += 1;
      found.batchSize = Math.max(found.batchSize, count);
    }
    return { ...found, ...(upstream === null ? {} : { upstream: upstream.sum }), warnings: checked.warnings };
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
      replayOf: null,
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
}

async function* none(): AsyncGenerator<ItemText[]> {}
