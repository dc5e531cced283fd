import { queryOptions } from "@tanstack/react-query";
import type { streams, workers } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";

export type Worker = z.output<typeof workers.worker>;
export type HeldChunk = z.output<typeof workers.workedChunksAnswer>["chunks"][number];
export type Breaker = z.output<typeof streams.breakersAnswer>["breakers"][number];

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: async () => (await client.request<{ workers: Worker[] }>("/api/system/workers")).workers,
  refetchInterval: every("detail"),
});

/** Which chunks are worked on now, and by whom. */
export const heldQuery = queryOptions({
  queryKey: ["held"],
  queryFn: async () => client.request<{ chunks: HeldChunk[]; total: number }>("/api/system/workers/chunks"),
  refetchInterval: every("detail"),
});

export const breakersQuery = queryOptions({
  queryKey: ["breakers"],
  queryFn: async () => (await client.request<{ breakers: Breaker[] }>("/api/system/breakers")).breakers,
  refetchInterval: every("detail"),
});

export async function setDraining(id: string, draining: boolean): Promise<Worker> {
  const path = `/api/system/workers/${encodeURIComponent(id)}/${draining ? "drain" : "resume"}`;
  return (await client.request<{ worker: Worker }>(path, { method: "POST", json: {} })).worker;
}

export async function resize(id: string, slots: number): Promise<Worker> {
  const path = `/api/system/workers/${encodeURIComponent(id)}/resize`;
  return (await client.request<{ worker: Worker }>(path, { method: "POST", json: { slots } })).worker;
}

export function revoke(chunk: number): Promise<unknown> {
  return client.request(`/api/system/workers/chunks/${chunk}`, { method: "DELETE" });
}

export function resetBreaker(name: string): Promise<unknown> {
  return client.request(`/api/system/breakers/${encodeURIComponent(name)}/reset`, { method: "POST", json: {} });
}
