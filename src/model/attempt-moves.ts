import type { Move } from "./moves.ts";

/**
 * The life of an upstream batch, an attempt of a chunk. Before `validating` nothing upstream has a name for it; `create_sent` is
 * written before the request that creates it, so that an answer that never came is looked for and not asked for again.
 */
export const ATTEMPT_STATES = [
  "prepared",
  "uploaded",
  "create_sent",
  "validating",
  "in_progress",
  "finalizing",
  "cancelling",
  "completed",
  "failed",
  "expired",
  "cancelled",
  "vanished",
  "ingested",
] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

const UPSTREAM = ["validating", "in_progress", "finalizing", "cancelling"] as const;
const ENDED = ["completed", "failed", "expired", "cancelled", "vanished"] as const;

export const ATTEMPT_MOVES = [
  { name: "upload", from: ["prepared"], to: "uploaded" },
  { name: "send", from: ["uploaded"], to: "create_sent" },
  // The provider said that it has not made a batch of it.
  { name: "take_back", from: ["create_sent"], to: "uploaded" },
  { name: "accept", from: ["create_sent"], to: "validating" },
  { name: "run", from: ["validating"], to: "in_progress" },
  { name: "finalize", from: ["validating", "in_progress"], to: "finalizing" },
  { name: "stop", from: ["validating", "in_progress", "finalizing"], to: "cancelling" },
  { name: "complete", from: UPSTREAM, to: "completed" },
  { name: "fail", from: ["prepared", "uploaded", "create_sent", ...UPSTREAM], to: "failed" },
  { name: "expire", from: UPSTREAM, to: "expired" },
  { name: "cancel", from: ["prepared", "uploaded", "create_sent", ...UPSTREAM], to: "cancelled" },
  { name: "vanish", from: UPSTREAM, to: "vanished" },
  { name: "ingest", from: ENDED, to: "ingested" },
] as const satisfies readonly Move<AttemptState>[];

/** Nothing more happens upstream. */
export function isEnded(state: AttemptState): boolean {
  return (ENDED as readonly string[]).includes(state) || state === "ingested";
}

/** The provider has it under an id and has not ended it. */
export function isUpstream(state: AttemptState): boolean {
  return (UPSTREAM as readonly string[]).includes(state);
}

/** The states an attempt may be in before it gets into `to`. */
export function attemptMoveFrom(to: AttemptState): readonly AttemptState[] {
  return ATTEMPT_MOVES.filter((move) => move.to === to).flatMap((move) => [...move.from]);
}
