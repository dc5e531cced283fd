import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { client } from "../../data/client.ts";
import type { ChangeKind } from "./search.ts";

const PAGE = 25;
/** As far as the server pages. */
const MOST = 10_000;

/** Counts and figures of both; what changed is paged apart. */
export function compareQuery(a: string, b: string) {
  return queryOptions({ queryKey: ["compare", a, b], queryFn: () => client.compare(a, b, { limit: 1, brief: true }) });
}

export function changedQuery(a: string, b: string, kind: ChangeKind | undefined) {
  return infiniteQueryOptions({
    queryKey: ["compare", a, b, "changed", kind ?? "all"],
    queryFn: async ({ pageParam: offset }) =>
      (await client.compare(a, b, { ...(kind === undefined ? {} : { kind }), offset, limit: PAGE, brief: true })).changed,
    initialPageParam: 0,
    getNextPageParam: (page, pages) => (page.length < PAGE || pages.length * PAGE >= MOST ? null : pages.length * PAGE),
  });
}
