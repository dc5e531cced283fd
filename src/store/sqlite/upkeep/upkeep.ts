import { statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import type { AuditVerdict, Finding, StoredAudit, StoreSpace, UpkeepStore } from "../../port.ts";
import { scanAudit } from "../audit/audit.ts";
import type { AuditAnchor } from "../audit/audit-anchor.ts";
import { verifyChain } from "../audit/audit-chain.ts";
import type { Database } from "../database/database.ts";
import { recountBatch, recountTotals } from "./recount.ts";
import type { StatsCache } from "../batches/stats-cache.ts";

export class SqliteUpkeep implements UpkeepStore {
  private readonly db: Database;
  private readonly stats: StatsCache;
  private readonly anchor: AuditAnchor;

  constructor(db: Database, stats: StatsCache, anchor: AuditAnchor) {
    this.db = db;
    this.stats = stats;
    this.anchor = anchor;
  }

  async verify(options: { rebuild: boolean; batchId?: string }): ReturnType<UpkeepStore["verify"]> {
    const findings: Finding[] = [];
    let checkedBatches = 0;
    let checkedChunks = 0;
    let last = "";
    // One batch a transaction and a turn of the event loop: a running server keeps serving in between.
    for (;;) {
      await setImmediate();
      const next = this.db.get<{ id: string }>(
        "SELECT id FROM batches WHERE sealed = 1 AND id > ? AND (?2 IS NULL OR id = ?2) ORDER BY id LIMIT 1",
        last,
        options.batchId ?? null,
      );
      if (next === undefined) break;
      last = next.id;
      checkedBatches += 1;
      checkedChunks += this.db.transaction(() => recountBatch(this.db, this.stats, next.id, options.rebuild, findings));
    }
    if (options.batchId === undefined) this.totals(options.rebuild, findings);
    return { checkedBatches, checkedChunks, findings };
  }

  async verifyAudit(expected?: { seq: number; hash: string }): Promise<AuditVerdict> {
    await this.anchor.settled();
    return verifyChain(this.db, this.anchor, expected);
  }

  audit(): AsyncIterable<StoredAudit[]> {
    return scanAudit(this.db, null);
  }

  /** A check reads one state of the store and holds nobody up; only what mends takes the right to write. */
  private totals(rebuild: boolean, findings: Finding[]): void {
    if (rebuild) this.db.transaction(() => recountTotals(this.db, true, findings));
    else this.db.snapshot(() => recountTotals(this.db, false, findings));
  }

  async backup(path: string): Promise<{ bytes: number }> {
    const source = new DatabaseSync(this.db.path, { readOnly: true });
    try {
      // One read transaction for the whole copy: without it each write of the server would start the copy over.
      source.exec("BEGIN; SELECT COUNT(*) FROM meta");
      await backup(source, path);
    } finally {
      source.close();
    }
    const copy = new DatabaseSync(path);
    // A restored log starts anew: cursors handed out after the copy was made must not be taken for places in it, nor the head of the audit log.
    copy.exec("DELETE FROM meta WHERE name IN ('event_epoch', 'audit_anchored'); PRAGMA journal_mode = DELETE");
    copy.close();
    return { bytes: statSync(path).size };
  }

  async space(): Promise<StoreSpace> {
    const { bytes, freeBytes } = this.db.get<{ bytes: number; freeBytes: number }>(
      `SELECT page_count * page_size AS bytes, freelist_count * page_size AS freeBytes FROM pragma_page_count, pragma_page_size, pragma_freelist_count`,
    )!;
    return { bytes, freeBytes, logBytes: statSync(`${this.db.path}-wal`, { throwIfNoEntry: false })?.size ?? 0 };
  }

  async size(): Promise<number> {
    return this.db.get<{ bytes: number }>("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")!.bytes;
  }
}
