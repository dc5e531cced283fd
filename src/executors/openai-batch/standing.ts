import type { LeasedAttempt } from "../../store/attempts.ts";
import type { Desk } from "./desk.ts";

const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
/** What waits for a switch or a resume is looked at this often; both also tell us. */
export const HOLD_MS = 60_000;

/** Nobody waits for its results: the batch was ended, the chunk is settled, or it was never meant to be. */
export function isAbandoned({ chunkId, chunk, batch }: LeasedAttempt): boolean {
  return chunkId === null || batch === null || (chunk !== "pending" && chunk !== "leased");
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

/** Whether the back-off has reached its end, where the schedule takes over. */
export function isLongRunning(looks: number): boolean {
  return FIRST_WAIT_MS * 2 ** looks >= LONGEST_WAIT_MS;
}
