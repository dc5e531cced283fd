import { ONLINE, OPENAI_BATCH } from "../model/upstream.ts";
import type { Operation } from "./operation.ts";

/** Who can run chunks: this server's handlers, a URL they are pushed to, a provider that is asked for each item, a provider's batch API, or workers that pull them over HTTP. */
export type ExecutorKind = "handler" | "http" | typeof ONLINE | typeof OPENAI_BATCH | "external";

/** The kind a batch of this operation runs under unless it says otherwise. */
export function defaultKind(operation: Operation): ExecutorKind {
  if (operation.processItem !== undefined || operation.processBatch !== undefined || operation.thread !== undefined) return "handler";
  if (operation.http !== undefined) return "http";
  return operation.requests === undefined ? "external" : OPENAI_BATCH;
}

/** Kinds that can run this operation. */
export function possibleKinds(operation: Operation): ExecutorKind[] {
  const own = defaultKind(operation);
  return [...new Set<ExecutorKind>([own, ...(operation.requests === undefined ? [] : ([ONLINE, OPENAI_BATCH] as const)), "external"])];
}
