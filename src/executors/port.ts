import type { ErrorCategory, Item } from "../model/item.ts";
import type { RunOptions } from "../model/batch.ts";
import type { Operation } from "../operations/operation.ts";

/** How one try of one item ended. */
export type Outcome =
  | { ok: true; result: unknown; qualityScore?: number | undefined; cost?: number | undefined; durationMs: number }
  | {
      ok: false;
      error: string;
      code: string;
      category: ErrorCategory;
      retryAfterMs?: number | null | undefined;
      durationMs: number;
      qualityScore?: number | undefined;
      /** What the handler found out all the same (the faults of a validation). */
      result?: unknown;
    };

/** The items of a chunk that have no result yet, and what is known about them. */
export interface ChunkWork {
  tenant: string;
  batchId: string;
  epoch: number;
  chunkId: number;
  fence: number;
  attempt: number;
  operation: Operation;
  /** The operation's own options, parsed. */
  options: unknown;
  runOptions: RunOptions;
  items: Item[];
  /** Items in flight at once. */
  lanes: number;
  /** Milliseconds an item may take. */
  timeoutMs: number;
}

/** What an executor tells the run, and what it must obey. */
export interface RunControl {
  /** Aborted when nothing of this chunk may go on: cancel, lost lease, end of the grace time. */
  readonly signal: AbortSignal;
  /** True once no further item may start (pause, shutdown, hand-back): finish what runs, then return. */
  readonly stopping: boolean;
  /** Settles item `index` of ChunkWork.items. The first call of an index counts. */
  settle(index: number, outcome: Outcome): void;
  /** Resolves when the batch's rate limit lets the next item start; at once without one. */
  admit(): Promise<void> | null;
}

/**
 * Runs the items of a chunk. Resolves when everything it started has settled; items it did not settle go back unharmed.
 * It never throws for an item's failure: that is an outcome.
 */
export interface Executor {
  readonly kind: string;
  run(work: ChunkWork, control: RunControl): Promise<void>;
}

/** The same for every try of an item within one epoch. */
export function idempotencyKey(work: Pick<ChunkWork, "batchId" | "epoch">, key: string): string {
  return `${work.batchId}:${work.epoch}:${key}`;
}
