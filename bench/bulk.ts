/**
 * One act on many batches: how fast it is, how often it tells, whether it can be stopped, and how long it holds up the event loop of
 * the server it runs in.
 *
 *   node --conditions=batchyard-source bench/bulk.ts [--few 20000] [--many 100000] [--save]
 *
 * The batches have one item each, which failed. One is made by the store itself, the others are copies of its rows.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { Database } from "../src/store/sqlite/database/database.ts";
import { fillSums } from "../src/store/sqlite/sums/rollup-recount.ts";
import { openSqlite } from "../test/contract/store/adapters.ts";
import { failed, Rig } from "../test/contract/store/rig.ts";
import { percentile, report, type Row } from "./support/report.ts";

/** What the server says at the end. */
export interface BulkTold {
  total: number;
  done: number;
  notDone: number;
  ms: number;
  /** Until the job was accepted, its batches counted. */
  acceptedMs: number;
  /** 0 = it was not cancelled. */
  cancelledMs: number;
  longestGapMs: number;
  /** p50, p99, p99.9, max. */
  loopMs: number[];
  /** How long the anchor of the audit log took to reach the newest entry, some times a second. */
  anchorMs: number[];
  /** Processors in use. */
  cpu: number;
}

const { values } = parseArgs({
  options: {
    few: { type: "string", default: "20000" },
    many: { type: "string", default: "100000" },
    save: { type: "boolean", default: false },
  },
});
const DAY = 86_400_000;

/** Tables of a batch and their columns that a copy has of its own. */
const TABLES: Record<string, Record<string, string>> = {
  batches: {
    id: "$id",
    created_at: "created_at - $n",
    started_at: "created_at - $n",
    completed_at: "created_at - $n",
    served_at: "created_at - $n",
  },
  chunks: { id: "id + $n", batch_id: "$id" },
  payloads: { chunk_id: "chunk_id + $n", batch_id: "$id" },
  failures: { id: "id + $n", batch_id: "$id", chunk_id: "chunk_id + $n" },
  error_groups: { batch_id: "$id" },
  batch_stats: { batch_id: "$id" },
};

async function seed(root: string, batches: number): Promise<void> {
  const opened = await openSqlite(root);
  const rig = new Rig(opened);
  rig.tenant = "default";
  rig.now = Date.now() - DAY / 2;
  const batch = await rig.create([["a"]], { batch: { operation: "echo" } });
  await rig.commit(await rig.claim(batch), { a: failed() });
  await opened.store.close();
  const path = join(root, "data", "batchyard.db");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  for (const [table, own] of Object.entries(TABLES)) {
    const columns = db
      .prepare("SELECT name FROM pragma_table_info(?)")
      .all(table)
      .map(({ name }) => String(name));
    const value = (column: string): string =>
      (own[column] ?? column).replace("$id", `printf('batch_%013d_%09d', ${rig.now} - i, i)`).replace("$n", "i");
    db.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${batches})
       INSERT INTO ${table} (${columns.join(", ")}) SELECT ${columns.map(value).join(", ")} FROM n, (SELECT * FROM ${table})`,
    );
  }
  db.exec(
    "DELETE FROM batch_counts; INSERT INTO batch_counts (tenant, operation, status, batches) SELECT tenant, operation, status, COUNT(*) FROM batches GROUP BY 1, 2, 3; COMMIT",
  );
  db.close();
  const filled = new Database(path, "NORMAL");
  filled.transaction(() => fillSums(filled));
  filled.close();
}

async function run(batches: number, rate: number, workers: number, cancelMs = 0): Promise<BulkTold> {
  const root = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    await seed(root, batches);
    const child = fork(
      join(import.meta.dirname, "bulk", "server.ts"),
      [join(root, "data"), String(rate), String(workers), String(cancelMs)],
      { execArgv: ["--conditions=batchyard-source"] },
    );
    const exited = once(child, "exit");
    const told = await Promise.race([
      once(child, "message"),
      exited.then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
    ]);
    await exited;
    return (told as [BulkTold])[0];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const [few, many] = [Number(values.few), Number(values.many)];
const rows: Row[] = [];
for (const [name, batches, rate, workers, cancelMs] of [
  ["none: the server has nothing to do", 10, 0, 0, 0],
  ["1,000 a second, nobody runs them", few, 1_000, 0, 0],
  ["1,000 a second, two workers run them", few, 1_000, 2, 0],
  ["as fast as it goes, nobody runs them", many, 10_000, 0, 0],
  ["cancelled after 3 s", many, 10_000, 0, 3_000],
] as const) {
  const told = await run(batches, rate, workers, cancelMs);
  const [p50, p99, p999, max] = told.loopMs;
  const anchor = told.anchorMs.toSorted((a, b) => a - b);
  rows.push({
    "retry of failed batches": name,
    matched: told.total,
    done: told.done,
    "failed or skipped": told.notDone,
    seconds: told.ms / 1000,
    "accepted after ms": told.acceptedMs,
    "longest wait for progress, ms": told.longestGapMs,
    "cancelled within ms": told.cancelledMs === 0 ? "" : told.cancelledMs,
    "loop p50 ms": p50!,
    "loop p99 ms": p99!,
    "p99.9": p999!,
    max: max!,
    "anchor behind, ms p50 / p99 / max":
      anchor.length === 0
        ? ""
        : [percentile(anchor, 0.5), percentile(anchor, 0.99), anchor.at(-1) ?? Number.NaN].map((ms) => ms.toFixed(1)).join(" / "),
    "CPU %": told.cpu * 100,
  });
  console.error(rows.at(-1));
}
report("One act on many batches", rows, [
  "Batches are retried for 10 ms in one transaction, with an entry in the audit log for each and how far the job came. The event loop is that of the server, sampled every 10 ms, which its percentiles contain; the first row says what of them is other work on the machine.",
]);
