import type { ErrorCategory } from "../model/item.ts";

/** Failures as they happened, by their kind. Part of the port; see port.ts for its general rules. */

export interface FailureFilter {
  tenant: string;
  /** Inclusive, rounded down to an hour. */
  from: number;
  /** Exclusive, rounded up to an hour. */
  to: number;
  operation?: string | undefined;
}

/** Failures of one kind: the same code and the same sentence but for numbers, ids, quoted texts, addresses and times. */
export interface FailureClass {
  /** "" = kinds beyond the 500 of an hour, together. */
  fingerprint: string;
  /** The text of the newest. */
  error: string;
  code: string;
  category: ErrorCategory;
  failures: number;
  /** Of the range. */
  firstSeen: number;
  lastSeen: number;
  /** When it was first seen at all; null = that is not known yet. */
  firstEver: number | null;
  /** The newest one; it may have been retried since, and its batch removed. */
  batchId: string;
  nodeId: string;
  /** Most first. */
  operations: { name: string; failures: number }[];
  /** Of batches that a stream made; most first. */
  streams: { name: string; failures: number }[];
  /** By the hour, in order; hours without are left out. */
  hours: { at: number; failures: number }[];
}

export interface FailureSums {
  /** Kinds in all. */
  classes: number;
  failures: number;
  /** Failures of categories that a retry has a chance with. */
  byCategory: { category: ErrorCategory; failures: number }[];
}

/**
 * What failed for good, counted by the hour as it happens: a retry takes nothing off, an item that fails again counts again. A query
 * costs by hours and kinds, never by failures or batches.
 */
export interface FailureStore {
  /** Most frequent first. */
  classes(filter: FailureFilter, limit: number): Promise<FailureClass[]>;
  sums(filter: FailureFilter): Promise<FailureSums>;
  /** Removes hours that ended before. */
  trim(before: number): Promise<void>;
}
