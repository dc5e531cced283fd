import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { BatchFilter, Sorting, Visualization } from "batchyard/client";
import type { Matches } from "../figures/number.ts";
import { client } from "./client.ts";
import { every } from "./rhythm.ts";
import type { BatchAbout, Chunk, Item, Monitoring, Operations, Overview, Standing } from "./wire.ts";

/** How many alerts stand: read by every page, so it leaves no trace and costs by what is open. */
export const standingQuery = queryOptions({
  queryKey: ["standing"],
  queryFn: async () => (await client.request<{ alerts: Standing }>("/api/system/alerts")).alerts,
  refetchInterval: every("alerts"),
});

export const statsQuery = queryOptions({ queryKey: ["stats"], queryFn: () => client.stats(), refetchInterval: every("refresh", 3) });

/** Everything of the first page in one answer, whose cost does not grow with batches. */
export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: () => client.request<Overview>("/api/system/overview"),
  refetchInterval: every("refresh"),
});

/** Needs the role admin, and every read is audited: asked for seldom. */
export function monitoringQuery(timeRange: "1h" | "24h" | "7d" | "30d") {
  return queryOptions({
    queryKey: ["monitoring", timeRange],
    queryFn: async () =>
      (await client.request<{ data: Monitoring }>("/api/admin/batch-monitoring", { query: { timeRange, limit: 100 } })).data,
    staleTime: 60_000,
    refetchInterval: every("refresh", 12),
    retry: false,
  });
}

export const operationsQuery = queryOptions({
  queryKey: ["operations"],
  queryFn: () => client.request<Operations>("/api/batch/operations"),
  staleTime: Infinity,
});

const PAGE = 100;

/** Each page says when it was asked for, in this page's clock: what comes later is new to it. */
export function batchesQuery(filter: BatchFilter, sorting: Sorting) {
  return infiniteQueryOptions({
    queryKey: ["batches", filter, sorting],
    queryFn: async ({ pageParam }) => {
      const askedAt = Date.now();
      return {
        ...(await client.history({ ...filter, ...sorting, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) })),
        askedAt,
      };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
}

/** How many match. */
export function countQuery(filter: BatchFilter) {
  return queryOptions({
    queryKey: ["count", filter],
    queryFn: async (): Promise<Matches> => {
      const { total, totalIsExact } = await client.history({ ...filter, limit: 1 });
      return { total, isExact: totalIsExact };
    },
    refetchInterval: every("refresh", 3),
  });
}

export function batchQuery(id: string) {
  return queryOptions({ queryKey: ["batch", id], queryFn: () => client.get(id), refetchInterval: every("detail", 6) });
}

/** Where it came from and where its trace is: settled when it is there. */
export function batchAboutQuery(id: string) {
  return queryOptions({
    queryKey: ["batch-about", id],
    queryFn: () => client.request<BatchAbout>(`/api/batch/${encodeURIComponent(id)}`),
    staleTime: Infinity,
  });
}

export function vizQuery(id: string) {
  return queryOptions({ queryKey: ["viz", id], queryFn: (): Promise<Visualization> => client.viz(id) });
}

export function errorsQuery(id: string) {
  return queryOptions({ queryKey: ["errors", id], queryFn: () => client.errors(id) });
}

export function whyQuery(id: string) {
  return queryOptions({ queryKey: ["why", id], queryFn: () => client.why(id), refetchInterval: every("detail", 2) });
}

export function chunksQuery(id: string) {
  return queryOptions({
    queryKey: ["chunks", id],
    queryFn: async () =>
      (await client.request<{ chunks: Chunk[] }>(`/api/batch/${encodeURIComponent(id)}/chunks`, { query: { limit: 1_000 } })).chunks,
  });
}

export function resultsQuery(id: string, filter: { success?: boolean; nodeId?: string; error?: string }) {
  return infiniteQueryOptions({
    queryKey: ["results", id, filter],
    queryFn: ({ pageParam }) => client.resultsPage(id, { ...filter, limit: 25, ...(pageParam === null ? {} : { cursor: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
}

export function itemQuery(id: string, nodeId: string) {
  return queryOptions({
    queryKey: ["item", id, nodeId],
    queryFn: () => client.request<Item>(`/api/batch/${encodeURIComponent(id)}/items/${encodeURIComponent(nodeId)}`),
  });
}

/** What a batch cost and saved; null when it spent nothing or lies outside the costs' reach. */
export function batchCostsQuery(id: string, createdAt: string) {
  return queryOptions({
    queryKey: ["costs", id],
    queryFn: async () => (await client.costs({ groupBy: "batch", from: createdAt })).groups.find((group) => group.key === id) ?? null,
  });
}

/** The newest batches that got the items of this one. */
export function replaysQuery(id: string) {
  return queryOptions({ queryKey: ["replays", id], queryFn: () => client.history({ replayOf: id, limit: 3 }) });
}
