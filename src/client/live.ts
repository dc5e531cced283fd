import {
  batchEventsOf,
  batchIdOf,
  finalEventOf,
  isOlder,
  progressOf,
  unmerged,
  type BatchEvent,
  type BatchEventName,
  type BatchEvents,
} from "./batch-events.ts";
import { ClientError } from "./client-error.ts";
import { FIRST_RETRY_MS, followEvents, LAST_RETRY_MS, type FeedEvent } from "./event-feed.ts";
import type { Transport } from "./transport.ts";
import type { Batch } from "./wire.ts";

type Handler<N extends BatchEventName> = (payload: BatchEvents[N]) => void;

// Enough for every batch a page shows; beyond it the oldest is forgotten and only its resync after a reset is lost.
const REMEMBERED_BATCHES = 1_000;

/**
 * The one event stream behind `client.on`. Idle until the first handler, closed with the last one. Batches it has seen open
 * are remembered, so that after a reset each is loaded and its handlers hear how it stands, or how it ended, in the meantime.
 */
export class LiveBatches {
  readonly #transport: Transport;
  readonly #load: (id: string) => Promise<Batch>;
  readonly #handlers = new Map<BatchEventName, Set<(payload: never) => void>>();
  readonly #open = new Set<string>();
  /** Batches that were loaded: events that are older than that are not told any more. */
  readonly #loaded = new Map<string, Batch>();
  #connection: AbortController | null = null;
  #line: Promise<void> = Promise.resolve();

  constructor(transport: Transport, load: (id: string) => Promise<Batch>) {
    this.#transport = transport;
    this.#load = load;
  }

  on<N extends BatchEventName>(name: N, handler: Handler<N>): () => void {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    handlers.add(handler);
    this.#connect();
    return () => {
      handlers.delete(handler);
      if ([...this.#handlers.values()].every((set) => set.size === 0)) this.close();
    };
  }

  close(): void {
    this.#connection?.abort();
    this.#connection = null;
  }

  #connect(): void {
    if (this.#connection !== null) return;
    const connection = new AbortController();
    this.#connection = connection;
    const feed = { path: "/api/events", query: { types: "batch.*" } };
    followEvents(
      this.#transport,
      feed,
      {
        event: (event) => this.#inOrder(connection.signal, () => this.#tell(event, connection.signal)),
        open: () => this.#emit({ name: "connection:open", payload: {} }),
        lost: (error, retryInMs) => this.#emit({ name: "connection:lost", payload: { error, retryInMs } }),
        reset: () => this.#inOrder(connection.signal, () => this.#resync(connection.signal)),
      },
      connection.signal,
    ).catch((error: unknown) => {
      if (this.#connection === connection) this.#connection = null;
      this.#emit({ name: "batch:error", payload: asClientError(error) });
    });
  }

  /** One after the other, so that loading a created batch cannot let its progress overtake it. Nothing more once it is closed. */
  #inOrder(signal: AbortSignal, work: () => Promise<void>): void {
    this.#line = this.#line.then(() => (signal.aborted ? undefined : work()));
  }

  async #tell(event: FeedEvent, signal: AbortSignal): Promise<void> {
    const wantsCreated = (this.#handlers.get("batch:created")?.size ?? 0) > 0;
    for (const part of unmerged(event)) {
      const id = batchIdOf(part.data);
      if (id === null) continue;
      if (part.type === "batch.created" && wantsCreated) {
        const batch = await this.#loadSurely(id, signal);
        if (batch === null) continue;
        this.#emit({ name: "batch:created", payload: batch });
        // It has come further meanwhile, perhaps to its end; the events of that are told by what was loaded.
        if (batch.processed_items > 0 || finalEventOf(batch) !== null) this.#emitStanding(batch);
        continue;
      }
      const loaded = this.#loaded.get(id);
      if (loaded !== undefined && isOlder(part.data, loaded)) continue;
      for (const each of batchEventsOf(part)) this.#emit(each);
    }
  }

  async #resync(signal: AbortSignal): Promise<void> {
    this.#emit({ name: "connection:reset", payload: {} });
    const seen = new Set(this.#open);
    for (const id of seen) {
      const batch = await this.#loadSurely(id, signal);
      if (signal.aborted) return;
      if (batch === null) this.#open.delete(id);
      else this.#emitStanding(batch);
    }
  }

  /** What the loading found out is told only when another try cannot help: a server that is away comes back. */
  async #loadSurely(id: string, signal: AbortSignal): Promise<Batch | null> {
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      try {
        const batch = await this.#load(id);
        if (signal.aborted) return null;
        this.#loaded.delete(id);
        this.#loaded.set(id, batch);
        if (this.#loaded.size > REMEMBERED_BATCHES) this.#loaded.delete(this.#loaded.keys().next().value!);
        return batch;
      } catch (error) {
        const failure = asClientError(error);
        if (!failure.mayPass) {
          this.#emit({ name: "batch:error", payload: failure });
          return null;
        }
        await this.#transport.wait(retryMs, signal);
      }
    }
    return null;
  }

  #emitStanding(batch: Batch): void {
    this.#emit({ name: "batch:progress", payload: progressOf(batch) });
    const last = finalEventOf(batch);
    if (last !== null) this.#emit(last);
  }

  #emit(event: BatchEvent): void {
    this.#remember(event);
    for (const handler of this.#handlers.get(event.name) ?? []) {
      // A handler that throws must not take the stream, nor the other handlers, with it.
      try {
        handler(event.payload as never);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #remember(event: BatchEvent): void {
    if (event.name === "batch:created") this.#open.add(event.payload.id);
    else if (event.name === "batch:progress") this.#open.add(event.payload.batchId);
    else if (
      event.name === "batch:completed" ||
      event.name === "batch:failed" ||
      event.name === "batch:cancelled" ||
      event.name === "batch:expired"
    )
      this.#open.delete(event.payload.batchId);
    if (this.#open.size > REMEMBERED_BATCHES) for (const oldest of this.#open) return void this.#open.delete(oldest);
  }
}

function asClientError(error: unknown): ClientError {
  return error instanceof ClientError
    ? error
    : new ClientError(error instanceof Error ? error.message : String(error), { code: "unexpected_answer", cause: error });
}
