import { batchIdOf, finalEventOf, isOlder, progressOfCounts, unmerged } from "./batch-events.ts";
import { ClientError } from "./client-error.ts";
import { FIRST_RETRY_MS, followEvents, LAST_RETRY_MS } from "./event-feed.ts";
import type { Transport } from "./transport.ts";
import type { Batch, BatchStatus } from "./wire.ts";

/** How a batch stands. The last one a watch yields is final. */
export interface BatchProgress {
  batchId: string;
  status: BatchStatus;
  /** Whole percent. */
  progress: number;
  total: number;
  processed: number;
  failed: number;
  itemsPerSecond: number | null;
  /** ISO 8601 UTC. */
  etaAt: string | null;
  /** The batch as it was last loaded; its counts may be older than the ones above. */
  batch: Batch;
}

const RELOAD_MS = 2_000;

/** The batch and the cursor its event stream goes on from without a gap. */
export type Snapshot = () => Promise<{ batch: Batch; cursor: string | null }>;

/**
 * Progress of one batch until it has ended: a snapshot, then its events from the snapshot's cursor on. Only the newest
 * state is kept for a slow reader. After lost connections and resets it looks at the batch itself again.
 */
export async function* watchBatch(
  transport: Transport,
  batchId: string,
  snapshot: Snapshot,
  outer?: AbortSignal,
): AsyncGenerator<BatchProgress, void, undefined> {
  const first = await snapshot();
  let current = standing(first.batch);
  let loadedAt = Date.now();
  yield current;
  if (finalEventOf(current.batch) !== null) return;

  const stop = new AbortController();
  const abort = (): void => stop.abort();
  outer?.addEventListener("abort", abort);
  const inbox = new Inbox();
  followEvents(
    transport,
    { path: `/api/batch/${encodeURIComponent(batchId)}/events`, since: first.cursor },
    {
      event(event) {
        for (const { type, data } of unmerged(event)) {
          if (batchIdOf(data) === batchId) inbox.put(/^batch\.(progress|started)$/.test(type) ? data : null);
        }
      },
      lost: () => inbox.put(null),
      reset: () => inbox.put(null),
    },
    stop.signal,
  ).then(
    () => inbox.end(null),
    (error: unknown) => inbox.end(error instanceof Error ? error : new ClientError(String(error), { code: "unexpected_answer" })),
  );
  try {
    for (;;) {
      const news = await inbox.take();
      if (news === "ended") return;
      // Counts of a live batch come with its events; its rate and every change of state are read from the batch itself.
      const due = Date.now() - loadedAt > RELOAD_MS;
      if (news.reload || due) {
        loadedAt = Date.now();
        const batch = await reload(transport, snapshot, stop.signal);
        if (batch === null) return;
        current = standing(batch);
      } else if (!isOlder(news.data, current.batch)) current = moved(current, news.data);
      yield current;
      if (finalEventOf(current.batch) !== null) return;
    }
  } finally {
    outer?.removeEventListener("abort", abort);
    stop.abort();
  }
}

/** The batch, as soon as the server answers: nothing more may come to ask for it again. Null when the signal is aborted first. */
async function reload(transport: Transport, snapshot: Snapshot, signal: AbortSignal): Promise<Batch | null> {
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    try {
      return (await snapshot()).batch;
    } catch (error) {
      if (!(error instanceof ClientError) || !error.mayPass) throw error;
      await transport.wait(retryMs, signal);
    }
  }
  return null;
}

function standing(batch: Batch): BatchProgress {
  return {
    batchId: batch.id,
    status: batch.status,
    progress: batch.progress,
    total: batch.total_items,
    processed: batch.processed_items,
    failed: batch.failed_items,
    itemsPerSecond: batch.items_per_second ?? null,
    etaAt: batch.eta_at ?? null,
    batch,
  };
}

function moved(from: BatchProgress, data: Record<string, unknown>): BatchProgress {
  const number = (name: string, old: number): number => (typeof data[name] === "number" ? data[name] : old);
  return {
    ...from,
    status: from.status === "pending" ? "running" : from.status,
    progress: progressOfCounts(data),
    processed: number("processed", from.processed),
    failed: number("failed", from.failed),
    itemsPerSecond: typeof data["rate"] === "number" ? data["rate"] : from.itemsPerSecond,
    etaAt: typeof data["eta"] === "string" ? data["eta"] : from.etaAt,
  };
}

/** Holds at most one piece of news: newer counts replace older ones, a reload replaces both. */
class Inbox {
  #data: Record<string, unknown> | null = null;
  #reload = false;
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  put(data: Record<string, unknown> | null): void {
    if (data === null) this.#reload = true;
    else this.#data = data;
    this.#wake?.();
  }

  end(error: Error | null): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async take(): Promise<{ reload: true } | { reload: false; data: Record<string, unknown> } | "ended"> {
    for (;;) {
      const data = this.#data;
      const reload = this.#reload;
      this.#data = null;
      this.#reload = false;
      if (reload) return { reload };
      if (data !== null) return { reload: false, data };
      if (this.#ended) {
        if (this.#error !== null) throw this.#error;
        return "ended";
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
