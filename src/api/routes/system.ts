import type { Caller } from "../../batches/service.ts";
import { iso } from "../../model/clock.ts";
import { invalid } from "../../model/errors.ts";
import { instantMs } from "../../model/fields.ts";
import { keysOf } from "../../monitor/health/key-report.ts";
import { Overview } from "../../monitor/health/overview.ts";
import type { OverviewFacts } from "../../monitor/health/overview-report.ts";
import { kindOf } from "../../monitor/metrics/catalogue.ts";
import { historyOf, widthFor, type History } from "../../monitor/metrics/history.ts";
import { streamParams } from "../contract/streams.ts";
import * as contract from "../contract/system.ts";
import { ok, route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { round } from "../wire/batch.ts";
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
  const { monitor, counts, pipeline, clock, settings, streams, events } = services;
  const overview = new Overview({ monitor, counts, pipeline, clock, thresholds: () => settings.current().queue });
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
        return ok(wireOverview(report, { now: clock.now(), workers: await wireWorkers(services, caller.tenant), critical }));
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
        const to = query.to === undefined ? clock.now() + 1 : instantMs(query.to);
        const from = query.from === undefined ? to - DAY_MS : instantMs(query.from);
        if (from >= to) throw invalid([{ path: "from", message: "must be before 'to'", code: "out_of_range" }]);
        const widthMs = query.width === undefined ? widthFor(from, to) : query.width * 1000;
        if (!isWidth(widthMs)) throw widthFault("must be a whole number of minutes below an hour, of hours below a day, or of days");
        if ((to - from) / widthMs > MAX_POINTS)
          throw widthFault(`gives more than ${MAX_POINTS} points; make it larger or the time shorter`);
        const asked = { tenant: caller.tenant, metric: query.metric, source: query.source, widthMs };
        const current = await historyOf(monitor, { ...asked, from, to });
        const previous = await historyOf(monitor, { ...asked, from: from - (to - from), to: from });
        const [now, before] = [current.whole.value, previous.whole.value];
        return ok({
          success: true,
          metric: query.metric,
          type: kindOf(query.metric).type,
          source: query.source ?? null,
          width_seconds: widthMs / 1000,
          current: wireHistory(current, from, to),
          previous: wireHistory(previous, from - (to - from), from),
          change_percent: now === null || before === null || before === 0 ? null : round(((now - before) / before) * 100, 1),
        });
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

async function factsOf(services: ApiServices, caller: Caller): Promise<OverviewFacts> {
  const { streams, engine, external, pressure, health, clock } = services;
  const now = clock.now();
  const outside = await external.roster.list(caller.tenant);
  const { checks } = await health();
  return {
    streams: streams.list(caller).map(({ name, definition, openWindows, openItems }) => ({
      name,
      operation: definition.operation,
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
  };
}

function wireHistory({ points, whole }: History, from: number, to: number) {
  const wire = ({ at, ...point }: History["whole"]) => ({ timestamp: iso(at)!, ...point });
  return { from: iso(from)!, to: iso(to)!, whole: wire(whole), points: points.map(wire) };
}

function isWidth(ms: number): boolean {
  if (ms % MINUTE_MS !== 0) return false;
  return ms < HOUR_MS || (ms % HOUR_MS === 0 && ms < DAY_MS) || ms % DAY_MS === 0;
}

function widthFault(message: string): Error {
  return invalid([{ path: "width", message, code: "out_of_range" }]);
}
