import { StoredBlock, type SuccessBlock } from "../../../model/success-block.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { loadKeys } from "./chunk-row.ts";
import type { Database } from "../database/database.ts";

export interface RawSegment {
  id: number;
  chunk_id: number | null;
  columns: Uint8Array;
  /** JSON array; null = the keys of the chunk. */
  keys: string | null;
  body: string;
}

/** `keys` only for results that have no chunk. */
export function insertSegment(
  db: Database,
  raw: RawBatch,
  chunkId: number | null,
  successes: SuccessBlock,
  keys: readonly string[] | null,
  now: number,
): void {
  db.run(
    "INSERT INTO segments (batch_id, chunk_id, epoch, results, created_at, columns, keys, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    raw.id,
    chunkId,
    raw.epoch,
    successes.count,
    now,
    successes.encode(),
    keys === null ? null : JSON.stringify(keys),
    successes.body(),
  );
}

/** The segment's ItemResults as JSON texts. */
export function linesOf(db: Database, segment: RawSegment): string[] {
  const keys = segment.keys === null ? loadKeys(db, segment.chunk_id!) : (JSON.parse(segment.keys) as string[]);
  return new StoredBlock(segment.columns, segment.body).lines(keys);
}
