import { queryOptions } from "@tanstack/react-query";
import type { retention, settings } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";

export type Setting = z.output<typeof settings.describedSetting>;

export const tableQuery = queryOptions({
  queryKey: ["settings", "table"],
  queryFn: async () => (await client.request<{ settings: Setting[] }>("/api/v1/settings/table")).settings,
});

export const connectionsQuery = queryOptions({
  queryKey: ["settings", "connections"],
  queryFn: async () => (await client.settings.get()).connections,
});

export const retentionQuery = queryOptions({
  queryKey: ["settings", "retention"],
  queryFn: () => client.request<z.output<typeof retention.retentionAnswer>>("/api/system/retention"),
  refetchInterval: every("refresh", 6),
});

export const keysQuery = queryOptions({ queryKey: ["keys"], queryFn: () => client.keys.list() });

/** Throws what a change would be refused for. */
export async function check(patch: object): Promise<void> {
  await client.request("/api/v1/settings/check", { method: "POST", json: patch });
}
