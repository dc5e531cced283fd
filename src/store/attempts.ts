import type { AttemptState } from "../model/attempt-moves.ts";
import type { BatchStatus, ChunkState } from "../model/moves.ts";

/** Attempts: chunks on their way through a provider's batch API. Part of the port; see port.ts for its general rules. */

export interface AttemptReport {
  /** Lines sent. */
  lines: number;
  succeeded: number;
  failed: number;
  /** Custom ids that no line of any file answers. */
  missing: number;
  /** Lines with an id that another line had before. */
  duplicates: number;
  /** Lines with an id that was never sent, or without one. */
  unknown: number;
  /** Lines that are no JSON object. */
  unreadable: number;
}

/** Reports added up. */
export interface AttemptSums extends AttemptReport {
  /** Ingested attempts. */
  attempts: number;
  /** Those of them that were second upstream batches of another. */
  strays: number;
}

export interface AttemptRow {
  /** What the provider gets as `metadata.attempt`; unique for ever. */
  id: string;
  tenant: string;
  batchId: string;
  operation: string;
  /** Null: a second upstream batch of another attempt, found by accident; it is cancelled, collected and paid for. */
  chunkId: number | null;
  epoch: number;
  provider: string;
  model: string;
  endpoint: string;
  state: AttemptState;
  lines: number;
  /** Estimated prompt tokens. */
  tokens: number;
  bytes: number;
  /** Of the input file, hex. */
  sha256: string;
  inputFileId: string | null;
  upstreamId: string | null;
  /** As the provider wrote it last. */
  upstreamStatus: string | null;
  outputFileId: string | null;
  errorFileId: string | null;
  createdAt: number;
  uploadedAt: number | null;
  /** When the request that creates it was last about to be sent. */
  sentAt: number | null;
  endedAt: number | null;
  /** Its files are here. */
  collectedAt: number | null;
  /** When it is to be cancelled upstream for taking too long. */
  timeoutAt: number;
  /** When it is to be looked at next; null once it is ingested. */
  dueAt: number | null;
  /** Looks of the same kind without success: lists that did not show it, polls answered 404, uploads that failed. */
  misses: number;
  /** Polls that succeeded in this state. */
  polls: number;
  /** Cancelling was asked for upstream. */
  cancelSent: boolean;
  /** Code and text of the fault that ended it, or of the last one met. */
  errorCode: string | null;
  error: string | null;
  report: AttemptReport | null;
}

export type NewAttempt = Pick<
  AttemptRow,
  | "id"
  | "tenant"
  | "batchId"
  | "operation"
  | "chunkId"
  | "epoch"
  | "provider"
  | "model"
  | "endpoint"
  | "lines"
  | "tokens"
  | "bytes"
  | "sha256"
  | "createdAt"
  | "timeoutAt"
>;

/** What a look may change besides the state. */
export type AttemptChange = Partial<
  Pick<
    AttemptRow,
    | "inputFileId"
    | "upstreamId"
    | "upstreamStatus"
    | "outputFileId"
    | "errorFileId"
    | "uploadedAt"
    | "sentAt"
    | "collectedAt"
    | "dueAt"
    | "misses"
    | "polls"
    | "cancelSent"
    | "errorCode"
    | "error"
    | "report"
  >
>;

/** An attempt and how its chunk and batch stand now. */
export interface LeasedAttempt extends AttemptRow {
  /** Null: the chunk is gone, or runs in another epoch of its batch. */
  chunk: ChunkState | null;
  /** Null: the batch is gone. */
  batch: BatchStatus | null;
}

export interface AttemptStore {
  /** In state prepared, due now. False when the chunk is already in an attempt that is not ingested. */
  prepare(attempt: NewAttempt): Promise<boolean>;
  /** A second upstream batch of `of`, found upstream; in state validating, due now. Null when this upstream id is known. */
  stray(of: AttemptRow, stray: { id: string; upstreamId: string; now: number }): Promise<AttemptRow | null>;
  get(id: string): Promise<AttemptRow | null>;
  /** The attempt of this chunk in this epoch that is not ingested. */
  ofChunk(chunkId: number, epoch: number): Promise<AttemptRow | null>;
  /** Leases attempts that are due and that nobody else holds, those due longest first: no two processes send the same. */
  lease(owner: string, request: { now: number; leaseMs: number; limit: number }): Promise<LeasedAttempt[]>;
  /** One attempt, whenever it is due; null when it is gone or somebody else holds it. */
  take(owner: string, id: string, request: { now: number; leaseMs: number }): Promise<LeasedAttempt | null>;
  /** Moves an attempt along ATTEMPT_MOVES, resetting `misses` and `polls` unless they are in `change`. Null: no such move from where it is, or the lease is somebody else's. */
  move(owner: string, id: string, to: AttemptState, change: AttemptChange, now: number): Promise<AttemptRow | null>;
  /** Changes without a move. Null as for move. */
  note(owner: string, id: string, change: AttemptChange): Promise<AttemptRow | null>;
  /** Makes open attempts of a batch (of all: null) due now. */
  hurry(batchId: string | null, now: number): Promise<void>;
  /** When the next attempt may be leased by `owner`; null = none is open. */
  nextDueAt(owner: string): Promise<number | null>;
  /** Attempts of a batch that are not ingested, those due first. */
  open(tenant: string, batchId: string, limit: number): Promise<AttemptRow[]>;
  /** What the ingested attempts of a batch have reported, added up. */
  reports(tenant: string, batchId: string): Promise<AttemptSums>;
  /** The newest message of a provider that refused a file of a model for its enqueued tokens, by both. */
  refusals(): Promise<{ provider: string; model: string; message: string }[]>;
  /** By time of creation. */
  ofBatch(tenant: string, batchId: string, limit: number): Promise<AttemptRow[]>;
  /** Estimated prompt tokens by provider and model of attempts between create_sent and their end. */
  enqueuedTokens(): Promise<{ provider: string; model: string; tokens: number }[]>;
}
