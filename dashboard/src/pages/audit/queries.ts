import { infiniteQueryOptions } from "@tanstack/react-query";
import type { audit } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import type { AuditSearch } from "./search.ts";

export type AuditEntry = z.output<typeof audit.auditEntry>;
export type Verdict = z.output<typeof audit.auditVerifyAnswer>;

const PAGE = 100;

/** Every read leaves an entry of its own, so nothing is read again by itself. */
export function auditQuery(search: AuditSearch) {
  return infiniteQueryOptions({
    queryKey: ["audit", search],
    queryFn: ({ pageParam }) =>
      client.request<{ entries: AuditEntry[]; nextCursor: string | null }>("/api/admin/audit", {
        query: { ...search, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) },
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    retry: false,
  });
}

export function verify(head: string): Promise<Verdict> {
  return client.request<Verdict>("/api/admin/audit/verify", { query: head === "" ? {} : { head } });
}

export function exportAddress(search: AuditSearch): string {
  const query = new URLSearchParams(Object.entries(search)).toString();
  return `/api/admin/audit/export${query === "" ? "" : `?${query}`}`;
}
