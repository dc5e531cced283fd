import { KeySet, confirm } from "../intake/keyset.ts";
import { BatchyardError, invalid, type Fault } from "../model/errors.ts";
import type { BatchRow, RunOptions } from "../model/batch.ts";
import type { Clock } from "../model/clock.ts";
import { newBatchId } from "../model/ids.ts";
import type { ItemText } from "../model/item.ts";
import { priorityRank } from "../model/priority.ts";
import { RUN_OPTION_NAMES, runOptions } from "../model/run-options.ts";
import { ONLINE, OPENAI_BATCH, runsUpstream } from "../model/upstream.ts";
import { didYouMean, faultsOf } from "../model/schema-faults.ts";
import { defaultKind, possibleKinds } from "../operations/kinds.ts";
import type { Operation, PlanRequest, TenantServices } from "../operations/operation.ts";
import type { Provider } from "../providers/provider.ts";
import type { Providers } from "../providers/providers.ts";
import type { Registry } from "../operations/registry.ts";
import type { NewBatch, NewChunk, SealRequest, Store } from "../store/port.ts";
import { CHUNK_CHARS, chunkSize, UPSTREAM_CHARS, UPSTREAM_ITEMS } from "./chunk-size.ts";
import { Cutter } from "./cutter.ts";
import { checkedRequests } from "./checked-requests.ts";
import { chunksAtOnce, failuresAllowed, lanesPerChunk, ownOptions, sharedOptions } from "./options.ts";
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
  /** Notification channels that exist. */
  channels: (tenant: string) => readonly string[];
  /** Those used for `notifyOnComplete: true`. */
  defaultChannels: (tenant: string) => readonly string[];
}

export interface CreatorParts {
  store: Store;
  registry: Registry;
  clock: Clock;
  signals: Signals;
  settings: CreatorSettings;
  tracing: Pick<Tracing, "batch">;
  servicesFor(tenant: string): TenantServices;
  providers: Pick<Providers, "find" | "list">;
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

interface Checked {
  operation: Operation;
  options: unknown;
  run: RunOptions;
  warnings: string[];
  executor: string;
  notify: string[];
}

/** Turns a request into a sealed batch; whatever breaks on the way leaves nothing behind. */
export class Creator {
  private readonly parts: CreatorParts;

  constructor(parts: CreatorParts) {
    this.parts = parts;
  }

  async create(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<BatchRow> {
    const { store, clock, signals } = this.parts;
    const checked = this.check(caller.tenant, request, items !== null);
    await this.checkDependencies(caller.tenant, request.depends_on ?? []);
    const now = clock.now();
    const trace = this.parts.tracing.batch(caller.traceparent ?? null);
    const batch = { ...this.newBatch(caller, request, checked, now), trace };
    const announced = onlyAnnounced(request, items !== null) ? request.total_items! : 0;
    const source = onlyAnnounced(request, items !== null) ? none() : await this.plan(caller.tenant, request, checked, items);
    const row = await this.fill(batch, source, (total) => ({
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
    const checked = this.check(caller.tenant, request, items !== null);
    await this.checkDependencies(caller.tenant, request.depends_on ?? []);
    const source = onlyAnnounced(request, items !== null) ? none() : await this.plan(caller.tenant, request, checked, items);
    const cutter = this.cutter(caller.tenant, checked, this.parts.clock.now());
    const keys = new Keys(this.parts.settings.maxItems);
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

  private upstreamSum({ operation, options, executor }: Checked): UpstreamSum | null {
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
    const checked = this.check(caller.tenant, request, true);
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

  /** Everything that can be known without looking at items: all faults at once. */
  private check(tenant: string, request: CreateRequest, hasItems: boolean): Checked {
    const { registry, settings } = this.parts;
    const operation = registry.get(request.operation);
    const given = request.options ?? {};
    const faults: Fault[] = [];
    const run = runOptions.safeParse(sharedOptions(given));
    if (!run.success) faults.push(...under("options", faultsOf(run.error, runOptions, sharedOptions(given))));
    const own = operation.options.safeParse(ownOptions(given));
    if (!own.success) faults.push(...under("options", faultsOf(own.error, operation.options, ownOptions(given)).map(withRunNames)));
    else
      faults.push(
        ...(operation.check?.(own.data, executorOf(operation, given, own.data)) ?? []).map((fault) => ({
          ...fault,
          path: fault.path.startsWith("options") ? fault.path : `options.${fault.path}`,
        })),
      );
    if (run.success) {
      faults.push(...this.checkRun(operation, own.data, run.data as RunOptions, request, hasItems));
      faults.push(...this.channelFaults(tenant, run.data as RunOptions));
    }
    if (faults.length > 0) throw invalid(faults);

    const shared = { ...(run.data as RunOptions) };
    const executor = onlyAnnounced(request, hasItems) ? "external" : executorOf(operation, shared, own.data);
    const notify =
      shared.notifyOnComplete === true
        ? [...settings.defaultChannels(tenant)]
        : Array.isArray(shared.notifyOnComplete)
          ? shared.notifyOnComplete
          : [];
    return {
      operation,
      options: own.data,
      run: shared,
      warnings: [
        ...(own.success ? (operation.warnings?.(own.data, executor) ?? []) : []),
        ...withoutEffect(request, shared, hasItems, runsUpstream(executor)),
      ],
      executor,
      notify,
    };
  }

  private channelFaults(tenant: string, { notifyOnComplete }: RunOptions): Fault[] {
    const known = this.parts.settings.channels(tenant);
    const named = Array.isArray(notifyOnComplete) ? notifyOnComplete : [];
    return named
      .filter((channel) => !known.includes(channel))
      .map((channel) => ({
        path: "options.notifyOnComplete",
        code: "unknown_channel",
        message: `There is no channel '${channel}'; known: ${known.join(", ")}`,
      }));
  }

  private checkRun(operation: Operation, options: unknown, run: RunOptions, request: CreateRequest, hasItems: boolean): Fault[] {
    const faults: Fault[] = [];
    const kinds = possibleKinds(operation);
    const executor = executorOf(operation, run, options);
    if (run.executor !== undefined && !kinds.some((kind) => kind === run.executor)) {
      faults.push({
        path: "options.executor",
        code: "invalid_value",
        message: `'${run.executor}' cannot run ${operation.name}; possible: ${kinds.join(", ")}`,
      });
    }
    const largest = callsWithChunks(operation, executor) ? lanesPerChunk(run.concurrency) : undefined;
    if (largest !== undefined && run.batchSize !== undefined && run.batchSize > largest) {
      const message = `${operation.name} gets whole chunks, whose items all count as running; with concurrency ${run.concurrency} a batchSize of at most ${largest} fits`;
      faults.push({ path: "options.batchSize", code: "out_of_range", message });
    }
    if (run.rateLimit?.requestsPerMinute !== undefined && run.executor === "external") {
      faults.push({
        path: "options.rateLimit.requestsPerMinute",
        code: "not_supported",
        message: "External workers set their own pace; leave rateLimit out",
      });
    }
    if (runsUpstream(executor) && kinds.includes(OPENAI_BATCH) && !this.parts.providers.list().some(({ batch }) => batch)) {
      const message =
        "No model provider with a batch API is configured; add one to `providers` in batchyard.config with batch: true, or set OPENAI_API_KEY";
      faults.push({ path: "options.executor", code: "provider_not_configured", message });
    }
    if (run.deadline !== undefined && Date.parse(run.deadline) <= this.parts.clock.now()) {
      faults.push({ path: "options.deadline", code: "out_of_range", message: "The deadline has already passed" });
    }
    if (run.hedgeMs !== undefined && (run.deadline === undefined || executor !== OPENAI_BATCH)) {
      const message = "Only batches of the executor openai-batch that have a deadline can be hedged; set both, or leave hedgeMs out";
      faults.push({ path: "options.hedgeMs", code: "not_supported", message });
    }
    if (run.budgetUsd !== undefined && operation.free === true) {
      faults.push({
        path: "options.budgetUsd",
        code: "not_supported",
        message: `${operation.name} has no price, so budgetUsd cannot be kept; leave it out`,
      });
    }
    if (executor === ONLINE && kinds.includes(ONLINE)) faults.push(...this.onlineFaults(operation, options));
    if (run.rateLimit?.tokensPerMinute !== undefined && executor !== ONLINE) {
      faults.push({
        path: "options.rateLimit.tokensPerMinute",
        code: "not_supported",
        message: `${operation.name} counts no tokens; use requestsPerMinute`,
      });
    }
    if (hasItems && request.input !== undefined) {
      faults.push({ path: "input", code: "invalid_value", message: "Give items or input, not both" });
    }
    if (
      request.total_items !== undefined &&
      run.executor !== undefined &&
      run.executor !== "external" &&
      !hasItems &&
      request.input === undefined
    ) {
      faults.push({
        path: "total_items",
        code: "invalid_value",
        message: "Items that are only announced are reported from outside; leave executor out or make it 'external'",
      });
    }
    return faults;
  }

  /** Somebody has to be there who can be asked. */
  private onlineFaults(operation: Operation, options: unknown): Fault[] {
    const online = this.parts.providers.list().filter((provider) => provider.online);
    const name = operation.requests?.asked?.(options)?.provider ?? null;
    if (name === null ? online.length > 0 || operation.requests?.isOwn !== undefined : online.some((provider) => provider.name === name))
      return [];
    const cure = "configure it as one of `providers` in batchyard.config";
    const message =
      name === null
        ? `No model provider is configured; ${cure}, or set OPENAI_API_KEY`
        : `the provider '${name}' is not configured on this server; ${cure}${online.length === 0 ? "" : `, or use ${online.map((each) => `'${each.name}'`).join(", ")}`}`;
    return [{ path: name === null ? "options.executor" : "options.provider", code: "provider_not_configured", message }];
  }

  private async checkDependencies(tenant: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if ((await this.parts.store.batches.get(tenant, id)) === null) throw new BatchyardError("unknown_dependency", { id });
    }
  }

  private newBatch(caller: Caller, request: CreateRequest, checked: Checked, now: number): NewBatch {
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
    checked: Checked,
    items: ItemSource | null,
  ): Promise<AsyncIterable<ItemText[]>> {
    const { operation, options, executor } = checked;
    const plan: PlanRequest<unknown> = { options, items, input: request.input ?? null, filters: request.filters ?? {} };
    const services = this.parts.servicesFor(tenant);
    const source = await (operation.plan === undefined ? this.parts.planRows(plan, services) : operation.plan(plan, services));
    if (!runsUpstream(executor)) return source;
    return checkedRequests(source, { operation, options, providerFor: (model) => this.parts.providers.find("batch", model) });
  }

  private cutter(tenant: string, checked: Checked, now: number): Cutter {
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

  private async fill(batch: NewBatch, source: AsyncIterable<ItemText[]>, sealFor: (total: number) => SealRequest): Promise<BatchRow> {
    const { store, registry } = this.parts;
    const run = runOptions.parse(sharedOptions(batch.options)) as RunOptions;
    const checked: Checked = {
      operation: registry.get(batch.operation),
      options: null,
      run,
      warnings: [],
      executor: batch.executor,
      notify: batch.notify,
    };
    const cutter = this.cutter(batch.tenant, checked, batch.createdAt);
    const keys = new Keys(this.parts.settings.maxItems);
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

/** What a request says and nothing will heed, one sentence each. */
function withoutEffect(request: CreateRequest, run: RunOptions, hasItems: boolean, upstream: boolean): string[] {
  const said: string[] = [];
  if (hasItems && Object.keys(request.filters ?? {}).length > 0)
    said.push("filters choose records of a collection; they have no effect on items that come with the request");
  if (request.total_items !== undefined && !onlyAnnounced(request, hasItems))
    said.push("total_items has no effect where the items themselves are given; they are counted");
  if (request.priority !== undefined && run.priority !== undefined && request.priority !== run.priority) {
    said.push(`priority ${request.priority} of the request wins over options.priority ${run.priority}`);
  }
  if (upstream) {
    for (const name of ["concurrency", "timeout", "rateLimit"] as const)
      if (run[name] !== undefined) said.push(`${name} has no effect on requests that go through a provider's batch API`);
  }
  return said;
}

/** Who runs a batch: as it says, as its operation's options say, or as the operation is run. */
function executorOf(operation: Operation, run: { executor?: unknown }, options: unknown): string {
  return (
    (typeof run.executor === "string" ? run.executor : undefined) ??
    (options === undefined ? undefined : operation.requests?.asked?.(options)?.executor) ??
    defaultKind(operation)
  );
}

/** Items that have no payload here: only their number is known, and outside workers report their results by key. */
function onlyAnnounced(request: CreateRequest, hasItems: boolean): boolean {
  return request.total_items !== undefined && !hasItems && request.input === undefined;
}

async function* none(): AsyncGenerator<ItemText[]> {}

/** Keys seen so far: refuses a repetition, naming both places, and too many items. */
class Keys {
  private readonly set = new KeySet();
  private readonly limit: number;
  private position = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Null from the fast path, so that no promise is made an item. */
  add(key: string, keyAt: (position: number) => string | null): Promise<void> | null {
    const position = this.position++;
    if (position >= this.limit) throw new BatchyardError("too_many_items", { limit: this.limit });
    const candidates = this.set.add(key, position);
    return candidates === null ? null : this.refuse(key, position, candidates, keyAt);
  }

  private async refuse(
    key: string,
    position: number,
    candidates: readonly number[],
    keyAt: (position: number) => string | null,
  ): Promise<void> {
    // A place whose key is no longer in memory counts as equal: two of a million keys share 64 bits of hash once in 37 million batches.
    const first = await confirm(key, candidates, (at) => keyAt(at) ?? key);
    if (first !== null) throw new BatchyardError("duplicate_key", { key, first: first + 1, second: position + 1 });
  }
}

/** Does a call of the handler take a whole chunk? Then all its items are in flight at once. */
function callsWithChunks(operation: Operation, executor: string): boolean {
  return (
    executor !== "external" &&
    executor !== ONLINE &&
    !runsUpstream(executor) &&
    operation.processItem === undefined &&
    operation.thread === undefined
  );
}

function keyIn(chunks: readonly NewChunk[], position: number): string | null {
  const chunk = chunks.find((candidate) => position >= candidate.position && position < candidate.position + candidate.keys.length);
  return chunk?.keys[position - chunk.position] ?? null;
}

function under(path: string, faults: readonly Fault[]): Fault[] {
  return faults.map((fault) => ({ ...fault, path: fault.path === "" ? path : `${path}.${fault.path}` }));
}

/** A mistyped option of every batch is no option of the operation; the hint knows both. */
function withRunNames(fault: Fault): Fault {
  if (fault.code !== "unknown_field" || fault.message.includes("did you mean")) return fault;
  const meant = didYouMean(fault.path, RUN_OPTION_NAMES);
  return meant === null ? fault : { ...fault, message: `${fault.message}; did you mean '${meant}'?` };
}
