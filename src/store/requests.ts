import type { RequestOutcome, RequestState } from "../model/request-states.ts";
import type { OutboxDraft } from "./openai-batches.ts";

/**
 * Single requests that wait in windows of a stream and become items of its batches. Part of the port; see port.ts for its general
 * rules. A request comes into being, and leaves its window, within the commit of its window (WindowChange of port.ts).
 */

export interface NewRequest {
  /** The key of its item, too. */
  id: string;
  tenant: string;
  jobType: string;
  model: string;
  /** Unique among the open requests of the tenant and job type; null = it has none. */
  customId: string | null;
  /** What a request that is sent again has in common with the first. */
  fingerprint: string;
  /** Who is told when it has ended; null = nobody. */
  webhook: string | null;
  /** Its window, and so the batch which that becomes. */
  batchId: string;
  createdAt: number;
}

export interface RequestRow extends NewRequest {
  state: RequestState;
  endedAt: number | null;
}

export interface RequestEnd {
  id: string;
  outcome: RequestOutcome;
  message: OutboxDraft | null;
}

export interface RequestStore {
  get(tenant: string, id: string): Promise<RequestRow | null>;
  /** The open request with this custom id. */
  openWith(tenant: string, jobType: string, customId: string): Promise<RequestRow | null>;
  /** Newest first (created_at, id); `before` is the place of the last row seen. */
  list(
    tenant: string,
    filter: { jobType?: string | undefined; state?: RequestState | undefined },
    page: { before: { createdAt: number; id: string } | null; limit: number },
  ): Promise<RequestRow[]>;
  /** Requests of a batch: these, or without `ids` those without an outcome, at most `limit`. */
  ofBatch(tenant: string, batchId: string, wanted: { ids: readonly string[] } | { limit: number }): Promise<RequestRow[]>;
  /** Batches and windows that hold requests without an outcome, of all tenants. */
  open(): Promise<{ tenant: string; batchId: string }[]>;
  /** Notes outcomes and writes their messages; one that has an outcome changes to `done` only. Returns the ids that changed. */
  settle(tenant: string, ended: readonly RequestEnd[], now: number): Promise<string[]>;
  /** Removes requests that ended before `before` and whose batch is gone, at most `limit`. */
  remove(before: number, limit: number): Promise<number>;
}
