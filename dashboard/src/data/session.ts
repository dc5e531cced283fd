import { queryOptions, useQuery } from "@tanstack/react-query";
import type { Role } from "batchyard/client";
import { client } from "./client.ts";
import { every } from "./rhythm.ts";
import type { Session } from "./wire.ts";

const ORDER: readonly Role[] = ["viewer", "operator", "admin"];

/** Who is signed in, and how the server wants to be asked: other tenants than the server's own hear of a change by asking only. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () => client.request<Session>("/api/session"),
  staleTime: Infinity,
  refetchInterval: every("refresh", 30),
});

/** Whether who is signed in may do what needs this role; false until it is known. */
export function useMay(need: Role): boolean {
  const { data } = useQuery(sessionQuery);
  return data !== undefined && ORDER.indexOf(data.role) >= ORDER.indexOf(need);
}
