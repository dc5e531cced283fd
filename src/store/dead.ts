import type { ErrorCategory } from "../model/item.ts";
import type { DeadGroup, DeadSelection } from "./streams.ts";

/** An item that failed for good in a batch that has ended; no retry took it back, and nobody dismissed it. */
export interface DeadItem {
  id: number;
  batchId: string;
  nodeId: string;
  error: string;
  code: string;
  category: ErrorCategory;
  at: number;
}

export interface DeadStore {
  /** By operation and error code, out of the error groups of ended batches: items are never counted. */
  groups(tenant: string): Promise<DeadGroup[]>;
  /** By batch (of the ids, so the oldest first), then in the order they failed; `after` exclusive. */
  items(
    tenant: string,
    operation: string,
    selection: DeadSelection,
    page: { after: { batchId: string; id: number } | null; limit: number },
  ): Promise<DeadItem[]>;
  /** Removes at most so many letters of streams (of all tenants) that came before; with `tenant` they are only counted, and only its own. */
  expire(before: number, limit: number, tenant?: string): Promise<number>;
  /** Takes at most `limit` of them out of this list; their batches keep their results. Returns how many. */
  dismiss(tenant: string, operation: string, selection: DeadSelection, limit: number, now: number): Promise<number>;
}
