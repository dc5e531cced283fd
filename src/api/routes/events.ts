import type { z } from "zod";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Caller } from "../../batches/service.ts";
import { controlFramesOf, registryOf } from "../../events/catalogue.ts";
import { policyOf } from "../../events/policy.ts";
import type { SocketStatistics } from "../../events/sockets.ts";
import type { EventStreams } from "../../events/sse.ts";
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
      types: query.types === undefined ? null : query.types.split(",").map((type) => type.trim()),
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
