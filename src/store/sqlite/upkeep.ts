import { statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { isFinal } from "../../model/moves.ts";
import type { ItemResult } from "../../model/item.ts";
import { StoredBlock } from "../../model/success-block.ts";
import { BatchStats } from "../../model/stats/batch-stats.ts";
import type { Finding, UpkeepStore } from "../port.ts";
import { loadBatch, loadStats, openCount, saveBatch, saveStats, type RawBatch } from "./batch-row.ts";
import type { Database } from "./database.ts";

export class SqliteUpkeep implements UpkeepStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async verify(options: { rebuild: boolean; batchId?: string }): ReturnType<UpkeepStore["verify"]> {
    const findings: Finding[] = [];
    let checkedBatches = 0;
    let checkedChunks = 0;
    let last = "";
    // One batch a transaction: a running server keeps serving in between.
    for (;;) {
      const next = this.db.get<{ id: string }>("SELECT id FROM batches WHERE sealed = 1 AND id > ? AND (?2 IS NULL OR id = ?2) ORDER BY id LIMIT 1", last, options.batchId ?? null);
      if (next === undefined) break;
      last = next.id;
      checkedBatches += 1;
      checkedChunks += this.db.transaction(() => this.verifyBatch(next.id, options.rebuild, findings));
    }
    if (options.batchId === undefined) this.db.transaction(() => this.verifyCounts(options.rebuild, findings));
    return { checkedBatches, checkedChunks, findings };
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
    // A restored log starts anew: cursors handed out after the copy was made must not be taken for places in it.
    copy.exec("DELETE FROM meta WHERE name = 'event_epoch'; PRAGMA journal_mode = DELETE");
    copy.close();
    return { bytes: statSync(path).size };
  }

  async size(): Promise<number> {
    return this.db.get<{ bytes: number }>("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")!.bytes;
  }

  private verifyBatch(id: string, rebuild: boolean, findings: Finding[]): number {
    const raw = loadBatch(this.db, id)!;
    const chunks = this.db.get<{ all_chunks: number; root_items: number; open_chunks: number; leased: number; running: number; open_items: number; stopped: number }>(
      `SELECT COUNT(*) AS all_chunks, COALESCE(SUM(items) FILTER (WHERE root = 1), 0) AS root_items,
         COUNT(*) FILTER (WHERE state IN ('pending', 'leased')) AS open_chunks, COUNT(*) FILTER (WHERE state = 'leased') AS leased,
         COALESCE(SUM(items - settled - moved) FILTER (WHERE state = 'leased'), 0) AS running,
         COALESCE(SUM(items - settled - moved) FILTER (WHERE state IN ('pending', 'leased')), 0) AS open_items,
         COALESCE(SUM(items - settled - moved) FILTER (WHERE state = 'cancelled'), 0) AS stopped
       FROM chunks WHERE batch_id = ?`,
      id,
    )!;
    const succeeded = this.db.get<{ n: number }>("SELECT COALESCE(SUM(results), 0) AS n FROM segments WHERE batch_id = ?", id)!.n;
    const failed = this.db.get<{ n: number }>("SELECT COUNT(*) AS n FROM failures WHERE batch_id = ? AND superseded IS NULL", id)!.n;
    const ready = this.db.get<{ at: number | null }>("SELECT MIN(available_at) AS at FROM chunks WHERE batch_id = ? AND state = 'pending'", id)!.at;
    const truth: Partial<RawBatch> = {
      total_items: chunks.root_items + raw.announced,
      succeeded,
      failed,
      leased_chunks: chunks.leased,
      open_chunks: chunks.open_chunks,
      running: chunks.running,
      ready_at: ready,
    };
    const report = (message: string): number => findings.push({ batchId: id, message, repaired: rebuild });
    for (const [column, value] of Object.entries(truth)) {
      const kept = raw[column as keyof RawBatch];
      if (kept !== value) report(`${column} is ${kept}, recounted ${value}`);
    }
    const repaired = { ...raw, ...truth };
    if (raw.announced === 0 && !isFinal(raw.status) && openCount(repaired) !== chunks.open_items) {
      report(`${openCount(repaired)} items are open by the counters, ${chunks.open_items} by the chunks`);
    }
    if (raw.announced === 0 && isFinal(raw.status) && raw.cancelled + raw.expired !== chunks.stopped) {
      report(`${raw.cancelled + raw.expired} items were stopped by the counters, ${chunks.stopped} by the chunks`);
    }
    this.verifyGroups(id, rebuild, report);
    this.verifyStats(id, rebuild, report);
    if (rebuild) saveBatch(this.db, repaired);
    return chunks.all_chunks;
  }

  private verifyGroups(id: string, rebuild: boolean, report: (message: string) => void): void {
    const rows = this.db.all<{ fingerprint: string; kept: number | null; found: number | null }>(
      `SELECT COALESCE(g.fingerprint, f.fingerprint) AS fingerprint, g.failures AS kept, f.n AS found FROM
         (SELECT fingerprint, failures FROM error_groups WHERE batch_id = ?1) g FULL OUTER JOIN
         (SELECT fingerprint, COUNT(*) AS n FROM failures WHERE batch_id = ?1 AND superseded IS NULL GROUP BY fingerprint) f ON f.fingerprint = g.fingerprint
       WHERE COALESCE(g.failures, 0) <> COALESCE(f.n, 0)`,
      id,
    );
    for (const row of rows) {
      report(`error group ${row.fingerprint} counts ${row.kept ?? 0} failures, recounted ${row.found ?? 0}`);
      if (rebuild) this.db.run("UPDATE error_groups SET failures = ? WHERE batch_id = ? AND fingerprint = ?", row.found ?? 0, id, row.fingerprint);
    }
  }

  /** Durations and scores can be recounted from the results; failures that a retry took back stay in, as they were measured too. */
  private verifyStats(id: string, rebuild: boolean, report: (message: string) => void): void {
    const kept = loadStats(this.db, id);
    const counted = new BatchStats();
    const add = (result: { durationMs?: number | null; qualityScore?: number | null }): void => {
      if (typeof result.durationMs === "number") counted.addDuration(result.durationMs);
      if (typeof result.qualityScore === "number") counted.addScore(result.qualityScore);
    };
    for (const row of this.db.iterate<{ columns: Uint8Array; results: number; created_at: number }>("SELECT columns, results, created_at FROM segments WHERE batch_id = ? ORDER BY id", id)) {
      const block = new StoredBlock(row.columns, "");
      for (let i = 0; i < block.count; i++) add({ durationMs: block.durationMs(i), qualityScore: block.qualityScore(i) });
      counted.timeline.add(row.created_at, row.results, 0);
    }
    for (const row of this.db.iterate<{ line: string; created_at: number }>("SELECT line, created_at FROM failures WHERE batch_id = ? ORDER BY id", id)) {
      add(JSON.parse(row.line) as ItemResult);
      counted.timeline.add(row.created_at, 0, 1);
    }
    const same = kept.durationCount === counted.durationCount && kept.scoreCounts.every((n, i) => n === counted.scoreCounts[i]);
    if (!same) report(`statistics cover ${kept.durationCount} durations, recounted ${counted.durationCount}`);
    if (!same && rebuild) saveStats(this.db, id, counted);
  }

  private verifyCounts(rebuild: boolean, findings: Finding[]): void {
    const rows = this.db.all<{ tenant: string; operation: string; status: string; kept: number; found: number }>(
      `SELECT COALESCE(k.tenant, f.tenant) AS tenant, COALESCE(k.operation, f.operation) AS operation, COALESCE(k.status, f.status) AS status,
         COALESCE(k.batches, 0) AS kept, COALESCE(f.n, 0) AS found FROM batch_counts k FULL OUTER JOIN
         (SELECT tenant, operation, status, COUNT(*) AS n FROM batches WHERE sealed = 1 GROUP BY tenant, operation, status) f
         ON f.tenant = k.tenant AND f.operation = k.operation AND f.status = k.status
       WHERE COALESCE(k.batches, 0) <> COALESCE(f.n, 0)`,
    );
    for (const row of rows) {
      findings.push({ batchId: null, repaired: rebuild, message: `${row.kept} ${row.status} ${row.operation} batches by the counters, recounted ${row.found}` });
      if (rebuild) {
        this.db.run(
          "INSERT INTO batch_counts (tenant, operation, status, batches) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, operation, status) DO UPDATE SET batches = ?4",
          row.tenant,
          row.operation,
          row.status,
          row.found,
        );
      }
    }
  }
}
