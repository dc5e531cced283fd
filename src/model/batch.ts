import type { BatchStatus } from "./moves.ts";
import type { NanoUsd } from "./money.ts";
import type { BatchTrace } from "./trace.ts";

/** A number of items, or a share of all items in percent, that may fail before the batch is stopped. */
export type MaxFailures = number | `${number}%`;

/** What a client may ask of a batch beyond its operation's own options. All honoured. */
export interface RunOptions {
  /** Items a chunk, 1..10,000; chosen from the operation's measured speed when absent. */
  batchSize?: number | undefined;
  /** Retries after the first try, 0..20. */
  retryAttempts?: number | undefined;
  /** Base of the exponential back-off, milliseconds. */
  retryBackoffMs?: number | undefined;
  /** Milliseconds an item may take. */
  timeout?: number | undefined;
  priority?: "low" | "normal" | "high" | "critical" | undefined;
  notifyOnComplete?: boolean | string[] | undefined;
  /** Items in flight at once, over all workers. */
  concurrency?: number | undefined;
  maxFailures?: MaxFailures | undefined;
  /** ISO 8601; what is open then is expired. */
  deadline?: string | undefined;
  /** Milliseconds before the deadline at which what is open upstream is asked for online too. */
  hedgeMs?: number | undefined;
  budgetUsd?: number | undefined;
  rateLimit?: { requestsPerMinute?: number | undefined; tokensPerMinute?: number | undefined } | undefined;
  /** `handler`, `external`, or `http` (the operation's own when absent). */
  executor?: string | undefined;
  [option: string]: unknown;
}

/** What an act on a batch changes of it. */
export type BatchStanding = Pick<BatchRow, "id" | "status" | "priority" | "epoch">;

/** A stored batch, in the core's units (milliseconds, nano-dollars, ranks); src/api turns it into the wire shape. */
export interface BatchRow {
  id: string;
  tenant: string;
  operation: string;
  status: BatchStatus;
  /** 1 for the first run; retrying a finished batch starts the next. */
  epoch: number;
  name: string | null;
  description: string | null;
  /** 0 low .. 3 critical. */
  priority: number;
  filters: Record<string, unknown>;
  options: RunOptions;
  /** Where the items came from, when they were not given with the request. */
  input: { file_id?: string | undefined; collection?: string | undefined } | null;
  metadata: Record<string, unknown> | null;
  executor: string;
  stream: string | null;
  streamKey: string | null;
  closeReason: string | null;
  dependsOn: string[];
  /** The batch whose items it got; that one may have been removed since. */
  replayOf: string | null;
  tags: string[];
  warnings: string[];
  totalItems: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  expired: number;
  /** Items inside leased chunks that have no result yet. */
  running: number;
  /** Tries that ended in a retry. */
  retried: number;
  /** Results refused because their lease was lost or the batch had ended. */
  late: number;
  leasedChunks: number;
  openChunks: number;
  cost: NanoUsd;
  /** What the same requests would have cost one by one, and what was saved of it: nano-dollars, where a price is known. */
  standard: NanoUsd;
  saved: NanoUsd;
  error: string | null;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
  deadlineAt: number | null;
  /** Null = it belongs to no trace. */
  trace: BatchTrace | null;
}

/** Items that have no final state yet. */
export function openItems(batch: Pick<BatchRow, "totalItems" | "succeeded" | "failed" | "cancelled" | "expired">): number {
  return batch.totalItems - batch.succeeded - batch.failed - batch.cancelled - batch.expired;
}
