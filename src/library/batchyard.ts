import { z } from "zod";
import type { OfferAnswer } from "../streams/service.ts";
import type { Yard } from "../yard.ts";
import { wireBatch } from "../api/wire/batch.ts";
import { summaryOf } from "../api/wire/summary.ts";
import { visualizationOf } from "../api/wire/visualization.ts";
import type { WireBatch } from "../api/contract/batch.ts";
import type { Summary, Visualization } from "../api/contract/results.ts";
import type { Caller, CreateRequest, HistoryQuery, ReplayRequest } from "../batches/service.ts";
import { historyQuery } from "../api/contract/batch.ts";
import { replayBody } from "../api/contract/replay.ts";
import { parseRequest } from "../api/contract/create-request.ts";
import { jsonOf, readInline } from "../intake/inline.ts";
import { CONTROL_LIMITS, scanJson } from "../intake/scan.ts";
import { BatchyardError, invalid } from "../model/errors.ts";
import type { ItemResult, ItemText } from "../model/item.ts";
import { faultsOf } from "../model/schema-faults.ts";
import { isFinal } from "../model/moves.ts";

/** A batch to create: the fields of POST /api/batch/create, with items as values or as they come. */
export interface NewLibraryBatch extends Omit<CreateRequest, "id"> {
  /** Objects; an item's key is its nodeId, id or custom_id, else `item_<n>`. An async iterable streams in constant memory. */
  items?: readonly object[] | AsyncIterable<object> | undefined;
}

/** Where a batch stands, as `watch` yields it. */
export interface BatchUpdate {
  batchId: string;
  status: WireBatch["status"];
  /** 0..100, 100 only at the end. */
  progress: number;
  processed: number;
  failed: number;
  total: number;
}

/** The query of GET /api/batch/history with times as Unix milliseconds. */
const libraryHistory = historyQuery.extend({ createdAfter: z.int().optional(), createdBefore: z.int().optional() });

/** A yard in this process: the store, the workers and their handlers, without a server. */
export class Batchyard {
  private readonly yard: Yard;
  private readonly caller: Caller;
  /** Ends those who watch when the yard is closed. */
  private readonly closing = new AbortController();
  private stopped: Promise<void> | null = null;

  constructor(yard: Yard, tenant: string) {
    this.yard = yard;
    this.caller = { tenant, actor: "library", role: "admin", credential: null, address: null };
  }

  /** Resolves when the batch is durable. Throws BatchyardError with every fault of the request. */
  async createBatch(request: NewLibraryBatch): Promise<WireBatch> {
    const { items, ...rest } = objectOf(request);
    const parsed = parseRequest(plain(rest), this.yard.registry);
    if (items !== undefined && !Array.isArray(items) && !(typeof items === "object" && Symbol.asyncIterator in items)) {
      throw invalid([{ path: "items", message: "must be an array of objects, or an async iterable of them", code: "invalid_type" }]);
    }
    const source =
      items === undefined
        ? null
        : Symbol.asyncIterator in items
          ? streamed(items)
          : readInline(items, { maxItems: this.yard.config.limits.maxItems });
    return wireBatch(await this.yard.batches.create(this.caller, parsed, source));
  }

  /** Throws batch_not_found. */
  async getBatch(batchId: string): Promise<WireBatch> {
    const view = await this.yard.batches.view(this.caller, batchId);
    return wireBatch(view.batch, view);
  }

  /** Every update of a batch from now on, the last one when it has ended. Also ends by the signal, and when the yard is closed. */
  async *watch(batchId: string, options: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<BatchUpdate> {
    let changed = true;
    let wake = (): void => {};
    const stop = this.yard.events.subscribe((events) => {
      if (!events.some((event) => event.entity.id === batchId)) return;
      changed = true;
      wake();
    });
    const aborted = (): void => wake();
    // Somebody waits for the batch: the process must not end meanwhile, even when all there is to do is wait for a retry.
    const alive = setInterval(() => {}, 2 ** 30);
    const signal = AbortSignal.any([this.closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    signal.addEventListener("abort", aborted);
    try {
      while (!signal.aborted) {
        if (!changed) await new Promise<void>((resolve) => (wake = resolve));
        changed = false;
        const batch = await this.getBatch(batchId);
        yield {
          batchId,
          status: batch.status,
          progress: batch.progress,
          processed: batch.processed_items,
          failed: batch.failed_items,
          total: batch.total_items,
        };
        if (isFinal(batch.status)) return;
      }
    } finally {
      stop();
      clearInterval(alive);
      signal.removeEventListener("abort", aborted);
    }
  }

  /** Waits for the end of a batch. Throws the signal's reason when that comes first, and `unavailable` when the yard is closed. */
  async waitForBatch(batchId: string, options: { signal?: AbortSignal | undefined } = {}): Promise<WireBatch> {
    const updates = this.watch(batchId, options);
    while ((await updates.next()).done !== true);
    options.signal?.throwIfAborted();
    if (this.closing.signal.aborted) throw new BatchyardError("unavailable", { reason: "closed", seconds: 1 });
    return this.getBatch(batchId);
  }

  /** Result by result, in constant memory; successes first. */
  async *results(batchId: string, filter: { success?: boolean; nodeId?: string } = {}): AsyncGenerator<ItemResult> {
    for await (const lines of this.yard.batches.streamResults(this.caller, batchId, filter)) {
      for (const line of lines) yield JSON.parse(line) as ItemResult;
    }
  }

  async getSummary(batchId: string): Promise<Summary> {
    const { batch, stats } = await this.yard.batches.view(this.caller, batchId);
    return summaryOf(batch, stats, this.yard.clock.now());
  }

  async getBatchVisualization(batchId: string): Promise<Visualization> {
    const view = await this.yard.batches.view(this.caller, batchId);
    return visualizationOf(view, await this.yard.batches.errors(this.caller, batchId), this.yard.clock.now());
  }

  /** Keeps a file, for `input: { file_id }`. Its format is told by its name, its type or its first bytes. */
  async saveFile(
    bytes: Uint8Array | string | AsyncIterable<Uint8Array>,
    meta: { name: string; contentType?: string },
  ): Promise<{ id: string; bytes: number }> {
    const { id, bytes: size } = await this.yard
      .files(this.caller.tenant)
      .save(chunked(bytes), { contentType: "application/octet-stream", ...meta });
    return { id, bytes: size };
  }

  /** The bytes of a file: one that was saved, or that a report or an export made. Throws file_not_found. */
  async *readFile(fileId: string): AsyncGenerator<Uint8Array> {
    const { stream } = await this.yard.files(this.caller.tenant).open(fileId);
    yield* stream as AsyncIterable<Uint8Array>;
  }

  /**
   * Hands items to a stream; resolves when they are durably in their windows. Refused ones are in `rejected`, each with its index.
   * Throws stream_not_found.
   */
  push(stream: string, items: Record<string, unknown> | readonly Record<string, unknown>[]): Promise<OfferAnswer> {
    const list = Array.isArray(items) ? (items as readonly Record<string, unknown>[]) : [items];
    return this.yard.streams.offer(
      this.caller,
      stream,
      list.map((item) => JSON.stringify(item)),
      0,
    );
  }

  /** Closes the open windows of a stream now: all, or that of one key. Returns the ids of the batches they became. */
  async flush(stream: string, key?: string): Promise<string[]> {
    return (await this.yard.streams.flush(this.caller, stream, key ?? null)).batches;
  }

  /** Groups events of this program; what is not given is what the settings `events` say, also when they change. */
  eventBatcher(options: Parameters<Yard["eventBatcher"]>[0]): ReturnType<Yard["eventBatcher"]> {
    return this.yard.eventBatcher(options);
  }

  /** Newest first; `limit` 1..100 (50). Throws validation_failed for what GET /api/batch/history would refuse. */
  async getBatchHistory(query: Partial<HistoryQuery> = {}): Promise<WireBatch[]> {
    const parsed = libraryHistory.safeParse(query);
    if (!parsed.success) throw invalid(faultsOf(parsed.error, libraryHistory, query));
    const { batches } = await this.yard.batches.history(this.caller, parsed.data);
    return batches.map((batch) => wireBatch(batch));
  }

  /**
   * Reports the result of an item of a batch with outside workers (created with `total_items` or `executor: "external"`).
   * `durationMs` in milliseconds, `qualityScore` 0..1. False when this key was reported before: it counts once.
   */
  async recordResult(
    batchId: string,
    nodeId: string,
    success: boolean,
    result?: unknown,
    error?: string,
    retries?: number,
    durationMs?: number,
    qualityScore?: number,
  ): Promise<boolean> {
    const outcome = await this.yard.batches.record(this.caller, batchId, [
      { nodeId, success, result, error, retries, durationMs, qualityScore },
    ]);
    if (outcome.unknown.length > 0) throw new BatchyardError("unknown_item", { key: nodeId, batch: batchId });
    return outcome.accepted === 1;
  }

  /** Why a batch is not done yet, the most important reason first. */
  why(batchId: string): ReturnType<Yard["batches"]["why"]> {
    return this.yard.batches.why(this.caller, batchId);
  }

  /** False when there is no such batch or it has already ended. */
  async cancelBatch(batchId: string): Promise<boolean> {
    try {
      await this.yard.batches.cancel(this.caller, batchId);
      return true;
    } catch (error) {
      if (error instanceof BatchyardError && error.code === "not_cancellable") return false;
      throw error;
    }
  }

  async pauseBatch(batchId: string): Promise<WireBatch> {
    return wireBatch(await this.yard.batches.pause(this.caller, batchId));
  }

  async resumeBatch(batchId: string): Promise<WireBatch> {
    return wireBatch(await this.yard.batches.resume(this.caller, batchId));
  }

  /** Runs the failed items of a final batch again: all, one group of errors, or some keys. */
  async retryBatch(batchId: string, selection: { errorFingerprint?: string; nodeIds?: string[] } = {}): Promise<WireBatch> {
    return wireBatch(await this.yard.batches.retry(this.caller, batchId, selection));
  }

  /**
   * A new batch of the items of another: all of them, byte for byte, unless the request says otherwise; `getBatch` of it names the other as
   * `replay_of`. Throws validation_failed, nothing_to_replay, payloads_missing.
   */
  async replayBatch(batchId: string, request: Omit<ReplayRequest, "id"> = {}): Promise<WireBatch> {
    const value = plain(objectOf(request));
    const parsed = replayBody.safeParse(value);
    if (!parsed.success) throw invalid(faultsOf(parsed.error, replayBody, value));
    return wireBatch(await this.yard.batches.replay(this.caller, batchId, parsed.data));
  }

  /** Removes final batches older than `days` (1..365) with their results; returns how many. */
  cleanupOldBatches(days: number): Promise<number> {
    return this.yard.batches.cleanup(this.caller, days, false);
  }

  /** Graceful: running items may end, the rest goes back and runs at the next start. */
  async close(): Promise<void> {
    this.closing.abort();
    this.stopped ??= this.yard.stop();
    await this.stopped;
  }
}

async function* chunked(bytes: Uint8Array | string | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof bytes === "string") yield Buffer.from(bytes);
  else if (bytes instanceof Uint8Array) yield bytes;
  else yield* bytes;
}

/** Programs in JavaScript give what they like. */
function objectOf<T extends object>(request: T): T {
  const given: unknown = request;
  if (typeof given === "object" && given !== null) return request;
  throw invalid([{ path: "", message: "must be an object", code: "invalid_type" }]);
}

/** What is kept of a request is its JSON: whatever would not survive that is refused, as it is over HTTP. */
function plain(request: object): unknown {
  const text = jsonOf(request);
  if ("fault" in text) throw invalid([{ path: "", ...text.fault }]);
  const fault = scanJson(text.text, CONTROL_LIMITS);
  if (fault !== null) throw invalid([{ path: "", code: fault.code, message: fault.message }]);
  return JSON.parse(text.text);
}

const BLOCK = 1000;

/** Items as they come, in blocks, keyed like inline ones. */
async function* streamed(items: AsyncIterable<object>): AsyncGenerator<ItemText[]> {
  let block: object[] = [];
  let position = 0;
  const flush = async function* (): AsyncGenerator<ItemText[]> {
    yield* readInline(block, { firstPosition: position + 1 });
    position += block.length;
    block = [];
  };
  for await (const item of items) {
    block.push(item);
    if (block.length === BLOCK) yield* flush();
  }
  if (block.length > 0) yield* flush();
}
