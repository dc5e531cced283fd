import type { Client, ClientError, Stats } from "../client/index.ts";
import { asClientError } from "./observed-batch.ts";
import { all, Observed } from "./observed.ts";

export interface StatisticsState {
  stats: Stats | null;
  isLoading: boolean;
  isLive: boolean;
  error: ClientError | null;
}

// A flood of batches asks once a second, not once a batch.
const REFRESH_MS = 1_000;

/** Counts by status and operation: asked again when a batch changes its status, at most once a second. */
export class ObservedStatistics extends Observed<StatisticsState> {
  readonly #client: Client;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #lastAt = -Infinity;

  constructor(client: Client) {
    super({ stats: null, isLoading: true, isLive: false, error: null });
    this.#client = client;
  }

  protected watch(): () => void {
    const status = new Map<string, string>();
    const ended = ({ batchId }: { batchId: string }): void => {
      status.delete(batchId);
      this.#refresh();
    };
    void this.#load();
    return all(
      this.#client.on("connection:open", () => {
        this.set({ isLive: true });
        this.#refresh();
      }),
      this.#client.on("connection:lost", () => this.set({ isLive: false })),
      this.#client.on("connection:reset", () => this.#refresh()),
      this.#client.on("batch:progress", (event) => {
        if (status.get(event.batchId) === event.status) return;
        status.set(event.batchId, event.status);
        this.#refresh();
      }),
      this.#client.on("batch:completed", ended),
      this.#client.on("batch:failed", ended),
      this.#client.on("batch:cancelled", ended),
      this.#client.on("batch:expired", ended),
      () => {
        if (this.#timer !== null) clearTimeout(this.#timer);
        this.#timer = null;
      },
    );
  }

  #refresh(): void {
    if (this.#timer !== null) return;
    const wait = Math.max(0, this.#lastAt + REFRESH_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#load();
    }, wait);
  }

  async #load(): Promise<void> {
    this.#lastAt = performance.now();
    try {
      this.set({ stats: await this.#client.stats(), isLoading: false, error: null });
    } catch (error) {
      this.set({ isLoading: false, error: asClientError(error) });
    }
  }
}
