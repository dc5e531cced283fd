import { queryOptions, useQuery } from "@tanstack/react-query";
import type { Role } from "batchyard/client";
import { client } from "./client.ts";

const ORDER: readonly Role[] = ["viewer", "operator", "admin"];

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () => client.request<{ tenant: string; role: Role; actor: string }>("/api/session"),
  staleTime: Infinity,
});

/** Whether who is signed in may do what needs this role; false until it is known. */
export function useMay(need: Role): boolean {
  const { data } = useQuery(sessionQuery);
  return data !== undefined && ORDER.indexOf(data.role) >= ORDER.indexOf(need);
}
