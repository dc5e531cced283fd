import { ClientError, type Batch, type BatchEvents, type Client } from "../client/index.ts";
import { all, Observed } from "./observed.ts";

export interface BatchState {
  /** Null until it is loaded, and when it cannot be. */
  batch: Batch | null;
  isLoading: boolean;
  /** The event stream is open: what is shown is at most a moment old. */
  isLive: boolean;
  error: ClientError | null;
}

/** One batch: loaded once the stream is open, so that nothing falls between, then kept up to date by its events. */
export class ObservedBatch extends Observed<BatchState> {
  readonly #client: Client;
  readonly #id: string;
  #isLoading = false;
  #again = false;

  constructor(client: Client, id: string) {
    super({ batch: null, isLoading: true, isLive: false, error: null });
    this.#client = client;
    this.#id = id;
  }

  protected watch(): () => void {
    const ended = ({ batchId }: { batchId: string }): void => {
      if (batchId === this.#id) this.#load();
    };
    this.#load();
    return all(
      this.#client.on("connection:open", () => {
        this.set({ isLive: true });
        this.#load();
      }),
      this.#client.on("connection:lost", () => this.set({ isLive: false })),
      this.#client.on("connection:reset", () => this.#load()),
      this.#client.on("batch:progress", (progress) => this.#progress(progress)),
      this.#client.on("batch:completed", ended),
      this.#client.on("batch:failed", ended),
      this.#client.on("batch:cancelled", ended),
      this.#client.on("batch:expired", ended),
    );
  }

  #progress(event: BatchEvents["batch:progress"]): void {
    const { batch } = this.snapshot();
    if (event.batchId !== this.#id || batch === null) return;
    // What was loaded after this event happened is newer.
    if (event.status === batch.status && event.progress < batch.progress) return;
    this.set({
      batch: {
        ...batch,
        progress: event.progress,
        status: event.status,
        processed_items: event.processed ?? batch.processed_items,
        failed_items: event.failed ?? batch.failed_items,
        succeeded_items: event.processed === null || event.failed === null ? batch.succeeded_items : event.processed - event.failed,
      },
    });
  }

  /** One at a time; who asks meanwhile gets another one after it. */
  #load(): void {
    this.#again = true;
    if (this.#isLoading) return;
    this.#isLoading = true;
    void this.#loadAll().finally(() => {
      this.#isLoading = false;
    });
  }

  async #loadAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        const batch = await this.#client.get(this.#id);
        this.set({ batch, isLoading: false, error: null });
      } catch (error) {
        this.set({ isLoading: false, error: asClientError(error) });
      }
    }
  }
}

export function asClientError(error: unknown): ClientError {
  return error instanceof ClientError
    ? error
    : new ClientError(error instanceof Error ? error.message : String(error), { code: "unexpected_answer", cause: error });
}
