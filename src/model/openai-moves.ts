import type { Move } from "./moves.ts";

/** The states of a batch as /v1 shows them, and every move between them; guarded SQL and CHECK constraints are made from what stands here. */
export const OPENAI_STATES = [
  "validating",
  "failed",
  "in_progress",
  "finalizing",
  "completed",
  "expired",
  "cancelling",
  "cancelled",
] as const;
export type OpenAiStatus = (typeof OPENAI_STATES)[number];

export const OPENAI_MOVES = [
  { name: "refuse", from: ["validating"], to: "failed" },
  { name: "accept", from: ["validating"], to: "in_progress" },
  { name: "end", from: ["in_progress"], to: "finalizing" },
  { name: "complete", from: ["finalizing"], to: "completed" },
  { name: "expire", from: ["validating", "finalizing"], to: "expired" },
  { name: "cancel", from: ["validating", "in_progress", "finalizing"], to: "cancelling" },
  { name: "cancelled", from: ["cancelling"], to: "cancelled" },
] as const satisfies readonly Move<OpenAiStatus>[];

export const FINAL_OPENAI_STATES = ["failed", "completed", "expired", "cancelled"] as const satisfies readonly OpenAiStatus[];
export type FinalOpenAiStatus = (typeof FINAL_OPENAI_STATES)[number];

export function isFinalOpenAi(status: OpenAiStatus): status is FinalOpenAiStatus {
  return (FINAL_OPENAI_STATES as readonly string[]).includes(status);
}

/** The states a batch may be in before it gets into `to`. */
export function openAiMoveFrom(to: OpenAiStatus): readonly OpenAiStatus[] {
  return OPENAI_MOVES.find((move) => move.to === to)?.from ?? [];
}
