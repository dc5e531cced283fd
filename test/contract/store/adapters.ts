import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import type { Store } from "../../../src/store/port.ts";
import type { Happened } from "./flow-recount.ts";

/** What a case may ask of an adapter besides the port. */
export interface Opened {
  store: Store;
  /** Closes the store and opens it again where it lies. */
  reopen(): Promise<Store>;
  /** A second store on the same data, as another process would open it. */
  openAgain(): Promise<Store>;
  /** Opens a backup that `upkeep.backup` wrote to this path. */
  openCopy(path: string): Promise<Store>;
  /** A path for a backup. */
  copyPath(): string;
  /** Changes stored rows behind the adapter's back, past every guard. */
  tamper(fault: Fault, batchId: string): void;
  /** Changes the audit log behind the adapter's back, with all rights on the table, but not on what lies beside it. */
  forge(how: Forgery): void;
  /** Of all batches. */
  tenants(): string[];
  /** What the stored events, results and failures say has happened, in buckets of a width in milliseconds: see flow-recount.ts. */
  happened(width: number): Happened[];
  /** Makes the stored schema newer than this version knows; the store is closed. */
  age(): void;
  /** Closes everything that was opened and removes the data. */
  close(): Promise<void>;
}

/** Maintained values that `verify` recounts, each put wrong by one. */
export const FAULTS = [
  "total_items",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
  "running",
  "leased_chunks",
  "open_chunks",
  "ready_at",
  "deps_open",
  "cost",
  "standard",
  "saved",
  "chunk_settled",
  "chunk_moved",
  "error_group",
  "error_group_missing",
  "statistics",
  "timeline",
  "batch_counts",
  "collections",
  "sums",
  "times",
  "ledger_group",
  "ledger_day",
  "ledger_day_missing",
  "dead_letters",
  "dismissed",
] as const;
export type Fault = (typeof FAULTS)[number];

/** On three entries or more. */
export const FORGERIES = ["edit", "delete", "reorder", "cut", "rewrite", "behead"] as const;
export type Forgery = (typeof FORGERIES)[number];

export interface Adapter {
  name: string;
  open(): Promise<Opened>;
  /** Cases this adapter cannot pass, by their full name, and why. A skip that names no case fails. */
  skip: { reason: string; tests: string[] }[];
}

/** Every adapter of src/store. One that is not listed here is not held to the port. */
export const ADAPTERS: readonly Adapter[] = [{ name: "sqlite", open: () => openSqlite(), skip: [] }];

/** In a folder of its own, or in `root`, where earlier data stays. `close` removes either. */
export async function openSqlite(root = mkdtempSync(join(tmpdir(), "batchyard-contract-"))): Promise<Opened> {
  const directory = join(root, "data");
  const open = (at: string): Store => openSqliteStore({ directory: at, synchronous: "NORMAL" });
  const others: Store[] = [];
  let store = open(directory);
  let copies = 0;
  const keep = (other: Store): Store => {
    others.push(other);
    return other;
  };
  return {
    store,
    async reopen() {
      await store.close();
      store = open(directory);
      return store;
    },
    openAgain: async () => keep(open(directory)),
    openCopy: async (path) => keep(open(join(path, ".."))),
    copyPath() {
      const folder = mkdtempSync(join(root, `copy-${++copies}-`));
      return join(folder, "batchyard.db");
    },
    tamper(fault, batchId) {
      const db = new DatabaseSync(join(directory, "batchyard.db"));
      db.exec("PRAGMA busy_timeout = 1000; PRAGMA ignore_check_constraints = ON");
      const sql = SQLITE_FAULTS[fault] ?? `UPDATE batches SET ${fault} = COALESCE(${fault}, 0) + 1 WHERE id = ?`;
      const changed = sql.includes("?") ? db.prepare(sql).run(batchId).changes : db.prepare(sql).run().changes;
      db.close();
      if (Number(changed) === 0) throw new Error(`the fault ${fault} changed nothing`);
    },
    forge(how) {
      const db = new DatabaseSync(join(directory, "batchyard.db"));
      db.exec("PRAGMA busy_timeout = 1000");
      forgeSqlite(db, how);
      db.close();
    },
    tenants: () => readSqlite(directory, "SELECT DISTINCT tenant FROM batches ORDER BY 1").map((row) => String(row["tenant"])),
    happened: (width) => readSqlite(directory, SQLITE_HAPPENED, width) as unknown as Happened[],
    age() {
      const db = new DatabaseSync(join(directory, "batchyard.db"));
      db.exec("PRAGMA user_version = 1000");
      db.close();
    },
    async close() {
      for (const other of others) await other.close();
      await store.close().catch(() => {});
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function readSqlite(directory: string, sql: string, ...parameters: number[]): Record<string, unknown>[] {
  const db = new DatabaseSync(join(directory, "batchyard.db"), { readOnly: true });
  try {
    return db.prepare(sql).all(...parameters);
  } finally {
    db.close();
  }
}

const SQLITE_HAPPENED = `
  WITH happened (tenant, ts, operation, stream, metric, value) AS (
    SELECT tenant, ts, data ->> 'operation', data ->> 'stream', replace(type, 'batch.', 'batches.'), 1 FROM events
      WHERE type IN ('batch.created', 'batch.started', 'batch.completed', 'batch.failed', 'batch.cancelled', 'batch.expired') UNION ALL
    SELECT tenant, ts, data ->> 'operation', data ->> 'stream', 'batches.reprocessed', 1 FROM events WHERE type = 'batch.resumed' AND data ->> 'retry' IS NOT NULL UNION ALL
    SELECT tenant, ts, data ->> 'operation', data ->> 'stream', 'chunks.lost', 1 FROM events WHERE type = 'chunk.stalled' UNION ALL
    SELECT tenant, ts, data ->> 'operation', data ->> 'stream', 'items.retried', data ->> 'items' FROM events WHERE type = 'chunk.retried' UNION ALL
    SELECT tenant, s.created_at, operation, stream, 'items.succeeded', results FROM segments s JOIN batches b ON b.id = s.batch_id UNION ALL
    SELECT tenant, f.created_at, operation, stream, 'items.failed', 1 FROM failures f JOIN batches b ON b.id = f.batch_id
  )
  SELECT tenant, ts - ts % ?1 AS at, 'operation:' || operation AS source, metric, SUM(value) AS value FROM happened GROUP BY 1, 2, 3, 4
  UNION ALL
  SELECT tenant, ts - ts % ?1, 'runs:' || stream, metric, SUM(value) FROM happened WHERE stream IS NOT NULL GROUP BY 1, 2, 3, 4`;

/** Faults that are not a column of the batch row. */
const SQLITE_FAULTS: Partial<Record<Fault, string>> = {
  chunk_settled: "UPDATE chunks SET settled = settled + 1 WHERE id = (SELECT MIN(id) FROM chunks WHERE batch_id = ?)",
  chunk_moved: "UPDATE chunks SET moved = moved + 1 WHERE id = (SELECT MIN(id) FROM chunks WHERE batch_id = ?)",
  error_group: "UPDATE error_groups SET failures = failures + 1 WHERE batch_id = ?",
  error_group_missing: "DELETE FROM error_groups WHERE batch_id = ?",
  statistics: `UPDATE batch_stats SET body = json_set(body, '$.d', json('[0]')) WHERE batch_id = ?`,
  timeline: `UPDATE batch_stats SET body = json_set(body, '$.t', json('[1000]')) WHERE batch_id = ?`,
  batch_counts: "UPDATE batch_counts SET batches = batches + 1",
  ledger_group: "UPDATE ledger_groups SET paid = paid + 1, requests = requests + 1 WHERE batch_id = ?",
  ledger_day: "UPDATE ledger_days SET standard = standard + 1, output = output - 1",
  ledger_day_missing: "DELETE FROM ledger_days",
  collections: "UPDATE collections SET records = records + 1",
  sums: "UPDATE job_rollups SET jobs = jobs + 1, items = items + 1",
  times: "UPDATE job_bins SET jobs = jobs + 1",
  dead_letters: "UPDATE dead_letter_counts SET letters = letters + 1",
  dismissed: "UPDATE error_groups SET dismissed = dismissed + 1 WHERE batch_id = ?",
};

export function forgeSqlite(db: DatabaseSync, how: Forgery): void {
  const columns = "tenant, at, actor, credential, address, action, target, before, after, outcome";
  switch (how) {
    case "edit":
      return db.exec("UPDATE audit SET actor = 'somebody else' WHERE seq = 2");
    case "delete":
      return db.exec("DELETE FROM audit WHERE seq = 2");
    case "reorder":
      return db.exec(
        "UPDATE audit SET seq = -1 WHERE seq = 1; UPDATE audit SET seq = 1 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = -1",
      );
    case "cut":
      return db.exec(
        "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit); UPDATE sqlite_sequence SET seq = (SELECT MAX(seq) FROM audit) WHERE name = 'audit'",
      );
    case "behead":
      return db.exec(
        `INSERT INTO meta (name, value) SELECT 'audit_base', json_object('seq', seq, 'hash', hash) FROM audit WHERE seq = 1; DELETE FROM audit WHERE seq = 1`,
      );
    case "rewrite": {
      db.exec("UPDATE audit SET actor = 'somebody else' WHERE seq = 1");
      let previous = "";
      for (const row of db.prepare(`SELECT seq, ${columns} FROM audit ORDER BY seq`).all()) {
        const values = columns.split(", ").map((column) => row[column]);
        previous = createHash("sha256")
          .update(JSON.stringify([previous, ...values]))
          .digest("hex");
        db.prepare("UPDATE audit SET hash = ? WHERE seq = ?").run(previous, row["seq"]!);
      }
    }
  }
}
