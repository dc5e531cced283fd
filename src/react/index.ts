import { createContext, createElement, useContext, useMemo, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import type { Client } from "../client/index.ts";
import { ObservedBatches, type MonitoringState } from "./observed-batches.ts";
import { ObservedBatch, type BatchState } from "./observed-batch.ts";
import { ObservedStatistics, type StatisticsState } from "./observed-statistics.ts";
import type { Observed } from "./observed.ts";

const ClientContext = createContext<Client | null>(null);

/** Gives the hooks below it the client they ask. */
export function BatchyardProvider(props: { client: Client; children?: ReactNode }): ReactElement {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

/** One batch, live until it has ended, and again when it is retried. */
export function useBatch(id: string): BatchState {
  const client = useClient();
  return useObserved(useMemo(() => new ObservedBatch(client, id), [client, id]));
}

/** The newest batches (50, or `limit`), each live. */
export function useRealtimeBatchMonitoring(options: { limit?: number } = {}): MonitoringState {
  const client = useClient();
  const limit = options.limit ?? 50;
  return useObserved(useMemo(() => new ObservedBatches(client, limit), [client, limit]));
}

/** How many batches there are by status and operation, kept up to date by events. */
export function useBatchStatistics(): StatisticsState {
  const client = useClient();
  return useObserved(useMemo(() => new ObservedStatistics(client), [client]));
}

function useObserved<T>(observed: Observed<T>): T {
  return useSyncExternalStore(observed.subscribe, observed.snapshot, observed.snapshot);
}

function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("No client: put <BatchyardProvider client={createClient({ url })}> around the component");
  return client;
}

export type { BatchState, MonitoringState, StatisticsState };
export type { MonitoredBatch } from "./observed-batches.ts";
