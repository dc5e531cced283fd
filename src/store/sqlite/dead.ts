import type { ErrorCategory } from "../../model/item.ts";
import type { DeadGroup, DeadItem, DeadSelection, DeadStore } from "../port.ts";
import type { Database } from "./database.ts";

interface RawItem {
  id: number;
  batch_id: string;
  node_id: string;
  fingerprint: string;
  error: string;
  code: string;
  category: ErrorCategory;
  created_at: number;
}

/** Stands and was not dismissed; its group says code and category. */
const DEAD_OF_BATCH = `SELECT f.id, f.batch_id, f.node_id, f.fingerprint, f.error, f.created_at, g.code, g.category
  FROM failures f JOIN error_groups g ON g.batch_id = f.batch_id AND g.fingerprint = f.fingerprint
  WHERE f.superseded IS NULL AND f.dismissed IS NULL`;

export class SqliteDead implements DeadStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async groups(tenant: string): Promise<DeadGroup[]> {
    // CROSS JOIN: from the failures to their batches; batches without one are many more.
    return this.db.all<{ queue: string; reason: string; count: number; oldest: number; newest: number }>(
      `SELECT b.operation AS queue, g.code AS reason, SUM(g.failures - g.dismissed) AS count, MIN(g.first_seen) AS oldest, MAX(g.last_seen) AS newest
       FROM error_groups g CROSS JOIN batches b ON b.id = g.batch_id
       WHERE g.failures > g.dismissed AND b.tenant = ? AND b.completed_at IS NOT NULL GROUP BY b.operation, g.code ORDER BY b.operation, count DESC, g.code`,
      tenant,
    );
  }

  async items(
    tenant: string,
    operation: string,
    selection: DeadSelection,
    page: { after: { batchId: string; id: number } | null; limit: number },
  ): Promise<DeadItem[]> {
    return this.select(tenant, operation, selection, page).map((raw) => ({
      id: raw.id,
      batchId: raw.batch_id,
      nodeId: raw.node_id,
      error: raw.error,
      code: raw.code,
      category: raw.category,
      at: raw.created_at,
    }));
  }

  async dismiss(tenant: string, operation: string, selection: DeadSelection, limit: number, now: number): Promise<number> {
    return this.db.transaction(() => {
      const items = this.select(tenant, operation, selection, { after: null, limit });
      for (const { id, batch_id, fingerprint } of items) {
        this.db.run("UPDATE failures SET dismissed = ? WHERE id = ?", now, id);
        this.db.run("UPDATE error_groups SET dismissed = dismissed + 1 WHERE batch_id = ? AND fingerprint = ?", batch_id, fingerprint);
      }
      return items.length;
    });
  }

  private select(
    tenant: string,
    operation: string,
    selection: DeadSelection,
    page: { after: { batchId: string; id: number } | null; limit: number },
  ): RawItem[] {
    const { after, limit } = page;
    const found: RawItem[] = [];
    // Batch by batch from where the last page ended: nothing before it is read again, and nothing is sorted.
    for (const { id: batchId } of this.batches(tenant, operation, selection, { from: after?.batchId ?? "", limit: limit + 1 })) {
      if (found.length >= limit) break;
      found.push(...this.ofBatch(batchId, selection, batchId === after?.batchId ? after.id : 0, limit - found.length));
    }
    return found;
  }

  private batches(
    tenant: string,
    operation: string,
    { reason, ids, fingerprint }: DeadSelection,
    page: { from: string; limit: number },
  ): { id: string }[] {
    if (ids !== undefined) {
      return this.db.all<{ id: string }>(
        `SELECT DISTINCT f.batch_id AS id FROM failures f JOIN batches b ON b.id = f.batch_id
         WHERE f.id IN (SELECT value FROM json_each(?1)) AND f.batch_id >= ?2 AND b.tenant = ?3 AND b.operation = ?4 AND b.completed_at IS NOT NULL
         ORDER BY f.batch_id`,
        JSON.stringify(ids),
        page.from,
        tenant,
        operation,
      );
    }
    return this.db.all<{ id: string }>(
      `SELECT DISTINCT g.batch_id AS id FROM error_groups g CROSS JOIN batches b ON b.id = g.batch_id
       WHERE g.batch_id >= ?1 AND g.failures > g.dismissed AND (?2 IS NULL OR g.code = ?2) AND (?6 IS NULL OR g.fingerprint = ?6)
         AND b.tenant = ?3 AND b.operation = ?4 AND b.completed_at IS NOT NULL
       ORDER BY g.batch_id LIMIT ?5`,
      page.from,
      reason ?? null,
      tenant,
      operation,
      page.limit,
      fingerprint ?? null,
    );
  }

  private ofBatch(batchId: string, { reason, ids, fingerprint }: DeadSelection, after: number, limit: number): RawItem[] {
    return this.db.all<RawItem>(
      `${DEAD_OF_BATCH} AND f.batch_id = ?1 AND f.id > ?2 AND (?3 IS NULL OR g.code = ?3)
         AND (?4 IS NULL OR f.id IN (SELECT value FROM json_each(?4))) AND (?6 IS NULL OR f.fingerprint = ?6) ORDER BY f.id LIMIT ?5`,
      batchId,
      after,
      reason ?? null,
      ids === undefined ? null : JSON.stringify(ids),
      limit,
      fingerprint ?? null,
    );
  }
}
