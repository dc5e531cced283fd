import type { z } from "zod";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Caller } from "../../batches/service.ts";
import { controlFramesOf, registryOf } from "../../events/catalogue.ts";
import { policyOf } from "../../events/frames/policy.ts";
import { cursorText, parseCursor, type EventLog } from "../../events/port.ts";
import { positionAt, readNewest, readOnwards } from "../../events/reading.ts";
import type { SocketStatistics } from "../../events/sockets/sockets.ts";
import type { EventStreams } from "../../events/sse/sse.ts";
import { iso } from "../../model/clock.ts";
import { invalid } from "../../model/errors.ts";
import type { Severity } from "../../model/event.ts";
import { instantMs } from "../../model/fields.ts";
import { SESSION_COOKIE, type Guard } from "../auth/guard.ts";
import * as contract from "../contract/events.ts";
import { ok, route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { idParams } from "./batches.ts";

const TAG = "Events";

type Query = z.output<typeof contract.eventsQuery>;

/** The live door next to this one. */
interface Neighbours {
  sockets(): SocketStatistics;
}

/** Server-sent events out of the log. */
export function eventRoutes(
  { batches, eventLog, settings }: ApiServices,
  streams: EventStreams,
  guard: Guard,
  neighbours: Neighbours,
): Route[] {
  function open(call: { caller: Caller; request: FastifyRequest; reply: FastifyReply }, query: Query, batchId: string | null): Outcome {
    const { request, reply, caller } = call;
    const policy = policyOf({ coalesce: query.coalesce, windowMs: query.window }, settings.current().sse);
    const presented = { authorization: request.headers.authorization, cookie: request.cookies[SESSION_COOKIE], address: request.ip };
    const headers = Object.fromEntries(
      Object.entries(reply.getHeaders()).filter((entry): entry is [string, string | number | string[]] => entry[1] !== undefined),
    );
    const resumed: unknown = request.headers["last-event-id"];
    reply.hijack();
    streams.open(reply.raw, {
      tenant: caller.tenant,
      batchId,
      stream: query.stream ?? null,
      types: typesOf(query.types),
      policy,
      followsClassic: query.coalesce === "classic",
      dialect: query.dialect,
      since: typeof resumed === "string" && resumed !== "" ? resumed : (query.since ?? null),
      snapshotUrl: batchId === null ? "/api/batch/history" : `/api/batch/${batchId}`,
      headers,
      stillHolds: () => guard.stillHolds(presented),
    });
    return { kind: "sent" };
  }

  settings.onChange((now, before) => {
    const { batchTimeoutMs, batchSize } = now.sse;
    if (batchTimeoutMs !== before.sse.batchTimeoutMs || batchSize !== before.sse.batchSize)
      streams.classicChanged(policyOf({ coalesce: "classic", windowMs: undefined }, now.sse));
  });

  return [
    route({
      method: "GET",
      path: "/api/events",
      summary: "All events as they happen; Last-Event-ID or since resumes without a gap",
      tag: TAG,
      need: "viewer",
      query: contract.eventsQuery,
      endless: true,
      answers: { 200: "text/event-stream" },
      async handle(call) {
        const { batch } = call.query;
        if (batch !== undefined) await batches.get(call.caller, batch);
        return open(call, call.query, batch ?? null);
      },
    }),
    route({
      method: "GET",
      path: "/api/events/log",
      summary: "Events that happened, page by page: the newest, or from a time or a cursor on",
      tag: TAG,
      need: "viewer",
      query: contract.eventLogQuery,
      answers: { 200: contract.eventLogAnswer },
      handle: async ({ caller, query }) => ok(await pageOf(eventLog, caller.tenant, query)),
    }),
    route({
      method: "GET",
      path: "/api/events/stats",
      summary: "Connections of the event stream, and what coalescing saves",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.eventStatsAnswer },
      async handle() {
        const log = { epoch: eventLog.epoch(), first: await eventLog.firstSeq(), last: eventLog.lastSeq() };
        return ok({ success: true, stats: { ...streams.statistics(), sockets: neighbours.sockets(), log } });
      },
    }),
    route({
      method: "GET",
      path: "/api/events/registry",
      summary: "Every type of event with its JSON Schema and an example",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.eventRegistryAnswer },
      handle: async () => ok({ success: true, events: registryOf(), frames: controlFramesOf() }),
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/events",
      shared: true,
      summary: "Events of one batch",
      tag: TAG,
      need: "viewer",
      params: idParams,
      query: contract.eventsQuery.omit({ batch: true }),
      endless: true,
      answers: { 200: "text/event-stream" },
      async handle(call) {
        await batches.get(call.caller, call.params.id);
        return open(call, call.query, call.params.id);
      },
    }),
  ];
}

async function pageOf(
  log: EventLog,
  tenant: string,
  query: z.output<typeof contract.eventLogQuery>,
): Promise<z.output<typeof contract.eventLogAnswer>> {
  if (query.from !== undefined && query.since !== undefined)
    throw invalid([{ path: "from", message: "begins at a time, since at a cursor; give one of them", code: "invalid_value" }]);
  const severities = (query.severity?.split(",") ?? null) as Severity[] | null;
  const wished = { tenant, types: typesOf(query.types), severities, limit: query.limit };
  const first = await log.firstSeq();
  const after = query.from !== undefined ? await positionAt(log, instantMs(query.from)) : positionOf(log, query.since);
  const kept = Math.max(0, first - 1);
  const reset = query.since !== undefined && (after === null || (after < kept && after !== log.lastSeq()));
  const { events, seq, end } =
    after === null && !reset ? await readNewest(log, wished) : await readOnwards(log, Math.max(after ?? 0, kept), wished);
  const [oldest] = await log.read(kept, 1);
  return {
    success: true,
    events: events.map((event) => ({
      seq: event.seq,
      cursor: cursorText(log.epoch(), event.seq),
      type: event.type,
      severity: event.severity,
      entity: event.entity,
      timestamp: new Date(event.ts).toISOString(),
      data: event.data,
    })),
    cursor: cursorText(log.epoch(), seq),
    end,
    reset,
    begins: iso(oldest?.ts ?? null),
  };
}

/** Null without a cursor, and with one of another log. */
function positionOf(log: EventLog, since: string | undefined): number | null {
  const cursor = since === undefined ? null : parseCursor(since);
  return cursor === null || cursor.epoch !== log.epoch() || cursor.seq > log.lastSeq() ? null : cursor.seq;
}

function typesOf(types: string | undefined): string[] | null {
  return types === undefined ? null : types.split(",").map((type) => type.trim());
}
