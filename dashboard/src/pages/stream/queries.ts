import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { streams, system } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";
import type { Range } from "./search.ts";

export type Letter = z.output<typeof streams.lettersAnswer>["dead_letters"][number];
export type LettersPage = Omit<z.output<typeof streams.lettersAnswer>, "success">;
export type Requeued = Omit<z.output<typeof streams.requeueAnswer>, "success">;
export type KeyFigures = z.output<typeof system.keysAnswer>["keys"][number];
export type History = z.output<typeof system.historyAnswer>;
type Metric = z.input<typeof system.historyQuery>["metric"];

/** Windows that one answer lists; there may be a hundred thousand. */
const LISTED_WINDOWS = 200;
const LETTERS = 50;
export const RANGE_HOURS: Readonly<Record<Range, number>> = { "1h": 1, "24h": 24, "7d": 168 };

const at = (name: string): string => `/api/streams/${encodeURIComponent(name)}`;

export function streamQuery(name: string) {
  return queryOptions({ queryKey: ["stream", name], queryFn: () => client.streams.get(name), refetchInterval: every("detail") });
}

/** Asked again every few seconds; in between the bars age by themselves. */
export function windowsQuery(name: string, key: string | undefined) {
  return queryOptions({
    queryKey: ["windows", name, key ?? null],
    queryFn: () => client.streams.windows(name, { limit: LISTED_WINDOWS, ...(key === undefined ? {} : { key }) }),
    refetchInterval: every("detail"),
  });
}

export function keysQuery(name: string, range: Range) {
  return queryOptions({
    queryKey: ["stream-keys", name, range],
    queryFn: async () => (await client.request<{ keys: KeyFigures[] }>(`${at(name)}/keys`, { query: { hours: RANGE_HOURS[range] } })).keys,
    refetchInterval: every("detail", 12),
  });
}

/** A metric of this stream over the range. */
export function metricQuery(name: string, metric: Metric, range: Range) {
  return queryOptions({
    queryKey: ["stream-metric", name, metric, range],
    queryFn: () =>
      client.request<History>("/api/system/history", {
        query: { metric, source: name, from: new Date(Date.now() - RANGE_HOURS[range] * 3_600_000).toISOString() },
      }),
    refetchInterval: every("detail", 12),
  });
}

/** The same between two moments: what was measured while a preview's arrivals came. */
export function measuredQuery(name: string, metric: Metric, from: string, to: string) {
  return queryOptions({
    queryKey: ["stream-measured", name, metric, from, to],
    queryFn: () => client.request<History>("/api/system/history", { query: { metric, source: name, from, to } }),
    staleTime: Infinity,
  });
}

export function lettersQuery(name: string) {
  return infiniteQueryOptions({
    queryKey: ["letters", name],
    queryFn: ({ pageParam }) =>
      client.request<LettersPage>(`${at(name)}/dead-letters`, {
        query: { limit: LETTERS, ...(pageParam === null ? {} : { cursor: pageParam }) },
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: every("detail", 6),
  });
}

export function requeue(name: string, body: { limit: number; rate?: number }): Promise<Requeued> {
  return client.request<Requeued>(`${at(name)}/dead-letters/requeue`, { method: "POST", json: body });
}

export function changesQuery(name: string) {
  return queryOptions({ queryKey: ["stream-changes", name], queryFn: () => client.streams.previewHistory(name) });
}

export const settingsQuery = queryOptions({ queryKey: ["settings"], queryFn: () => client.settings.get() });

/** The newest batches its windows became. */
export function newestQuery(name: string) {
  return queryOptions({
    queryKey: ["newest", name],
    queryFn: async () => (await client.history({ stream: name, limit: 8 })).batches,
    refetchInterval: every("detail", 2),
  });
}
