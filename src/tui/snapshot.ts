import type { z } from "zod";
import type { alertsAnswer } from "../api/contract/alerts.ts";
import type { eventLogAnswer } from "../api/contract/events.ts";
import type { resourcesAnswer } from "../api/contract/resources.ts";
import type { latencyAnswer, pipelineAnswer, queuesAnswer } from "../api/contract/streams.ts";
import type { failuresAnswer, overviewAnswer } from "../api/contract/system.ts";
import {
  ClientError,
  type ActivePage,
  type BatchFilter,
  type Client,
  type HistoryPage,
  type Sorting,
  type Stats,
} from "../client/index.ts";
import { LISTED_TYPES } from "./happenings.ts";

/**
 * What the screens show, each part as the API answered it: no figure is made here. A part is null where this server has no
 * such route or the caller may not read it.
 */
export interface Snapshot {
  readonly overview: z.output<typeof overviewAnswer>;
  readonly active: ActivePage;
  /** The first of the batches in the order asked for, or of those the filter finds. */
  readonly history: HistoryPage;
  readonly stats: Stats;
  readonly queues: z.output<typeof queuesAnswer>;
  readonly pipeline: z.output<typeof pipelineAnswer>;
  readonly latency: z.output<typeof latencyAnswer>;
  readonly failures: z.output<typeof failuresAnswer>;
  readonly alerts: z.output<typeof alertsAnswer>["data"] | null;
  readonly resources: z.output<typeof resourcesAnswer> | null;
  /** The newest of the log. */
  readonly events: z.output<typeof eventLogAnswer>;
}

export interface Question {
  readonly filter: BatchFilter;
  readonly sorting: Sorting;
  /** Of the latency by stage. */
  readonly windowMinutes: number;
}

/** What moves within seconds, and what is asked for less often. */
const FAST = ["overview", "active", "queues"] as const;
export type Part = keyof Snapshot;

const LISTED = 100;
const EVENTS = 50;

/** The parts asked for, all at once. Throws ClientError. */
export async function load<P extends Part>(client: Client, question: Question, parts: readonly P[]): Promise<Pick<Snapshot, P>> {
  const found = await Promise.all(parts.map(async (part) => [part, await LOADERS[part](client, question)] as const));
  return Object.fromEntries(found) as Pick<Snapshot, P>;
}

export function loadAll(client: Client, question: Question): Promise<Snapshot> {
  return load(client, question, Object.keys(LOADERS) as Part[]);
}

export const FAST_PARTS: readonly Part[] = FAST;
export const SLOW_PARTS: readonly Part[] = ["history", "stats", "pipeline", "latency", "failures", "alerts", "resources"];

const LOADERS: { readonly [P in Part]: (client: Client, question: Question) => Promise<Snapshot[P]> } = {
  overview: (client) => client.request("/api/system/overview"),
  active: (client) => client.active({ limit: LISTED }),
  history: (client, question) => historyOf(client, question),
  stats: (client) => client.stats(),
  queues: (client) => client.request("/api/queues/status"),
  pipeline: (client) => client.request("/api/system/pipeline"),
  latency: (client, { windowMinutes }) => client.request("/api/system/pipeline-latency", { query: { window_minutes: windowMinutes } }),
  failures: (client) => client.request("/api/system/failures"),
  alerts: async (client) => {
    const answer = await where(
      client.request<z.output<typeof alertsAnswer>>("/api/admin/batch-monitoring/alerts", { query: { state: "open" } }),
    );
    return answer === null ? null : answer.data;
  },
  resources: (client) => where(client.request("/api/system/resources")),
  events: (client) => client.request("/api/events/log", { query: { types: LISTED_TYPES.join(","), limit: EVENTS } }),
};

/** A page of the list, the first without a cursor. */
export function historyOf(client: Client, { filter, sorting }: Question, cursor?: string): Promise<HistoryPage> {
  return client.history({ ...filter, ...sorting, limit: LISTED, ...(cursor === undefined ? {} : { cursor }) });
}

/** Null where the route is not there or not for this caller. */
async function where<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ClientError && (error.status === 403 || error.status === 404)) return null;
    throw error;
  }
}
