import { queryOptions } from "@tanstack/react-query";
import type { Batch } from "batchyard/client";
import type { resources } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/queries.ts";
import { firstDay } from "./days.ts";
import type { Group, Range } from "./search.ts";

const ROUND_MS = 60_000;

export function costsQuery(range: Range, groupBy: Group | "day") {
  return queryOptions({
    queryKey: ["costs", range, groupBy],
    queryFn: () => client.costs({ groupBy, from: firstDay(range, Date.now()) }),
    refetchInterval: every(ROUND_MS),
  });
}

export type Resources = Pick<z.output<typeof resources.resourcesAnswer>, "providers">;

/** What is in use of the limits of providers. */
export const resourcesQuery = queryOptions({
  queryKey: ["resources"],
  queryFn: () => client.request<Resources>("/api/system/resources"),
  refetchInterval: every(10_000),
});

/** What has not ended, for the budgets among it. */
export const activeQuery = queryOptions({
  queryKey: ["active", "budgets"],
  queryFn: () => client.request<{ batches: Batch[]; total: number }>("/api/batch/active", { query: { limit: 100 } }),
  refetchInterval: every(ROUND_MS),
});
