import type { FastifyRequest } from "fastify";
import { decodeCursor, encodeCursor } from "../../batches/cursor.ts";
import type { Pressure } from "../../batches/backpressure.ts";
import type { Caller } from "../../batches/service.ts";
import { oneLine, readBody } from "../../intake/slice-items.ts";
import { BatchyardError, type Fault, invalid } from "../../model/errors.ts";
import { record } from "../../model/fields.ts";
import { DETECTIONS } from "../../streams/detections.ts";
import type { OfferAnswer, StreamView, WindowView } from "../../streams/service.ts";
import { bodyText, mediaType } from "../body.ts";
import * as contract from "../contract/streams.ts";
import type { Done, Idempotency } from "../idempotency.ts";
import { drained, lineBody, NDJSON } from "../line-body.ts";
import { ok, route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { round } from "../wire/batch.ts";

const TAG = "Streams";
const ACCEPTED = ["application/json", ...NDJSON];
/** Items and refusals that an answer lists; its counts are exact. */
const LISTED = 1_000;
const FULL_SECONDS = 5;
/** The request is not at fault: it may be sent again as it is. */
const NOT_AT_FAULT = new Set(["stream_full", "queue_full", "dead_lettered", "duplicate_key"]);

/** Streams: single items become batches. */
export function streamRoutes({ streams, pressure, clock, config }: ApiServices, idempotency: Idempotency): Route[] {
  async function offer(caller: Caller, name: string, request: FastifyRequest): Promise<Outcome> {
    const type = mediaType(request);
    const { maxOpen } = streams.get(caller, name).definition;
    if (NDJSON.includes(type)) {
      const sent = { limit: config.limits.uploadBytes, clock };
      const drain = (): Promise<string> => drained(request, sent);
      return idempotency.run({ tenant: caller.tenant, request, text: null, drain }, async () => {
        const { blocks, digest } = lineBody(request, sent);
        const total = new Offered();
        for await (const block of blocks) total.add(await streams.offer(caller, name, block.lines, total.seen), block.lines.length);
        return { ...answerOf(total, { name, maxOpen }, await pressure.of(caller.tenant), false), contentHash: digest() };
      });
    }
    const text = await bodyText(request, { limit: config.limits.bodyBytes, clock });
    if (text.trim() === "") throw new BatchyardError("empty_body");
    if (type !== "application/json") throw new BatchyardError("unsupported_type", { type, accepted: ACCEPTED.join(", ") });
    return idempotency.run({ tenant: caller.tenant, request, text }, async () => {
      const isArray = text.trimStart().startsWith("[");
      const texts = isArray ? (readBody(`{"items":${text}}`).items ?? []) : [oneLine(text)];
      const total = new Offered();
      if (texts.length > 0) total.add(await streams.offer(caller, name, texts, 0), texts.length);
      return answerOf(total, { name, maxOpen }, await pressure.of(caller.tenant), !isArray);
    });
  }

  const named = { tag: TAG, params: contract.streamParams } as const;
  const offers = {
    method: "POST",
    tag: TAG,
    need: "operator",
    reads: ACCEPTED,
    readsSchema: record,
    creates: true,
    ingests: true,
    answers: { 202: contract.itemsAnswer },
  } as const;

  return [
    route({
      method: "GET",
      path: "/api/streams",
      summary: "Streams",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.streamsAnswer },
      handle: async ({ caller }) => ok({ success: true, streams: streams.list(caller).map(wireStream) }),
    }),
    route({
      ...named,
      method: "GET",
      path: "/api/streams/:name",
      summary: "One stream",
      need: "viewer",
      answers: { 200: contract.streamAnswer },
      handle: async ({ caller, params }) => ok({ success: true, stream: wireStream(streams.get(caller, params.name)) }),
    }),
    route({
      ...named,
      method: "PUT",
      path: "/api/streams/:name",
      summary: "Create or change a stream; open windows obey at once",
      need: "operator",
      query: contract.changeQuery,
      body: record,
      answers: { 200: contract.streamAnswer, 201: contract.streamAnswer },
      async handle({ caller, params, query, body }) {
        const extras = { reason: query.reason, guarded: query.preview === "required" };
        const { stream, created } = await streams.put(caller, params.name, body, extras);
        return { kind: "json", status: created ? 201 : 200, body: { success: true, stream: wireStream(stream) } };
      },
    }),
    route({
      ...named,
      method: "DELETE",
      path: "/api/streams/:name",
      summary: "Close what is open, then forget the stream",
      need: "operator",
      answers: { 200: contract.removedStreamAnswer },
      async handle({ caller, params }) {
        const { batches } = await streams.remove(caller, params.name);
        return ok({ success: true, deleted: true, batches });
      },
    }),
    route({
      ...offers,
      path: "/api/streams/:name/items",
      summary: "One object, an array, or NDJSON; answered after the durable commit",
      params: contract.streamParams,
      handle: ({ caller, params, request }) => offer(caller, params.name, request),
    }),
    route({
      ...offers,
      path: "/api/detections",
      summary: "Items of the stream detections",
      handle: ({ caller, request }) => offer(caller, DETECTIONS, request),
    }),
    route({
      ...named,
      method: "GET",
      path: "/api/streams/:name/windows",
      summary: "Open windows, those open longest first",
      need: "viewer",
      query: contract.windowsQuery,
      answers: { 200: contract.windowsAnswer },
      async handle({ caller, params, query }) {
        const all = streams.windows(caller, params.name).filter((window) => query.key === undefined || window.key === query.key);
        const now = clock.now();
        return ok({ success: true, windows: all.slice(0, query.limit).map((window) => wireWindow(window, now)), total: all.length });
      },
    }),
    route({
      ...named,
      method: "POST",
      path: "/api/streams/:name/flush",
      summary: "Close open windows now: all, or that of one key",
      need: "operator",
      body: contract.flushBody,
      answers: { 200: contract.flushAnswer },
      async handle({ caller, params, body }) {
        const { batches } = await streams.flush(caller, params.name, body?.key ?? null);
        return ok({ success: true, flushed: batches.length, batches });
      },
    }),
    ...[true, false].map((paused) =>
      route({
        ...named,
        method: "POST",
        path: `/api/streams/:name/${paused ? "pause" : "resume"}`,
        need: "operator",
        summary: paused
          ? "Windows keep filling and close by size only"
          : "Windows close by all their rules again; what is overdue closes now",
        answers: { 200: contract.streamAnswer },
        handle: async ({ caller, params }) =>
          ok({ success: true, stream: wireStream(await streams.setPaused(caller, params.name, paused)) }),
      }),
    ),
    route({
      ...named,
      method: "GET",
      path: "/api/streams/:name/dead-letters",
      summary: "Items that found no room, oldest first",
      need: "viewer",
      query: contract.lettersQuery,
      answers: { 200: contract.lettersAnswer },
      async handle({ caller, params, query }) {
        const list = `dead-letters:${params.name}`;
        const after = query.cursor === undefined ? 0 : Number(decodeCursor(list, query.cursor, ["number"])[0]);
        const { letters, total } = await streams.deadLetters(caller, params.name, { after, limit: query.limit + 1 });
        const page = letters.slice(0, query.limit);
        const last = letters.length > query.limit ? page.at(-1) : undefined;
        const wire = page.map((letter) => ({
          id: letter.id,
          item_key: letter.itemKey,
          item: JSON.parse(letter.text) as unknown,
          reason: letter.reason,
          at: new Date(letter.at).toISOString(),
        }));
        return ok({ success: true, dead_letters: wire, total, nextCursor: last === undefined ? null : encodeCursor(list, [last.id]) });
      },
    }),
    route({
      ...named,
      method: "POST",
      path: "/api/streams/:name/dead-letters/requeue",
      summary: "Offer dead letters again, oldest first",
      need: "operator",
      body: contract.requeueBody,
      answers: { 202: contract.requeueAnswer },
      async handle({ caller, params, body }) {
        const { requeued, scheduled, left } = await streams.requeue(caller, params.name, { limit: body.limit, rate: body.rate ?? null });
        return { kind: "json", status: 202, body: { success: true, requeued, scheduled, left: left.slice(0, LISTED) } };
      },
    }),
  ];
}

/** What became of the items of one request, block by block; the lists are bounded. */
class Offered {
  seen = 0;
  accepted = 0;
  rejectedCount = 0;
  atFault = 0;
  full = 0;
  queueFull = 0;
  readonly rejected: OfferAnswer["rejected"] = [];
  readonly items: OfferAnswer["items"] = [];

  add(answer: OfferAnswer, seen: number): void {
    this.seen += seen;
    this.accepted += answer.accepted;
    this.rejectedCount += answer.rejected.length;
    for (const { code } of answer.rejected) {
      if (!NOT_AT_FAULT.has(code)) this.atFault += 1;
      if (code === "stream_full") this.full += 1;
      if (code === "queue_full") this.queueFull += 1;
    }
    this.rejected.push(...answer.rejected.slice(0, LISTED - this.rejected.length));
    this.items.push(...answer.items.slice(0, LISTED - this.items.length));
  }
}

/** 202 as soon as one item was taken or kept; 400 when all are at fault, 503 when there was no room for any. */
function answerOf(total: Offered, stream: { name: string; maxOpen: number }, pressure: Pressure, single: boolean): Done {
  const { seen, accepted, rejected, rejectedCount, items } = total;
  if (seen === 0) throw new BatchyardError("empty_input");
  if (accepted === 0 && total.queueFull > 0) {
    const { waiting, maxSize } = pressure;
    throw new BatchyardError("queue_full", { waiting, limit: maxSize, seconds: FULL_SECONDS }, { retryAfterSeconds: FULL_SECONDS });
  }
  if (accepted === 0 && total.full > 0) {
    throw new BatchyardError(
      "stream_full",
      { stream: stream.name, limit: stream.maxOpen, seconds: FULL_SECONDS },
      { retryAfterSeconds: FULL_SECONDS },
    );
  }
  if (total.atFault === seen) {
    const faults = rejected.map(({ index, code, message }): Fault => ({ path: single ? "" : `items.${index}`, code, message }));
    if (single) throw new BatchyardError("item_refused", { reason: faults[0]!.message }, { errors: faults });
    throw invalid(faults, "bad_items");
  }
  return { status: 202, body: { success: true, accepted, rejected, items, rejectedCount } };
}

function wireStream(view: StreamView): object {
  const { name, definition, readyMade, openWindows, openItems, droppedItems, fault } = view;
  return {
    name,
    definition,
    ready_made: readyMade,
    paused: definition.paused,
    open_windows: openWindows,
    open_items: openItems,
    dropped_items: droppedItems,
    fault,
  };
}

function wireWindow(view: WindowView, now: number): object {
  return {
    batch_id: view.id,
    key: view.key,
    items: view.items,
    bytes: view.bytes,
    opened_at: new Date(view.openedAt).toISOString(),
    last_item_at: new Date(view.lastItemAt).toISOString(),
    age_seconds: round((now - view.openedAt) / 1000, 3),
    idle_seconds: round((now - view.lastItemAt) / 1000, 3),
    fill: view.fill === null ? null : round(view.fill, 4),
    due_at: view.dueAt === null ? null : new Date(view.dueAt).toISOString(),
    held: view.held,
  };
}
