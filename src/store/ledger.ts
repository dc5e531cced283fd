import type { CostSums, LedgerEntry } from "../model/ledger.ts";

export interface CostQuery {
  tenant: string;
  /** Days since 1970-01-01 UTC, both inclusive. */
  fromDay: number;
  toDay: number;
  groupBy: "model" | "operation" | "tenant" | "day" | "batch" | "provider" | "tier";
  /** Only this batch. */
  batchId?: string | undefined;
  limit: number;
}

export interface CostGroup {
  /** The model, the operation…; of days, days since 1970-01-01 UTC. */
  key: string;
  sums: CostSums;
}

/** What was spent, request by request. The sums outlive the batches, their single requests do not. */
export interface LedgerStore {
  /**
   * Books each entry once per (attempt, customId): a repeated one changes nothing, except that `counted` stays true once it was.
   * Entries that are not `counted` are added to the cost of their batch. Throws when an attempt is of another batch.
   */
  book(entries: readonly LedgerEntry[]): Promise<{ booked: number; repeated: number }>;
  /** Maintained, never counted; what costs most first. */
  sums(query: CostQuery): Promise<CostGroup[]>;
  /** Entries of a batch by attempt and custom id, `after` exclusive. */
  lines(
    tenant: string,
    batchId: string,
    page: { after: { attempt: string; customId: string } | null; limit: number },
  ): Promise<LedgerEntry[]>;
}
