import type { AttemptRow, LeasedAttempt } from "../../store/attempts.ts";
import type { Desk } from "./desk.ts";

const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
/** What waits for a switch or a resume is looked at this often; both also tell us. */
export const HOLD_MS = 60_000;

/** Nobody waits for its results: the batch was ended, the chunk is settled, or it was never meant to be. */
export function isAbandoned({ chunkId, chunk, batch }: LeasedAttempt): boolean {
  return chunkId === null || batch === null || (chunk !== "pending" && chunk !== "leased");
}

/** Ends of attempts that say nothing about their items, and how long the chunk then waits for a new attempt, at no cost. */
const PUT_OFF_MS: ReadonlyMap<string | null, number> = new Map([
  ["token_limit_exceeded", 60_000],
  ["input_lost", 0],
  ["file_gone", 5_000],
]);

/** Milliseconds until the chunk goes into a new attempt; null = the attempt settles its items. */
export function putOffMs({ state, errorCode }: Pick<AttemptRow, "state" | "errorCode">): number | null {
  return state === "failed" ? (PUT_OFF_MS.get(errorCode) ?? null) : null;
}

/** Nothing may be sent for it now. */
export function isHeld({ batch }: LeasedAttempt, desk: Desk): boolean {
  return batch === "paused" || !desk.settings().enabled;
}

/** 5 s, 10 s, 20 s … 60 s after the nth look, up to a fifth more. */
export function backOff(looks: number, random: () => number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(looks, 10));
  return Math.round(wait * (1 + random() / 5));
}

/** The same for what is tried since `startedAt` (Unix ms), however often that was: as long again as it has lasted. */
export function backOffSince(startedAt: number, now: number, random: () => number): number {
  const wait = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, now - startedAt));
  return Math.round(wait * (1 + random() / 5));
}

/** Whether the back-off has reached its end, where the schedule takes over. */
export function isLongRunning(looks: number): boolean {
  return FIRST_WAIT_MS * 2 ** looks >= LONGEST_WAIT_MS;
}
