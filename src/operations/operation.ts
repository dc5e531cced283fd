import type { ModelRequests } from "./model-requests.ts";
import type { ZodType } from "zod";
import type { Fault } from "../model/errors.ts";
import type { ErrorCategory, Item, ItemText } from "../model/item.ts";
import type { CollectionRecord, RecordFilter, WriteMode } from "../store/port.ts";
import type { Files } from "../files/files.ts";

/** What a handler answers for one item. `result` must be JSON; `null` is fine, `undefined` is not. */
export interface HandlerResult {
  result: unknown;
  /** 0..1 */
  qualityScore?: number | undefined;
  /** US dollars. */
  cost?: number | undefined;
}

/** What a batch handler answers for one of its items. */
export type ItemOutcome =
  | ({ key: string } & HandlerResult)
  | {
      key: string;
      error: string;
      code?: string;
      category?: ErrorCategory;
      retryAfterMs?: number;
      /** What is known although the item failed (the faults of a document), and its score (0..1); both are kept with the final result. */
      result?: unknown;
      qualityScore?: number;
    };

/** The collections of one tenant. */
export interface TenantRecords {
  get(collection: string, key: string): Promise<CollectionRecord | null>;
  /** Pages through a collection in key order, in constant memory. */
  scan(collection: string, filter: RecordFilter): AsyncIterable<CollectionRecord[]>;
  put(
    collection: string,
    rows: { key: string; data: Record<string, unknown>; writer: string | null }[],
    mode: WriteMode,
  ): Promise<("inserted" | "updated" | "exists")[]>;
  deleteOlder(collection: string | null, before: number, limit: number): Promise<number>;
}

/** The doors built-in operations use, already bound to the batch's tenant. */
export interface TenantServices {
  readonly tenant: string;
  readonly records: TenantRecords;
  readonly files: Files;
  /** Removes final batches that ended before a time; returns how many. */
  removeBatches(before: number): Promise<number>;
  now(): number;
}

export interface HandlerLogCall {
  (message: string): void;
  (fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** The log of the server. Each entry says operation, batch, item and try; what looks like a secret is blacked out. */
export interface HandlerLog {
  readonly debug: HandlerLogCall;
  readonly info: HandlerLogCall;
  readonly warn: HandlerLogCall;
  readonly error: HandlerLogCall;
}

export interface HandlerContext<O> {
  /** Aborted at the item's timeout, at cancel, at the end of the grace time of a shutdown. */
  readonly signal: AbortSignal;
  /** 0 for the first try. */
  readonly attempt: number;
  /** The same for every try of an item within one epoch of its batch: hand it to whatever must not happen twice. */
  readonly idempotencyKey: string;
  /** Key of the item (`""` in processBatch). */
  readonly key: string;
  readonly batchId: string;
  readonly tenant: string;
  /** The batch's options as the operation's schema parsed them. */
  readonly options: O;
  readonly services: TenantServices;
  /** What a worker thread says is written when its group of items ends. */
  readonly log: HandlerLog;
  /**
   * How far the item is, 0..1: told to those who watch items of the batch (`batch:item_progress` in its room), kept nowhere.
   * Throws RangeError for anything else.
   */
  progress(share: number): void;
  /** The header `traceparent` (W3C Trace Context) for what the handler calls; null = the batch belongs to no trace. */
  readonly traceparent: string | null;
}

/** What a batch request says about where its items come from. */
export interface PlanRequest<O> {
  options: O;
  /** Items given inline or as an upload; null when there are none. */
  items: AsyncIterable<ItemText[]> | null;
  input: { file_id?: string | undefined; collection?: string | undefined } | null;
  filters: Record<string, unknown>;
}

/**
 * What is done to items. Users make theirs with `defineOperation`; the built-in ones are the same thing.
 * Exactly one of processItem, processBatch, http and requests says who does it; operations for workers outside have none, and one
 * with a handler may also have `requests`.
 */
export interface Operation<O = unknown> {
  readonly name: string;
  readonly description: string;
  /** Parses the operation's own options; options of every batch (batchSize, timeout, …) are parsed apart. */
  readonly options: ZodType<O>;
  /** One item. Throw to fail it; see model/failure.ts for how errors are classed. */
  processItem?(payload: never, ctx: HandlerContext<O>): HandlerResult | Promise<HandlerResult>;
  /** A whole chunk. Throw = all its items fail this try; an omitted item fails with `result_missing`; an unknown or repeated key fails the chunk. */
  processBatch?(items: Item[], ctx: HandlerContext<O>): ItemOutcome[] | Promise<ItemOutcome[]>;
  /** Push chunks to this URL instead. */
  readonly http?: { url: string; secret?: string | undefined } | undefined;
  /** Run processItem in worker threads: the module must export `processItem(payload, ctx)`. */
  readonly thread?: URL | undefined;
  /** A model does it: asked online, or through a provider's batch API. */
  readonly requests?: ModelRequests<O> | undefined;
  /** Items of a chunk in flight at once, unless the batch says otherwise. */
  readonly concurrency?: number | undefined;
  /** Nothing it does has a price: a budget could not be kept, and is refused. */
  readonly free?: boolean | undefined;
  /** Faults in options that a schema cannot see (an expression that does not compile). `executor` = who will run the batch, where that is known. */
  check?(options: O, executor?: string): Fault[];
  /** Options that are accepted but change nothing here, one sentence each; kept with the batch as its warnings. */
  warnings?(options: O, executor?: string): string[];
  /** Turns a request into items when they are not simply its items, its file's rows or its collection's records. */
  plan?(request: PlanRequest<O>, services: TenantServices): Promise<AsyncIterable<ItemText[]>>;
}
