import { queryOptions } from "@tanstack/react-query";
import type { Batch } from "batchyard/client";
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

/** What has not ended, for the budgets among it. */
export const activeQuery = queryOptions({
  queryKey: ["active", "budgets"],
  queryFn: () => client.request<{ batches: Batch[]; total: number }>("/api/batch/active", { query: { limit: 100 } }),
  refetchInterval: every(ROUND_MS),
});
