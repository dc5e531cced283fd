import type { BatchStatus } from "../../model/moves.ts";

/** How monitoring names the states of a batch; one that ended at its deadline has failed its task. */
export const JOB_STATUSES = {
  pending: ["pending"],
  processing: ["running"],
  completed: ["completed"],
  failed: ["failed", "expired"],
  cancelled: ["cancelled"],
  paused: ["paused"],
} as const satisfies Record<string, readonly BatchStatus[]>;

export type JobStatus = keyof typeof JOB_STATUSES;

export function jobStatusOf(status: BatchStatus): JobStatus {
  const found = Object.entries(JOB_STATUSES).find(([, states]) => (states as readonly BatchStatus[]).includes(status));
  return found![0] as JobStatus;
}
