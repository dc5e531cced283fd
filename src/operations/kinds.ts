import type { Operation } from "./operation.ts";

/** Who can run chunks: this server's handlers, a URL they are pushed to, or workers that pull them over HTTP. */
export type ExecutorKind = "handler" | "http" | "external";

/** The kind a batch of this operation runs under unless it says otherwise. */
export function defaultKind(operation: Operation): ExecutorKind {
  if (operation.processItem !== undefined || operation.processBatch !== undefined || operation.thread !== undefined) return "handler";
  return operation.http === undefined ? "external" : "http";
}

/** Kinds that can run this operation. */
export function possibleKinds(operation: Operation): ExecutorKind[] {
  const own = defaultKind(operation);
  return own === "external" ? ["external"] : [own, "external"];
}
