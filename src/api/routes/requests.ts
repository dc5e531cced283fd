import type { FastifyRequest } from "fastify";
import type { Caller } from "../../batches/service.ts";
import { oneLine, readBody } from "../../intake/slice-items.ts";
import { iso } from "../../model/clock.ts";
import { BatchyardError, invalid } from "../../model/errors.ts";
import type { CollectorView, Offer, RequestView } from "../../requests/collector.ts";
import type { RequestRow } from "../../store/requests.ts";
import { LONGEST_WAIT_SECONDS } from "../../streams/requests.ts";
import { bodyText, mediaType } from "../body.ts";
import * as contract from "../contract/requests.ts";
import type { Done, Idempotency } from "../idempotency.ts";
import { drained, lineBody, NDJSON } from "../line-body.ts";
import { ok, route, type Outcome, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const TAG = "Requests";
const ACCEPTED = ["application/json", ...NDJSON];
/** Requests and refusals that an answer lists; its counts are exact. */
const LISTED = 1_000;

/** Single requests to models. */
export function requestRoutes({ collector, clock, config }: ApiServices, idempotency: Idempotency): Route[] {
  async function take(caller: Caller, request: FastifyRequest): Promise<Outcome> {
    const type = mediaType(request);
    const { tenant } = caller;
    if (NDJSON.includes(type)) {
      const sent = { limit: config.limits.uploadBytes, clock };
      const drain = (): Promise<string> => drained(request, sent);
      return idempotency.run({ tenant, request, text: null, drain }, async () => {
        const { blocks, digest } = lineBody(request, sent);
        const taken = new Taken();
        for await (const block of blocks) taken.add(await collector.offer(caller, block.lines, taken.seen), block.lines.length);
        return { ...taken.answer(), contentHash: digest() };
      });
    }
    const text = await bodyText(request, { limit: config.limits.bodyBytes, clock });
    if (text.trim() === "") throw new BatchyardError("empty_body");
    if (type !== "application/json") throw new BatchyardError("unsupported_type", { type, accepted: ACCEPTED.join(", ") });
    return idempotency.run({ tenant, request, text }, async () => {
      if (!text.trimStart().startsWith("["))
        return { status: 202, body: { success: true, request: wireRow(await collector.submit(caller, oneLine(text))) } };
      const texts = readBody(`{"items":${text}}`).items ?? [];
      const taken = new Taken();
      if (texts.length > 0) taken.add(await collector.offer(caller, texts, 0), texts.length);
      return taken.answer();
    });
  }

  const one = { tag: TAG, params: contract.requestParams } as const;
  return [
    route({
      method: "POST",
      path: "/api/requests",
      summary: "One request to a model, an array, or NDJSON; answered after the durable commit",
      tag: TAG,
      need: "operator",
      reads: ACCEPTED,
      readsSchema: contract.singleRequest,
      creates: true,
      ingests: true,
      answers: { 202: contract.takenAnswer },
      handle: ({ caller, request }) => take(caller, request),
    }),
    route({
      method: "GET",
      path: "/api/requests",
      summary: "Requests, newest first",
      tag: TAG,
      need: "viewer",
      query: contract.requestsQuery,
      answers: { 200: contract.requestsAnswer },
      async handle({ caller, query }) {
        const { jobType, status, limit, cursor } = query;
        const { rows, nextCursor } = await collector.list(caller, { jobType, state: status, limit, cursor });
        return ok({ success: true, requests: rows.map(wireRow), nextCursor });
      },
    }),
    route({
      method: "GET",
      path: "/api/requests/collector",
      summary: "What waits, when it goes, and why it does not",
      tag: TAG,
      need: "viewer",
      answers: { 200: contract.collectorAnswer },
      handle: async ({ caller }) => ok({ success: true, collector: wireCollector(collector.status(caller)) }),
    }),
    ...(["pause", "resume"] as const).map((action) =>
      route({
        method: "POST",
        path: `/api/requests/collector/${action}`,
        summary: action === "pause" ? "Take requests, submit none" : "Submit again; what is overdue goes now",
        tag: TAG,
        need: "operator",
        answers: { 200: contract.collectorAnswer },
        handle: async ({ caller }) => ok({ success: true, collector: wireCollector(await collector[action](caller)) }),
      }),
    ),
    route({
      ...one,
      method: "GET",
      path: "/api/requests/:id",
      summary: "A request and its answer; ?wait=seconds waits for it",
      need: "viewer",
      query: contract.requestQuery,
      answers: { 200: contract.requestAnswer },
      async handle({ caller, params, query }) {
        const view = query.wait === 0 ? collector.get(caller, params.id) : collector.wait(caller, params.id, query.wait * 1000);
        return ok({ success: true, request: wireView(await view) });
      },
    }),
    route({
      ...one,
      method: "DELETE",
      path: "/api/requests/:id",
      summary: "Take back a request that still waits in its window",
      need: "operator",
      answers: { 200: contract.cancelledAnswer },
      handle: async ({ caller, params }) => ok({ success: true, request: wireRow(await collector.cancel(caller, params.id)) }),
    }),
  ];
}

/** What became of the requests of one body, block by block; the lists are bounded. */
class Taken {
  seen = 0;
  private accepted = 0;
  private rejectedCount = 0;
  private readonly requests: object[] = [];
  private readonly rejected: { index: number; path: string; code: string; message: string }[] = [];

  add(offer: Offer, seen: number): void {
    this.seen += seen;
    this.accepted += offer.accepted.length;
    this.rejectedCount += offer.rejected.length;
    for (const { row } of offer.accepted.slice(0, LISTED - this.requests.length)) this.requests.push(wireRow(row));
    for (const { index, faults } of offer.rejected.slice(0, LISTED - this.rejected.length)) {
      const [first] = faults;
      const message = faults.map((fault) => (fault.path === "" ? fault.message : `${fault.path}: ${fault.message}`)).join("; ");
      this.rejected.push({ index, path: first?.path ?? "", code: first?.code ?? "invalid_value", message });
    }
  }

  /** 202 as soon as one was taken, 400 when none was. */
  answer(): Done {
    const { seen, accepted, rejectedCount, requests } = this;
    if (seen === 0) throw new BatchyardError("empty_input");
    if (accepted === 0) {
      const full = this.rejected.find(({ code }) => code === "stream_full");
      if (full !== undefined)
        throw new BatchyardError("unavailable", { reason: "full of waiting requests", seconds: 5 }, { retryAfterSeconds: 5 });
      throw invalid(
        this.rejected.map(({ index, code, message }) => ({ path: `items.${index}`, code, message })),
        "bad_items",
      );
    }
    const rejected = this.rejected.map(({ index, code, message }) => ({ index, code, message }));
    return { status: 202, body: { success: true, accepted, rejected, rejectedCount, requests } };
  }
}

function wireRow(row: RequestRow): object {
  return {
    id: row.id,
    custom_id: row.customId,
    jobType: row.jobType,
    model: row.model,
    status: row.state,
    batch_id: row.state === "waiting" ? null : row.batchId,
    created_at: iso(row.createdAt),
    ended_at: iso(row.endedAt),
  };
}

function wireView({ row, response, error, cost }: RequestView): object {
  return { ...wireRow(row), response, error, cost };
}

function wireCollector({ enabled, pause, waiting, windows, settings }: CollectorView): object {
  return {
    status: pause === null ? "collecting" : enabled ? "paused" : "off",
    paused_since: iso(pause?.since ?? null),
    reason: pause?.reason ?? null,
    waiting,
    windows: windows.map((window) => ({
      batch_id: window.id,
      jobType: window.jobType,
      model: window.model,
      requests: window.items,
      opened_at: iso(window.openedAt),
      due_at: iso(window.dueAt),
    })),
    settings: {
      create_interval: settings.createInterval,
      max_requests: settings.maxRequests,
      min_size: settings.minSize,
      max_wait_seconds: LONGEST_WAIT_SECONDS,
      timeout_hours: settings.timeoutHours,
    },
  };
}
