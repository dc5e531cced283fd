import type { AuditVerdict, StoredAudit } from "./log.ts";

export interface Finding {
  /** What is wrong, as a sentence with the numbers found and expected. */
  message: string;
  batchId: string | null;
  repaired: boolean;
}

/** Bytes on disk. */
export interface StoreSpace {
  bytes: number;
  /** Of these, what removed rows have left, for new ones. */
  freeBytes: number;
  /** Written and not yet in its place: the write-ahead log. */
  logBytes: number;
}

export interface UpkeepStore {
  /** Recounts everything that is maintained and compares; with `rebuild`, mends it. */
  verify(options: { rebuild: boolean; batchId?: string }): Promise<{ checkedBatches: number; checkedChunks: number; findings: Finding[] }>;
  verifyAudit(expected?: { seq: number; hash: string }): Promise<AuditVerdict>;
  /** All entries of the audit log in order, in blocks. */
  audit(): AsyncIterable<StoredAudit[]>;
  /** A consistent copy of the running store at `path`. */
  backup(path: string): Promise<{ bytes: number }>;
  /** Bytes of the store on disk. */
  size(): Promise<number>;
  space(): Promise<StoreSpace>;
}
