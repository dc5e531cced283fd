import type { bulk } from "batchyard/contract";
import { queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import { cache } from "../data/cache.ts";
import { client } from "../data/client.ts";
import { every } from "../data/rhythm.ts";

const PATH = "/api/batch/bulk";
/** How long an act waits before it starts: the time to undo it. */
export const UNDO_SECONDS = 10;
// Events tell the progress.
const SELDOM_MS = 15_000;

export type BulkJob = z.output<typeof bulk.bulkStarted>["bulk"];
/** What is done to which batches. */
export type BulkRequest = Pick<z.input<typeof bulk.bulkBody>, "action" | "priority" | "reason" | "filter">;

const BULK_NAMES: Readonly<Record<BulkJob["action"], string>> = {
  retry: "Retry failed items",
  cancel: "Cancel",
  pause: "Pause",
  resume: "Resume",
  priority: "Set priority",
  finish: "Close now",
  dead_letter: "Move to dead letters",
};
/** What cannot be taken back once it has begun. */
export const DESTROYS: ReadonlySet<BulkJob["action"]> = new Set(["cancel", "finish", "dead_letter"]);
/** Acts that say why, and what they do. */
export const REASONED: Readonly<Partial<Record<BulkJob["action"], string>>> = {
  finish: "What has not ended fails and stands among the dead letters of its operation; what is done stays. Such a batch ends at once.",
  dead_letter:
    "Items that failed and wait to be tried again are given up: they fail for good and stand among the dead letters when their batch has ended. The rest goes on. Batches in which nothing waits are left out.",
};

export function bulkName({ action, priority }: { action: BulkJob["action"]; priority?: string | null | undefined }): string {
  return action === "priority" ? `Set priority ${priority ?? ""}` : BULK_NAMES[action];
}

/** How many batches it would be done to; changes nothing. */
export function bulkCountQuery(request: BulkRequest) {
  return queryOptions({
    queryKey: ["bulk-count", request],
    queryFn: async () => (await client.request<{ count: number }>(PATH, { method: "POST", json: { ...request, dryRun: true } })).count,
    retry: false,
    staleTime: 0,
    gcTime: 0,
  });
}

export function bulkQuery(id: string) {
  return queryOptions({
    queryKey: ["bulk", id],
    queryFn: async () => (await client.request<{ bulk: BulkJob }>(`${PATH}/${id}`)).bulk,
    refetchInterval: (query) => (query.state.data?.status === "running" ? every("detail", 3)() : false),
    staleTime: SELDOM_MS,
  });
}

/** What runs when the page is opened: begun here before, or by somebody else. Later ones of others are not shown. */
export const runningQuery = queryOptions({
  queryKey: ["bulks"],
  queryFn: async () => (await client.request<{ bulks: BulkJob[] }>(PATH)).bulks.filter(({ status }) => status === "running"),
  staleTime: Infinity,
  retry: false,
});

// ── acts that are shown until they are put away ──

const listeners = new Set<() => void>();
let ids: readonly string[] = [];

function set(next: readonly string[]): void {
  ids = next;
  for (const listener of listeners) listener();
}

export const bulkRuns = {
  get: (): readonly string[] => ids,
  show: (id: string): void => {
    if (!ids.includes(id)) set([...ids, id]);
  },
  putAway: (id: string): void => set(ids.filter((each) => each !== id)),
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** It starts when the time to undo it is over. Throws what the server refuses. */
export async function startBulk(request: BulkRequest): Promise<void> {
  const { bulk: job } = await client.request<{ bulk: BulkJob }>(PATH, { method: "POST", json: { ...request, delaySeconds: UNDO_SECONDS } });
  cache.setQueryData(bulkQuery(job.id).queryKey, job);
  bulkRuns.show(job.id);
}

/** What is done stays done. */
export async function stopBulk(id: string): Promise<void> {
  const { bulk: job } = await client.request<{ bulk: BulkJob }>(`${PATH}/${id}/cancel`, { method: "POST", json: {} });
  cache.setQueryData(bulkQuery(id).queryKey, job);
}
