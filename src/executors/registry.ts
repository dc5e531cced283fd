import { ONLINE, OPENAI_BATCH } from "../model/upstream.ts";
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
  /** Items asked for one by one of a provider. */
  openai: Executor;
  /** Chunks sent through a provider's batch API. */
  openaiBatch: Executor;
}

/** Who runs this chunk in this process. */
export function executorFor(executors: Executors, operation: Operation, kind: string): Executor {
  if (kind === "http") return executors.http;
  if (kind === ONLINE) return executors.openai;
  if (kind === OPENAI_BATCH) return executors.openaiBatch;
  if (operation.thread !== undefined) return executors.thread;
  return operation.processBatch === undefined ? executors.inline : executors.chunk;
}
