import { queryOptions } from "@tanstack/react-query";
import type { system } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";
import type { HistorySearch } from "./search.ts";

export type MetricInfo = z.output<typeof system.metricsListAnswer>["metrics"][number];
export type History = Omit<z.output<typeof system.historyAnswer>, "success">;
export type Point = History["current"]["whole"];
export type Marker = z.output<typeof system.markersAnswer>["markers"][number];

type Span = Pick<HistorySearch, "range" | "from" | "to">;

/** A stretch that is over does not change. */
function round({ from }: Span): () => number | false {
  return from === undefined ? every("refresh", 3) : () => false;
}

function spanOf({ range, from, to }: Span): Record<string, string | undefined> {
  return from === undefined ? { range: range ?? "24h" } : { from, to };
}

export const metricsQuery = queryOptions({
  queryKey: ["metrics"],
  queryFn: async () => (await client.request<{ metrics: MetricInfo[] }>("/api/system/metrics")).metrics,
  staleTime: Infinity,
});

export function historyParameters(metric: string, source: string | undefined, span: Span): Record<string, string | undefined> {
  return { metric, source, ...spanOf(span) };
}

export function historyQuery(metric: string, source: string | undefined, span: Span) {
  const query = historyParameters(metric, source, span);
  return queryOptions({
    queryKey: ["history", query],
    queryFn: () => client.request<History>("/api/system/history", { query }),
    refetchInterval: round(span),
    // Of another stretch the figures before are shown until the new ones are there.
    placeholderData: (before: History | undefined) => (before?.metric === metric ? before : undefined),
  });
}

export function markersQuery(span: Span) {
  const query = spanOf(span);
  return queryOptions({
    queryKey: ["markers", query],
    queryFn: async () => (await client.request<{ markers: Marker[] }>("/api/system/markers", { query })).markers,
    refetchInterval: round(span),
  });
}
