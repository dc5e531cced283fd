import { type BatchEventName, type BatchEvents, unmerged } from "./batch-events.ts";
import { followEvents, type FeedHandlers } from "./event-feed.ts";
import { ClientError } from "./client-error.ts";
import { LiveBatches } from "./live.ts";
import { linesOf, ndjsonBody, ndjsonPieces } from "./lines.ts";
import type { Answer } from "./fetch.ts";
import { Transport, type TransportOptions } from "./transport.ts";
import { requestCalls } from "./requests.ts";
import { streamCalls } from "./streams.ts";
import { watchBatch, type BatchProgress } from "./watch.ts";
import type {
  ActivePage,
  ApiKey,
  Batch,
  BatchItemResult,
  CollectionInfo,
  CollectionRecord,
  Costs,
  CostsQuery,
  Comparison,
  CompareQuery,
  CreateRequest,
  DryRun,
  ErrorGroup,
  ExportQuery,
  FileInfo,
  FilesPage,
  HistoryPage,
  HistoryQuery,
  ListExport,
  NewApiKey,
  OperationInfo,
  Priority,
  Reconciliation,
  Recorded,
  RecordsPage,
  RecordsQuery,
  ReplayRequest,
  ReportedResult,
  ResultsPage,
  ResultsQuery,
  Preview,
  Settings,
  SettingsPatch,
  SettingsPreviewRequest,
  Stats,
  Visualization,
  Why,
} from "./wire.ts";

export type ClientOptions = TransportOptions;

export interface FollowQuery {
  /** Event types; `batch.*` takes a whole noun. All of the log without it. */
  types?: readonly string[];
  batch?: string;
  stream?: string;
  /** Milliseconds between two flushes of the server; 250. */
  window?: number;
  /** A cursor to go on after, from a snapshot's `x-stream-cursor` or an earlier event; from now on without it. */
  since?: string | null;
}

/**
 * Items of a batch: an array goes with the request, an async iterable is streamed as it comes, in constant memory. A string
 * among streamed items is the JSON text of one, sent as it is.
 */
export type Items = readonly Record<string, unknown>[] | AsyncIterable<Record<string, unknown> | string>;

/** A client of one Batchyard server, for browsers and Node. Every method throws ClientError. */
export function createClient(options: ClientOptions) {
  const transport = new Transport(options);
  const live = new LiveBatches(transport, get);

  async function batchAt(path: string, json?: unknown): Promise<Batch> {
    const answer = await transport.json<{ batch: Batch }>(path, { method: "POST", json: json ?? {} });
    return answer.batch;
  }

  async function get(id: string): Promise<Batch> {
    return (await snapshot(id)).batch;
  }

  async function snapshot(id: string): Promise<{ batch: Batch; cursor: string | null }> {
    const { body, headers } = await transport.answer<{ batch?: Batch }>(at(id));
    if (body.batch === undefined) throw new ClientError("The answer holds no batch", { code: "unexpected_answer" });
    return { batch: body.batch, cursor: headers.get("x-stream-cursor") };
  }

  return {
    /** Creates a batch. `idempotencyKey` makes a repeated call answer the same batch. */
    async create(request: CreateRequest, items?: Items, extras: { idempotencyKey?: string; signal?: AbortSignal } = {}): Promise<Batch> {
      const headers: Record<string, string> = extras.idempotencyKey === undefined ? {} : { "idempotency-key": extras.idempotencyKey };
      if (items === undefined || !(Symbol.asyncIterator in items)) {
        const json = items === undefined ? request : { ...request, items };
        return (await transport.json<{ batch: Batch }>("/api/batch/create", { method: "POST", json, headers, signal: extras.signal }))
          .batch;
      }
      return upload(transport, request, items, headers, extras.signal);
    },
    /** Every fault of a request, and what it would become, without creating anything. */
    async dryRun(request: CreateRequest, items?: readonly Record<string, unknown>[]): Promise<DryRun> {
      const json = items === undefined ? request : { ...request, items };
      return transport.json<DryRun>("/api/batch/create", { method: "POST", query: { dryRun: true }, json });
    },
    get,
    /** One page of results with the summary. */
    async resultsPage(id: string, query: ResultsQuery & { limit?: number; cursor?: string } = {}): Promise<ResultsPage> {
      return transport.json<ResultsPage>(`${at(id)}/results`, { query: { ...query } });
    },
    /** All results that match, streamed. */
    async *results(id: string, query: ResultsQuery = {}): AsyncGenerator<BatchItemResult, void, undefined> {
      for await (const line of resultLines(id, query)) yield JSON.parse(line) as BatchItemResult;
    },
    /** The same as JSON texts, one a result: for writing them on. */
    resultLines,
    /** Reports results of a batch whose items run elsewhere. */
    async record(id: string, results: ReportedResult | readonly ReportedResult[]): Promise<Recorded> {
      return transport.json(`${at(id)}/results`, { method: "POST", json: results });
    },
    async viz(id: string): Promise<Visualization> {
      return (await transport.json<{ visualization: Visualization }>(`${at(id)}/viz`)).visualization;
    },
    async errors(id: string): Promise<ErrorGroup[]> {
      return (await transport.json<{ groups: ErrorGroup[] }>(`${at(id)}/errors`)).groups;
    },
    async why(id: string): Promise<Why> {
      return transport.json<Why>(`${at(id)}/why`);
    },
    async history(query: HistoryQuery = {}): Promise<HistoryPage> {
      return transport.json<HistoryPage>("/api/batch/history", { query: { ...query } });
    },
    /** The list as a file's bytes, newest first or sorted: what matches the filter, or the batches named. */
    async exportList(request: ListExport = {}): Promise<ReadableStream<Uint8Array>> {
      return bodyOf(await transport.send("/api/batch/export", { method: "POST", json: request }));
    },
    /** What has not ended, with rate and ETA: running first, then paused, then waiting; `total` is of all of them. */
    async active(query: { limit?: number } = {}): Promise<ActivePage> {
      return transport.json<ActivePage>("/api/batch/active", { query });
    },
    async stats(): Promise<Stats> {
      return (await transport.json<{ stats: Stats }>("/api/batch/stats")).stats;
    },
    /** What the second batch gave otherwise than the first, item by item; `query` says which page of the changed ones. */
    async compare(a: string, b: string, query: CompareQuery = {}): Promise<Comparison> {
      return transport.json<Comparison>("/api/batch/compare", { query: { a, b, ...query } });
    },
    cancel: (id: string): Promise<Batch> => batchAt(`${at(id)}/cancel`),
    /** Is each key of the batch exactly once among its results? */
    async reconcile(id: string): Promise<Reconciliation> {
      return (await transport.json<{ reconciliation: Reconciliation }>(`${at(id)}/reconcile`)).reconciliation;
    },
    pause: (id: string): Promise<Batch> => batchAt(`${at(id)}/pause`),
    resume: (id: string): Promise<Batch> => batchAt(`${at(id)}/resume`),
    setPriority: (id: string, priority: Priority): Promise<Batch> => batchAt(`${at(id)}/priority`, { priority }),
    /** Runs the failed items of a final batch again: all, or those of one error group, or those named. */
    retry: (id: string, selection: { errorFingerprint?: string; nodeIds?: string[] } = {}): Promise<Batch> =>
      batchAt(`${at(id)}/retry`, selection),
    /** A new batch of the items of `id`: all of them, byte for byte, unless the request says otherwise. */
    async replay(id: string, request: ReplayRequest = {}, extras: { idempotencyKey?: string } = {}): Promise<Batch> {
      const headers: Record<string, string> = extras.idempotencyKey === undefined ? {} : { "idempotency-key": extras.idempotencyKey };
      return (await transport.json<{ batch: Batch }>(`${at(id)}/replay`, { method: "POST", json: request, headers })).batch;
    },
    /** What a replay would become and every fault of it, without creating anything. */
    replayDryRun: (id: string, request: ReplayRequest = {}): Promise<DryRun> =>
      transport.json<DryRun>(`${at(id)}/replay`, { method: "POST", query: { dryRun: true }, json: request }),
    /** Settles what is open as failed and keeps what is done. */
    finish: (id: string, reason: string): Promise<Batch> => batchAt(`${at(id)}/finish`, { reason }),
    /** The results as a file's bytes. */
    async export(id: string, query: ExportQuery): Promise<ReadableStream<Uint8Array>> {
      return bodyOf(await transport.send(`${at(id)}/export`, { query: { ...query } }));
    },
    /** Removes final batches older than that, with their results. */
    async cleanup(query: { daysToKeep: number; dryRun?: boolean }): Promise<number> {
      return (await transport.json<{ deleted: number }>("/api/batch/cleanup", { method: "DELETE", query })).deleted;
    },
    async operations(): Promise<OperationInfo[]> {
      return (await transport.json<{ operations: OperationInfo[] }>("/api/batch/operations")).operations;
    },
    files: {
      async upload(
        name: string,
        bytes: Blob | ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>,
        contentType = "application/octet-stream",
      ): Promise<FileInfo> {
        const answer = await transport.json<{ file: FileInfo }>("/api/files", {
          method: "POST",
          query: { filename: name },
          body: bytes,
          headers: { "content-type": contentType },
        });
        return answer.file;
      },
      async list(query: { limit?: number; cursor?: string } = {}): Promise<FilesPage> {
        return transport.json<FilesPage>("/api/files", { query });
      },
      async get(id: string): Promise<FileInfo> {
        return (await transport.json<{ file: FileInfo }>(`/api/files/${encodeURIComponent(id)}`)).file;
      },
      async content(id: string): Promise<ReadableStream<Uint8Array>> {
        return bodyOf(await transport.send(`/api/files/${encodeURIComponent(id)}/content`));
      },
      async delete(id: string): Promise<void> {
        await transport.send(`/api/files/${encodeURIComponent(id)}`, { method: "DELETE" });
      },
    },
    collections: {
      async list(): Promise<CollectionInfo[]> {
        return (await transport.json<{ collections: CollectionInfo[] }>("/api/collections")).collections;
      },
      async records(name: string, query: RecordsQuery = {}): Promise<RecordsPage> {
        return transport.json<RecordsPage>(`/api/collections/${encodeURIComponent(name)}`, { query: { ...query } });
      },
      async get(name: string, key: string): Promise<CollectionRecord> {
        return (await transport.json<{ record: CollectionRecord }>(recordAt(name, key))).record;
      },
      async put(name: string, key: string, data: Record<string, unknown>): Promise<CollectionRecord> {
        return (await transport.json<{ record: CollectionRecord }>(recordAt(name, key), { method: "PUT", json: data })).record;
      },
      async delete(name: string, key: string): Promise<void> {
        await transport.send(recordAt(name, key), { method: "DELETE" });
      },
    },
    streams: streamCalls(transport),
    requests: requestCalls(transport),
    /** What was spent: totals, groups, and a month of the same. */
    async costs(query: CostsQuery = {}): Promise<Costs> {
      return transport.json<Costs>("/api/costs", { query: { ...query } });
    },
    settings: {
      async get(): Promise<Settings> {
        return transport.json<Settings>("/api/v1/settings");
      },
      /** Any nested subset; answers the whole. In force at once, and kept over a restart. `reason` stands in the audit log. */
      async change(patch: SettingsPatch, extras: { reason?: string; preview?: "required" } = {}): Promise<Settings> {
        return transport.json<Settings>("/api/v1/settings", { method: "PATCH", json: patch, query: extras });
      },
      /** What a change would have done to the recorded detections; changes nothing. */
      async preview({ patch, since, sweep }: SettingsPreviewRequest): Promise<Preview> {
        return transport.json<Preview>("/api/v1/settings/preview", { method: "POST", json: { ...patch, since, sweep } });
      },
    },
    keys: {
      async list(): Promise<ApiKey[]> {
        return (await transport.json<{ keys: ApiKey[] }>("/api/keys")).keys;
      },
      /** The secret is in this answer only. */
      async create(key: NewApiKey): Promise<{ key: ApiKey; secret: string }> {
        return transport.json("/api/keys", { method: "POST", json: key });
      },
      async revoke(id: string): Promise<void> {
        await transport.send(`/api/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
      },
    },
    /** Calls `handler` for every such event of any batch; the returned function takes it off again. */
    on<N extends BatchEventName>(name: N, handler: (payload: BatchEvents[N]) => void): () => void {
      return live.on(name, handler);
    },
    /**
     * Every event of the log that is asked for, merged ones taken apart, until the signal is aborted; reconnects and resumes by
     * itself. Gauges (`queue.status`, `pipeline.throughput`, `worker.stats`) come only when `types` names them. Ends by throwing
     * when another try cannot help (401, 403, 404).
     */
    follow(query: FollowQuery, handlers: FeedHandlers, signal: AbortSignal): Promise<void> {
      const { types, since, batch, ...rest } = query;
      const apart: FeedHandlers = {
        ...handlers,
        event: (event) => {
          for (const part of unmerged(event)) handlers.event({ ...event, ...part });
        },
      };
      const path = batch === undefined ? "/api/events" : `${at(batch)}/events`;
      return followEvents(transport, { path, query: { ...rest, types: types?.join(",") }, since: since ?? null }, apart, signal);
    },
    /** Progress of a batch until it has ended; the last value is final. */
    watch(id: string, extras: { signal?: AbortSignal } = {}): AsyncGenerator<BatchProgress, void, undefined> {
      return watchBatch(transport, id, () => snapshot(id), extras.signal);
    },
    /** Any route, with the credential and the error handling of this client. */
    request: transport.json.bind(transport),
    /** Ends the event stream; handlers hear nothing more. */
    close: (): void => live.close(),
  };

  async function* resultLines(id: string, query: ResultsQuery = {}): AsyncGenerator<string, void, undefined> {
    const response = await transport.send(`${at(id)}/results`, { query: { ...query }, headers: { accept: "application/x-ndjson" } });
    yield* linesOf(bodyOf(response));
  }
}

export type Client = ReturnType<typeof createClient>;

async function upload(
  transport: Transport,
  request: CreateRequest,
  items: AsyncIterable<unknown>,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Batch> {
  const failed: { error: unknown }[] = [];
  const watched = rethrowing(items, failed);
  const body = streamsBodies() ? ndjsonBody(request, watched) : await collected(request, watched);
  try {
    const call = {
      method: "POST",
      query: { stream: 1 },
      body,
      headers: { ...headers, "content-type": "application/x-ndjson" },
      signal,
    } as const;
    return (await transport.json<{ batch: Batch }>("/api/batch/create", call)).batch;
  } catch (error) {
    // The upload broke off because its source threw: that is what the caller has to hear.
    if (failed[0] !== undefined) throw failed[0].error;
    throw error;
  }
}

async function* rethrowing(items: AsyncIterable<unknown>, failed: { error: unknown }[]): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* items;
  } catch (error) {
    failed.push({ error });
    throw error;
  }
}

/** Browsers stream request bodies over HTTP/2 only, and some not at all; there the lines are put together first. */
function streamsBodies(): boolean {
  return !("window" in globalThis) && !("WorkerGlobalScope" in globalThis);
}

async function collected(request: CreateRequest, items: AsyncIterable<unknown>): Promise<Blob> {
  const pieces: string[] = [];
  for await (const piece of ndjsonPieces(request, items)) pieces.push(piece);
  return new Blob(pieces);
}

function bodyOf(response: Answer): ReadableStream<Uint8Array> {
  if (response.body === null) throw new ClientError("The answer has no body", { code: "unexpected_answer", status: response.status });
  return response.body;
}

function at(id: string): string {
  return `/api/batch/${encodeURIComponent(id)}`;
}

function recordAt(name: string, key: string): string {
  return `/api/collections/${encodeURIComponent(name)}/${encodeURIComponent(key)}`;
}
