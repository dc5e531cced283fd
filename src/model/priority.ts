/** Four priorities; the number is what the store keeps, larger runs sooner. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = (typeof PRIORITIES)[number];

export function priorityRank(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

export function priorityName(rank: number): Priority {
  return PRIORITIES[rank] ?? "normal";
}

/** Share of dispatches a priority gets while all four wait, unless the settings say otherwise: 64 : 16 : 4 : 1. Low still moves, so nothing starves. */
export const PRIORITY_WEIGHTS = [1, 4, 16, 64] as const;
