import type { ErrorCategory } from "../model/item.ts";

/** Chunks for workers outside of this process, in any language: pulled over HTTP under a lease and a fence. */

export interface LeaseRequest {
  worker: string;
  operations?: string[] | undefined;
  /** Chunks at most. */
  max: number;
  leaseMs: number;
}

export interface LeasedChunk {
  chunk: number;
  /** To be shown with every later call about this lease. */
  fence: number;
  batchId: string;
  operation: string;
  options: Record<string, unknown>;
  /** 0 for the first try. */
  attempt: number;
  /** Unix milliseconds. */
  leaseUntil: number;
  /** `text` is the payload as it came, one JSON value. */
  items: { key: string; text: string; idempotencyKey: string }[];
}

export interface SettledItem {
  key: string;
  result?: unknown;
  /** Given = the item failed. */
  error?: string | undefined;
  errorCode?: string | undefined;
  category?: ErrorCategory | undefined;
  retryAfterMs?: number | undefined;
  durationMs?: number | undefined;
  qualityScore?: number | undefined;
  /** US dollars. */
  cost?: number | undefined;
}

export interface SettleRequest {
  chunk: number;
  fence: number;
  results: SettledItem[];
  /** False keeps the lease: more results of this chunk follow. */
  done: boolean;
  /** True ends the lease: items without a result go back as they were. */
  handBack?: boolean | undefined;
}

export interface ExternalLeases {
  /** Chunks whose batches wait for external workers; empty when there are none. */
  lease(caller: { tenant: string }, request: LeaseRequest): Promise<LeasedChunk[]>;
  /** Renews leases by `leaseMs` from now. */
  heartbeat(
    caller: { tenant: string },
    request: { leases: { chunk: number; fence: number }[]; leaseMs: number },
  ): Promise<{ held: number[]; lost: number[] }>;
  /** Counts results once. Throws lease_lost when the fence is old or the chunk is another tenant's. */
  settle(caller: { tenant: string }, request: SettleRequest): Promise<{ accepted: number; retried: number; open: number }>;
}
