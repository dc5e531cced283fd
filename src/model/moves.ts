/**
 * The one table of states. Guarded SQL, CHECK constraints, the property test's model and the diagram in
 * docs/learn/states.md are all derived from what stands here; a move that is not listed does not exist.
 */

export const BATCH_STATES = ["pending", "running", "paused", "completed", "failed", "cancelled", "expired"] as const;
export type BatchStatus = (typeof BATCH_STATES)[number];

export const CHUNK_STATES = ["pending", "leased", "done", "cancelled"] as const;
export type ChunkState = (typeof CHUNK_STATES)[number];

export const ITEM_STATES = ["pending", "running", "succeeded", "failed", "cancelled", "expired"] as const;
export type ItemState = (typeof ITEM_STATES)[number];

/** A closed window goes on as a batch under the same id. */
export const WINDOW_STATES = ["open", "closed"] as const;

export interface Move<S extends string> {
  /** Name of the move, as events and the diagram call it. */
  readonly name: string;
  readonly from: readonly S[];
  readonly to: S;
}

export const BATCH_MOVES = [
  { name: "start", from: ["pending"], to: "running" },
  { name: "pause", from: ["pending", "running"], to: "paused" },
  { name: "resume", from: ["paused"], to: "running" },
  { name: "resume_unstarted", from: ["paused"], to: "pending" },
  { name: "complete", from: ["pending", "running", "paused"], to: "completed" },
  { name: "fail", from: ["pending", "running", "paused"], to: "failed" },
  { name: "cancel", from: ["pending", "running", "paused"], to: "cancelled" },
  { name: "expire", from: ["pending", "running", "paused"], to: "expired" },
  { name: "retry", from: ["completed", "failed", "cancelled", "expired"], to: "pending" },
] as const satisfies readonly Move<BatchStatus>[];

export const CHUNK_MOVES = [
  { name: "claim", from: ["pending"], to: "leased" },
  { name: "release", from: ["leased"], to: "pending" },
  { name: "finish", from: ["leased", "pending"], to: "done" },
  { name: "cancel", from: ["pending", "leased"], to: "cancelled" },
  { name: "reopen", from: ["cancelled"], to: "pending" },
] as const satisfies readonly Move<ChunkState>[];

export const ITEM_MOVES = [
  { name: "start", from: ["pending"], to: "running" },
  { name: "return", from: ["running"], to: "pending" },
  { name: "succeed", from: ["pending", "running"], to: "succeeded" },
  { name: "fail", from: ["pending", "running"], to: "failed" },
  { name: "cancel", from: ["pending", "running"], to: "cancelled" },
  { name: "expire", from: ["pending", "running"], to: "expired" },
  { name: "retry", from: ["failed", "cancelled", "expired"], to: "pending" },
] as const satisfies readonly Move<ItemState>[];

export type BatchMove = (typeof BATCH_MOVES)[number]["name"];

export const FINAL_BATCH_STATES = ["completed", "failed", "cancelled", "expired"] as const satisfies readonly BatchStatus[];
export type FinalBatchStatus = (typeof FINAL_BATCH_STATES)[number];
export const OPEN_BATCH_STATES = ["pending", "running", "paused"] as const satisfies readonly BatchStatus[];

export function isFinal(status: BatchStatus): boolean {
  return (FINAL_BATCH_STATES as readonly string[]).includes(status);
}

/** The states a batch move may start from, as the list a guarded `WHERE status IN (…)` needs. */
export function batchMoveFrom(name: BatchMove): readonly BatchStatus[] {
  return BATCH_MOVES.find((move) => move.name === name)!.from;
}
