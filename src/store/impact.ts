/** A window that closed. */
export interface ClosedWindow {
  id: string;
  key: string;
  openedAt: number;
  closedAt: number;
  items: number;
  bytes: number;
  reason: string;
}

/** The rules of a stream from a time on. */
export interface RuleChange {
  id: number;
  tenant: string;
  stream: string;
  at: number;
  /** Null: the first that is known. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown>;
  /** What the change was expected to do, and what it did; null = not worked out yet. */
  predicted: Record<string, unknown> | null;
  actual: Record<string, unknown> | null;
}

export interface ImpactStore {
  /** Blocks of the arrival log (model/arrival-block.ts) that hold arrivals in [from, to), as they were written; others may be in them too. */
  blocks(tenant: string, stream: string, range: { from: number; to: number }): AsyncIterable<Uint8Array>;
  /** Removes blocks whose last arrival came before `before`, and of each stream those beyond its newest `keep` arrivals. Returns how many blocks. */
  trim(options: { before: number; keep: number }): Promise<number>;
  /** Windows of a stream that closed in [from, to), in the order they closed, some at a time. */
  closed(tenant: string, stream: string, range: { from: number; to: number }): AsyncIterable<ClosedWindow[]>;
  /** Items and milliseconds from start to end of batches of an operation that ran to their end, newest first. */
  services(tenant: string, operation: string, limit: number): Promise<{ items: number; ms: number }[]>;
  /** That somebody looked at what these rules (as text) would do. What was looked at before `until` is forgotten. */
  addPreview(preview: { tenant: string; stream: string; rules: string; at: number }, until: number): Promise<void>;
  /** When it was looked at last; null = never, or forgotten. */
  previewedAt(tenant: string, stream: string, rules: string): Promise<number | null>;
  addRules(change: Omit<RuleChange, "id" | "predicted" | "actual">): Promise<void>;
  /** Newest first. */
  rules(tenant: string, stream: string, limit: number): Promise<RuleChange[]>;
  /** Of all tenants: changes (not the first known rules) whose `predicted` or `actual` is still null, oldest first. */
  unsettledRules(limit: number): Promise<RuleChange[]>;
  /** What is given replaces null; what stands already stays. */
  settleRules(id: number, found: { predicted?: Record<string, unknown>; actual?: Record<string, unknown> }): Promise<void>;
}
