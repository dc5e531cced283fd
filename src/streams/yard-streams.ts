import type { Backpressure } from "../batches/backpressure.ts";
import type { Creator, WindowPlan } from "../batches/create/create.ts";
import type { Caller } from "../batches/service.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, invalid } from "../model/errors.ts";
import { streamName } from "../model/stream-name.ts";
import { faultsOf } from "../model/schema-faults.ts";
import type { DeadLetter, DeadSelection, Store, StreamRow } from "../store/port.ts";
import { Aggregator, type Offered } from "./aggregator.ts";
import { closureSettings } from "./preview/candidate.ts";
import { changedDetections, DETECTIONS, detections, type WindowSettings } from "./detections.ts";
import { parsedDefinition, streamDefinition, type StreamDefinition } from "./definition.ts";
import { isRefusal } from "./item-reader.ts";
import type { LagView } from "./lag.ts";
import { StreamImpact, type PreviewRequest } from "./preview/impact.ts";
import { Letters } from "./letters.ts";
import { OpenStream, type Closing } from "./open-stream.ts";
import { PreviewGuard } from "./preview/preview-guard.ts";
import { RequestWindows } from "./request-windows.ts";
import { COLLECTED_BY, REQUESTS, requestsDefinition, type CollectingSettings } from "./requests.ts";
import type { ChangeReport } from "./preview/rule-log.ts";
import type {
  OfferAnswer,
  PreviewAnswer,
  RejectedItem,
  RequeueAnswer,
  RequeueRequest,
  Streams,
  StreamView,
  WindowView,
} from "./service.ts";
import { viewOf, windowView } from "./views.ts";

const HOUR_MS = 3_600_000;
/** Changes of the rules of a stream, newest first, among which those of an earlier time are looked for. */
const RULES_LOOKED_AT = 100;

export interface YardStreamsParts {
  store: Pick<Store, "streams" | "requests" | "impact" | "audit" | "events">;
  creator: Pick<Creator, "windowPlan">;
  clock: Clock;
  pressure: Backpressure;
  /** The settings as they are now. */
  settings(): WindowSettings;
  /** Whether a large change of rules asks for a preview or a reason, whoever makes it. */
  previewRequired(): boolean;
  /** Those of the stream that collects single requests. */
  collecting(): CollectingSettings;
  /** Options of the batch that a window of single requests becomes, by its key: who is to answer them. */
  answeredBy(tenant: string, windowKey: string): Record<string, unknown>;
  /** False: nobody asks which requests a window came from. */
  traced: boolean;
  /** Batches that run at once in this process. */
  slots(): number;
  /** A window became a batch. */
  wake(): void;
  failed(error: unknown): void;
}

/** Streams of the config file, by name. */
export interface DeclaredStreams {
  tenant: string;
  definitions: Readonly<Record<string, unknown>>;
}

/** Definitions, and what callers may do with streams; the windows themselves are the aggregator's. */
export class YardStreams implements Streams {
  private readonly parts: YardStreamsParts;
  private readonly aggregator: Aggregator;
  private readonly previews: PreviewGuard;
  private readonly impact: StreamImpact;
  /** By tenant, then by name. */
  private readonly streams = new Map<string, Map<string, OpenStream>>();
  private readonly rows = new Map<OpenStream, StreamRow>();
  private readonly letters: Letters;
  /** Those of single requests. */
  readonly requests: RequestWindows;

  constructor(parts: YardStreamsParts) {
    this.parts = parts;
    this.previews = new PreviewGuard({ clock: parts.clock, store: parts.store.impact });
    this.impact = new StreamImpact({ ...parts, store: parts.store.impact, failed: (error) => parts.failed(error) });
    this.aggregator = new Aggregator({
      store: parts.store.streams,
      clock: parts.clock,
      holds: async (tenant) => (await parts.pressure.of(tenant)).state !== "normal",
      wake: () => parts.wake(),
      failed: (error) => parts.failed(error),
    });
    this.requests = new RequestWindows({
      store: parts.store.streams,
      aggregator: this.aggregator,
      pressure: parts.pressure,
      clock: parts.clock,
      streamOf: (tenant) => this.find(tenant, REQUESTS),
      streams: () => [...this.streams.values()].flatMap((named) => named.get(REQUESTS) ?? []),
      rowOf: (stream) => this.rows.get(stream),
      note: (stream) => this.impact.note(stream, false),
      wake: () => parts.wake(),
    });
    this.letters = new Letters({ store: parts.store.streams, aggregator: this.aggregator, clock: parts.clock, failed: parts.failed });
  }

  /**
   * Reads definitions and open windows; then windows close by their rules. What the config file declares counts, whatever was
   * stored; only whether a stream is paused stays. Throws validation_failed, unknown_operation, ready_made_stream.
   */
  async start(declared: DeclaredStreams | null): Promise<void> {
    const { store } = this.parts;
    for (const row of await store.streams.definitions()) this.keep(row.tenant, row.name, row);
    // A tenant's first requests may be older than its first word about their stream.
    for (const { tenant } of await store.requests.open()) this.find(tenant, REQUESTS);
    for (const [name, given] of Object.entries(declared?.definitions ?? {})) await this.declare(declared!.tenant, name, given);
    const open = Map.groupBy(await store.streams.open(), (window) => this.found(window.tenant, window.stream));
    for (const [stream, windows] of open) {
      // The windows of a stream that is gone stay as they are: nothing says what to do with them.
      if (stream !== null) this.aggregator.adopt(stream, windows);
    }
    // The environment may have changed them while nobody looked.
    for (const named of this.streams.values()) for (const stream of named.values()) this.impact.note(stream, true);
    this.aggregator.start();
    await this.requests.holdOrRelease();
    await this.letters.resume((tenant, name) => this.found(tenant, name));
  }

  /** Windows stay open, in the store. */
  async stop(): Promise<void> {
    await this.letters.stop();
    await this.aggregator.stop();
    await this.impact.idle();
  }

  list({ tenant }: Caller): StreamView[] {
    for (const name of [DETECTIONS, REQUESTS]) this.find(tenant, name);
    return [...this.streams.get(tenant)!.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(viewOf);
  }

  oldestWindows(tenant: string): { stream: string; openedAt: number; windowMs: number }[] {
    return [...(this.streams.get(tenant)?.values() ?? [])].flatMap(({ name, rules, windows }) => {
      if (rules.maxAgeMs === undefined) return [];
      let openedAt = Infinity;
      for (const { window } of windows.values()) if (window !== null && window.openedAt < openedAt) openedAt = window.openedAt;
      return openedAt === Infinity ? [] : [{ stream: name, openedAt, windowMs: rules.maxAgeMs }];
    });
  }

  get({ tenant }: Caller, name: string): StreamView {
    return viewOf(this.find(tenant, name));
  }

  async put(
    caller: Caller,
    name: string,
    given: unknown,
    { reason, guarded = false }: { reason?: string | undefined; guarded?: boolean } = {},
  ): Promise<{ stream: StreamView; created: boolean }> {
    const { store, clock } = this.parts;
    if (name === REQUESTS) throw ofRequests("defined", `its windows follow ${Object.values(COLLECTED_BY).join(", ")}`);
    const { definition, kept } = name === DETECTIONS ? changedDetections(this.parts.settings(), given) : parsedDefinition(given);
    // Refused now rather than when the first window closes.
    this.planNow(caller.tenant, definition);
    const before = this.found(caller.tenant, name);
    if (before !== null) await this.holdToPreview(before, definition, { reason, guarded });
    const row: StreamRow = {
      tenant: caller.tenant,
      name,
      definition: kept,
      paused: definition.paused,
      createdAt: (before === null ? undefined : this.rows.get(before)?.createdAt) ?? clock.now(),
      updatedAt: clock.now(),
    };
    const shown = before === null ? null : viewOf(before).definition;
    await store.streams.save(row);
    const stream = this.keep(caller.tenant, name, row);
    this.aggregator.rulesChanged();
    await this.audit(caller, "stream.put", name, shown, { ...stream.definition, ...(reason === undefined ? {} : { reason }) });
    return { stream: viewOf(stream), created: before === null };
  }

  async remove(caller: Caller, name: string): Promise<{ batches: string[] }> {
    const stream = this.find(caller.tenant, name);
    if (name === REQUESTS) throw ofRequests("removed", "pause it with POST /api/requests/collector/pause");
    if (name === DETECTIONS)
      throw new BatchyardError("ready_made_stream", {
        stream: name,
        action: "removed",
        cure: `pause it with POST /api/streams/${name}/pause`,
      });
    const batches = await this.aggregator.flush(stream, null, "drain");
    this.streams.get(caller.tenant)?.delete(name);
    this.letters.forget(stream);
    this.aggregator.forget(stream);
    this.impact.forget(stream);
    // What was offered while it drained.
    batches.push(...(await this.aggregator.flush(stream, null, "drain")));
    await this.parts.store.streams.remove(caller.tenant, name);
    this.rows.delete(stream);
    await this.audit(caller, "stream.remove", name, stream.definition, null);
    return { batches };
  }

  async offer(caller: Caller, name: string, texts: readonly string[], first: number): Promise<OfferAnswer> {
    const stream = this.find(caller.tenant, name);
    if (stream.collects) throw ofRequests("filled", "send requests to POST /api/requests");
    const startedAt = this.parts.clock.elapsed();
    const answer = await this.taken(caller, stream, texts, first);
    const { intake } = stream;
    intake.offers += 1;
    intake.offerMs += this.parts.clock.elapsed() - startedAt;
    for (const { code } of answer.rejected) intake.rejected.set(code, (intake.rejected.get(code) ?? 0) + 1);
    return answer;
  }

  private async taken({ tenant, traceparent }: Caller, stream: OpenStream, texts: readonly string[], first: number): Promise<OfferAnswer> {
    if (await this.parts.pressure.isFull(tenant)) return queueFull(texts.length, first);
    this.impact.note(stream, false);
    const offered: Offered[] = [];
    const places: number[] = [];
    const rejected: RejectedItem[] = [];
    for (const [i, text] of texts.entries()) {
      const read = stream.reader.read(text);
      if (isRefusal(read)) rejected.push({ index: first + i, ...read });
      else {
        if (this.parts.traced && typeof traceparent === "string") read.traceparent = traceparent;
        offered.push({ item: read, deadLetter: null });
        places.push(first + i);
      }
    }
    const items: OfferAnswer["items"] = [];
    const placed = offered.length === 0 ? [] : await this.aggregator.offer(stream, offered);
    for (const [i, place] of placed.entries()) {
      if ("code" in place) rejected.push({ index: places[i]!, code: place.code, message: place.message });
      else items.push(place);
    }
    rejected.sort((a, b) => a.index - b.index);
    return { accepted: items.length, rejected, items };
  }

  windows({ tenant }: Caller, name: string): WindowView[] {
    const open = [...this.find(tenant, name).windows.values()].filter((window) => window.window !== null);
    return open.sort((a, b) => a.number - b.number).map(windowView);
  }

  async flush(caller: Caller, name: string, key: string | null): Promise<{ batches: string[] }> {
    const stream = this.find(caller.tenant, name);
    const batches = await this.aggregator.flush(stream, key, "manual");
    await this.audit(caller, "stream.flush", name, null, { key, batches: batches.length });
    return { batches };
  }

  /** `reason`: the server does it by itself. */
  async setPaused(caller: Caller, name: string, paused: boolean, reason?: string): Promise<StreamView> {
    const { store, clock } = this.parts;
    const stream = this.find(caller.tenant, name);
    const was = stream.paused;
    const row = this.rows.get(stream) ?? { tenant: caller.tenant, name, definition: {}, paused, createdAt: clock.now(), updatedAt: 0 };
    const definition = !stream.collects ? row.definition : reason === undefined ? {} : { pauseReason: reason };
    const changed = { ...row, definition, paused, updatedAt: clock.now() };
    await store.streams.save(changed);
    this.keep(caller.tenant, name, changed);
    this.aggregator.rulesChanged();
    if (stream.collects) await this.requests.holdOrRelease();
    if (was !== paused) {
      await store.events.append([
        {
          tenant: caller.tenant,
          type: "stream.paused",
          entity: { kind: "stream", id: name },
          severity: "info",
          ts: clock.now(),
          data: { stream: name, paused, ...(reason === undefined ? {} : { reason }) },
        },
      ]);
    }
    await this.audit(caller, paused ? "stream.pause" : "stream.resume", name, { paused: was }, { paused });
    return viewOf(stream);
  }

  async deadLetters(
    { tenant }: Caller,
    name: string,
    page: { after: number; limit: number; selection?: DeadSelection },
  ): Promise<{ letters: DeadLetter[]; total: number }> {
    return this.letters.page(this.find(tenant, name), page);
  }

  async requeue(caller: Caller, name: string, { limit, rate, selection = {} }: RequeueRequest): Promise<RequeueAnswer> {
    const answer = await this.letters.requeue(this.find(caller.tenant, name), { limit, rate, selection });
    const { requeued, scheduled } = answer;
    await this.audit(caller, "stream.requeue", name, null, { limit, rate, ...selection, requeued, scheduled });
    return answer;
  }

  async discard(caller: Caller, name: string, selection: DeadSelection, limit: number): Promise<number> {
    const discarded = await this.letters.discard(this.find(caller.tenant, name), selection, limit);
    await this.audit(caller, "stream.discard", name, null, { ...selection, discarded });
    return discarded;
  }

  rulesChanged(): void {
    for (const [tenant, named] of this.streams) {
      for (const name of [DETECTIONS, REQUESTS]) {
        const stream = named.get(name);
        if (stream !== undefined) this.keep(tenant, name, this.rows.get(stream) ?? null);
      }
    }
    this.aggregator.rulesChanged();
    this.requests.holdOrRelease().catch(this.parts.failed);
  }

  lag(): LagView {
    return this.aggregator.lag();
  }

  async preview({ tenant }: Caller, name: string, request: PreviewRequest): Promise<PreviewAnswer> {
    const stream = this.find(tenant, name);
    const current = closureSettings(stream.definition);
    const answer = await this.impact.run(stream, request);
    await this.previews.previewed(stream, current, request.changes);
    return { stream: name, current, ...answer };
  }

  async closed({ tenant }: Caller, batchId: string): ReturnType<Streams["closed"]> {
    const { store } = this.parts;
    const window = await store.streams.closed(tenant, batchId);
    if (window === null) return null;
    const rules = await store.impact.rules(tenant, window.stream, RULES_LOOKED_AT);
    return { ...window, rulesSince: rules.find(({ at }) => at <= window.closedAt)?.at ?? null };
  }

  async checkPreviewed(
    { tenant }: Caller,
    name: string,
    changes: Readonly<Record<string, unknown>>,
    how: { reason?: string | undefined; guarded: boolean },
  ): Promise<void> {
    const stream = this.find(tenant, name);
    await this.holdToPreview(stream, { ...stream.definition, ...changes }, how);
  }

  private async holdToPreview(
    stream: OpenStream,
    after: Readonly<Record<string, unknown>>,
    { reason, guarded }: { reason?: string | undefined; guarded: boolean },
  ): Promise<void> {
    if (reason === undefined && (guarded || this.parts.previewRequired())) await this.previews.check(stream, stream.definition, after);
  }

  async previewHistory({ tenant }: Caller, name: string): Promise<ChangeReport[]> {
    return this.impact.history(this.find(tenant, name));
  }

  settlePredictions(): Promise<void> {
    return this.impact.settle();
  }

  private async declare(tenant: string, name: string, given: unknown): Promise<void> {
    const { store, clock } = this.parts;
    const named = streamName.safeParse(name);
    if (!named.success) throw invalid(faultsOf(named.error, streamName, name).map((fault) => ({ ...fault, path: `streams.${name}` })));
    if (name === REQUESTS) throw ofRequests("declared", `its windows follow ${Object.values(COLLECTED_BY).join(", ")}`);
    const { definition, kept } = name === DETECTIONS ? changedDetections(this.parts.settings(), given) : parsedDefinition(given);
    this.planNow(tenant, definition);
    const before = this.found(tenant, name);
    const row = before === null ? undefined : this.rows.get(before);
    if (row !== undefined && JSON.stringify(row.definition) === JSON.stringify(kept)) return;
    const now = clock.now();
    const saved: StreamRow = {
      tenant,
      name,
      definition: kept,
      paused: row?.paused ?? definition.paused,
      createdAt: row?.createdAt ?? now,
      updatedAt: now,
    };
    await store.streams.save(saved);
    this.keep(tenant, name, saved);
  }

  private find(tenant: string, name: string): OpenStream {
    const stream = this.found(tenant, name);
    if (stream === null) throw new BatchyardError("stream_not_found", { stream: name });
    return stream;
  }

  /** The ready-made ones are there for whoever asks. */
  private found(tenant: string, name: string): OpenStream | null {
    const stream = this.streams.get(tenant)?.get(name);
    if (stream !== undefined) return stream;
    return name === DETECTIONS || name === REQUESTS ? this.keep(tenant, name, null) : null;
  }

  /** Brings a stream in memory up to its definition; a new one starts empty. */
  private keep(tenant: string, name: string, row: StreamRow | null): OpenStream {
    const collecting = name === REQUESTS ? this.parts.collecting() : null;
    const paused = (row?.paused ?? false) || collecting?.enabled === false;
    const definition =
      collecting !== null
        ? requestsDefinition(collecting, paused)
        : name === DETECTIONS
          ? this.detectionsNow(row?.definition ?? {})
          : streamDefinition.parse(row?.definition);
    const closing = {
      batchTimeoutMs: collecting === null ? null : collecting.timeoutHours * HOUR_MS,
      holdsBatches: collecting !== null && paused,
    };
    const plan = this.plan(tenant, definition, closing);
    let named = this.streams.get(tenant);
    if (named === undefined) this.streams.set(tenant, (named = new Map()));
    let stream = named.get(name);
    if (stream !== undefined) {
      stream.redefine({ ...definition, paused }, paused, plan);
      this.impact.note(stream, true);
    } else {
      stream = new OpenStream(tenant, name, { ...definition, paused }, paused, plan);
      named.set(name, stream);
      this.aggregator.adopt(stream, []);
    }
    if (collecting !== null) {
      stream.planFor = (key) => {
        const options = { ...definition.options, ...this.parts.answeredBy(tenant, key) };
        return this.plan(tenant, { ...definition, options }, closing);
      };
    }
    if (row !== null) this.rows.set(stream, row);
    return stream;
  }

  /** What was changed by hand may no longer fit the settings; then the settings alone count. */
  private detectionsNow(changed: Record<string, unknown>): StreamDefinition {
    try {
      return detections(this.parts.settings(), changed);
    } catch (error) {
      this.parts.failed(error);
      return detections(this.parts.settings(), {});
    }
  }

  private plan(tenant: string, definition: StreamDefinition, more: Omit<Closing, keyof WindowPlan>): Closing | Error {
    try {
      return { ...this.planNow(tenant, definition), ...more };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private planNow(tenant: string, definition: StreamDefinition): WindowPlan {
    const caller: Caller = { tenant, actor: "streams", role: "operator", credential: null, address: null };
    return this.parts.creator.windowPlan(caller, { operation: definition.operation, options: definition.options });
  }

  private audit(caller: Caller, action: string, target: string, before: unknown, after: unknown): Promise<void> {
    const { tenant, actor, credential, address } = caller;
    return this.parts.store.audit.append({
      tenant,
      actor,
      credential,
      address,
      at: this.parts.clock.now(),
      action,
      target,
      before,
      after,
      outcome: "SUCCESS",
    });
  }
}

/** As many batches wait as may: nothing is taken, so that nothing has to be lost. */
function queueFull(items: number, first: number): OfferAnswer {
  const why = { code: "queue_full", message: "As many batches wait as QUEUE_MAX_SIZE allows; send the item again later" };
  return { accepted: 0, rejected: Array.from({ length: items }, (_, i) => ({ index: first + i, ...why })), items: [] };
}

function ofRequests(action: string, cure: string): BatchyardError {
  return new BatchyardError("ready_made_stream", { stream: REQUESTS, action, cure });
}
