import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { costs, resources } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";
import { firstDay } from "./days.ts";
import type { Group, Range } from "./search.ts";

export function costsQuery(range: Range, groupBy: Group | "day") {
  return queryOptions({
    queryKey: ["costs", range, groupBy],
    queryFn: () => client.costs({ groupBy, from: firstDay(range, Date.now()) }),
    refetchInterval: every("refresh", 6),
  });
}

type Budgets = z.output<typeof costs.budgetsAnswer>;
export type Resources = Pick<z.output<typeof resources.resourcesAnswer>, "providers">;

/** What is in use of the limits of providers. */
export const resourcesQuery = queryOptions({
  queryKey: ["resources"],
  queryFn: () => client.request<Resources>("/api/system/resources"),
  refetchInterval: every("refresh"),
});

/** Every batch that has a budget and has not ended. */
export const budgetsQuery = infiniteQueryOptions({
  queryKey: ["budgets"],
  queryFn: ({ pageParam }) =>
    client.request<Budgets>("/api/costs/budgets", { query: { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.nextCursor,
  refetchInterval: every("refresh", 6),
});
