import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "../../src/store/sqlite/database/database.ts";
import { fillSums } from "../../src/store/sqlite/sums/rollup-recount.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

const DAY = 86_400_000;

/**
 * A store with so many ended batches of thirty days, four operations and every final state, half of them named, half of streams, written straight into the tables; their
 * sums are then filled by the code that `batchyard doctor --rebuild` uses.
 */
export async function seedBatches(directory: string, batches: number): Promise<void> {
  await openSqliteStore({ directory, synchronous: "NORMAL" }).close();
  const path = join(directory, "batchyard.db");
  const db = new DatabaseSync(path);
  const now = Date.now();
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  // Times and kinds from the row's number: the same for every run of one size.
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO batches (id, tenant, operation, status, priority, sealed, total_items, succeeded, failed, cancelled, served_at, created_at, started_at, completed_at,
       executor, filters, options, notify, depends_on, tags, warnings, name, stream, stream_key, close_reason)
     SELECT printf('batch_%013d_%09d', ?2 - (i * ?3) / ?1, 999999999 - i), 'default', 'operation-' || (i % 4),
       CASE WHEN i % 20 < 17 THEN 'completed' WHEN i % 20 < 19 THEN 'failed' ELSE 'cancelled' END, 1, 1, 100,
       CASE WHEN i % 20 < 17 THEN 98 ELSE 0 END, CASE WHEN i % 20 < 17 THEN 2 WHEN i % 20 < 19 THEN 100 ELSE 0 END, CASE WHEN i % 20 = 19 THEN 100 ELSE 0 END,
       ?2 - (i * ?3) / ?1, ?2 - (i * ?3) / ?1, ?2 - (i * ?3) / ?1 + i % 977, ?2 - (i * ?3) / ?1 + i % 977 + 1000 + (i * 7919) % 60000,
       'handler', '{}', '{}', '[]', '[]', CASE WHEN i % 10 = 0 THEN '["nightly"]' ELSE '[]' END, '[]',
       CASE WHEN i % 2 = 0 THEN 'Import ' || i END, CASE WHEN i % 2 = 1 THEN 'stream-' || (i % 5) END, CASE WHEN i % 2 = 1 THEN 'key-' || (i % 500) END,
       CASE WHEN i % 2 = 1 THEN 'timeout' END FROM n`,
  ).run(batches, now, 30 * DAY);
  // The errors of each failure there is, of ten codes.
  db.exec(
    `INSERT INTO error_groups (batch_id, fingerprint, error, code, category, failures, first_seen, last_seen, examples, tenant, operation, created_at)
     SELECT id, 'print-' || (created_at % 10), 'It failed', 'code_' || (created_at % 10), 'transient', failed, completed_at, completed_at, '[]', tenant, operation, created_at
     FROM batches WHERE failed > 0`,
  );
  db.exec(
    "INSERT INTO batch_counts (tenant, operation, status, batches) SELECT tenant, operation, status, COUNT(*) FROM batches GROUP BY 1, 2, 3; COMMIT",
  );
  db.close();
  const filled = new Database(path, "NORMAL");
  filled.transaction(() => fillSums(filled));
  filled.close();
}
