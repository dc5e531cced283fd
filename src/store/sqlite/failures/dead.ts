import type { ErrorCategory } from "../../../model/item.ts";
import type { DeadGroup, DeadItem, DeadSelection, DeadStore } from "../../port.ts";
import { OPEN_BATCH_STATES } from "../../../model/moves.ts";
import type { Database } from "../database/database.ts";
import { inList } from "../rows/in-list.ts";
import { Sums } from "../sums/sums.ts";
import { WIDTHS } from "../sums/widths.ts";

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

const OPEN = inList(OPEN_BATCH_STATES);

export class SqliteDead implements DeadStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async groups(tenant: string): Promise<DeadGroup[]> {
    return Sums.of(this.db).current(() => this.groupsNow(tenant));
  }

  /** All failures that stand, by the sums; less those that were dismissed, and less those of batches that are open. */
  private groupsNow(tenant: string): DeadGroup[] {
    const rows = this.db.all<{ queue: string; reason: string; count: number }>(
      `SELECT operation AS queue, code AS reason, SUM(n) AS count FROM (
         SELECT operation, code, failures AS n FROM job_errors WHERE tenant = ?1 AND width = ${WIDTHS[2]} UNION ALL
         SELECT operation, code, -dismissed FROM error_groups INDEXED BY error_groups_dismissed WHERE tenant = ?1 AND dismissed > 0 UNION ALL
         SELECT g.operation, g.code, g.dismissed - g.failures FROM batches b INDEXED BY batches_failed CROSS JOIN error_groups g ON g.batch_id = b.id
           WHERE b.sealed = 1 AND b.tenant = ?1 AND b.status IN (${OPEN}) AND b.failed > 0
       ) GROUP BY 1, 2 HAVING SUM(n) > 0 ORDER BY operation, count DESC, code`,
      tenant,
    );
    const edge = (column: string, index: string, order: string, { queue, reason }: { queue: string; reason: string }): number | undefined =>
      this.db.get<{ at: number }>(
        `SELECT ${column} AS at FROM error_groups g INDEXED BY ${index} CROSS JOIN batches b ON b.id = g.batch_id
         WHERE g.tenant = ? AND g.operation = ? AND g.code = ? AND g.failures > g.dismissed AND b.completed_at IS NOT NULL ORDER BY ${column} ${order} LIMIT 1`,
        tenant,
        queue,
        reason,
      )?.at;
    return rows.flatMap((row) => {
      const oldest = edge("g.first_seen", "error_groups_oldest", "ASC", row);
      const newest = edge("g.last_seen", "error_groups_latest", "DESC", row);
      return oldest === undefined || newest === undefined ? [] : [{ ...row, oldest, newest }];
    });
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

  async expire(before: number, limit: number, tenant?: string): Promise<number> {
    if (tenant !== undefined)
      return this.db.get<{ n: number }>(
        "SELECT COUNT(*) AS n FROM (SELECT 1 FROM dead_letters WHERE at < ? AND tenant = ? LIMIT ?)",
        before,
        tenant,
        limit,
      )!.n;
    return this.db.run(
      "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE at < ? ORDER BY at LIMIT ?)",
      before,
      limit,
    );
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
