/** What became of a single request; `failed` and `cancelled` can still turn into `done`, by a retry of the batch. */
export const REQUEST_OUTCOMES = ["done", "failed", "cancelled"] as const;
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

/** In its window, in a batch that has not started, in one that has, and then its outcome. */
export const REQUEST_STATES = ["waiting", "batched", "running", ...REQUEST_OUTCOMES] as const;
export type RequestState = (typeof REQUEST_STATES)[number];
