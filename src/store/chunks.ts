import type { BatchRow } from "../model/batch.ts";
import type { ErrorCategory } from "../model/item.ts";
import type { LedgerEntry } from "../model/ledger.ts";
import type { NanoUsd } from "../model/money.ts";
import type { BatchStats } from "../model/stats/batch-stats.ts";
import type { SuccessBlock } from "../model/success-block.ts";
import type { NewChunk } from "./batches.ts";

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

/** A chunk that is leased, with the batch it is of. */
export interface WorkedChunk {
  id: number;
  batchId: string;
  batchName: string | null;
  operation: string;
  workerId: string;
  items: number;
  settled: number;
  attempt: number;
  leaseUntil: number;
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

/** Items of a batch as they came: `body` holds their payload texts joined with LINE_JOINT, in the order of `keys`. */
export interface MemberBlock {
  keys: string[];
  body: string;
}

/** All items; those that have no success (failed; of a final batch also cancelled and expired); or those of these keys. */
export type MemberSelection = "all" | "failed" | readonly string[];

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
  /** Takes back one lease because somebody wants it so, which is no crash; null = the tenant has no such chunk, or nobody holds it. */
  revoke(tenant: string, chunkId: number, now: number): Promise<LostLease | null>;
  nextLeaseEnd(): Promise<number | null>;
  /** Who holds leases on chunks of a tenant, and how many. */
  leases(tenant: string): Promise<{ workerId: string; chunks: number }[]>;
  /** Leased chunks of a tenant, those whose lease ends first before, and how many there are. */
  worked(tenant: string, limit: number): Promise<{ chunks: WorkedChunk[]; total: number }>;
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
  /**
   * Items of a batch with their payloads, in constant memory: "all" gives a block for each chunk, as it was cut at intake and in that
   * order; the others give each item once, keys that are of no item left out. Nothing for items that were only announced.
   */
  members(tenant: string, batchId: string, selection: MemberSelection): AsyncIterable<MemberBlock>;
  /** Payload text of one item of a batch by its key; null when there is none. */
  payload(tenant: string, batchId: string, key: string): Promise<string | null>;
}
