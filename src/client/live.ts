import {
  batchEventsOf,
  batchIdOf,
  finalEventOf,
  progressOf,
  unmerged,
  type BatchEvent,
  type BatchEventName,
  type BatchEvents,
} from "./batch-events.ts";
import { ClientError } from "./client-error.ts";
import { followEvents, type FeedEvent } from "./event-feed.ts";
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
        event: (event) => this.#inOrder(() => this.#tell(event)),
        open: () => this.#emit({ name: "connection:open", payload: {} }),
        lost: (error, retryInMs) => this.#emit({ name: "connection:lost", payload: { error, retryInMs } }),
        reset: () => this.#inOrder(() => this.#resync()),
      },
      connection.signal,
    ).catch((error: unknown) => {
      if (this.#connection === connection) this.#connection = null;
      this.#emit({ name: "batch:error", payload: asClientError(error) });
    });
  }

  /** One after the other, so that loading a created batch cannot let its progress overtake it. */
  #inOrder(work: () => Promise<void>): void {
    this.#line = this.#line.then(work);
  }

  async #tell(event: FeedEvent): Promise<void> {
    const wantsCreated = (this.#handlers.get("batch:created")?.size ?? 0) > 0;
    for (const { type, data } of wantsCreated ? unmerged(event) : []) {
      const id = type === "batch.created" ? batchIdOf(data) : null;
      if (id === null) continue;
      try {
        this.#emit({ name: "batch:created", payload: await this.#load(id) });
      } catch (error) {
        this.#emit({ name: "batch:error", payload: asClientError(error) });
      }
    }
    for (const each of batchEventsOf(event)) this.#emit(each);
  }

  async #resync(): Promise<void> {
    this.#emit({ name: "connection:reset", payload: {} });
    const seen = new Set(this.#open);
    for (const id of seen) {
      try {
        const batch = await this.#load(id);
        this.#emit({ name: "batch:progress", payload: progressOf(batch) });
        const last = finalEventOf(batch);
        if (last !== null) this.#emit(last);
      } catch (error) {
        this.#open.delete(id);
        this.#emit({ name: "batch:error", payload: asClientError(error) });
      }
    }
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
