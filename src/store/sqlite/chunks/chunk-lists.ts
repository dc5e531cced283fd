import type { ChunkView } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { loadOwnBatch } from "../rows/batch-row.ts";
import { loadKeys, toView, type RawChunk } from "../rows/chunk-row.ts";

export function chunksOf(db: Database, tenant: string, batchId: string, page: { after: number; limit: number }): ChunkView[] {
  if (loadOwnBatch(db, tenant, batchId) === undefined) return [];
  return db
    .all<RawChunk>(
      "SELECT * FROM chunks WHERE batch_id = ? AND tenant = ? AND id > ? ORDER BY id LIMIT ?",
      batchId,
      tenant,
      page.after,
      page.limit,
    )
    .map(toView);
}

/** Those at work, whose lease ends soonest first, then those that wait. */
export function openChunksOf(db: Database, tenant: string, batchId: string, limit: number): ChunkView[] {
  if (loadOwnBatch(db, tenant, batchId) === undefined) return [];
  const leased = db.all<RawChunk>(
    "SELECT * FROM chunks WHERE state = 'leased' AND batch_id = ? AND tenant = ? ORDER BY lease_until LIMIT ?",
    batchId,
    tenant,
    limit,
  );
  const pending = db.all<RawChunk>(
    "SELECT * FROM chunks WHERE state = 'pending' AND batch_id = ? AND tenant = ? ORDER BY available_at, id LIMIT ?",
    batchId,
    tenant,
    limit,
  );
  return [...leased, ...pending].map(toView);
}

/** As they came in, a chunk at a time. */
export function* keysOf(db: Database, tenant: string, batchId: string): Generator<string[]> {
  if (loadOwnBatch(db, tenant, batchId) === undefined) return;
  let after = 0;
  for (;;) {
    const next = db.get<{ id: number }>(
      "SELECT id FROM chunks WHERE batch_id = ? AND tenant = ? AND root = 1 AND id > ? ORDER BY id LIMIT 1",
      batchId,
      tenant,
      after,
    );
    if (next === undefined) return;
    after = next.id;
    yield loadKeys(db, next.id);
  }
}
