import type { alerts } from "batchyard/contract";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { every } from "../../data/rhythm.ts";

const BASE = "/api/admin/batch-monitoring";

export type Alerting = z.output<typeof alerts.alertsAnswer>["data"];
export type Alert = Alerting["alerts"][number];
export type Pending = Alerting["pending"][number];
export type Rule = z.output<typeof alerts.rulesAnswer>["rules"][number];
export type RuleDraft = z.input<typeof alerts.ruleRequest>;
export type Tried = z.output<typeof alerts.ruleTriedAnswer>["wouldHave"];
export type Silence = z.output<typeof alerts.silencesAnswer>["silences"][number];
export type SilenceDraft = z.input<typeof alerts.silenceBody>;
export type Channel = z.output<typeof alerts.channelsAnswer>["channels"][number];
export type ChannelDraft = z.input<typeof alerts.channelBody>;
export type ChannelTest = z.output<typeof alerts.channelTestAnswer>;
export type AlertingChange = z.input<typeof alerts.alertSettingsBody>;

// Each read leaves an audit entry: events and the count that every page keeps fresh say when to read again.
const SELDOM = 4;

/** What is open, at most 200; what is pending; how alerting is set. */
export const openQuery = queryOptions({
  queryKey: ["alerts", "open"],
  queryFn: async () => (await client.request<{ data: Alerting }>(`${BASE}/alerts`, { query: { state: "open", limit: 200 } })).data,
  refetchInterval: every("alerts", SELDOM),
});

export const historyQuery = infiniteQueryOptions({
  queryKey: ["alerts", "history"],
  queryFn: async ({ pageParam }) =>
    (
      await client.request<{ data: Alerting }>(`${BASE}/alerts`, {
        query: { state: "resolved", limit: 100, ...(pageParam === null ? {} : { cursor: pageParam }) },
      })
    ).data,
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next,
});

export const rulesQuery = queryOptions({
  queryKey: ["alerts", "rules"],
  queryFn: async () => (await client.request<{ rules: Rule[] }>(`${BASE}/rules`)).rules,
  refetchInterval: every("alerts", SELDOM),
});

export const silencesQuery = queryOptions({
  queryKey: ["alerts", "silences"],
  queryFn: async () => (await client.request<{ silences: Silence[] }>(`${BASE}/silences`)).silences,
  refetchInterval: every("alerts", SELDOM),
});

export const channelsQuery = queryOptions({
  queryKey: ["alerts", "channels"],
  queryFn: async () => (await client.request<{ channels: Channel[] }>(`${BASE}/channels`)).channels,
  refetchInterval: every("alerts", SELDOM),
});

/** What a rule would have done over the last 7 days; changes nothing. */
export function triedQuery(draft: RuleDraft) {
  return queryOptions({
    queryKey: ["rule-preview", draft],
    queryFn: async () => (await client.request<{ wouldHave: Tried }>(`${BASE}/rules/preview`, { method: "POST", json: draft })).wouldHave,
    retry: false,
    staleTime: 60_000,
  });
}

const post = (path: string, json: unknown = {}): Promise<unknown> => client.request(`${BASE}${path}`, { method: "POST", json });
const part = (name: string): string => encodeURIComponent(name);

export const acts = {
  acknowledge: (id: string) => post(`/alerts/${part(id)}/ack`),
  change: (change: AlertingChange) => post("/alerts", change),
  silence: (draft: SilenceDraft) => post("/silences", draft),
  endSilence: (id: string) => client.request(`${BASE}/silences/${part(id)}`, { method: "DELETE" }),
  saveRule: (draft: RuleDraft) => post("/rules", draft),
  removeRule: (name: string) => client.request(`${BASE}/rules/${part(name)}`, { method: "DELETE" }),
  enableRecommended: () => post("/rules/recommended") as Promise<{ enabled: string[] }>,
  saveChannel: (name: string, draft: ChannelDraft) => client.request(`${BASE}/channels/${part(name)}`, { method: "PUT", json: draft }),
  removeChannel: (name: string) => client.request(`${BASE}/channels/${part(name)}`, { method: "DELETE" }),
  testChannel: (name: string) => post(`/channels/${part(name)}/test`) as Promise<ChannelTest>,
};
