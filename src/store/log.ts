import type { EventDraft, StoredEvent } from "../model/event.ts";

export interface EventStore {
  /** Changes when the log starts anew (a restored backup); part of every cursor. */
  epoch(): Promise<string>;
  append(events: EventDraft[]): Promise<void>;
  /** In order of seq, `after` exclusive. */
  read(after: number, limit: number, filter?: { tenant?: string; entity?: string }): Promise<StoredEvent[]>;
  lastSeq(): Promise<number>;
  /** The newest critical events of a tenant, newest first. */
  critical(tenant: string, limit: number): Promise<StoredEvent[]>;
  /** A hint after each commit of this process that wrote events; other processes' are found by polling. */
  onAppend(listener: () => void): () => void;
  /** The oldest seq still kept, 0 when empty. */
  firstSeq(): Promise<number>;
  trim(options: { before: number; keep: number }): Promise<number>;
}

export interface OutboxRow {
  id: number;
  tenant: string;
  channel: string;
  /** Unique: a repeated insert is ignored. */
  dedupeKey: string;
  subject: string;
  body: string;
  tries: number;
  nextAt: number;
  /** Who of its receivers got it already, while others did not. */
  reached: readonly string[];
}

export interface OutboxStore {
  /** Due messages, oldest first, but for those of the channels named, `[tenant, channel]`, and those that follow one that still waits. */
  due(now: number, limit: number, but?: readonly (readonly [string, string])[]): Promise<OutboxRow[]>;
  delivered(id: number, now: number): Promise<void>;
  /** `reached`: all who got it so far; without it that stays as it is. */
  failed(id: number, error: string, nextAt: number | null, reached?: readonly string[]): Promise<void>;
  nextAt(): Promise<number | null>;
  /** What waits for a channel and is due before `until` is due then. */
  delay(tenant: string, channel: string, until: number): Promise<void>;
  /** What waits for a channel is due now; null = of every tenant. */
  hasten(tenant: string | null, channel: string, now: number): Promise<void>;
  /** Removes messages from before that were delivered or given up, at most `limit`; returns how many. */
  trim(before: number, limit: number): Promise<number>;
}

export interface AuditEntry {
  tenant: string;
  at: number;
  actor: string;
  credential: string | null;
  address: string | null;
  action: string;
  target: string;
  before: unknown;
  after: unknown;
  outcome: "SUCCESS" | "FAILURE" | "BLOCKED" | "RATE_LIMITED" | "SUSPICIOUS";
}

export interface StoredAudit extends AuditEntry {
  /** From 1 on without a gap, over all tenants. */
  seq: number;
  /** SHA-256 over this entry and the hash before it, hex. */
  hash: string;
}

/** What is left out counts as any; `from` inclusive, `to` exclusive. */
export interface AuditFilter {
  action?: string | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  outcome?: AuditEntry["outcome"] | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

export interface AuditFault {
  /** Where it begins. */
  seq: number;
  /** unanchored: the head kept outside of the table is gone; rolled_back: it is an older one than it was known to be. */
  kind: "altered" | "missing" | "rewritten" | "unanchored" | "rolled_back";
  message: string;
}

export interface AuditVerdict {
  ok: boolean;
  /** Entries of all tenants: they are one chain. */
  entries: number;
  /** Whoever notes it down elsewhere can later prove that nothing before it was changed. */
  head: { seq: number; hash: string } | null;
  /** Faults in all; `faults` has the first of them. */
  found: number;
  faults: AuditFault[];
}

/** Append-only. The head of the chain is also kept outside of the table, so that cutting or rewriting it is found. */
export interface AuditStore {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(tenant: string, page: { before: number | null; limit: number; filter?: AuditFilter }): Promise<StoredAudit[]>;
  /** In the order they were written, in blocks; of all tenants: null. */
  scan(tenant: string | null, filter?: AuditFilter): AsyncIterable<StoredAudit[]>;
  /**
   * Removes entries before this time from the beginning on, at most so many, and notes where the chain begins now: in the log itself and,
   * before anything goes, outside of it. What stays is proven as before. Nothing that was touched, and never the newest entry.
   */
  trim(before: number, limit: number, by: Pick<AuditEntry, "tenant" | "actor" | "at">): Promise<number>;
  /** What `trim` would remove now. */
  due(before: number, limit: number): Promise<number>;
  /** Recomputes the chain. `expected`: a head that was noted down elsewhere. */
  verify(expected?: { seq: number; hash: string }): Promise<AuditVerdict>;
  /**
   * What was found when the store was opened. `fault`: the head kept outside is gone or older than it was known to be; nothing is written
   * there until somebody accepts that. `adopted`: there never was one, and this is the first that was put there; null = nothing was adopted.
   */
  anchoring(): Promise<{ fault: AuditFault | null; adopted: { seq: number; hash: string } | null }>;
  /**
   * Takes the log as it is now for what is proven from now on, with an entry of its own that has the reason and every fault there was.
   * Faults within the table stay faults. Null = there is nothing to accept: the log is whole.
   */
  accept(by: Pick<AuditEntry, "tenant" | "actor" | "credential" | "address" | "at">, reason: string): Promise<AuditVerdict | null>;
}
