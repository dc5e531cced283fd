import type { z } from "zod";
import type { Caller } from "../../batches/service.ts";
import { invalid } from "../../model/errors.ts";
import type { StoredEvent } from "../../model/event.ts";
import { instantMs } from "../../model/fields.ts";
import { flowOf } from "../../monitor/health/flow-report.ts";
import { keysOf } from "../../monitor/health/key-report.ts";
import { Overview } from "../../monitor/health/overview.ts";
import type { OverviewFacts } from "../../monitor/health/overview-report.ts";
import { errorsByCode } from "../../monitor/jobs/analysis.ts";
import { RANGES } from "../../monitor/jobs/range.ts";
import { kindOf, METRIC_NAMES } from "../../monitor/metrics/catalogue.ts";
import { historyOf, widthFor } from "../../monitor/metrics/history.ts";
import { promqlOf } from "../../monitor/metrics/promql.ts";
import { finestKnown } from "../../monitor/retention.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import { streamParams } from "../contract/streams.ts";
import * as contract from "../contract/system.ts";
import { ok, route, type Route } from "../route.ts";
import type { AlertEpisode } from "../../store/alerts.ts";
import type { ApiServices } from "../services.ts";
import { changePercent, historyFile, wireHistory, wireMetric } from "../wire/history.ts";
import { markersIn } from "../wire/markers.ts";
import { wireFlow } from "../wire/flow.ts";
import { wireKey, wireOverview } from "../wire/overview.ts";
import { runningFor, wireWorkers } from "../wire/workers.ts";

const TAG = "Monitoring";
const CRITICAL_EVENTS = 10;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const MAX_POINTS = 1500;

/** The state of everything in one look, and any metric over time. */
export function systemRoutes(services: ApiServices): Route[] {
  const { monitor, counts, pipeline, clock, settings, streams, events, audit, alerts } = services;
  const recorder = { home: DEFAULT_TENANT, since: clock.now() };
  const finestAt = (at: number): number => finestKnown(clock.now() - at, settings.current().monitoring.retentionDays);
  const overview = new Overview({ monitor, recorder, counts, pipeline, clock, thresholds: () => settings.current().queue });
  return [
    route({
      method: "GET",
      path: "/api/system/overview",
      summary: "Health, bottleneck, rates, queues, streams and workers in one look",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.overviewAnswer },
      async handle({ caller }) {
        const report = await overview.read(caller.tenant, await factsOf(services, caller));
        const critical = await events.critical(caller.tenant, CRITICAL_EVENTS);
        const about = await alertsOf(alerts, caller.tenant, critical);
        return ok(wireOverview(report, { now: clock.now(), workers: await wireWorkers(services, caller.tenant), critical, alerts: about }));
      },
    }),
    route({
      method: "GET",
      path: "/api/system/history",
      summary: "A metric over time, and over the time before",
      tag: TAG,
      need: "viewer",
      query: contract.historyQuery,
      answers: { 200: contract.historyAnswer },
      async handle({ caller, query }) {
        const { from, to } = rangeOf(query, clock.now());
        const { metric, source } = query;
        const before = from - (to - from);
        const widthMs = query.width === undefined ? widthFor(from, to, finestAt(before)) : query.width * 1000;
        if (!isWidth(widthMs)) throw widthFault("must be a whole number of minutes below an hour, of hours below a day, or of days");
        if ((to - from) / widthMs > MAX_POINTS)
          throw widthFault(`gives more than ${MAX_POINTS} points; make it larger or the time shorter`);
        const asked = { tenant: caller.tenant, metric, source, widthMs };
        const current = await historyOf(monitor, recorder, { ...asked, from, to });
        const previous = await historyOf(monitor, recorder, { ...asked, from: before, to: from });
        if (query.format === "csv") return historyFile(current, previous, metric);
        return ok({
          success: true,
          ...wireMetric(metric),
          source: source ?? null,
          sources: current.sources,
          promql: promqlOf(metric, { source, widthMs }),
          width_seconds: widthMs / 1000,
          current: wireHistory(current, from, to),
          previous: wireHistory(previous, before, from),
          change_percent: changePercent(current, previous),
        });
      },
    }),
    route({
      method: "GET",
      path: "/api/system/failures",
      summary: "Failures of the last 24 hours by error code, and what to do",
      tag: TAG,
      need: "viewer",
      query: contract.failuresQuery,
      answers: { 200: contract.failuresAnswer },
      async handle({ caller, query }) {
        const now = clock.now();
        const filter = { tenant: caller.tenant, from: now - DAY_MS, to: now + 1 };
        const errors = await errorsByCode(monitor, filter);
        const items = errors.reduce((sum, { count }) => sum + count, 0);
        return ok({ success: true, failures: errors.slice(0, query.limit), codes: errors.length, items });
      },
    }),
    route({
      method: "GET",
      path: "/api/system/metrics",
      summary: "Every metric that has a history",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.metricsListAnswer },
      handle: async () =>
        ok({ success: true, metrics: METRIC_NAMES.map((metric) => ({ ...wireMetric(metric), group: kindOf(metric).group })) }),
    }),
    route({
      method: "GET",
      path: "/api/system/clock",
      summary: "What time it is here",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.clockAnswer },
      handle: async () => ok({ success: true, now: clock.now() }),
    }),
    route({
      method: "GET",
      path: "/api/system/markers",
      summary: "What may have moved the figures: changed settings, alerts, starts of the server",
      tag: TAG,
      need: "viewer",
      query: contract.markersQuery,
      answers: { 200: contract.markersAnswer },
      async handle({ caller, query }) {
        const range = rangeOf(query, clock.now());
        return ok({ success: true, markers: await markersIn({ audit, alerts }, caller.tenant, range) });
      },
    }),
    route({
      method: "GET",
      path: "/api/system/flow",
      summary: "Where the time goes between a first item and the end of its batch, stage by stage",
      tag: TAG,
      need: "viewer",
      query: contract.flowQuery,
      answers: { 200: contract.flowAnswer },
      async handle({ caller, query }) {
        const { stream = null, minutes } = query;
        if (stream !== null && query.operation !== undefined)
          throw invalid([
            { path: "operation", message: "must not be given with 'stream', which has its operation", code: "invalid_value" },
          ]);
        const operation = stream === null ? (query.operation ?? null) : streams.get(caller, stream).definition.operation;
        const now = clock.now();
        const from = now - (now % MINUTE_MS) - (minutes - 1) * MINUTE_MS;
        const asked = { tenant: caller.tenant, stream, operation, from, to: now + MINUTE_MS, widthMs: widthFor(from, now + 1) };
        const report = await flowOf(monitor, { ...asked, slots: services.engine.slots });
        const isWindowed = stream !== null || operation === null;
        const { total_pipeline: total } = isWindowed
          ? await pipeline.latency(caller.tenant, minutes * MINUTE_MS, stream)
          : { total_pipeline: null };
        return ok({ success: true, stream, operation, minutes, ...wireFlow(report, total) });
      },
    }),
    route({
      method: "GET",
      path: "/api/streams/:name/keys",
      summary: "What each key of a stream brought in the last hours: the 100 with most items, and the rest",
      tag: TAG,
      need: "viewer",
      params: streamParams,
      query: contract.keysQuery,
      answers: { 200: contract.keysAnswer },
      async handle({ caller, params, query }) {
        const { name } = streams.get(caller, params.name);
        const keys = await keysOf(monitor, { tenant: caller.tenant, stream: name, hours: query.hours }, clock.now());
        return ok({ success: true, stream: name, hours: query.hours, keys: keys.map(wireKey) });
      },
    }),
  ];
}

function rangeOf(query: z.output<typeof contract.markersQuery>, now: number): { from: number; to: number } {
  const to = query.to === undefined ? now + 1 : instantMs(query.to);
  const from = query.from === undefined ? to - RANGES[query.range].lengthMs : instantMs(query.from);
  if (from >= to) throw invalid([{ path: "from", message: "must be before 'to'", code: "out_of_range" }]);
  return { from, to };
}

/** The episodes that these events are about, by id. */
async function alertsOf(
  alerts: ApiServices["alerts"],
  tenant: string,
  events: readonly StoredEvent[],
): Promise<ReadonlyMap<string, AlertEpisode>> {
  const ids = [...new Set(events.flatMap(({ type, entity }) => (type.startsWith("alert.") ? [entity.id] : [])))];
  const found = await Promise.all(ids.map((id) => alerts.episode(tenant, id)));
  return new Map(found.flatMap((episode) => (episode === null ? [] : [[episode.id, episode]])));
}

async function factsOf(services: ApiServices, caller: Caller): Promise<OverviewFacts> {
  const { streams, engine, external, pressure, health, clock } = services;
  const now = clock.now();
  const outside = await external.roster.list(caller.tenant);
  const { checks } = await health();
  return {
    streams: streams.list(caller).map(({ name, definition, openWindows, openItems }) => ({
      name,
      operation: definition.operation,
      paused: definition.paused,
      openWindows,
      openItems,
      oldestMs: openWindows === 0 ? null : now - Math.min(...streams.windows(caller, name).map(({ openedAt }) => openedAt)),
    })),
    busy: runningFor(engine, caller.tenant),
    slots: engine.slots,
    outsideWorkers: outside.filter(({ state }) => state === "live").length,
    lostWorkers: outside.filter(({ state }) => state === "lost").length,
    runs: engine.runs().filter(({ tenant }) => tenant === caller.tenant),
    breakersOpen: new Set(engine.breakers.list().flatMap(({ name, state }) => (state === "closed" ? [] : [name]))),
    pressure: await pressure.of(caller.tenant),
    notReady: Object.entries(checks).flatMap(([part, { ok: isOk }]) => (isOk ? [] : [part])),
    alerts: await services.alerts.counts(caller.tenant),
  };
}

function isWidth(ms: number): boolean {
  if (ms % MINUTE_MS !== 0) return false;
  return ms < HOUR_MS || (ms % HOUR_MS === 0 && ms < DAY_MS) || ms % DAY_MS === 0;
}

function widthFault(message: string): Error {
  return invalid([{ path: "width", message, code: "out_of_range" }]);
}
