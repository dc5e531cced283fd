import type { Executor } from "./port.ts";
import type { Operation } from "../operations/operation.ts";

/** The executors of a process, by what an operation has. */
export interface Executors {
  /** processItem in this process. */
  inline: Executor;
  /** processBatch in this process. */
  chunk: Executor;
  /** processItem in worker threads. */
  thread: Executor;
  /** Chunks pushed to a URL. */
  http: Executor;
}

/** Executor kinds a batch may name; `external` chunks are pulled over HTTP and never run here. */
export const EXECUTOR_KINDS = ["handler", "http", "external"] as const;
export type ExecutorKind = (typeof EXECUTOR_KINDS)[number];

/** The kind a batch of this operation runs under unless it says otherwise. */
export function defaultKind(operation: Operation): ExecutorKind {
  if (operation.processItem !== undefined || operation.processBatch !== undefined || operation.thread !== undefined) return "handler";
  return operation.http === undefined ? "external" : "http";
}

/** Kinds that can run this operation. */
export function possibleKinds(operation: Operation): ExecutorKind[] {
  const own = defaultKind(operation);
  const kinds: ExecutorKind[] = [own];
  if (own === "handler" && operation.http !== undefined) kinds.push("http");
  if (own !== "external") kinds.push("external");
  return kinds;
}

export function executorFor(executors: Executors, operation: Operation, kind: string): Executor {
  if (kind === "http") return executors.http;
  if (operation.thread !== undefined) return executors.thread;
  return operation.processBatch === undefined ? executors.inline : executors.chunk;
}
