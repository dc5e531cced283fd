import type { Caller } from "../batches/service.ts";
import { decodeCursor, encodeCursor } from "../batches/cursor.ts";
import type { EventLog, SettledItems } from "../events/port.ts";
import type { BatchRow } from "../model/batch.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, invalid, type Fault } from "../model/errors.ts";
import { newId } from "../model/ids.ts";
import type { ItemResult } from "../model/item.ts";
import { isFinal } from "../model/moves.ts";
import type { Store } from "../store/port.ts";
import type { RequestState } from "../model/request-states.ts";
import type { RequestRow } from "../store/requests.ts";
import { REQUESTS, type CollectingSettings } from "../streams/requests.ts";
import type { WindowView } from "../streams/service.ts";
import type { YardStreams } from "../streams/yard-streams.ts";
import { readRequest, type RequestInput, type RequestRules } from "./request-input.ts";
import { Settlement, withoutResult } from "./settlement.ts";
import { windowSubject } from "./window-key.ts";

/** So many batches in a row that ended without one answer pause the collector. */
const FAILURES_IN_A_ROW = 3;
/** Batches looked at for these; more than ever run side by side. */
const LOOKED_AT = 50;
const RETRY_SECONDS = 5;
/** Errors that say something about the provider or the configuration, not about the request. */
const PROVIDERS_FAULT = new Set(["transient", "rate_limit", "resource", "configuration"]);

export interface CollectorParts {
  store: Pick<Store, "requests" | "results" | "batches">;
  streams: YardStreams;
  events: Pick<EventLog, "subscribe">;
  settled: SettledItems;
  clock: Clock;
  settings(): CollectingSettings;
  /** False: nobody asks which requests a window came from. */
  traced: boolean;
  /** Does this server have the model for the endpoint? */
  supports(tenant: string, model: string, url: string): boolean;
  /** Why a webhook cannot be told; null = it can. */
  refusesWebhook(url: string): Fault | null;
  failed(error: unknown): void;
}

/** A request with what is known of its answer. */
export interface RequestView {
  row: RequestRow;
  /** `{status_code, request_id, body}`: the model's answer, good or bad. */
  response: unknown;
  error: { code: string | null; message: string | null } | null;
  /** US dollars. */
  cost: number | null;
}

export interface Offer {
  /** In the order they came; one that was sent before is the request it was then. */
  accepted: { index: number; row: RequestRow }[];
  rejected: { index: number; faults: Fault[] }[];
}

export interface CollectorView {
  enabled: boolean;
  /** Why nothing is submitted; null = something is. */
  pause: { since: number | null; reason: string | null } | null;
  waiting: number;
  windows: (WindowView & { jobType: string; model: string })[];
  settings: CollectingSettings;
}

/** Single requests to models: taken one by one, answered in batches. */
export class Collector {
  private readonly parts: CollectorParts;
  private readonly settlement: Settlement;
  /** Requests with a custom id on their way into a window: the same one again waits for what becomes of the first. */
  private readonly arriving = new Map<string, Promise<unknown>>();

  constructor(parts: CollectorParts) {
    this.parts = parts;
    this.settlement = new Settlement({ ...parts, failed: (error) => parts.failed(error), ended: (batch) => this.judge(batch) });
  }

  start(): Promise<void> {
    return this.settlement.start();
  }

  stop(): Promise<void> {
    return this.settlement.stop();
  }

  /** One request as JSON text; resolves after the durable commit. Throws validation_failed, custom_id_in_use, queue_full, stream_full. */
  async submit(caller: Caller, text: string): Promise<RequestRow> {
    const read = readRequest(text, this.rulesFor(caller.tenant));
    if ("faults" in read) throw invalid(read.faults);
    return this.place(caller, read);
  }

  /** Many of them, one JSON text each; `first` is the index of the first one. Faults of single ones are in `rejected`. Throws queue_full. */
  async offer(caller: Caller, texts: readonly string[], first: number): Promise<Offer> {
    const answer: Offer = { accepted: [], rejected: [] };
    const rules = this.rulesFor(caller.tenant);
    await Promise.all(
      texts.map(async (text, i) => {
        const index = first + i;
        const read = readRequest(text, rules);
        if ("faults" in read) answer.rejected.push({ index, faults: read.faults });
        else
          try {
            answer.accepted.push({ index, row: await this.place(caller, read) });
          } catch (error) {
            if (!(error instanceof BatchyardError) || !SINGLE.has(error.code)) throw error;
            answer.rejected.push({ index, faults: [{ path: "", code: error.code, message: error.message }] });
          }
      }),
    );
    for (const list of [answer.accepted, answer.rejected]) list.sort((a, b) => a.index - b.index);
    return answer;
  }

  /** Throws request_not_found. */
  async get({ tenant }: Caller, id: string): Promise<RequestView> {
    return this.view(await this.row(tenant, id));
  }

  /** The same once it has ended, or as it is when `ms` are over. */
  async wait({ tenant }: Caller, id: string, ms: number): Promise<RequestView> {
    await this.row(tenant, id);
    const change = this.settlement.change(id, ms);
    try {
      // Looked at after the watch began: an end between the two is not missed.
      const row = await this.row(tenant, id);
      if (row.endedAt === null) await change.done;
    } finally {
      change.stop();
    }
    return this.view(await this.row(tenant, id));
  }

  async list(
    { tenant }: Caller,
    query: { jobType?: string | undefined; state?: RequestState | undefined; limit: number; cursor?: string | undefined },
  ): Promise<{ rows: RequestRow[]; nextCursor: string | null }> {
    const place = query.cursor === undefined ? null : decodeCursor(REQUESTS, query.cursor, ["number", "string"]);
    const before = place === null ? null : { createdAt: Number(place[0]), id: String(place[1]) };
    const rows = await this.parts.store.requests.list(tenant, query, { before, limit: query.limit + 1 });
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    return { rows: page, nextCursor: last === undefined ? null : encodeCursor(REQUESTS, [last.createdAt, last.id]) };
  }

  /** Takes a request out of its window. Throws request_not_found, and request_not_waiting for one that has left it. */
  async cancel({ tenant }: Caller, id: string): Promise<RequestRow> {
    const row = await this.row(tenant, id);
    if (row.state === "cancelled") return row;
    const taken = row.state === "waiting" && (await this.parts.streams.requests.withdraw(tenant, row.batchId, id));
    if (!taken) throw new BatchyardError("request_not_waiting", { id, state: (await this.row(tenant, id)).state, batch: row.batchId });
    this.settlement.changed([id]);
    return this.row(tenant, id);
  }

  view(row: RequestRow): Promise<RequestView> {
    return row.endedAt === null || row.state === "waiting"
      ? Promise.resolve({ row, response: null, error: null, cost: null })
      : this.answered(row);
  }

  status({ tenant }: Caller): CollectorView {
    const { streams } = this.parts;
    const settings = this.parts.settings();
    const windows = streams.requests.list(tenant);
    return {
      enabled: settings.enabled,
      pause: streams.requests.pauseOf(tenant),
      waiting: windows.reduce((sum, window) => sum + window.items, 0),
      windows: windows.map((window) => ({ ...window, ...windowSubject(window.key) })),
      settings,
    };
  }

  /** Nothing more is submitted until it is resumed; what was is collected. */
  async pause(caller: Caller): Promise<CollectorView> {
    await this.parts.streams.setPaused(caller, REQUESTS, true);
    return this.status(caller);
  }

  /** Goes on where it was, and forgets the failures so far. */
  async resume(caller: Caller): Promise<CollectorView> {
    await this.parts.streams.setPaused(caller, REQUESTS, false);
    return this.status(caller);
  }

  private async answered(row: RequestRow): Promise<RequestView> {
    const { lines } = await this.parts.store.results.page(row.tenant, row.batchId, { nodeId: row.id }, null, 1);
    if (lines[0] !== undefined) {
      const { success, result, error, errorCode, cost } = JSON.parse(lines[0]) as ItemResult;
      const why = success ? null : { code: errorCode ?? null, message: error ?? null };
      return { row, response: result ?? null, error: why, cost: cost ?? null };
    }
    const batch = await this.parts.store.batches.get(row.tenant, row.batchId);
    if (batch === null || !isFinal(batch.status)) return { row, response: null, error: null, cost: null };
    const { error, errorCode } = withoutResult(batch);
    return { row, response: null, error: { code: errorCode ?? null, message: error ?? null }, cost: null };
  }

  private rulesFor(tenant: string): RequestRules {
    const { supports, refusesWebhook } = this.parts;
    return { supports: (model, url) => supports(tenant, model, url), refusesWebhook };
  }

  private async place(caller: Caller, input: RequestInput): Promise<RequestRow> {
    if (input.customId === null) return this.collect(caller, input);
    const name = JSON.stringify([caller.tenant, input.jobType, input.customId]);
    for (let first = this.arriving.get(name); first !== undefined; first = this.arriving.get(name)) await first.catch(() => undefined);
    const work = this.collectOnce(caller, input, input.customId);
    this.arriving.set(name, work);
    try {
      return await work;
    } finally {
      this.arriving.delete(name);
    }
  }

  private async collectOnce(caller: Caller, input: RequestInput, customId: string): Promise<RequestRow> {
    const before = await this.parts.store.requests.openWith(caller.tenant, input.jobType, customId);
    if (before === null) return this.collect(caller, input);
    if (before.fingerprint === input.fingerprint) return before;
    throw new BatchyardError("custom_id_in_use", { custom_id: customId, jobType: input.jobType, id: before.id });
  }

  private async collect({ tenant, traceparent }: Caller, input: RequestInput): Promise<RequestRow> {
    const { jobType, model, customId, fingerprint, webhook, windowKey, item: text } = input;
    const id = newId("req");
    const request = { id, tenant, jobType, model, customId, fingerprint, webhook, createdAt: this.parts.clock.now() };
    const { streams, traced } = this.parts;
    const origin = traced && typeof traceparent === "string" ? { traceparent } : {};
    const item = { key: id, windowKey, text, bytes: Buffer.byteLength(text), payload: {}, fast: false, request, ...origin };
    const [placed] = await streams.requests.collect(tenant, [item]);
    if (placed === undefined || "code" in placed) {
      const limit = streams.requests.maxOpen(tenant);
      throw new BatchyardError("stream_full", { stream: REQUESTS, limit, seconds: RETRY_SECONDS }, { retryAfterSeconds: RETRY_SECONDS });
    }
    this.settlement.expect(placed.batchId);
    return { ...request, batchId: placed.batchId, state: "waiting", endedAt: null };
  }

  private async row(tenant: string, id: string): Promise<RequestRow> {
    const row = await this.parts.store.requests.get(tenant, id);
    if (row === null) throw new BatchyardError("request_not_found", { id });
    return row;
  }

  /** After so many batches without one answer, by no fault of the requests, nothing more is submitted until somebody resumes. */
  private async judge(batch: BatchRow): Promise<void> {
    const { streams, store } = this.parts;
    const { tenant } = batch;
    if (streams.requests.pauseOf(tenant) !== null || !(await this.isFruitless(batch))) return;
    const since = streams.requests.switchedAt(tenant);
    const { batches } = await store.batches.list({ tenant, stream: REQUESTS }, { limit: LOOKED_AT });
    const last = batches
      .filter((each) => each.completedAt !== null && each.completedAt >= since && each.status !== "cancelled")
      .sort((a, b) => b.completedAt! - a.completedAt!)
      .slice(0, FAILURES_IN_A_ROW);
    const fruitless = await Promise.all(last.map((each) => this.isFruitless(each)));
    if (last.length < FAILURES_IN_A_ROW || fruitless.includes(false)) return;
    const [worst] = await store.results.groups(tenant, batch.id);
    const reason = `${FAILURES_IN_A_ROW} batches in a row ended without one answer; the last: ${worst?.error ?? `it ${batch.status}`}`;
    await streams.setPaused({ ...SELF, tenant }, REQUESTS, true, reason);
  }

  private async isFruitless(batch: BatchRow): Promise<boolean> {
    if (batch.succeeded > 0 || batch.status === "cancelled") return false;
    if (batch.status === "expired") return true;
    const groups = await this.parts.store.results.groups(batch.tenant, batch.id);
    return groups.length > 0 && groups.every(({ category }) => PROVIDERS_FAULT.has(category));
  }
}

/** Refusals of one request among many. */
const SINGLE = new Set(["custom_id_in_use", "stream_full"]);
const SELF: Omit<Caller, "tenant"> = { actor: "collector", role: "operator", credential: null, address: null };
