import type { ErrorCategory, Item } from "../model/item.ts";
import type { Tier } from "../model/ledger.ts";
import type { NanoUsd } from "../model/money.ts";
import type { RunOptions } from "../model/batch.ts";
import type { Operation } from "../operations/operation.ts";

/** A request that a provider answered and charges for. The run prices it and books it once per (attempt, customId). */
export interface Spend {
  /** Unique for ever within the tenant, and of this batch: the upstream batch, or this run of the chunk (`attemptOf`). */
  attempt: string;
  /** What the request was sent as; the item's key when absent. */
  customId?: string | undefined;
  /** Name of the configured provider. */
  provider: string;
  /** As the answer names it. */
  model: string;
  tier: Tier;
  /** The `usage` of the answer as it came; without one the request is booked with no tokens and no price. */
  usage: unknown;
  /** When the answer was complete, Unix milliseconds; now when absent. Prices are those of that time. */
  at?: number | undefined;
}

/**
 * How one try of one item ended. With `spend` the item's cost is what that request was paid with, and `cost` is not read;
 * a failure has cost money too.
 */
export type Outcome =
  | {
      ok: true;
      result: unknown;
      qualityScore?: number | undefined;
      /** US dollars. */
      cost?: number | undefined;
      spend?: Spend | undefined;
      durationMs: number;
    }
  | {
      ok: false;
      error: string;
      code: string;
      category: ErrorCategory;
      retryAfterMs?: number | null | undefined;
      durationMs: number;
      qualityScore?: number | undefined;
      spend?: Spend | undefined;
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
  /** When what is open of the batch expires, Unix milliseconds; null = never. */
  deadlineAt: number | null;
  items: Item[];
  /** Index of each item in its chunk: the same in every run of the chunk. */
  places: readonly number[];
  /** Items in flight at once. */
  lanes: number;
  /** Milliseconds an item may take. */
  timeoutMs: number;
  /** This run of the chunk as a span of a trace: for handlers, and for whatever is called on their behalf. Null = it belongs to none. */
  traceparent: string | null;
}

/** What an executor tells the run, and what it must obey. */
export interface RunControl {
  /** Aborted when nothing of this chunk may go on: cancel, lost lease, end of the grace time. */
  readonly signal: AbortSignal;
  /** True once no further item may start (pause, shutdown, hand-back): finish what runs, then return. */
  readonly stopping: boolean;
  /** Settles item `index` of ChunkWork.items. The first call of an index counts. */
  settle(index: number, outcome: Outcome): void;
  /** Money that no result of this chunk stands for: a duplicate or unknown line, an answer that came too late. */
  spent(spend: Spend & { customId: string }): void;
  /**
   * Before anything is sent: does the batch's budget still cover these requests at most? All or none of them; what is granted is
   * kept free until their items settle. False also when a price is not known (null) and there is a budget: settle the items
   * with OVER_BUDGET. Always true without a budget.
   */
  afford(requests: readonly { index: number; estimate: NanoUsd | null }[]): boolean;
  /** Resolves when the batch's rate limit lets the next item start; at once without one. */
  admit(): Promise<void> | null;
  /** Items without an outcome go back when this run ends, and may run again at `until` (Unix ms) and not before. Costs no attempt. */
  defer(until: number): void;
  /** Items without an outcome become chunks of their own when this run ends, one for each group of indexes; ready at once, at no attempt. */
  split(groups: readonly (readonly number[])[]): void;
}

/** How an item ends that RunControl.afford refused. */
export const OVER_BUDGET: Extract<Outcome, { ok: false }> = {
  ok: false,
  error: "What is left of the budget of the batch does not cover this request, or its price is not known",
  code: "budget_exceeded",
  category: "permanent",
  durationMs: 0,
};

/**
 * Runs the items of a chunk. Resolves when everything it started has settled; items it did not settle go back unharmed.
 * It never throws for an item's failure: that is an outcome.
 */
export interface Executor {
  readonly kind: string;
  run(work: ChunkWork, control: RunControl): Promise<void>;
}

/** The attempt of requests that this run of the chunk sends one by one. */
export function attemptOf(work: Pick<ChunkWork, "batchId" | "chunkId" | "fence">): string {
  return `${work.batchId}:${work.chunkId}:${work.fence}`;
}

/** The same for every try of an item within one epoch. */
export function idempotencyKey(work: Pick<ChunkWork, "batchId" | "epoch">, key: string): string {
  return `${work.batchId}:${work.epoch}:${key}`;
}
