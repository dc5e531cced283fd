import type { ErrorCategory } from "../model/item.ts";

export interface ResultFilter {
  success?: boolean | undefined;
  /** Part of the error text, case-insensitive. */
  error?: string | undefined;
  nodeId?: string | undefined;
  fingerprint?: string | undefined;
}

/** Where to go on: first through the segments of successes, then through the failures. */
export interface ResultCursor {
  part: "successes" | "failures";
  /** Id of the segment or failure row to go on with. */
  id: number;
  /** Lines of that segment already seen. */
  skip: number;
}

export interface ErrorGroup {
  fingerprint: string;
  error: string;
  code: string;
  category: ErrorCategory;
  count: number;
  firstSeen: number;
  lastSeen: number;
  /** At most five keys. */
  examples: string[];
}

export interface ResultStore {
  /** Result lines (JSON texts) of a batch in commit order, successes first. `next` null = that was all. */
  page(
    tenant: string,
    batchId: string,
    filter: ResultFilter,
    cursor: ResultCursor | null,
    limit: number,
  ): Promise<{ lines: string[]; next: ResultCursor | null }>;
  /** Largest group first. */
  groups(tenant: string, batchId: string): Promise<ErrorGroup[]>;
}
