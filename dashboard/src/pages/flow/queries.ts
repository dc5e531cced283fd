import { queryOptions } from "@tanstack/react-query";
import type { streams, system } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";
import type { FlowSearch, Span } from "./search.ts";

export type Flow = z.output<typeof system.flowAnswer>;
export type Latencies = z.output<typeof streams.latencyHistoryAnswer>;

/** Seconds of a point of the latencies. */
const BUCKETS: Readonly<Record<Span, number>> = { "15": 60, "60": 60, "1440": 900 };

export function flowQuery({ stream, operation, minutes = "15" }: FlowSearch) {
  return queryOptions({
    queryKey: ["flow", stream ?? null, operation ?? null, minutes],
    queryFn: () => client.request<Flow>("/api/system/flow", { query: { stream, operation, minutes } }),
    refetchInterval: every("detail", 3),
    placeholderData: (before) => before,
  });
}

/** Of the windows of all streams together. */
export function latenciesQuery(minutes: Span) {
  return queryOptions({
    queryKey: ["latencies", minutes],
    queryFn: () =>
      client.request<Latencies>("/api/system/pipeline-latency/history", { query: { since: minutes, bucket_seconds: BUCKETS[minutes] } }),
    refetchInterval: every("refresh", 6),
    placeholderData: (before) => before,
  });
}
