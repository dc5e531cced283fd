import type { BatchRow } from "../model/batch.ts";
import type { BatchTrace } from "../model/trace.ts";

export type Attributes = Record<string, string | number | boolean>;

/** Something under way, as a trace shows it. */
export interface OpenSpan {
  /** What is done within it has this as its parent; null = it belongs to no trace. */
  readonly traceparent: string | null;
  /** Once. `error` = class or code of what went wrong; null = nothing. */
  end(facts: { attributes: Attributes; error: string | null }): void;
}

/** How an epoch of a batch ended. */
export interface EndedBatch {
  batch: BatchRow;
  status: string;
  epoch: number;
  /** Unix milliseconds. */
  startedAt: number;
  endedAt: number;
  /** Items by what became of them. */
  counts: Attributes;
  /** The requests that brought its items, as traceparents. */
  links: readonly string[];
}

/**
 * Traces: a request that brings work → the batch it becomes (a window's has links to all its requests) → each run of a chunk.
 * Attributes are ids, names, counts and error classes, never payloads. Nothing here throws or waits.
 *
 * Not in here: contexts that follow the call stack. What belongs together is handed on as a traceparent.
 */
export interface Tracing {
  /** False: nothing is recorded; a traceparent that comes from outside is handed on as it is. */
  readonly on: boolean;
  ingest(name: string, parent: string | null, attributes: Attributes): OpenSpan;
  /** The ids that a new batch gets; null = it belongs to no trace. */
  batch(parent: string | null): BatchTrace | null;
  attempt(parent: string | null, attributes: Attributes): OpenSpan;
  /** Records the span of an epoch, under the ids that the batch was given. */
  ended(batch: EndedBatch): void;
  /** Sends what is recorded, within a limited time. */
  close(): Promise<void>;
}
