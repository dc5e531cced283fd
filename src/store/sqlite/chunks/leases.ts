import { runsUpstream } from "../../../model/upstream.ts";
import type { LostLease, WorkedChunk } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { insertEvent, loadBatch, originOf, refreshReadyAt, saveBatch } from "../rows/batch-row.ts";
import { loadChunk, type RawChunk } from "../rows/chunk-row.ts";

/** Returns the chunks whose lease goes on. */
export function renewLeases(db: Database, leases: readonly { chunkId: number; fence: number }[], leaseUntil: number): number[] {
  return db.transaction(() =>
    leases
      .filter(
        ({ chunkId, fence }) =>
          db.run("UPDATE chunks SET lease_until = ? WHERE id = ? AND state = 'leased' AND fence = ?", leaseUntil, chunkId, fence) > 0,
      )
      .map((lease) => lease.chunkId),
  );
}

/** Leases that have run out, or those of earlier processes of this place. */
export function reapLeases(db: Database, selection: { now: number } | { workerPrefix: string; now: number }): LostLease[] {
  return db.transaction(() => {
    const lost =
      "workerPrefix" in selection
        ? db.all<RawChunk>("SELECT * FROM chunks WHERE state = 'leased' AND substr(worker_id, 1, length(?1)) = ?1", selection.workerPrefix)
        : db.all<RawChunk>("SELECT * FROM chunks WHERE state = 'leased' AND lease_until < ?", selection.now);
    return lost.map((chunk) => takeBack(db, chunk, "lease_lost", selection.now));
  });
}

export function revokeLease(db: Database, tenant: string, chunkId: number, now: number): LostLease | null {
  return db.transaction(() => {
    const chunk = db.get<RawChunk>("SELECT * FROM chunks WHERE id = ? AND tenant = ? AND state = 'leased'", chunkId, tenant);
    return chunk === undefined ? null : takeBack(db, chunk, "lease_revoked", now);
  });
}

function takeBack(db: Database, chunk: RawChunk, reason: "lease_lost" | "lease_revoked", now: number): LostLease {
  const raw = loadBatch(db, chunk.batch_id)!;
  const crashes = chunk.crashes + (reason === "lease_revoked" || runsUpstream(raw.executor) ? 0 : 1);
  db.run("UPDATE chunks SET state = 'pending', lease_until = NULL, crashes = ? WHERE id = ?", crashes, chunk.id);
  raw.leased_chunks -= 1;
  raw.running -= chunk.items - chunk.settled - chunk.moved;
  refreshReadyAt(db, raw);
  saveBatch(db, raw);
  const data = {
    batch_id: raw.id,
    operation: raw.operation,
    chunk: chunk.id,
    reason,
    worker: chunk.worker_id,
    crashes,
    ...originOf(raw),
  };
  const entity = { kind: "batch", id: raw.id };
  insertEvent(db, { tenant: raw.tenant, type: "chunk.stalled", entity, severity: "critical", ts: now, data });
  return { chunkId: chunk.id, tenant: raw.tenant, batchId: raw.id, workerId: chunk.worker_id ?? "", crashes };
}

/** Results that came under a fence that is over, or for what has ended. */
export function countLate(db: Database, tenant: string, chunkId: number, fence: number, results: number): boolean {
  return db.transaction(() => {
    const chunk = loadChunk(db, chunkId);
    if (chunk === undefined || chunk.tenant !== tenant || fence < 1 || fence > chunk.fence) return false;
    return db.run("UPDATE batches SET late = late + ? WHERE id = ?", results, chunk.batch_id) > 0;
  });
}

export function leasesByWorker(db: Database, tenant: string): { workerId: string; chunks: number }[] {
  return db.all<{ workerId: string; chunks: number }>(
    "SELECT worker_id AS workerId, COUNT(*) AS chunks FROM chunks WHERE state = 'leased' AND tenant = ? GROUP BY worker_id ORDER BY worker_id",
    tenant,
  );
}

/** Those that end soonest first. */
export function leasedChunks(db: Database, tenant: string, limit: number): { chunks: WorkedChunk[]; total: number } {
  const chunks = db.all<WorkedChunk>(
    `SELECT c.id, c.batch_id AS batchId, b.name AS batchName, b.operation, c.worker_id AS workerId, c.items, c.settled, c.attempt, c.lease_until AS leaseUntil
    FROM chunks c JOIN batches b ON b.id = c.batch_id WHERE c.state = 'leased' AND c.tenant = ? ORDER BY c.lease_until, c.id LIMIT ?`,
    tenant,
    limit,
  );
  const { total } = db.get<{ total: number }>("SELECT COUNT(*) AS total FROM chunks WHERE state = 'leased' AND tenant = ?", tenant)!;
  return { chunks, total };
}
