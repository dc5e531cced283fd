import type { BatchRow } from "../model/batch.ts";
import type { BatchStatus, FinalBatchStatus } from "../model/moves.ts";
import type { BatchStats } from "../model/stats/batch-stats.ts";

export type NewBatch = Pick<
  BatchRow,
  | "id"
  | "tenant"
  | "operation"
  | "name"
  | "description"
  | "priority"
  | "filters"
  | "options"
  | "input"
  | "metadata"
  | "executor"
  | "stream"
  | "streamKey"
  | "closeReason"
  | "dependsOn"
  | "replayOf"
  | "tags"
  | "warnings"
  | "createdAt"
  | "deadlineAt"
  | "trace"
> & {
  /** Channels that are told when the batch ends. */
  notify: string[];
  /** Chunks of this batch that may be leased at once; null = no limit. */
  maxLeasedChunks: number | null;
};

export interface NewChunk {
  /** Position of the first item within the batch, 0-based. */
  position: number;
  keys: string[];
  /** Payload texts joined with LINE_JOINT, in the order of `keys`. */
  body: string;
  /** 0 for the first try of its items. */
  attempt: number;
  availableAt: number;
  /** Workers that died while holding these items. */
  crashes: number;
}

export interface SealRequest {
  tenant: string;
  batchId: string;
  now: number;
  /** Failed items above which the batch is stopped; null = never. */
  maxFailures: number | null;
  /** Items that outside workers will report with recordResults, for batches without payloads. */
  announcedItems: number;
}

/** What sums over batches do not tell apart: such batches are looked for along an index of one of these, and asked for the others. */
export interface NarrowFilter {
  id?: string | undefined;
  /** Part of the name, case-insensitive. */
  name?: string | undefined;
  stream?: string | undefined;
  /** Key of the stream's window. */
  key?: string | undefined;
  /** Why the stream's window closed. */
  closeReason?: string | undefined;
  tag?: string | undefined;
  /** Has a lease on some of it now. */
  worker?: string | undefined;
  /** Code of a failure that stands in it. */
  error?: string | undefined;
  /** Id of the batch whose items it got. */
  replayOf?: string | undefined;
  /** It has at least, and at most, so many items. */
  minItems?: number | undefined;
  maxItems?: number | undefined;
}

export interface BatchFilter extends NarrowFilter {
  tenant: string;
  operation?: string | undefined;
  status?: BatchStatus | undefined;
  /** Inclusive. */
  createdAfter?: number | undefined;
  /** Inclusive. */
  createdBefore?: number | undefined;
}

/** What lists can be sorted by; `completed`: when it ended, `duration`: from its start to its end. */
export const BATCH_SORTS = ["created", "completed", "items", "failed", "duration"] as const;
export type BatchSort = (typeof BATCH_SORTS)[number];

/** The place of a batch in a sorted list: its value, or, without one, when it was created. */
export interface SortPlace {
  none: boolean;
  /** Milliseconds or a count. */
  key: number;
  id: string;
}

export interface BatchPage {
  batches: BatchRow[];
  /** All that match; when not exact, at least so many: of a narrowed list no more are counted than 10,000, nor looked for than among 50,000. */
  total: number;
  isExact: boolean;
  /** Where it stopped to look before the page was full: there may be more behind it. Null = there are no more, or the page is full. */
  looked: { createdAt: number; id: string } | null;
}

export interface BatchCounts {
  /** operation → status → number of batches; maintained, never counted. */
  byOperation: Record<string, Partial<Record<BatchStatus, number>>>;
}

/** A batch that has chunks to run now. */
export interface RunnableBatch {
  id: string;
  tenant: string;
  operation: string;
  priority: number;
  readyAt: number;
  leasedChunks: number;
  maxLeasedChunks: number | null;
}

export interface RemovalOptions {
  limit: number;
  dryRun: boolean;
  /** Of these states, one after the other; of all, those that ended longest ago first, when absent. */
  statuses?: readonly FinalBatchStatus[];
  /** Kept as the trace of each batch; without it none is left. `at`: Unix milliseconds. */
  by?: { policy: string; at: number };
}

export interface RemovedBatch {
  id: string;
  operation: string;
  status: FinalBatchStatus;
  createdAt: number;
  completedAt: number;
  removedAt: number;
  /** Why, in words. */
  policy: string;
}

export interface FootprintRow {
  /** Start of the day, Unix milliseconds. */
  day: number;
  status: BatchStatus;
  batches: number;
  items: number;
}

export interface RetrySelection {
  fingerprint?: string | undefined;
  /** Of all groups with this error code. */
  code?: string | undefined;
  nodeIds?: string[] | undefined;
}

export interface BatchStore {
  /** Creates, fills and seals a small batch at once. Null when a key repeats inside `chunks`: never checked here, see intake. */
  create(batch: NewBatch, chunks: NewChunk[], seal: SealRequest): Promise<BatchRow>;
  /** Opens an unsealed batch: nobody sees it, nothing of it runs. */
  stage(batch: NewBatch): Promise<void>;
  /** Adds chunks to an unsealed batch. Throws when there is none: items must not vanish. */
  append(tenant: string, batchId: string, chunks: NewChunk[]): Promise<void>;
  /** Makes a staged batch visible and runnable; an empty one completes. Throws when there is no such unsealed batch. */
  seal(request: SealRequest): Promise<BatchRow>;
  /** Removes an unsealed batch with its chunks; without id, all that were created before `olderThan`. Returns how many. */
  discard(selection: { batchId: string } | { olderThan: number }): Promise<number>;

  get(tenant: string, id: string): Promise<BatchRow | null>;
  stats(tenant: string, id: string): Promise<BatchStats>;
  /** Newest first (created_at, id). `before` is the keyset position of the last row seen, or where the page before stopped to look. */
  list(filter: BatchFilter, page: { limit: number; offset?: number; before?: { createdAt: number; id: string } }): Promise<BatchPage>;
  /**
   * By a value and id, what has no value last, newest first. Looks at no more than `looks` batches of each status, so that a page takes
   * a bounded time and may be short or empty; `next` = how far it looked, null = there are no more.
   */
  sorted(
    filter: BatchFilter,
    page: { by: BatchSort; ascending: boolean; limit: number; after: SortPlace | null; looks: number },
  ): Promise<{ batches: BatchRow[]; next: SortPlace | null }>;
  /** All that match, as a page tells it. */
  total(filter: BatchFilter): Promise<Pick<BatchPage, "total" | "isExact">>;
  /** Open batches with a budget, newest first. */
  budgeted(tenant: string, page: { limit: number; before?: { createdAt: number; id: string } }): Promise<BatchRow[]>;
  counts(tenant: string): Promise<BatchCounts>;

  pause(tenant: string, id: string, now: number): Promise<BatchRow | null>;
  resume(tenant: string, id: string, now: number): Promise<BatchRow | null>;
  /**
   * Ends an open batch: `cancelled` and `expired` settle open items as such, `failed` (limit passed) as cancelled. Nothing of it starts
   * and nothing of it is committed from here on; very many chunks are several commits, as of `retry`.
   */
  end(tenant: string, id: string, as: "cancelled" | "expired" | "failed", error: string | null, now: number): Promise<BatchRow | null>;
  /** Settles every open item as failed with `code`, then ends the batch by its counts. Very many items are several commits, as of `retry`. */
  finish(tenant: string, id: string, failure: { error: string; code: string }, now: number): Promise<BatchRow | null>;
  /** Brings the deadline of an open batch, and of what it has upstream, forward to `deadlineAt`; never puts it back. */
  bringForward(tenant: string, id: string, deadlineAt: number): Promise<void>;
  setPriority(tenant: string, id: string, priority: number, now: number): Promise<BatchRow | null>;
  /** Starts the next epoch of a final batch with the failed items selected (all, and the cancelled and expired ones, without selection). Null when not final; `items` 0 when nothing matches. A deadline that has passed is lifted; dependencies count again as at sealing. Very many items are several commits: it resolves behind the last; the batch runs meanwhile, and a store that is opened again goes on. */
  retry(tenant: string, id: string, selection: RetrySelection, now: number): Promise<{ batch: BatchRow; items: number } | null>;
  /**
   * Removes final batches (of all tenants: null) that ended before `before`, at most `limit`, with everything of theirs, a few
   * rows a transaction. Never one that an unfinished batch depends on. Dry: counts only.
   */
  remove(tenant: string | null, before: number, options: RemovalOptions): Promise<number>;
  /** What is known of a batch that was removed: of the newest 100,000. */
  removed(tenant: string, id: string): Promise<RemovedBatch | null>;
  /** What is stored, by the day of creation (UTC) and by status, in order; maintained, never counted. Of all tenants: null. */
  footprint(tenant: string | null): Promise<FootprintRow[]>;

  /** Runnable batches: for every priority and tenant at most `perTenant`, those served longest ago (never: created) first, so that none waits behind the page for ever. */
  runnable(
    now: number,
    options: { executors: readonly string[] | null; notExecutors: readonly string[]; operations?: readonly string[]; perTenant: number },
  ): Promise<RunnableBatch[]>;
  /** When the next chunk that waits for its time becomes ready; null = none waits. */
  nextReadyAt(now: number): Promise<number | null>;
  /** Open batches whose deadline has passed, without those that a /v1 batch is cancelling: it ends them. */
  overdue(now: number, limit: number): Promise<{ tenant: string; id: string }[]>;
  nextDeadlineAt(): Promise<number | null>;
}
