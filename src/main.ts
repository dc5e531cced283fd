import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import pino, { type Logger } from "pino";
import { DEFAULT_TENANT } from "./model/tenant.ts";
import { Backpressure } from "./batches/backpressure.ts";
import { Bulk } from "./batches/bulk.ts";
import { Creator } from "./batches/create/create.ts";
import { RequestRules } from "./batches/create/request-rules.ts";
import type { Signals } from "./batches/signals.ts";
import { YardBatches } from "./batches/yard-batches.ts";
import type { Config } from "./config.ts";
import { MemoryDispatcher } from "./engine/dispatcher/memory.ts";
import { Engine } from "./engine/engine.ts";
import { EventBatcher } from "./events/frames/batcher.ts";
import { LogTail } from "./events/log.ts";
import { ChunkHandlerExecutor } from "./executors/handler/chunk-handler.ts";
import { InlineExecutor } from "./executors/handler/inline.ts";
import type { HandlerVoice } from "./executors/handler/voice.ts";
import { ThreadExecutor } from "./executors/handler/threads.ts";
import { HttpExecutor } from "./executors/http/push.ts";
import { ProviderUse } from "./executors/provider-use.ts";
import { executorFor, type Executors } from "./executors/registry.ts";
import { createFiles } from "./files/disk-files.ts";
import { createLog } from "./log.ts";
import { systemClock } from "./model/clock.ts";
import { Collector } from "./requests/collector.ts";
import { windowSubject } from "./requests/window-key.ts";
import { announceAnchoring } from "./monitor/audit-watch.ts";
import type { LiveFacts } from "./monitor/alerts/readings.ts";
import { Retention } from "./monitor/retention.ts";
import { ProcessFigures } from "./monitor/process-figures.ts";
import { RetentionLadder } from "./monitor/retention-ladder.ts";
import { createNotices } from "./notices.ts";
import { handlerModels } from "./openai/handler-models.ts";
import { Models } from "./openai/models.ts";
import { openAiOperation } from "./openai/operation.ts";
import { OpenAiRunner } from "./openai/runner.ts";
import { OpenAiService } from "./openai/service.ts";
import { upstreamModels } from "./openai/upstream-models.ts";
import { parseWebhooks } from "./openai/webhooks.ts";
import { builtinOperations } from "./operations/builtin/builtin.ts";
import type { TenantServices } from "./operations/operation.ts";
import { createRegistry, type Registry } from "./operations/registry.ts";
import { planRows } from "./operations/rows.ts";
import { tenantServices } from "./operations/services.ts";
import { Providers } from "./providers/providers.ts";
import { Settings } from "./settings/settings.ts";
import { BatchSpans } from "./tracing/batch-spans.ts";
import type { Tracing } from "./tracing/port.ts";
import { untraced } from "./tracing/untraced.ts";
import { wantedTracing } from "./tracing/wanted.ts";
import type { Store, UpkeepStore } from "./store/port.ts";
import { DeadQueues } from "./streams/dead-queues.ts";
import { YardStreams } from "./streams/yard-streams.ts";
import type { Streams } from "./streams/service.ts";
import { createUpstream } from "./upstream.ts";
import { version } from "./version.ts";
import type { Yard, YardParts } from "./yard.ts";
import { migrateSqliteStore, openSqliteStore, openSqliteUpkeep } from "./store/sqlite/store.ts";

/** Items of a chunk in flight unless the operation or the batch says otherwise. */
const LANES = 16;
/** Chunks that may start beyond the slots, see WorkerSettings.expressSlots. */
const EXPRESS_SLOTS = 2;
const RETRY_BACKOFF_MS = 1000;
/** Worker and owner ids of this data directory begin with it, whichever process: a restart takes back what its earlier processes held. */
const PLACE = "local:embedded";
/** Of the shutdown time, what handlers get before they are aborted. */
const GRACE_SHARE = 2 / 3;

/** Opens the store and puts everything together. What fails on the way gives the data directory free again. */
export async function createYard(parts: YardParts): Promise<Yard> {
  const { config } = parts;
  mkdirSync(config.data, { recursive: true });
  const store = openSqliteStore({ directory: config.data, synchronous: config.sqlite.synchronous });
  try {
    return await assemble(parts, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The one place that names adapters. */
async function assemble(parts: YardParts, store: Store): Promise<Yard> {
  const { config } = parts;
  const clock = parts.clock ?? systemClock;
  const log = createLog(config.logLevel, config.secrets, pino.destination({ dest: 2, sync: true }));
  const tracing = await tracingFor(config, log);
  const registry: Registry = createRegistry(
    [...builtinOperations, openAiOperation(() => models), ...(parts.operations ?? [])].map(
      (operation) => parts.wrap?.(operation) ?? operation,
    ),
  );
  const providers = new Providers({
    declared: parts.providers,
    openai: config.openai,
    variable: (name) => config.variable(name),
    fetch: parts.fetch,
  });
  const disk = createFiles({ files: store.files, directory: config.data, clock });
  const failed = (error: unknown): void => log.error(error);
  const settings = new Settings({ config, failed });

  const webhooks = parseWebhooks(parts.webhooks);
  const notices = await createNotices({
    config,
    store,
    settings,
    clock,
    log,
    declared: parts.channels,
    resolve: parts.resolve,
    webhooks,
    live: (tenant) => liveFacts(tenant, { engine, streams, pressure }),
    slots: () => engine.slots,
    failed,
  });
  const { channels, alerts } = notices;

  const servicesFor = (tenant: string): TenantServices =>
    tenantServices(tenant, {
      records: store.records,
      files: (owner) => disk.forTenant(owner),
      removeBatches: (owner, before) => batches.removeBefore(owner, before, "a batch of the operation cleanup"),
      clock,
    });
  const voice: HandlerVoice = {
    logOf: ({ operation, batchId, attempt }, item) => log.child({ operation: operation.name, batch: batchId, item, attempt }),
    progress: ({ batchId, tenant }, key, share) => engine.itemProgress(batchId, tenant, key, share),
  };
  // A thread keeps a core busy, and each holds its own copy of what its handler loads: more of them than cores are memory for nothing.
  const threads = new ThreadExecutor(clock, Math.max(1, Math.min(config.workers, availableParallelism())), voice);
  const random = parts.random ?? Math.random;
  const upstream = await createUpstream({
    store,
    providers,
    clock,
    random,
    directory: join(config.data, "upstream"),
    owner: PLACE,
    settings: () => settings.current().processing,
    circuit: () => engine.breakers,
    wake: () => engine.wake(),
    here: (work, control) => executorFor(executors, work.operation, "handler").run(work, control),
    failed,
    crashPoint: (name) => parts.crashPoint?.(name),
  });
  const { keeper, endpoint, pricing } = upstream;
  const executors: Executors = {
    inline: new InlineExecutor(clock, servicesFor, voice),
    chunk: new ChunkHandlerExecutor(clock, servicesFor, voice),
    thread: threads,
    http: new HttpExecutor(),
    openai: upstream.online,
    openaiBatch: upstream.batch,
  };
  const models = new Models([handlerModels({ registry, own: parts.operations ?? [], executors, clock }), upstreamModels(providers)]);
  const engine = new Engine({
    settings: {
      id: `${PLACE}:${process.pid}`,
      slots: config.workers,
      expressSlots: EXPRESS_SLOTS,
      leaseMs: config.leaseMs,
      lanes: LANES,
      get retryAttempts() {
        return settings.current().batch.maxRetries;
      },
      retryBackoffMs: RETRY_BACKOFF_MS,
      get timeoutMs() {
        return settings.current().batch.timeoutMs;
      },
    },
    home: DEFAULT_TENANT,
    store,
    dispatcher: new MemoryDispatcher(config.priorityWeights),
    tenantWeights: new Map(config.tenantWeights),
    executors,
    registry,
    pricing,
    tracing,
    collecting: (tenant, batchId) => keeper.collecting(tenant, batchId),
    clock,
    random,
    failed,
  });
  const signals: Signals = {
    wake: () => engine.wake(),
    batchChanged: (batch) => {
      engine.batchChanged(batch);
      keeper.changed(batch.id).catch(failed);
    },
    settled: (batch, lines) => engine.settled(batch, lines),
    knows: (operation) => registry.has(operation),
    breakerOpen: (operation) => engine.breakers.isOpen(operation),
    slots: () => engine.slots,
    draining: () => engine.draining,
    msPerItem: (tenant, operation) => engine.speeds.of(tenant, operation),
  };
  const creator = new Creator({
    rules: new RequestRules({
      registry,
      clock,
      providers,
      channels: (tenant) => channels.names(tenant),
      defaultChannels: (tenant) => channels.standing(tenant),
    }),
    store,
    clock,
    signals,
    servicesFor,
    providers,
    estimate: upstream.estimate,
    planRows,
    tracing,
    settings: {
      get defaultSize() {
        return settings.current().batch.defaultSize;
      },
      maxItems: config.limits.maxItems,
      lanes: LANES,
    },
  });
  const pressure = new Backpressure({ batches: store.batches, limits: () => settings.current().queue });
  const batches = new YardBatches({ store, creator, signals, clock, pressure });
  const bulk = new Bulk({ store, signals, clock, failed });
  const streams = new YardStreams({
    store,
    creator,
    pressure,
    clock,
    settings: () => settings.current().windows,
    previewRequired: () => config.previewRequired,
    collecting: () => settings.current().processing,
    answeredBy(tenant, windowKey) {
      const executor = models.find(tenant, windowSubject(windowKey).model)?.askedBy[0];
      return executor === undefined ? {} : { executor };
    },
    traced: tracing.on,
    slots: () => engine.slots,
    wake: () => engine.wake(),
    failed,
  });
  settings.onChange(() => streams.rulesChanged());
  const dead = new DeadQueues({ store, streams, batches, knows: (operation) => registry.has(operation), clock });
  settings.onChange(() => void keeper.changed(null).catch(failed));
  const events = new LogTail(store.events, clock, failed);
  const runner = new OpenAiRunner({
    store,
    batches,
    files: (tenant) => disk.forTenant(tenant),
    events,
    models,
    clock,
    flush: (id) => engine.flush(id),
    collecting: (tenant, batchId) => keeper.collecting(tenant, batchId),
    webhooks,
    failed,
  });
  const collector = new Collector({
    store,
    streams,
    events,
    settled: engine,
    clock,
    settings: () => settings.current().processing,
    traced: tracing.on,
    supports: (tenant, model, url) => models.find(tenant, model)?.endpoints.includes(url) === true,
    refusesWebhook: (url) => notices.refusesWebhook(url),
    failed,
  });
  const retention = new Retention({
    store,
    clock,
    failed,
    sweepFiles: (now) => disk.sweep(now),
    settlePredictions: () => streams.settlePredictions(),
    days: () => settings.current().batch,
    monitoringDays: () => settings.current().monitoring.retentionDays,
    home: DEFAULT_TENANT,
  });
  const processFigures = new ProcessFigures(config.data);
  const batchSpans = new BatchSpans({ tracing, store, events, failed });
  if (tracing.on) batchSpans.start();
  await events.start();
  // This process is the only writer of its directory: what is not sealed belongs to an upload that died with its process.
  await store.batches.discard({ olderThan: clock.now() + 1 });

  return {
    config,
    settings,
    batches,
    bulk,
    streams,
    openai: new OpenAiService({ store, runner, models, clock }),
    collector,
    dead,
    alerts,
    pressure,
    registry,
    providers,
    store,
    engine,
    keeper,
    endpoint,
    log,
    events,
    clock,
    tracing,
    resources: {
      process: processFigures,
      store: { kind: store.kind, space: () => store.upkeep.space(), resources: () => store.resources() },
      caches: () => [...store.resources().caches, pricing.cache()],
      providerUse: new ProviderUse({ endpoint, attempts: store.attempts, budget: upstream.budget, providers }),
    },
    ladder: new RetentionLadder({ store, retention, clock, days: () => settings.current().batch }),
    files: (tenant) => disk.forTenant(tenant),
    isAtDisk: () => retention.working || runner.working > 0,
    eventBatcher: (options) => new EventBatcher({ ...options, clock, constants: () => settings.current().sse }),
    async start() {
      await announceAnchoring(store, clock, DEFAULT_TENANT);
      await engine.start();
      await keeper.start();
      await streams.start(parts.streams ?? null);
      await runner.start();
      await collector.start();
      await bulk.start();
      notices.start(parts.alerts !== false);
      retention.start();
    },
    async stop() {
      await bulk.stop();
      await streams.stop();
      await runner.stop();
      await collector.stop();
      await Promise.all([engine.stop(config.shutdownMs * GRACE_SHARE), keeper.stop(config.shutdownMs * GRACE_SHARE)]);
      await retention.stop();
      await notices.stop();
      await events.stop();
      await batchSpans.stop();
      await tracing.close();
      processFigures.close();
      await threads.close();
      await store.close();
    },
  };
}

/** As OTEL_* ask for it; the SDK is loaded when they do. */
async function tracingFor(config: Config, log: Logger): Promise<Tracing> {
  const { exporter, refused } = wantedTracing(config.otel);
  if (refused !== null) log.warn(refused);
  if (exporter === null) return untraced;
  const { openTracing } = await import("./tracing/otlp/open.ts");
  return openTracing({ exporter, otel: config.otel, log, version: version() });
}

/** What rules are about and no table says. */
async function liveFacts(
  tenant: string,
  { engine, streams, pressure }: { engine: Engine; streams: Streams; pressure: Backpressure },
): Promise<LiveFacts> {
  const outside = await engine.external.roster.list(tenant);
  const oldestWindows = streams.oldestWindows(tenant);
  return {
    served: (engine.slots > 0 && !engine.draining && engine.alive) || outside.some(({ state }) => state === "live"),
    lostWorkers: outside.filter(({ state }) => state === "lost").length,
    pressure: await pressure.of(tenant),
    oldestWindows,
  };
}

/** Checks, rebuilds and backups of a data directory, also beside a running server. */
export async function openUpkeep(config: Config): Promise<{ upkeep: UpkeepStore; close(): Promise<void> }> {
  return openSqliteUpkeep({ directory: config.data, synchronous: config.sqlite.synchronous });
}

export async function migrateStore(config: Config): Promise<{ from: number; to: number }> {
  return migrateSqliteStore({ directory: config.data, synchronous: config.sqlite.synchronous });
}
