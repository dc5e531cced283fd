import type { dlq, failures, monitoring, system } from "batchyard/contract";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";
import type { FailureRange } from "./search.ts";

export type Failures = z.output<typeof failures.failureGroupsAnswer>;
export type Group = Failures["groups"][number];
export type Mute = z.output<typeof failures.mutesAnswer>["mutes"][number];
export type ErrorClass = z.output<typeof monitoring.errorsAnswer>["errors"][number];
export type Slow = z.output<typeof monitoring.slowAnswer>;
export type Sizes = z.output<typeof monitoring.sizesAnswer>;
export type DeadStats = z.output<typeof dlq.dlqStatsAnswer>;
export type DeadQueue = DeadStats["queues"][number];
export type DeadJobs = z.output<typeof dlq.dlqJobsAnswer>;
type Marker = z.output<typeof system.markersAnswer>["markers"][number];

const ANALYSIS = "/api/admin/batch-monitoring/analysis";
const LISTED = 50;

export function groupsQuery(range: FailureRange, operation: string | undefined) {
  return queryOptions({
    queryKey: ["failures", "groups", range, operation],
    queryFn: () =>
      client.request<Failures>("/api/system/failures/groups", {
        query: { range, limit: LISTED, ...(operation === undefined ? {} : { operation }) },
      }),
    refetchInterval: every("refresh", 3),
  });
}

/** Groups that are muted, with what failed of them. */
export function mutesQuery(range: FailureRange, operation: string | undefined) {
  return queryOptions({
    queryKey: ["failures", "mutes", range, operation],
    queryFn: async () =>
      (
        await client.request<{ mutes: Mute[] }>("/api/system/failures/mutes", {
          query: { range, ...(operation === undefined ? {} : { operation }) },
        })
      ).mutes,
    refetchInterval: every("refresh", 3),
  });
}

/** When the settings were changed last within the range and when the server was started last; null = not within it. */
export function changedQuery(from: string) {
  return queryOptions({
    queryKey: ["failures", "changed", from],
    queryFn: async (): Promise<{ settings: Marker | null; start: Marker | null }> => {
      const { markers } = await client.request<{ markers: Marker[] }>("/api/system/markers", { query: { from } });
      const last = (wanted: Marker["kind"]): Marker | null => markers.findLast(({ kind }) => kind === wanted) ?? null;
      return { settings: last("settings"), start: last("start") };
    },
    staleTime: 60_000,
  });
}

// These look through every batch of the range and leave an audit entry: loaded when they are opened, not again by themselves.
const STANDS = { staleTime: 300_000, refetchOnWindowFocus: false } as const;
const of = (range: FailureRange, operation: string | undefined) => ({
  timeRange: range,
  ...(operation === undefined ? {} : { jobType: operation }),
});

export function codesQuery(range: FailureRange, operation: string | undefined) {
  return queryOptions({
    ...STANDS,
    queryKey: ["failures", "codes", range, operation],
    queryFn: () =>
      client.request<{ errors: ErrorClass[]; total: number; recoverable: number }>(`${ANALYSIS}/errors`, {
        query: { ...of(range, operation), limit: 100 },
      }),
  });
}

export function slowQuery(range: FailureRange, operation: string | undefined) {
  return queryOptions({
    ...STANDS,
    queryKey: ["failures", "slow", range, operation],
    queryFn: () => client.request<Slow>(`${ANALYSIS}/slow`, { query: { ...of(range, operation), limit: 20 } }),
  });
}

export function sizesQuery(range: FailureRange, operation: string | undefined) {
  return queryOptions({
    ...STANDS,
    queryKey: ["failures", "sizes", range, operation],
    queryFn: () => client.request<Sizes>(`${ANALYSIS}/sizes`, { query: of(range, operation) }),
  });
}

export const deadQuery = queryOptions({
  queryKey: ["dead", "stats"],
  queryFn: () => client.request<DeadStats>("/api/dlq/stats"),
  refetchInterval: every("refresh", 6),
});

type QueueOf = Pick<DeadQueue, "name" | "kind">;
const queuePath = (act: string, { name }: QueueOf): string => `/api/dlq/${act}${encodeURIComponent(name)}`;

export function deadJobsQuery(queue: QueueOf) {
  return infiniteQueryOptions({
    queryKey: ["dead", "jobs", queue.kind, queue.name],
    queryFn: ({ pageParam }) =>
      client.request<DeadJobs>(queuePath("jobs/", queue), {
        query: { kind: queue.kind, limit: 25, ...(pageParam === null ? {} : { cursor: pageParam }) },
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
}

/** Which of a queue: everything, for one reason, one kind of error, or single ones. */
interface Selected {
  reason?: string;
  fingerprint?: string;
  ids?: number[];
}

interface MuteBody {
  reason: string;
  /** Absent = until somebody ends it. */
  minutes?: number;
  untilChange: boolean;
}

export const acts = {
  mute: (fingerprint: string, body: MuteBody) =>
    client.request<unknown>(`/api/system/failures/mutes/${fingerprint}`, { method: "PUT", json: { ...body } }),
  unmute: (fingerprint: string) => client.request<unknown>(`/api/system/failures/mutes/${fingerprint}`, { method: "DELETE" }),
  requeue: (queue: QueueOf, selected: Selected) =>
    client.request<{ requeued: number; scheduled: number; left: { message: string }[] }>(queuePath("requeue/", queue), {
      method: "POST",
      json: { ...selected, kind: queue.kind, limit: 100_000 },
    }),
  giveUp: (queue: QueueOf, selected: Selected) =>
    client.request<{ deleted: number }>(queuePath("", queue), { method: "DELETE", json: { ...selected, kind: queue.kind } }),
};
