import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpuUsage, memoryUsage, uptime } from "node:process";
import type { Caller } from "../../batches/service.ts";
import type { SocketStatistics } from "../../events/sockets/sockets.ts";
import type { StreamStatistics } from "../../events/sse/sse.ts";
import { dayOf } from "../../model/ledger.ts";
import { toUsd } from "../../model/money.ts";
import { isFinal, type BatchStatus } from "../../model/moves.ts";
import { littlesLaw } from "../../monitor/health/littles-law.ts";
import type { MeasuredMetric, MetricReadings, MetricSample } from "../../monitor/metrics/catalogue.ts";
import type { ApiServices } from "../services.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import { runningFor, wireWorkers } from "./workers.ts";

const MODELS = 1000;

/** Of the process that serves every tenant: for the tenant whose server it is. */
const NOT_TOLD = {
  stream_clients: [],
  stream_clients_dropped_total: [],
  events_total: [],
  event_frames_total: [],
  event_frames_saved_total: [],
  event_frames_written_total: [],
  event_delivery_p99_seconds: [],
  events_pending: [],
  provider_requests: [],
  provider_requests_limit: [],
  provider_rate_use_ratio: [],
  provider_enqueued_tokens: [],
  provider_enqueued_tokens_limit: [],
  store_free_bytes: [],
  store_log_bytes: [],
  store_connections: [],
  store_busy_seconds_total: [],
  store_transactions_total: [],
  store_slow_transactions_total: [],
  disk_free_bytes: [],
  cache_hits_total: [],
  cache_misses_total: [],
  cache_entries: [],
  cache_bytes: [],
  store_size_bytes: [],
  ready: [],
  event_loop_lag_p99_seconds: [],
  resident_memory_bytes: [],
  heap_used_bytes: [],
  cpu_seconds_total: [],
  uptime_seconds: [],
  build_info: [],
};

/** What the two live doors count. */
export interface LiveDoors {
  sse(): StreamStatistics;
  sockets(): SocketStatistics;
}

/** Measures everything that is not counted as it happens. */
export class MetricReader {
  private readonly services: ApiServices;
  private readonly doors: LiveDoors;
  private readonly lag = monitorEventLoopDelay({ resolution: 20 });

  constructor(services: ApiServices, doors: LiveDoors) {
    this.services = services;
    this.doors = doors;
    this.lag.enable();
  }

  close(): void {
    this.lag.disable();
  }

  async read(caller: Caller): Promise<MetricReadings> {
    const readings: Record<MeasuredMetric, MetricSample[]> = {
      ...this.windows(caller),
      ...(await this.queues(caller)),
      ...(await this.workers(caller)),
      ...(await this.money(caller)),
      ...(await this.flow(caller)),
      ...(caller.tenant === DEFAULT_TENANT
        ? { ...this.events(), ...(await this.self()), ...(await this.store()), ...this.caches(), ...(await this.providers()) }
        : NOT_TOLD),
    };
    return readings;
  }

  private windows(caller: Caller) {
    const { streams, clock } = this.services;
    const now = clock.now();
    const views = streams.list(caller);
    const oldest = views.flatMap(({ name, definition, openWindows }) => {
      if (openWindows === 0) return [];
      const opened = streams.windows(caller, name).reduce((first, { openedAt }) => Math.min(first, openedAt), now);
      return [{ stream: name, age: (now - opened) / 1000, limit: definition.windowSeconds }];
    });
    const took = views.filter(({ intake }) => intake.offers > 0);
    return {
      stream_items_rejected_total: took.flatMap(({ name, intake }) =>
        [...intake.rejected].map(([reason, items]) => sample(items, { stream: name, reason })),
      ),
      stream_offers_total: took.map(({ name, intake }) => sample(intake.offers, { stream: name })),
      stream_offer_seconds_total: took.map(({ name, intake }) => sample(intake.offerMs / 1000, { stream: name })),
      windows_open: views.map(({ name, openWindows }) => sample(openWindows, { stream: name })),
      windows_open_items: views.map(({ name, openItems }) => sample(openItems, { stream: name })),
      window_oldest_age_seconds: oldest.map(({ stream, age }) => sample(age, { stream })),
      window_oldest_age_ratio: oldest.flatMap(({ stream, age, limit }) => (limit === undefined ? [] : [sample(age / limit, { stream })])),
    };
  }

  private async queues(caller: Caller) {
    const { pipeline, pressure, dead, engine, counts } = this.services;
    const { tenant } = caller;
    const rows = await pipeline.queues(tenant);
    const { waiting, maxSize } = await pressure.of(tenant);
    const { byOperation } = await counts(tenant);
    return {
      batches: Object.entries(byOperation).flatMap(([operation, states]) =>
        (Object.entries(states) as [BatchStatus, number][])
          .filter(([status]) => !isFinal(status))
          .map(([status, batches]) => sample(batches, { operation, status })),
      ),
      queue_depth: rows.map(({ operation, pending }) => sample(pending, { operation })),
      queue_oldest_wait_seconds: rows.map(({ operation, waitMs }) => sample((waitMs ?? 0) / 1000, { operation })),
      queue_waiting: [sample(waiting)],
      queue_limit: [sample(maxSize)],
      runs_rate_limited: limitedRuns(engine.runs().filter((run) => run.tenant === tenant)),
      breaker_open: engine.breakers.list().map(({ name, state }) => sample(state === "closed" ? 0 : 1, { operation: name })),
      dead_items: (await dead.stats(caller)).map(({ name, kind, count }) => sample(count, { queue: name, kind })),
    };
  }

  private async workers({ tenant }: Caller) {
    const { engine, clock } = this.services;
    const now = clock.now();
    const workers = await wireWorkers(this.services, tenant);
    const byState = Map.groupBy(workers, ({ kind, state }) => `${kind} ${state}`);
    const ages = workers.flatMap(({ kind, last_seen }) =>
      kind === "external" && last_seen !== null ? [(now - Date.parse(last_seen)) / 1000] : [],
    );
    return {
      worker_slots: [sample(engine.slots)],
      worker_slots_busy: [sample(runningFor(engine, tenant))],
      worker_chunks_total: tenant === DEFAULT_TENANT ? [sample(engine.ended)] : [],
      worker_busy_seconds_total: tenant === DEFAULT_TENANT ? [sample(engine.usedMs / 1000)] : [],
      workers: [...byState.values()].map((same) => sample(same.length, { kind: same[0]!.kind, state: same[0]!.state })),
      worker_heartbeat_age_seconds: ages.length === 0 ? [] : [sample(Math.max(...ages))],
    };
  }

  private events() {
    const sse = this.doors.sse();
    const sockets = this.doors.sockets();
    const both = (ofSse: number, ofSockets: number): MetricSample[] => [
      sample(ofSse, { door: "sse" }),
      sample(ofSockets, { door: "socket.io" }),
    ];
    const delays = { sse: sse.delivery_ms.p99, "socket.io": sockets.delivery_ms.p99 };
    return {
      stream_clients: both(sse.connections.open, sockets.open),
      stream_clients_dropped_total: both(sse.connections.dropped, sockets.dropped),
      events_total: both(sse.events, sockets.events),
      event_frames_total: both(sse.frames, sockets.packets),
      event_frames_saved_total: both(sse.events_saved, sockets.packets_saved),
      event_frames_written_total: both(sse.frames_written, sockets.packets_written),
      event_delivery_p99_seconds: Object.entries(delays).flatMap(([door, ms]) => (ms === null ? [] : [sample(ms / 1000, { door })])),
      events_pending: [sample(sse.pending_events)],
    };
  }

  private async money({ tenant }: Caller) {
    const { ledger, clock } = this.services;
    const groups = await ledger.sums({ tenant, fromDay: 0, toDay: dayOf(clock.now()) + 1, groupBy: "model", limit: MODELS });
    return {
      model_requests_total: groups.map(({ key, sums }) => sample(sums.requests, { model: key })),
      model_tokens_total: groups.flatMap(({ key, sums }) => [
        sample(sums.tokens.input, { model: key, direction: "input" }),
        sample(sums.tokens.output, { model: key, direction: "output" }),
      ]),
      model_standard_usd_total: groups.map(({ key, sums }) => sample(toUsd(sums.standard), { model: key })),
      model_paid_usd_total: groups.map(({ key, sums }) => sample(toUsd(sums.paid), { model: key })),
    };
  }

  private async flow({ tenant }: Caller) {
    const { monitor, counts, clock } = this.services;
    const { error } = await littlesLaw(monitor, await counts(tenant), tenant, clock.now());
    return { littles_law_error_ratio: error === null ? [] : [sample(error)] };
  }

  private async store() {
    const { store, process } = this.services;
    const { freeBytes, logBytes } = await store.space();
    const { connections, busyMs, transactions, slowTransactions } = store.resources();
    const { diskFreeBytes } = await process.read();
    return {
      store_free_bytes: [sample(freeBytes)],
      store_log_bytes: [sample(logBytes)],
      store_connections: [sample(connections)],
      store_busy_seconds_total: [sample(busyMs / 1000)],
      store_transactions_total: [sample(transactions)],
      store_slow_transactions_total: [sample(slowTransactions)],
      disk_free_bytes: diskFreeBytes === null ? [] : [sample(diskFreeBytes)],
    };
  }

  private caches() {
    const caches = this.services.caches();
    return {
      cache_hits_total: caches.map(({ name, hits }) => sample(hits, { cache: name })),
      cache_misses_total: caches.map(({ name, misses }) => sample(misses, { cache: name })),
      cache_entries: caches.map(({ name, entries }) => sample(entries, { cache: name })),
      cache_bytes: caches.flatMap(({ name, bytes }) => (bytes === null ? [] : [sample(bytes, { cache: name })])),
    };
  }

  private async providers() {
    const { requests, rates, enqueued } = await this.services.providerUse.read();
    return {
      provider_requests: requests.map(({ provider, model, underWay }) => sample(underWay, { provider, model })),
      provider_requests_limit: requests.map(({ provider, model, limit }) => sample(limit, { provider, model })),
      provider_rate_use_ratio: rates.map(({ provider, unit, used, limit }) => sample(used / limit, { provider, unit })),
      provider_enqueued_tokens: enqueued.map(({ provider, model, tokens }) => sample(tokens, { provider, model })),
      provider_enqueued_tokens_limit: enqueued.flatMap(({ provider, model, limit }) =>
        limit === null ? [] : [sample(limit, { provider, model })],
      ),
    };
  }

  private async self() {
    const { health, storeSize, version } = this.services;
    const { checks } = await health();
    const { rss, heapUsed } = memoryUsage();
    const { user, system } = cpuUsage();
    const lag = this.lag.percentile(99) / 1e9;
    this.lag.reset();
    return {
      store_size_bytes: [sample(await storeSize())],
      ready: Object.entries(checks).map(([part, { ok }]) => sample(ok ? 1 : 0, { part })),
      event_loop_lag_p99_seconds: [sample(lag)],
      resident_memory_bytes: [sample(rss)],
      heap_used_bytes: [sample(heapUsed)],
      cpu_seconds_total: [sample((user + system) / 1e6)],
      uptime_seconds: [sample(uptime())],
      build_info: [sample(1, { version })],
    };
  }
}

function limitedRuns(runs: readonly { operation: string; limited: boolean }[]): MetricSample[] {
  return [...Map.groupBy(runs, ({ operation }) => operation)].map(([operation, own]) =>
    sample(own.filter(({ limited }) => limited).length, { operation }),
  );
}

function sample(value: number, labels: Record<string, string> = {}): MetricSample {
  return { labels, value };
}
