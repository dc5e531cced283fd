import { setImmediate } from "node:timers/promises";
import type { FinalBatchStatus } from "../../../model/moves.ts";
import type { RemovalOptions, RemovedBatch } from "../../port.ts";
import { countStatus, loadBatch } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import { OPEN_OPENAI } from "../rows/in-list.ts";
import { Sums } from "../sums/sums.ts";

/** What is known of removed batches: the newest so many, some 150 bytes each. */
const TRACES_KEPT = 100_000;
/** Rows erased in one transaction: a few milliseconds, whatever a chunk holds. */
const ROWS_AT_ONCE = 200;

/** Tables whose rows of a batch are many; each statement erases the next of them. */
const MANY: readonly string[] = [
  ...["payloads", "segments", "chunks", "failures"].map(
    (table) => `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE batch_id = ?1 LIMIT ?2)`,
  ),
  "DELETE FROM recorded WHERE batch_id = ?1 AND key IN (SELECT key FROM recorded WHERE batch_id = ?1 LIMIT ?2)",
  "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE batch_id = ?1 LIMIT ?2)",
  `DELETE FROM ledger_lines WHERE (attempt_id, custom_id) IN
     (SELECT attempt_id, custom_id FROM ledger_lines WHERE attempt_id IN (SELECT id FROM ledger_attempts WHERE batch_id = ?1) LIMIT ?2)`,
];
const FEW = ["error_groups", "batch_stats", "batch_deps"];

/**
 * Removes final batches. One transaction makes a batch vanish and leaves a trace of it; its rows are erased after that, some at a
 * time, and whoever removes next goes on with what a process left that died meanwhile.
 */
export class Removal {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async remove(tenant: string | null, before: number, options: RemovalOptions): Promise<number> {
    await this.eraseRest();
    let removed = 0;
    for (const owner of tenant === null ? this.tenants() : [tenant]) {
      for (const status of options.statuses ?? [null]) {
        const limit = options.limit - removed;
        if (limit <= 0) return removed;
        if (options.dryRun) {
          removed += this.count(owner, status, before, limit);
          continue;
        }
        for (const id of this.candidates(owner, status, before, limit)) {
          if (!this.vanish(id, before, options)) continue;
          removed += 1;
          await this.eraseRest();
        }
      }
    }
    return removed;
  }

  trace(tenant: string, id: string): RemovedBatch | null {
    return (
      this.db.get<RemovedBatch>(
        `SELECT id, operation, status, created_at AS createdAt, completed_at AS completedAt, removed_at AS removedAt, policy
         FROM removed_batches WHERE id = ? AND tenant = ?`,
        id,
        tenant,
      ) ?? null
    );
  }

  /** With everything of it, at once: for batches that nobody has seen. */
  erase(id: string): void {
    this.eraseFew(id);
    for (const sql of MANY) this.db.run(sql, id, -1);
    this.db.run("DELETE FROM batches WHERE id = ?", id);
  }

  private tenants(): string[] {
    return this.db.all<{ tenant: string }>("SELECT DISTINCT tenant FROM batch_counts ORDER BY tenant").map(({ tenant }) => tenant);
  }

  private candidates(tenant: string, status: FinalBatchStatus | null, before: number, limit: number): string[] {
    const { sql, parameters } = this.removable(tenant, status, before);
    return this.db.all<{ id: string }>(`SELECT id FROM ${sql} ORDER BY completed_at LIMIT ?`, ...parameters, limit).map(({ id }) => id);
  }

  private count(tenant: string, status: FinalBatchStatus | null, before: number, limit: number): number {
    const { sql, parameters } = this.removable(tenant, status, before);
    return this.db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM (SELECT 1 FROM ${sql} LIMIT ?)`, ...parameters, limit)!.n;
  }

  /** Not while an unfinished batch names it, nor while a /v1 batch still has its files to write from these results. */
  private removable(tenant: string, status: FinalBatchStatus | null, before: number): { sql: string; parameters: (string | number)[] } {
    const index = status === null ? "batches_ended" : "batches_removable";
    return {
      sql: `batches INDEXED BY ${index} WHERE tenant = ?${status === null ? "" : " AND status = ?"} AND completed_at IS NOT NULL AND completed_at < ?
         AND id NOT IN (SELECT needed.value FROM batches waiting INDEXED BY batches_dependent, json_each(waiting.depends_on) needed
           WHERE waiting.completed_at IS NULL AND waiting.depends_on <> '[]')
         AND NOT EXISTS (SELECT 1 FROM openai_batches WHERE batch_id = batches.id AND status IN (${OPEN_OPENAI}))`,
      parameters: [tenant, ...(status === null ? [] : [status]), before],
    };
  }

  /** False: it was retried meanwhile, or somebody else removed it. */
  private vanish(id: string, before: number, { by }: RemovalOptions): boolean {
    return this.db.transaction(() => {
      const raw = loadBatch(this.db, id);
      if (raw === undefined || raw.completed_at === null || raw.completed_at >= before) return false;
      countStatus(this.db, raw, -1);
      // From its rows, while they are there.
      Sums.of(this.db).catchUp();
      Sums.of(this.db).jobs.removed(raw);
      this.eraseFew(id);
      this.db.run("DELETE FROM batches WHERE id = ?", id);
      this.db.run("INSERT INTO erasures (batch_id) VALUES (?)", id);
      if (by === undefined) return true;
      const seq = this.db.insert(
        "INSERT INTO removed_batches (id, tenant, operation, status, created_at, completed_at, removed_at, policy) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        raw.tenant,
        raw.operation,
        raw.status,
        raw.created_at,
        raw.completed_at,
        by.at,
        by.policy,
      );
      this.db.run("DELETE FROM removed_batches WHERE seq <= ?", seq - TRACES_KEPT);
      return true;
    });
  }

  private eraseFew(id: string): void {
    for (const table of FEW) this.db.run(`DELETE FROM ${table} WHERE batch_id = ?`, id);
    this.db.run("UPDATE ledger_groups SET closed = 1 WHERE batch_id = ?", id);
    // One that is not ingested still has to be ended upstream, and paid for.
    this.db.run("DELETE FROM attempts WHERE batch_id = ? AND due_at IS NULL", id);
    this.db.run("DELETE FROM windows WHERE id = ?", id);
    this.db.run(
      `DELETE FROM batch_tags WHERE (tenant, tag, created_at, batch_id) IN
         (SELECT tenant, value, created_at, batches.id FROM batches CROSS JOIN json_each(batches.tags) WHERE batches.id = ?)`,
      id,
    );
  }

  private async eraseRest(): Promise<void> {
    for (const { id } of this.db.all<{ id: string }>("SELECT batch_id AS id FROM erasures")) {
      for (const sql of MANY) {
        while (this.db.transaction(() => this.db.run(sql, id, ROWS_AT_ONCE)) === ROWS_AT_ONCE) await setImmediate();
      }
      this.db.run("DELETE FROM erasures WHERE batch_id = ?", id);
    }
  }
}
