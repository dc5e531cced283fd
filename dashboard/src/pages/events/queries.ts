import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { events } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import type { EventsSearch } from "./search.ts";
import { severitiesFrom } from "./search.ts";

export type LogPage = Omit<z.output<typeof events.eventLogAnswer>, "success">;
export type Kind = z.output<typeof events.eventRegistryAnswer>["events"][number];

export const registryQuery = queryOptions({
  queryKey: ["event registry"],
  queryFn: async () => (await client.request<{ events: Kind[] }>("/api/events/registry")).events,
  staleTime: Infinity,
});

type Narrowed = Pick<EventsSearch, "types" | "severity">;

function queryOf({ types, severity }: Narrowed): Record<string, string | undefined> {
  return { types, severity: severity === undefined ? undefined : severitiesFrom(severity).join(",") };
}

/** The newest of the log, to begin the tail with. */
export function newestEvents(narrowed: Narrowed, signal: AbortSignal): Promise<LogPage> {
  return client.request<LogPage>("/api/events/log", { query: { ...queryOf(narrowed), limit: 200 }, signal });
}

const PAGE = 500;
/** Pages kept in memory; beyond them the reader goes on in a new place. */
export const MOST_PAGES = 20;

/** From a time or a cursor on, oldest first. */
export function replayQuery(at: string, narrowed: Narrowed) {
  return infiniteQueryOptions({
    queryKey: ["replay", at, narrowed],
    queryFn: ({ pageParam, signal }) =>
      client.request<LogPage>("/api/events/log", { query: { ...queryOf(narrowed), ...pageParam, limit: PAGE }, signal }),
    initialPageParam: isTime(at) ? { from: at } : { since: at },
    getNextPageParam: (page, pages) => (page.end || pages.length >= MOST_PAGES ? undefined : { since: page.cursor }),
    staleTime: Infinity,
    retry: false,
  });
}

export function isTime(at: string): boolean {
  return /^\d{4}-/.test(at);
}
