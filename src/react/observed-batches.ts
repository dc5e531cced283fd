import type { Batch, BatchStatus, Client, ClientError } from "../client/index.ts";
import { asClientError } from "./observed-batch.ts";
import { all, Observed } from "./observed.ts";

export interface MonitoredBatch {
  id: string;
  operation: string | null;
  name: string | null;
  status: BatchStatus;
  progress: number;
  processed: number | null;
  failed: number | null;
  error: string | null;
}

export interface MonitoringState {
  /** Newest first. */
  batches: readonly MonitoredBatch[];
  /** Batch events heard since the first look. */
  events: number;
  isLoading: boolean;
  isLive: boolean;
  error: ClientError | null;
}

/** The newest batches, live: seeded by one request, moved by events. */
export class ObservedBatches extends Observed<MonitoringState> {
  readonly #client: Client;
  readonly #limit: number;
  readonly #rows = new Map<string, MonitoredBatch>();

  constructor(client: Client, limit: number) {
    super({ batches: [], events: 0, isLoading: true, isLive: false, error: null });
    this.#client = client;
    this.#limit = limit;
  }

  protected watch(): () => void {
    const ended = (status: BatchStatus) => (event: { batchId: string; error?: string | null }) =>
      this.#move(event.batchId, { status, progress: 100, ...(event.error === undefined ? {} : { error: event.error }) });
    void this.#seed();
    return all(
      this.#client.on("connection:open", () => {
        this.set({ isLive: true });
        void this.#seed();
      }),
      this.#client.on("connection:lost", () => this.set({ isLive: false })),
      this.#client.on("connection:reset", () => void this.#seed()),
      this.#client.on("batch:created", (batch) => {
        this.#rows.set(batch.id, this.#rows.get(batch.id) ?? rowOf(batch));
        this.#show(1);
      }),
      this.#client.on("batch:progress", ({ batchId, progress, status, processed, failed }) =>
        this.#move(batchId, { progress, status, processed, failed }),
      ),
      this.#client.on("batch:completed", ended("completed")),
      this.#client.on("batch:failed", ended("failed")),
      this.#client.on("batch:cancelled", ended("cancelled")),
      this.#client.on("batch:expired", ended("expired")),
    );
  }

  #move(id: string, change: Partial<MonitoredBatch>): void {
    const row = this.#rows.get(id) ?? {
      id,
      operation: null,
      name: null,
      status: "running",
      progress: 0,
      processed: null,
      failed: null,
      error: null,
    };
    this.#rows.set(id, { ...row, ...change });
    this.#show(1);
  }

  #show(heard: number): void {
    const newest = [...this.#rows.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1));
    for (const row of newest.slice(this.#limit)) this.#rows.delete(row.id);
    this.set({ batches: newest.slice(0, this.#limit), events: this.snapshot().events + heard });
  }

  async #seed(): Promise<void> {
    try {
      const { batches } = await this.#client.history({ limit: this.#limit });
      for (const batch of batches) this.#rows.set(batch.id, rowOf(batch));
      this.#show(0);
      this.set({ isLoading: false, error: null });
    } catch (error) {
      this.set({ isLoading: false, error: asClientError(error) });
    }
  }
}

function rowOf(batch: Batch): MonitoredBatch {
  return {
    id: batch.id,
    operation: batch.operation,
    name: batch.name ?? null,
    status: batch.status,
    progress: batch.progress,
    processed: batch.processed_items,
    failed: batch.failed_items,
    error: batch.error ?? null,
  };
}
