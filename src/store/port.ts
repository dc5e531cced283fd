import type { Arrival } from "../model/arrival-block.ts";
import type { AlertStore } from "./alerts.ts";
import type { AttemptStore } from "./attempts.ts";
import type { BatchRow } from "../model/batch.ts";
import type { EventDraft, StoredEvent } from "../model/event.ts";
import type { ErrorCategory } from "../model/item.ts";
import type { BatchStatus } from "../model/moves.ts";
import type { FlowMeasure, GaugeMeasure } from "../model/flow.ts";
import type { JobTime, JobTotals } from "../model/job-totals.ts";
import type { CostSums, LedgerEntry } from "../model/ledger.ts";
import type { NanoUsd } from "../model/money.ts";
import type { SuccessBlock } from "../model/success-block.ts";
import type { BatchStats } from "../model/stats/batch-stats.ts";
import type { Sketch } from "../model/stats/sketch.ts";
import type { OpenAiBatchStore } from "./openai-batches.ts";
import type { NewRequest, RequestStore } from "./requests.ts";

/**
 * The store is the truth. One adapter is one implementation of this file, and test/contract/store holds each to it.
 *
 * Every method is atomic and durable when its promise resolves; a move of nothing is an answer (null, false, 0), never an
 * error. Times are Unix milliseconds. Every row belongs to a tenant; a method that takes a tenant never shows another's.
 *
 * Not in here, on purpose: connections, transactions, SQL, row layouts.
 */
export interface Store {
  readonly kind: string;
  readonly batches: BatchStore;
  readonly chunks: ChunkStore;
  readonly results: ResultStore;
  readonly records: RecordStore;
  readonly files: FileStore;
  readonly access: AccessStore;
  readonly events: EventStore;
  readonly outbox: OutboxStore;
  readonly streams: StreamStore;
  readonly openai: OpenAiBatchStore;
  readonly requests: RequestStore;
  readonly impact: ImpactStore;
  readonly dead: DeadStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly alerts: AlertStore;
  readonly monitor: MonitorStore;
  readonly ledger: LedgerStore;
  readonly upkeep: UpkeepStore;
  close(): Promise<void>;
}

// ── batches ────────────────────────────────────────────────────────────────────────────────────────────────────────

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
  | "tags"
  | "warnings"
  | "createdAt"
  | "deadlineAt"
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

export interface BatchFilter {
  tenant: string;
  operation?: string | undefined;
  status?: BatchStatus | undefined;
  /** Inclusive. */
  createdAfter?: number | undefined;
  /** Inclusive. */
  createdBefore?: number | undefined;
  /** Part of the name, case-insensitive. */
  name?: string | undefined;
  stream?: string | undefined;
  tag?: string | undefined;
}

export interface BatchPage {
  batches: BatchRow[];
  /** All that match, exactly. */
  total: number;
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

export interface RetrySelection {
  fingerprint?: string | undefined;
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
  /** Newest first (created_at, id). `before` is the keyset position of the last row seen. */
  list(filter: BatchFilter, page: { limit: number; offset?: number; before?: { createdAt: number; id: string } }): Promise<BatchPage>;
  counts(tenant: string): Promise<BatchCounts>;

  pause(tenant: string, id: string, now: number): Promise<BatchRow | null>;
  resume(tenant: string, id: string, now: number): Promise<BatchRow | null>;
  /** Ends an open batch at once: `cancelled` and `expired` settle open items as such, `failed` (limit passed) as cancelled. */
  end(tenant: string, id: string, as: "cancelled" | "expired" | "failed", error: string | null, now: number): Promise<BatchRow | null>;
  /** Settles every open item as failed with `code`, then ends the batch by its counts. */
  finish(tenant: string, id: string, failure: { error: string; code: string }, now: number): Promise<BatchRow | null>;
  setPriority(tenant: string, id: string, priority: number, now: number): Promise<BatchRow | null>;
  /** Starts the next epoch of a final batch with the failed items selected (all, and the cancelled and expired ones, without selection). Null when not final; `items` 0 when nothing matches. A deadline that has passed is lifted; dependencies count again as at sealing. */
  retry(tenant: string, id: string, selection: RetrySelection, now: number): Promise<{ batch: BatchRow; items: number } | null>;
  /** Removes final batches (of all tenants: null) that ended before `before`, at most `limit`, with everything of theirs. Dry: counts only. */
  remove(tenant: string | null, before: number, options: { limit: number; dryRun: boolean }): Promise<number>;

  /** Runnable batches: for every priority and tenant at most `perTenant`, those served longest ago (never: created) first, so that none waits behind the page for ever. */
  runnable(
    now: number,
    options: { executors: readonly string[] | null; notExecutors: readonly string[]; operations?: readonly string[]; perTenant: number },
  ): Promise<RunnableBatch[]>;
  /** When the next chunk that waits for its time becomes ready; null = none waits. */
  nextReadyAt(now: number): Promise<number | null>;
  /** Open batches whose deadline has passed. */
  overdue(now: number, limit: number): Promise<{ tenant: string; id: string }[]>;
  nextDeadlineAt(): Promise<number | null>;
}

// ── chunks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ClaimedChunk {
  id: number;
  tenant: string;
  batchId: string;
  epoch: number;
  /** Grows with each claim; commits under an older one are refused. */
  fence: number;
  attempt: number;
  crashes: number;
  position: number;
  leaseUntil: number;
  workerId: string;
  keys: string[];
  body: string;
  /** One bit an item: settled or handed on in an earlier, interrupted run. */
  done: Uint8Array;
  batch: BatchRow;
}

/** A final failure: the only per-item rows there are. */
export interface NewFailure {
  nodeId: string;
  /** Index of the item in its chunk; null for results that were recorded without a chunk. */
  index: number | null;
  fingerprint: string;
  error: string;
  code: string;
  category: ErrorCategory;
  /** The whole ItemResult as JSON text. */
  line: string;
}

export interface Commit {
  chunkId: number;
  fence: number;
  now: number;
  successes: SuccessBlock;
  failures: NewFailure[];
  /** Items of the chunk that are settled or handed on after this commit, one bit each. */
  done: Uint8Array;
  /** What these results add to the batch's statistics. */
  stats: BatchStats;
  /** Sum of what these results cost. */
  cost: NanoUsd;
  /**
   * Requests to book in the same step. A `counted` one has its price in `cost`; the others are added to the cost of the batch.
   * A refused commit books them all as not counted: the money is spent.
   */
  ledger?: readonly LedgerEntry[];
  /** Successors for items that leave this chunk unsettled (retries, the rest of a split chunk). */
  next: NewChunk[];
  /** Tries that ended in a retry. */
  retried: number;
  /** The same by what they failed of. */
  retriedBy?: Readonly<Partial<Record<ErrorCategory, number>>>;
  /** checkpoint keeps the lease, release hands the rest back without costing an attempt, finish ends the chunk (no item may be left). A chunk with no item left is done, whichever it is. */
  end: "checkpoint" | "finish" | "release";
  /** With release: when the rest may run again; at once when absent. */
  availableAt?: number;
  /** Write a batch.progress event with this commit. */
  progress: boolean;
}

export interface CommitOutcome {
  /** False: the fence is old, the batch ended or the chunk is gone. Nothing was written but the count of late results. */
  accepted: boolean;
  batch: BatchRow | null;
}

export interface LostLease {
  chunkId: number;
  tenant: string;
  batchId: string;
  workerId: string;
  crashes: number;
}

export interface ChunkView {
  id: number;
  epoch: number;
  state: "pending" | "leased" | "done" | "cancelled";
  position: number;
  items: number;
  settled: number;
  attempt: number;
  crashes: number;
  availableAt: number;
  leaseUntil: number | null;
  workerId: string | null;
}

export interface RecordedResult {
  nodeId: string;
  /** JSON text of the result of a success; "null" without one. */
  text: string;
  /** Null for a success; `line` is the whole ItemResult as JSON text. */
  failure: Omit<NewFailure, "nodeId" | "index"> | null;
  retries: number;
  durationMs: number | null;
  qualityScore: number | null;
  /** US dollars. */
  cost: number | null;
}

export interface ChunkStore {
  /** Runnable pending chunks of a batch in order, without those in `except`. */
  pending(batchId: string, now: number, limit: number, except: ReadonlySet<number>): Promise<{ id: number; crashes: number }[]>;
  /** Leases a chunk. Null: not pending, not yet due, its batch does not run, or the batch's limit of leased chunks is reached. */
  claim(chunkId: number, lease: { workerId: string; leaseMs: number; now: number }): Promise<ClaimedChunk | null>;
  /** The chunk as its leaseholder knows it, also when a checkpoint ended it (all `done`, leaseUntil 0); null when the lease under this fence was lost. */
  held(tenant: string, chunkId: number, fence: number): Promise<ClaimedChunk | null>;
  /** Writes results, counters, statistics, successors and events in one step. */
  commit(commit: Commit): Promise<CommitOutcome>;
  /** A pending chunk that was put off may run now. False: it is not pending, or not put off. */
  wake(chunkId: number, now: number): Promise<boolean>;
  /** Counts results that came under a lease of this chunk which is over; false when there never was such a lease. */
  late(tenant: string, chunkId: number, fence: number, results: number): Promise<boolean>;
  /** Renews leases; returns the ids that are still held. */
  renew(leases: readonly { chunkId: number; fence: number }[], leaseUntil: number): Promise<number[]>;
  /** Takes back leases that ended before `now`, or all of the given workers, and counts a crash on each. */
  reap(selection: { now: number } | { workerPrefix: string; now: number }): Promise<LostLease[]>;
  nextLeaseEnd(): Promise<number | null>;
  /** Who holds leases on chunks of a tenant, and how many. */
  leases(tenant: string): Promise<{ workerId: string; chunks: number }[]>;
  list(tenant: string, batchId: string, page: { after: number; limit: number }): Promise<ChunkView[]>;
  /** Open chunks of a batch: what `why` reads. */
  open(tenant: string, batchId: string, limit: number): Promise<ChunkView[]>;
  /** Results that come from outside, by key, each counted once. Null when there is no such batch, or it is final and has not got all of these already. `settled`: indexes of those that counted. */
  record(
    tenant: string,
    batchId: string,
    results: RecordedResult[],
    now: number,
  ): Promise<{ accepted: number; duplicates: number; unknown: string[]; batch: BatchRow; settled: number[] } | null>;
  /** Keys the batch was created with, in blocks, each once. */
  keys(tenant: string, batchId: string): AsyncIterable<string[]>;
  /** Payload text of one item of a batch by its key; null when there is none. */
  payload(tenant: string, batchId: string, key: string): Promise<string | null>;
}

// ── results ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ResultFilter {
  success?: boolean | undefined;
  /** Part of the error text, case-insensitive. */
  error?: string | undefined;
  nodeId?: string | undefined;
  fingerprint?: string | undefined;
}

/** Where to go on: first through the segments of successes, then through the failures. */
export interface ResultCursor {
  part: "successes" | "failures";
  /** Id of the segment or failure row to go on with. */
  id: number;
  /** Lines of that segment already seen. */
  skip: number;
}

export interface ErrorGroup {
  fingerprint: string;
  error: string;
  code: string;
  category: ErrorCategory;
  count: number;
  firstSeen: number;
  lastSeen: number;
  /** At most five keys. */
  examples: string[];
}

export interface ResultStore {
  /** Result lines (JSON texts) of a batch in commit order, successes first. `next` null = that was all. */
  page(
    tenant: string,
    batchId: string,
    filter: ResultFilter,
    cursor: ResultCursor | null,
    limit: number,
  ): Promise<{ lines: string[]; next: ResultCursor | null }>;
  /** Largest group first. */
  groups(tenant: string, batchId: string): Promise<ErrorGroup[]>;
}

// ── collections ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CollectionRecord {
  key: string;
  data: Record<string, unknown>;
  createdAt: number;
  updatedAt: number;
}

export interface RecordFilter {
  /** Equality on top-level fields; `tags` means "has each of these tags". */
  equals: Record<string, unknown>;
  tags?: string[] | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
}

/** insert refuses a key that exists, upsert merges top-level fields into it, replace overwrites it. */
export type WriteMode = "insert" | "upsert" | "replace";

export interface RecordStore {
  collections(tenant: string): Promise<{ name: string; records: number }[]>;
  get(tenant: string, collection: string, key: string): Promise<CollectionRecord | null>;
  /** In key order, `after` exclusive. */
  list(
    tenant: string,
    collection: string,
    filter: RecordFilter,
    page: { after: string | null; limit: number },
  ): Promise<CollectionRecord[]>;
  /** Writes all or nothing; `writer` makes a repeated insert by the same writer succeed again. */
  put(
    tenant: string,
    collection: string,
    rows: { key: string; data: Record<string, unknown>; writer: string | null }[],
    mode: WriteMode,
    now: number,
  ): Promise<("inserted" | "updated" | "exists")[]>;
  delete(tenant: string, collection: string, key: string): Promise<boolean>;
  /** Removes records last updated before `before`, at most `limit`. */
  deleteOlder(tenant: string, collection: string | null, before: number, limit: number): Promise<number>;
}

// ── files (metadata; the bytes lie beside the store) ───────────────────────────────────────────────────────────────

export interface FileRow {
  id: string;
  tenant: string;
  name: string;
  contentType: string;
  bytes: number;
  sha256: string;
  purpose: string | null;
  createdAt: number;
  expiresAt: number | null;
}

export interface FilePage {
  /** Place of the last file seen, exclusive. */
  before: { createdAt: number; id: string } | null;
  limit: number;
  /** By (created_at, id); newest first when absent. */
  order?: "newest" | "oldest" | undefined;
  /** Only files with one of these; null = those without a purpose. */
  purposes?: readonly (string | null)[] | undefined;
}

export interface FileStore {
  insert(file: FileRow): Promise<void>;
  get(tenant: string, id: string): Promise<FileRow | null>;
  list(tenant: string, page: FilePage): Promise<FileRow[]>;
  delete(tenant: string, id: string, now: number): Promise<boolean>;
  /** Where a file stands in lists, or stood until it was removed within the last day. */
  place(tenant: string, id: string, now: number): Promise<{ createdAt: number; id: string } | null>;
  /** The open batch that still reads this file, or null. */
  usedBy(tenant: string, id: string): Promise<string | null>;
  expired(now: number, limit: number): Promise<FileRow[]>;
}

// ── access ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Role = "viewer" | "operator" | "admin";

export interface ApiKeyRow {
  id: string;
  tenant: string;
  name: string;
  role: Role;
  /** SHA-256 of the secret, hex; the secret itself is never stored. */
  hash: string;
  /** First characters of the secret, shown in lists. */
  hint: string;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
}

export interface SessionRow {
  /** SHA-256 of the cookie value, hex. */
  hash: string;
  tenant: string;
  keyId: string;
  role: Role;
  createdAt: number;
  expiresAt: number;
}

export interface IdempotencyRow {
  tenant: string;
  key: string;
  /** Method, route and body, hashed. */
  requestHash: string;
  /** Null while the first request runs. */
  status: number | null;
  body: string | null;
  createdAt: number;
}

export interface AccessStore {
  insertKey(key: ApiKeyRow): Promise<void>;
  keyByHash(hash: string): Promise<ApiKeyRow | null>;
  keys(tenant: string): Promise<ApiKeyRow[]>;
  /** Also ends its sessions. */
  revokeKey(tenant: string, id: string, now: number): Promise<boolean>;
  insertSession(session: SessionRow): Promise<void>;
  session(hash: string, now: number): Promise<SessionRow | null>;
  deleteSession(hash: string): Promise<void>;
  /** One-time sign-in tokens. */
  insertSignIn(signIn: { hash: string; keyId: string; tenant: string; role: Role; expiresAt: number }): Promise<void>;
  /** Takes the token away; null when unknown, used or expired. */
  takeSignIn(hash: string, now: number): Promise<{ keyId: string; tenant: string; role: Role } | null>;
  /** Reserves an idempotency key; when it is taken, the row that holds it. */
  reserve(row: IdempotencyRow, expireBefore: number): Promise<IdempotencyRow | null>;
  settle(tenant: string, key: string, status: number, body: string): Promise<void>;
  unreserve(tenant: string, key: string): Promise<void>;
}

// ── events, outbox, audit ──────────────────────────────────────────────────────────────────────────────────────────

export interface EventStore {
  /** Changes when the log starts anew (a restored backup); part of every cursor. */
  epoch(): Promise<string>;
  append(events: EventDraft[]): Promise<void>;
  /** In order of seq, `after` exclusive. */
  read(after: number, limit: number, filter?: { tenant?: string; entity?: string }): Promise<StoredEvent[]>;
  lastSeq(): Promise<number>;
  /** The newest critical events of a tenant, newest first. */
  critical(tenant: string, limit: number): Promise<StoredEvent[]>;
  /** A hint after each commit of this process that wrote events; other processes' are found by polling. */
  onAppend(listener: () => void): () => void;
  /** The oldest seq still kept, 0 when empty. */
  firstSeq(): Promise<number>;
  trim(options: { before: number; keep: number }): Promise<number>;
}

export interface OutboxRow {
  id: number;
  tenant: string;
  channel: string;
  /** Unique: a repeated insert is ignored. */
  dedupeKey: string;
  subject: string;
  body: string;
  tries: number;
  nextAt: number;
}

export interface OutboxStore {
  /** Due messages, oldest first. */
  due(now: number, limit: number): Promise<OutboxRow[]>;
  delivered(id: number, now: number): Promise<void>;
  failed(id: number, error: string, nextAt: number | null): Promise<void>;
  nextAt(): Promise<number | null>;
}

export interface AuditEntry {
  tenant: string;
  at: number;
  actor: string;
  credential: string | null;
  address: string | null;
  action: string;
  target: string;
  before: unknown;
  after: unknown;
  outcome: "SUCCESS" | "FAILURE" | "BLOCKED" | "RATE_LIMITED" | "SUSPICIOUS";
}

export interface StoredAudit extends AuditEntry {
  /** From 1 on without a gap, over all tenants. */
  seq: number;
  /** SHA-256 over this entry and the hash before it, hex. */
  hash: string;
}

/** What is left out counts as any; `from` inclusive, `to` exclusive. */
export interface AuditFilter {
  action?: string | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  outcome?: AuditEntry["outcome"] | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

export interface AuditFault {
  /** Where it begins. */
  seq: number;
  kind: "altered" | "missing" | "rewritten" | "unanchored";
  message: string;
}

export interface AuditVerdict {
  ok: boolean;
  /** Entries of all tenants: they are one chain. */
  entries: number;
  /** Whoever notes it down elsewhere can later prove that nothing before it was changed. */
  head: { seq: number; hash: string } | null;
  /** Faults in all; `faults` has the first of them. */
  found: number;
  faults: AuditFault[];
}

/** Append-only. The head of the chain is also kept outside of the table, so that cutting or rewriting it is found. */
export interface AuditStore {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(tenant: string, page: { before: number | null; limit: number; filter?: AuditFilter }): Promise<StoredAudit[]>;
  /** In the order they were written, in blocks; of all tenants: null. */
  scan(tenant: string | null, filter?: AuditFilter): AsyncIterable<StoredAudit[]>;
  /** Recomputes the chain. `expected`: a head that was noted down elsewhere. */
  verify(expected?: { seq: number; hash: string }): Promise<AuditVerdict>;
}

// ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface StreamRow {
  tenant: string;
  name: string;
  definition: Record<string, unknown>;
  paused: boolean;
  createdAt: number;
  updatedAt: number;
}

/** An open batch of a stream and key: it takes items until it closes, and its id is the id of the batch it becomes. */
export interface WindowRow {
  id: string;
  tenant: string;
  stream: string;
  key: string;
  openedAt: number;
  lastItemAt: number;
  items: number;
  /** UTF-8 bytes of the items' texts. */
  bytes: number;
  /** A rule of time was due while there were too few items. */
  held: boolean;
}

/** An open window with what its next items are measured against. */
export interface RecoveredWindow extends WindowRow {
  keys: string[];
  /** Bytes of each item, in the order of `keys`. */
  sizes: number[];
}

export interface WindowClosing {
  reason: string;
  /** The batch the window becomes; `id`, `stream`, `streamKey` and `closeReason` are those of the window. */
  batch: NewBatch;
  maxFailures: number | null;
  /** Items and characters of a chunk; Infinity = the whole window is one. */
  chunkItems: number;
  chunkChars: number;
  /** How much later than its rule it closes, milliseconds. */
  lagMs: number;
  /** Further data of the event window.closed. */
  says: Record<string, unknown>;
  /** Its batch starts paused and is released with the others that `holdBatches` paused. */
  heldBatch?: boolean;
}

/** What happens to one window within a commit, in this order: it opens, items leave it, items come, it closes. */
export interface WindowChange {
  /** As it is after this change, before it closes. Without items it vanishes and becomes no batch. */
  window: WindowRow;
  opens: boolean;
  /** Items taken off the front to make room. */
  drops: number;
  /** `body`: texts joined with LINE_JOINT; `says`: further data of the event item.received. */
  adds: { keys: string[]; body: string; says: Record<string, unknown> } | null;
  closes: WindowClosing | null;
  /** Dead letters that became these items; they go in the same step. */
  requeued: number[];
  /** Single requests that are these items; written in the same step. Throws when an open one has the custom id. */
  requests?: readonly NewRequest[] | undefined;
  /** Keys of items that leave, wherever they stand; requests of these ids are cancelled. Throws for a key that is not there. */
  withdrawn?: readonly string[] | undefined;
}

export interface NewDeadLetter {
  tenant: string;
  stream: string;
  /** Key of the item; null when the item has none of its own. */
  itemKey: string | null;
  /** The item's JSON text. */
  text: string;
  reason: string;
  at: number;
}

export interface DeadLetter extends NewDeadLetter {
  id: number;
}

/** What a commit brought to one stream, in the order it came: goes into the arrival log in the same step. */
export interface NewArrivals {
  tenant: string;
  stream: string;
  arrivals: readonly Arrival[];
}

/** Which dead letters of a stream, which dead items of an operation: all that are left out count as "any". */
export interface DeadSelection {
  /** Reason of a letter, error code of an item. */
  reason?: string | undefined;
  ids?: readonly number[] | undefined;
}

/** Dead letters of one stream, or dead items of one operation, for one reason. Times of the oldest and the newest. */
export interface DeadGroup {
  queue: string;
  reason: string;
  count: number;
  oldest: number;
  newest: number;
}

/** The rest of a requeue that goes on at so many letters a second. */
export interface PacedRequeue {
  tenant: string;
  stream: string;
  selection: DeadSelection;
  rest: number;
  rate: number;
  /** Id of the last letter that was tried. */
  after: number;
}

/** Times of one closed window and its batch. */
export interface PipelineSample {
  openedAt: number;
  closedAt: number;
  startedAt: number | null;
  completedAt: number | null;
}

/** Batches of one operation that wait and run, and those that ended since a time. */
export interface QueueRow {
  operation: string;
  pending: number;
  running: number;
  ended: number;
  /** Mean time from start to end of those, milliseconds; null = none ended. */
  meanMs: number | null;
  oldest: { id: string; createdAt: number } | null;
}

export interface StreamStore {
  /** Of all tenants. */
  definitions(): Promise<StreamRow[]>;
  save(stream: StreamRow): Promise<void>;
  /** With its dead letters, its arrival log and the history of its rules. */
  remove(tenant: string, name: string): Promise<boolean>;
  /** Every open window with its true start, those open longest first. */
  open(): Promise<RecoveredWindow[]>;
  /**
   * One durable step for many windows: group commit. Per change: true when the window closed by it. A change that only closes
   * a window which is not open does nothing (false); one that adds to it throws, and then nothing of the step is written.
   */
  commit(step: {
    changes: readonly WindowChange[];
    deadLetters: readonly NewDeadLetter[];
    arrivals: readonly NewArrivals[];
    now: number;
  }): Promise<boolean[]>;
  /** Pauses every batch of a stream that is pending or running, and marks it; running ones of the executors `goesOn` are left. Returns their ids. */
  holdBatches(tenant: string, stream: string, goesOn: readonly string[], now: number): Promise<string[]>;
  /** Takes the mark off every batch, and resumes those that are still paused. Returns the ids of these. */
  releaseBatches(tenant: string, stream: string, now: number): Promise<string[]>;
  /** Oldest first, `after` exclusive. */
  deadLetters(tenant: string, stream: string, page: { after: number; limit: number; selection?: DeadSelection }): Promise<DeadLetter[]>;
  /** Maintained, never counted, by stream and reason. */
  deadLetterGroups(tenant: string): Promise<DeadGroup[]>;
  /** Removes them for good, oldest first, at most `limit`; returns how many. */
  discardLetters(tenant: string, stream: string, selection: DeadSelection, limit: number): Promise<number>;
  /** Of all tenants. */
  pacedRequeues(): Promise<PacedRequeue[]>;
  /** Replaces that of the same stream; a `rest` of 0 ends it. */
  pace(requeue: PacedRequeue): Promise<void>;
  /** Windows that closed in [from, to), newest first, at most `limit`; `stream` null = of all streams. */
  samples(tenant: string, stream: string | null, range: { from: number; to: number; limit: number }): Promise<PipelineSample[]>;
  /** By operation; `since` bounds what counts as ended lately. */
  queues(tenant: string, since: number): Promise<QueueRow[]>;
}

// ── monitoring ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Sealed batches by the time they were created. */
export interface JobFilter {
  tenant: string;
  /** Inclusive. */
  from: number;
  /** Exclusive. */
  to: number;
  operation?: string | undefined;
  statuses?: readonly BatchStatus[] | undefined;
}

export interface JobPoint {
  /** Start of the bucket; without buckets, start of the range. */
  at: number;
  operation: string;
  status: BatchStatus;
  totals: JobTotals;
}

export interface TimePoint {
  at: number;
  sketch: Sketch;
}

/**
 * What batches add up to, maintained with every move of a batch. A query costs by the buckets of its range, never by its
 * batches, and is exact to the millisecond; batches that retention removed stay in it by the minute.
 */
export interface MonitorStore {
  /** In order of time. `widthMs`: a minute, an hour, a day or a multiple of one of them; null = the whole range as one. */
  jobs(filter: JobFilter, widthMs: number | null): Promise<JobPoint[]>;
  /** Distribution of a time over the batches that have started and ended. */
  times(filter: JobFilter, metric: JobTime, widthMs: number | null): Promise<TimePoint[]>;
  /** Batches of the range, newest first (created_at, id), from position `offset` on: the cost does not grow with it. */
  page(filter: JobFilter, offset: number, limit: number): Promise<BatchRow[]>;
  /** All batches of the range, newest first, in blocks that leave room for other work between them. */
  scan(filter: JobFilter): AsyncIterable<BatchRow[]>;
  /** What happened, by the time it happened: minutes, hours and days in order. A bucket belongs to the range it starts in. */
  flow(filter: FlowFilter, widthMs: number | null): Promise<FlowPoint[]>;
  /** Distributions of what was measured when it happened. */
  measured(filter: Omit<FlowFilter, "metrics">, metric: FlowMeasure | GaugeMeasure, widthMs: number | null): Promise<MeasuredPoint[]>;
  /** Adds one value of each gauge to its distribution in the buckets of `now`: what `measured` gives under the same names. */
  sample(tenant: string, gauges: readonly GaugeSample[], now: number): Promise<void>;
  /**
   * Takes off buckets before these times, some at a time; true while there may be more. Buckets of batches that are still there
   * stay. The sums of whole hours and days stay as they are; ranges that begin or end within one are then rounded to it.
   */
  trim(before: RollupHorizons): Promise<boolean>;
}

/** Unix milliseconds: what happened earlier is no longer kept by the minute, by the hour, by the day. */
export interface RollupHorizons {
  minutes: number;
  hours: number;
  days: number;
}

/** A gauge, measured from time to time. `source` and `metric` as in FlowFilter; the value is not negative. */
export interface GaugeSample {
  source: string;
  metric: GaugeMeasure;
  value: number;
}

/** Counters of src/model/flow.ts. */
export interface FlowFilter {
  tenant: string;
  /** Inclusive; rounded down to a minute, for keys of streams to an hour; before the horizons of `trim` to an hour, to a day. */
  from: number;
  /** Exclusive; rounded up likewise. */
  to: number;
  /** Exact names, or beginnings that end in `:` or `/`. */
  sources: readonly string[];
  /** Exact names, or beginnings that end in `.`; none = all. */
  metrics?: readonly string[] | undefined;
}

export interface FlowPoint {
  at: number;
  source: string;
  metric: string;
  value: number;
}

export interface MeasuredPoint {
  at: number;
  source: string;
  sketch: Sketch;
}

// ── ledger ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CostQuery {
  tenant: string;
  /** Days since 1970-01-01 UTC, both inclusive. */
  fromDay: number;
  toDay: number;
  groupBy: "model" | "operation" | "tenant" | "day" | "batch" | "provider" | "tier";
  /** Only this batch. */
  batchId?: string | undefined;
  limit: number;
}

export interface CostGroup {
  /** The model, the operation…; of days, days since 1970-01-01 UTC. */
  key: string;
  sums: CostSums;
}

/** What was spent, request by request. The sums outlive the batches, their single requests do not. */
export interface LedgerStore {
  /**
   * Books each entry once per (attempt, customId): a repeated one changes nothing, except that `counted` stays true once it was.
   * Entries that are not `counted` are added to the cost of their batch. Throws when an attempt is of another batch.
   */
  book(entries: readonly LedgerEntry[]): Promise<{ booked: number; repeated: number }>;
  /** Maintained, never counted; what costs most first. */
  sums(query: CostQuery): Promise<CostGroup[]>;
  /** Entries of a batch by attempt and custom id, `after` exclusive. */
  lines(
    tenant: string,
    batchId: string,
    page: { after: { attempt: string; customId: string } | null; limit: number },
  ): Promise<LedgerEntry[]>;
}

// ── impact: what came and what became of it, for previews of changed rules ─────────────────────────────────────────────

/** A window that closed. */
export interface ClosedWindow {
  id: string;
  key: string;
  openedAt: number;
  closedAt: number;
  items: number;
  bytes: number;
  reason: string;
}

/** The rules of a stream from a time on. */
export interface RuleChange {
  id: number;
  tenant: string;
  stream: string;
  at: number;
  /** Null: the first that is known. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown>;
  /** What the change was expected to do, and what it did; null = not worked out yet. */
  predicted: Record<string, unknown> | null;
  actual: Record<string, unknown> | null;
}

export interface ImpactStore {
  /** Blocks of the arrival log (model/arrival-block.ts) that hold arrivals in [from, to), as they were written; others may be in them too. */
  blocks(tenant: string, stream: string, range: { from: number; to: number }): AsyncIterable<Uint8Array>;
  /** Removes blocks whose last arrival came before `before`, and of each stream those beyond its newest `keep` arrivals. Returns how many blocks. */
  trim(options: { before: number; keep: number }): Promise<number>;
  /** Windows of a stream that closed in [from, to), in the order they closed, some at a time. */
  closed(tenant: string, stream: string, range: { from: number; to: number }): AsyncIterable<ClosedWindow[]>;
  /** Items and milliseconds from start to end of batches of an operation that ran to their end, newest first. */
  services(tenant: string, operation: string, limit: number): Promise<{ items: number; ms: number }[]>;
  addRules(change: Omit<RuleChange, "id" | "predicted" | "actual">): Promise<void>;
  /** Newest first. */
  rules(tenant: string, stream: string, limit: number): Promise<RuleChange[]>;
  /** Of all tenants: changes (not the first known rules) whose `predicted` or `actual` is still null, oldest first. */
  unsettledRules(limit: number): Promise<RuleChange[]>;
  /** What is given replaces null; what stands already stays. */
  settleRules(id: number, found: { predicted?: Record<string, unknown>; actual?: Record<string, unknown> }): Promise<void>;
}

// ── dead items ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** An item that failed for good in a batch that has ended; no retry took it back, and nobody dismissed it. */
export interface DeadItem {
  id: number;
  batchId: string;
  nodeId: string;
  error: string;
  code: string;
  category: ErrorCategory;
  at: number;
}

export interface DeadStore {
  /** By operation and error code, out of the error groups of ended batches: items are never counted. */
  groups(tenant: string): Promise<DeadGroup[]>;
  /** By batch (of the ids, so the oldest first), then in the order they failed; `after` exclusive. */
  items(
    tenant: string,
    operation: string,
    selection: DeadSelection,
    page: { after: { batchId: string; id: number } | null; limit: number },
  ): Promise<DeadItem[]>;
  /** Takes at most `limit` of them out of this list; their batches keep their results. Returns how many. */
  dismiss(tenant: string, operation: string, selection: DeadSelection, limit: number, now: number): Promise<number>;
}

// ── upkeep ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Finding {
  /** What is wrong, as a sentence with the numbers found and expected. */
  message: string;
  batchId: string | null;
  repaired: boolean;
}

export interface UpkeepStore {
  /** Recounts everything that is maintained and compares; with `rebuild`, mends it. */
  verify(options: { rebuild: boolean; batchId?: string }): Promise<{ checkedBatches: number; checkedChunks: number; findings: Finding[] }>;
  verifyAudit(expected?: { seq: number; hash: string }): Promise<AuditVerdict>;
  /** All entries of the audit log in order, in blocks. */
  audit(): AsyncIterable<StoredAudit[]>;
  /** A consistent copy of the running store at `path`. */
  backup(path: string): Promise<{ bytes: number }>;
  /** Bytes of the store on disk. */
  size(): Promise<number>;
}
