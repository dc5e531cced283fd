import { iso } from "../../model/clock.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import * as contract from "../contract/resources.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { round } from "../wire/batch.ts";
import { wireWorkers } from "../wire/workers.ts";

/** What the server takes of its machine, and what of its own parts is in use. */
export function resourceRoutes(services: ApiServices): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/system/resources",
      summary: "Store, workers, caches, process and provider limits: what is there and what is in use",
      tag: "Monitoring",
      need: "viewer",
      answers: { 200: contract.resourcesAnswer },
      async handle({ caller }) {
        const whole = caller.tenant === DEFAULT_TENANT ? await wholeServer(services) : NOT_TOLD;
        return ok({
          success: true,
          timestamp: iso(services.clock.now()),
          ...whole,
          redis: null,
          workers: await wireWorkers(services, caller.tenant),
        });
      },
    }),
  ];
}

const NOT_TOLD = { store: null, caches: null, process: null, providers: null };

async function wholeServer({ store, caches, process, providerUse }: ApiServices) {
  const { bytes, freeBytes, logBytes } = await store.space();
  const { connections, waiting, busyMs, transactions, slowTransactions, statements } = store.resources();
  const { lag, diskFreeBytes, ...own } = await process.read();
  const { requests, rates, enqueued } = await providerUse.read();
  return {
    store: {
      kind: store.kind,
      bytes,
      free_bytes: freeBytes,
      log_bytes: logBytes,
      disk_free_bytes: diskFreeBytes,
      connections,
      waiting,
      busy_seconds: round(busyMs / 1000, 3),
      transactions,
      slow_transactions: slowTransactions,
      statements,
    },
    caches: caches().map(({ hits, misses, ...cache }) => ({
      ...cache,
      hits,
      misses,
      hit_ratio: hits + misses === 0 ? null : round(hits / (hits + misses), 4),
    })),
    process: {
      pid: own.pid,
      uptime_seconds: round(own.uptimeSeconds, 1),
      cpu_seconds: round(own.cpuSeconds, 3),
      cpu_percent: round(own.cpuPercent, 1),
      rss_bytes: own.rssBytes,
      heap_used_bytes: own.heapUsedBytes,
      heap_limit_bytes: own.heapLimitBytes,
      event_loop_lag_seconds: lag === null ? null : { mean: round(lag.mean, 6), p99: round(lag.p99, 6), max: round(lag.max, 6) },
      window_seconds: round(own.windowSeconds, 1),
    },
    providers: {
      requests: requests.map(({ underWay, ...each }) => ({ ...each, under_way: underWay })),
      rates,
      enqueued_tokens: enqueued,
    },
  };
}
