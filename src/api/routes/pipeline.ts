import type { BreakerView } from "../../engine/limits/breaker.ts";
import { BatchyardError } from "../../model/errors.ts";
import { iso } from "../../model/clock.ts";
import { degradationOf } from "../../monitor/health/degradation.ts";
import type { HealthWatch } from "../../monitor/health/health-watch.ts";
import { DETECTIONS } from "../../streams/detections.ts";
import * as contract from "../contract/streams.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { round } from "../wire/batch.ts";
import { queuesAnswer, wirePressure } from "../wire/queues.ts";

const TAG = "Pipeline";
const MINUTE_MS = 60_000;
/** Parts, breakers and workers that one answer names. */
const MOST_SERVICES = 200;

/** What the pipeline from items to analysed batches is doing. */
export function pipelineRoutes(
  { streams, pipeline, pressure, engine, external, clock, audit }: ApiServices,
  healthWatch: HealthWatch,
): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/system/pipeline",
      summary: "Open windows of detections, and what works",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.pipelineAnswer },
      async handle({ caller }) {
        const now = clock.now();
        const { definition } = streams.get(caller, DETECTIONS);
        const batches = streams.windows(caller, DETECTIONS).map((window) => ({
          batch_id: window.id,
          camera_id: window.key,
          detection_count: window.items,
          started_at: window.openedAt / 1000,
          age_seconds: round((now - window.openedAt) / 1000, 1),
          last_activity_seconds: round((now - window.lastItemAt) / 1000, 1),
        }));
        const lag = streams.lag();
        return ok({
          file_watcher: null,
          batch_aggregator: {
            active_batches: batches.length,
            batches,
            batch_window_seconds: definition.windowSeconds,
            idle_timeout_seconds: definition.idleTimeoutSeconds,
            batch_check_interval_seconds: definition.checkIntervalSeconds,
            batch_max_detections: definition.maxItems,
            closure_lag: { closures: lag.closures, p50_ms: lag.p50Ms, p99_ms: lag.p99Ms, max_ms: lag.maxMs },
          },
          backpressure: wirePressure(await pressure.of(caller.tenant)),
          degradation: await degradation(caller.tenant, definition.operation, now),
          timestamp: new Date(now).toISOString(),
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/queues/status",
      summary: "Batches that wait and run, by operation",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.queuesAnswer },
      async handle({ caller }) {
        const rows = await pipeline.queues(caller.tenant);
        return ok(queuesAnswer(rows, engine.slots, await pressure.of(caller.tenant)));
      },
    }),
    route({
      method: "GET",
      path: "/api/system/pipeline-latency",
      summary: "How long each stage took, of windows that closed lately",
      tag: TAG,
      need: "viewer",
      query: contract.latencyQuery,
      answers: { 200: contract.latencyAnswer },
      handle: async ({ caller, query }) =>
        ok({
          ...(await pipeline.latency(caller.tenant, query.window_minutes * MINUTE_MS)),
          window_minutes: query.window_minutes,
          timestamp: new Date(clock.now()).toISOString(),
        }),
    }),
    route({
      method: "GET",
      path: "/api/system/pipeline-latency/history",
      summary: "The same by buckets of time",
      tag: TAG,
      need: "viewer",
      query: contract.latencyHistoryQuery,
      answers: { 200: contract.latencyHistoryAnswer },
      async handle({ caller, query }) {
        const history = await pipeline.history(caller.tenant, query.since * MINUTE_MS, query.bucket_seconds * 1000);
        const snapshots = history.map(({ at, stages }) => ({ timestamp: new Date(at).toISOString(), stages }));
        return ok({
          snapshots,
          window_minutes: query.since,
          bucket_seconds: query.bucket_seconds,
          timestamp: new Date(clock.now()).toISOString(),
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/system/breakers",
      summary: "Operations whose breaker has counted failures",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.breakersAnswer },
      handle: async ({ caller }) => ok({ success: true, breakers: breakersFor(caller.tenant) }),
    }),
    route({
      method: "POST",
      path: "/api/system/breakers/:name/reset",
      summary: "Close a breaker by hand",
      tag: TAG,
      need: "admin",
      params: contract.breakerParams,
      answers: { 200: contract.breakersAnswer },
      async handle({ caller, params }) {
        const before = engine.breakers.list().find((breaker) => breaker.name === params.name);
        if (before === undefined || !engine.breakers.reset(params.name))
          throw new BatchyardError("breaker_not_found", { name: params.name });
        engine.wake();
        const { tenant, actor, credential, address } = caller;
        await audit.append({
          tenant,
          actor,
          credential,
          address,
          at: clock.now(),
          action: "breaker.reset",
          target: params.name,
          before: { state: before.state },
          after: null,
          outcome: "SUCCESS",
        });
        return ok({ success: true, breakers: breakersFor(caller.tenant) });
      },
    }),
  ];

  function breakersFor(tenant: string): object[] {
    return engine.breakers.list().map((breaker) => wireBreaker(breaker, errorFor(tenant, breaker)));
  }

  async function degradation(tenant: string, operation: string, now: number): Promise<object> {
    const outside = await external.roster.list(tenant);
    const { mode, services } = degradationOf(
      {
        now,
        checks: await healthWatch.checked(),
        breakers: engine.breakers.list().map((breaker) => ({
          name: breaker.name,
          isOpen: breaker.state !== "closed",
          failures: breaker.consecutiveFailures,
          error: breakerError(tenant, breaker),
        })),
        workers: outside.map(({ id, state, lastSeenAt }) => ({ id, isLost: state === "lost", lastSeenAt })),
        served: (engine.slots > 0 && !engine.draining) || outside.some(({ state }) => state === "live"),
      },
      operation,
    );
    return {
      mode,
      is_degraded: mode !== "normal",
      services: services.slice(0, MOST_SERVICES).map(({ name, isHealthy, checkedAt, failures, error }) => ({
        name,
        status: isHealthy ? "healthy" : "unhealthy",
        last_check: new Date(checkedAt).toISOString(),
        consecutive_failures: failures,
        error_message: error,
      })),
    };
  }
}

/** A breaker is the server's, but the text of an error may quote an item: only the tenant whose item it was reads it. */
function errorFor(tenant: string, { lastError, lastTenant }: BreakerView): string | null {
  return lastTenant === tenant ? lastError : null;
}

/** What keeps it open, or has failed lately. */
function breakerError(tenant: string, breaker: BreakerView): string | null {
  if (breaker.consecutiveFailures === 0) return null;
  return errorFor(tenant, breaker) ?? (breaker.state === "closed" ? null : "it failed too often in a row");
}

function wireBreaker({ name, state, consecutiveFailures, openedAt, retryAt }: BreakerView, last_error: string | null): object {
  return { name, state, consecutive_failures: consecutiveFailures, last_error, opened_at: iso(openedAt), retry_at: iso(retryAt) };
}
