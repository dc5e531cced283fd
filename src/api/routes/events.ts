import type { FastifyReply, FastifyRequest } from "fastify";
import type { Caller } from "../../batches/service.ts";
import type { EventStreams } from "../../events/sse.ts";
import { SESSION_COOKIE, type Guard } from "../auth/guard.ts";
import { eventsQuery } from "../contract/access.ts";
import { route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { idParams } from "./batches.ts";

const TAG = "Events";

/** Server-sent events out of the log. */
export function eventRoutes({ batches }: ApiServices, streams: EventStreams, guard: Guard): Route[] {
  interface Wanted {
    batchId: string | null;
    types: string | undefined;
    since: string | undefined;
  }

  function open(call: { caller: Caller; request: FastifyRequest; reply: FastifyReply }, wanted: Wanted): Outcome {
    const { request, reply, caller } = call;
    const presented = { authorization: request.headers.authorization, cookie: request.cookies[SESSION_COOKIE], address: request.ip };
    const headers = Object.fromEntries(
      Object.entries(reply.getHeaders()).filter((entry): entry is [string, string | number | string[]] => entry[1] !== undefined),
    );
    const resumed: unknown = request.headers["last-event-id"];
    reply.hijack();
    streams.open(reply.raw, {
      tenant: caller.tenant,
      batchId: wanted.batchId,
      types: wanted.types === undefined ? null : wanted.types.split(",").map((type) => type.trim()),
      since: typeof resumed === "string" && resumed !== "" ? resumed : (wanted.since ?? null),
      snapshotUrl: wanted.batchId === null ? "/api/batch/history" : `/api/batch/${wanted.batchId}`,
      headers,
      stillHolds: () => guard.stillHolds(presented),
    });
    return { kind: "sent" };
  }

  return [
    route({
      method: "GET",
      path: "/api/events",
      summary: "All events as they happen; Last-Event-ID or since resumes without a gap",
      tag: TAG,
      need: "viewer",
      query: eventsQuery,
      endless: true,
      answers: { 200: "text/event-stream" },
      async handle(call) {
        const { batch, types, since } = call.query;
        if (batch !== undefined) await batches.get(call.caller, batch);
        return open(call, { batchId: batch ?? null, types, since });
      },
    }),
    route({
      method: "GET",
      path: "/api/batch/:id/events",
      summary: "Events of one batch",
      tag: TAG,
      need: "viewer",
      params: idParams,
      query: eventsQuery.omit({ batch: true }),
      endless: true,
      answers: { 200: "text/event-stream" },
      async handle(call) {
        await batches.get(call.caller, call.params.id);
        return open(call, { batchId: call.params.id, types: call.query.types, since: call.query.since });
      },
    }),
  ];
}
