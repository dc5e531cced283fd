import type { ErrorCategory } from "../model/item.ts";

/** Failures as they happened, by their kind. Part of the port; see port.ts for its general rules. */

export interface FailureFilter {
  tenant: string;
  /** Inclusive, rounded down to an hour. */
  from: number;
  /** Exclusive, rounded up to an hour. */
  to: number;
  operation?: string | undefined;
  /** By the mutes in force at `now`: only kinds that are muted, or without them; absent = both. */
  muted?: { only: boolean; now: number } | undefined;
}

/** Nobody wants to hear of this kind of error for a time: its failures still count, in error rates, too, but they are no news. */
export interface FailureMute {
  tenant: string;
  fingerprint: string;
  /** Of the newest failure when it was muted. */
  error: string;
  code: string;
  reason: string;
  by: string;
  at: number;
  /** Exclusive; null = until somebody ends it. */
  until: number | null;
  /** It also ends when the kind turns up in an operation that never had it. */
  untilChange: boolean;
}

/** A mute with the failures of its kind within a time. */
export interface MutedFailures extends FailureMute {
  failures: number;
  lastSeen: number | null;
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
  /** Mutes a kind; one that is muted already is muted anew. Null = the kind has no failure that is still counted, and nothing changed. */
  mute(mute: Omit<FailureMute, "error" | "code">): Promise<{ before: FailureMute | null; after: FailureMute } | null>;
  /** The mute that was in force at `now` and is over; null = there was none. */
  unmute(tenant: string, fingerprint: string, now: number): Promise<FailureMute | null>;
  /** In force at `now`, newest first. */
  mutes(filter: FailureFilter, now: number, limit: number): Promise<MutedFailures[]>;
  /** Removes hours that ended before, and mutes that did. */
  trim(before: number): Promise<void>;
}
