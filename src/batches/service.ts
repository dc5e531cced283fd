import type { FieldChange } from "./field-changes.ts";
import type { UpstreamEstimate } from "./create/upstream-estimate.ts";
import type { BatchRow } from "../model/batch.ts";
import type { CostSums } from "../model/ledger.ts";
import type { ItemText } from "../model/item.ts";
import type { BatchStatus } from "../model/moves.ts";
import type { BatchStats } from "../model/stats/batch-stats.ts";
import type { AttemptSums } from "../store/attempts.ts";
import type { BatchCounts, BatchFilter, BatchSort, ChunkView, ErrorGroup, ResultFilter, Role } from "../store/port.ts";

/** Who asks: every use of the service is on behalf of one. */
export interface Caller {
  tenant: string;
  /** Shown in the audit log: "key:ci", "user:…", "library". */
  actor: string;
  role: Role;
  credential: string | null;
  address: string | null;
  /** Set = a shared link: it may see this batch and nothing else. */
  onlyBatch?: string | undefined;
  /** What asks, as a span of a trace; W3C Trace Context. */
  traceparent?: string | null | undefined;
}

/** A create request, already parsed by src/api/contract or given by the library. */
export interface CreateRequest {
  /** The id to create under when it was promised before (see src/api/idempotency.ts); a new one otherwise. */
  id?: string | undefined;
  operation: string;
  name?: string | undefined;
  description?: string | undefined;
  filters?: Record<string, unknown> | undefined;
  options?: Record<string, unknown> | undefined;
  input?: { file_id?: string | undefined; collection?: string | undefined } | undefined;
  total_items?: number | undefined;
  priority?: "low" | "normal" | "high" | "critical" | undefined;
  depends_on?: string[] | undefined;
  metadata?: Record<string, unknown> | undefined;
  tags?: string[] | undefined;
}

/** A new batch of the items another one has; what is left out is as the original had it. */
export interface ReplayRequest {
  /** As in CreateRequest. */
  id?: string | undefined;
  /** "failed": what has no success; keys; all of them without it. */
  items?: "all" | "failed" | readonly string[] | undefined;
  /** Other payloads by key; a text is the JSON of one, taken as it is. */
  edits?: Record<string, Record<string, unknown> | string> | undefined;
  operation?: string | undefined;
  /** Over those of the original; null takes one away. Another operation gets only the options that every batch takes. */
  options?: Record<string, unknown> | undefined;
  priority?: CreateRequest["priority"];
  name?: string | undefined;
  description?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
  tags?: string[] | undefined;
}

/** Items as they arrive: blocks of items whose keys are known. Throwing while iterating leaves no batch behind. */
export type ItemSource = AsyncIterable<ItemText[]>;

export interface HistoryPage {
  batches: BatchRow[];
  /** All that match, or, when not exact, at least so many. */
  total: number;
  totalIsExact: boolean;
  /** Null = there are no more. A page may have fewer rows than asked for, or none, and a cursor to look further. */
  nextCursor: string | null;
}

export interface HistoryQuery extends Omit<BatchFilter, "tenant"> {
  /** `created` when absent. */
  sort?: BatchSort | undefined;
  /** `desc` when absent. */
  order?: "asc" | "desc" | undefined;
  limit: number;
  offset?: number | undefined;
  /** Opaque, from an earlier page. */
  cursor?: string | undefined;
}

/** A result reported from outside (POST /api/batch/:id/results, yard.recordResult). */
export interface ReportedResult {
  nodeId: string;
  success: boolean;
  result?: unknown;
  error?: string | undefined;
  errorCode?: string | undefined;
  retries?: number | undefined;
  durationMs?: number | undefined;
  /** 0..1 */
  qualityScore?: number | undefined;
  /** US dollars. */
  cost?: number | undefined;
}

/** Why a batch is not done yet: one reason a line, the most important first. */
export interface Reason {
  code:
    | "paused"
    | "waiting_for_dependency"
    | "running"
    | "waiting_for_worker"
    | "no_worker"
    | "waiting_for_retry"
    | "waiting_for_external_results"
    | "waiting_for_provider"
    | "breaker_open"
    | "concurrency_limit"
    | "lease_lost"
    | "over_budget"
    | "done";
  message: string;
  /** Unix milliseconds. */
  since: number | null;
  chunks?: number;
  worker?: string;
  /** Unix milliseconds. */
  nextRetryAt?: number;
  blockedBy?: string[];
  /** Of work at a provider: requests, and what the provider calls the batch and its state. */
  requests?: number;
  provider?: string;
  upstreamBatch?: string | null;
  upstreamStatus?: string;
  /** Unix milliseconds. */
  nextPollAt?: number;
}

export interface BatchView {
  batch: BatchRow;
  stats: BatchStats;
  /** Items per second over the recent past (EWMA); null when nothing has ended yet. */
  itemsPerSecond: number | null;
  /** Unix milliseconds; null = unknown. */
  etaAt: number | null;
}

/** What a request would become. */
export interface DryRun {
  items: number;
  /** Of their payloads. */
  bytes: number;
  chunks: number;
  /** Items of the largest chunk. */
  batchSize: number;
  upstream?: UpstreamEstimate;
  warnings: string[];
}

/** Everything that can be done with batches; src/api, src/cli (embedded) and the library speak this and nothing below it. */
export interface Batches {
  create(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<BatchRow>;
  /** All faults of a request without creating anything. */
  dryRun(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<DryRun>;
  /** Throws batch_not_found. */
  get(caller: Caller, id: string): Promise<BatchRow>;
  view(caller: Caller, id: string): Promise<BatchView>;
  /** All that match, in an order of lists, or these, as far as they are there; in blocks, in constant memory. */
  streamHistory(
    caller: Caller,
    which: { filter: Omit<BatchFilter, "tenant">; sort: BatchSort; order: "asc" | "desc" } | { ids: readonly string[] },
  ): AsyncIterable<BatchRow[]>;
  /** Open batches with a budget, newest first. */
  budgeted(
    caller: Caller,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ batches: BatchRow[]; nextCursor: string | null }>;
  history(caller: Caller, query: HistoryQuery): Promise<HistoryPage>;
  /** What has not ended: running first, then paused, then waiting, each newest first; `total` is of all of them. */
  active(caller: Caller, limit: number): Promise<{ batches: BatchView[]; total: number }>;
  counts(caller: Caller): Promise<BatchCounts>;
  /** Result lines (JSON texts of ItemResult) and an opaque cursor. */
  results(
    caller: Caller,
    id: string,
    filter: ResultFilter,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ lines: string[]; nextCursor: string | null }>;
  /** All result lines in blocks, in constant memory. */
  streamResults(caller: Caller, id: string, filter: ResultFilter): AsyncIterable<string[]>;
  errors(caller: Caller, id: string): Promise<ErrorGroup[]>;
  chunks(caller: Caller, id: string, page: { after: number; limit: number }): Promise<ChunkView[]>;
  payload(caller: Caller, id: string, key: string): Promise<string | null>;
  why(caller: Caller, id: string): Promise<{ state: BatchStatus; reasons: Reason[]; etaAt: number | null }>;
  compare(caller: Caller, a: string, b: string, page?: Partial<ComparisonPage>): Promise<Comparison>;
  /** Each key of the batch exactly once among its results? */
  reconcile(caller: Caller, id: string): Promise<Reconciliation>;
  record(
    caller: Caller,
    id: string,
    results: ReportedResult[],
  ): Promise<{ accepted: number; duplicates: number; unknown: string[]; batch: BatchRow }>;
  cancel(caller: Caller, id: string): Promise<BatchRow>;
  pause(caller: Caller, id: string): Promise<BatchRow>;
  resume(caller: Caller, id: string): Promise<BatchRow>;
  setPriority(caller: Caller, id: string, priority: "low" | "normal" | "high" | "critical"): Promise<BatchRow>;
  retry(
    caller: Caller,
    id: string,
    selection: { errorFingerprint?: string | undefined; errorCode?: string | undefined; nodeIds?: string[] | undefined },
  ): Promise<BatchRow>;
  /** Creates a batch of the items of `id`, byte for byte but for the edits. Throws nothing_to_replay, payloads_missing, validation_failed. */
  replay(caller: Caller, id: string, request: ReplayRequest): Promise<BatchRow>;
  replayDryRun(caller: Caller, id: string, request: ReplayRequest): Promise<DryRun>;
  finish(caller: Caller, id: string, reason: string): Promise<BatchRow>;
  cleanup(caller: Caller, daysToKeep: number, dryRun: boolean): Promise<number>;
}

export interface Comparison {
  a: BatchView;
  b: BatchView;
  /** First 1,000 of each; `counts` is exact. Keys in key order. */
  added: string[];
  removed: string[];
  /** A page, in key order, of the first 10,000 that changed. `a` and `b` are the results themselves, unless the page is brief. */
  changed: { nodeId: string; kind: ChangeKind; a?: unknown; b?: unknown; changes: FieldChange[]; /** Fields left out. */ more: number }[];
  counts: { added: number; removed: number; changed: number; /** Of the changed. */ fixed: number; broken: number; same: number };
}

/** Failed and then succeeded, the other way round, or ended alike with other values. */
export type ChangeKind = "fixed" | "broken" | "other";

export interface ComparisonPage {
  kind?: ChangeKind | undefined;
  offset: number;
  limit: number;
  /** Field by field only, without the results as a whole. */
  brief: boolean;
}

export interface Reconciliation {
  expected: number;
  settled: number;
  open: number;
  /** First 1,000 of each, with exact counts. */
  missing: string[];
  duplicate: string[];
  unknown: string[];
  counts: { missing: number; duplicate: number; unknown: number };
  /** Nothing missing, nothing twice, nothing unknown. */
  ok: boolean;
  /** What the provider's batch API gave back, over all upstream batches; null = nothing of this batch was ever sent there. */
  upstream: (AttemptSums & { /** Upstream batches that are not ingested yet. */ open: number }) | null;
  /** What was charged for the batch; `uncounted` are requests that no result stands for. */
  costs: CostSums;
}
