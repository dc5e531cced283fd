/**
 * Monitoring and lists with 10³ to 10⁶ batches in the store: what a request costs must not grow with history.
 *
 *   node --conditions=batchyard-source bench/monitoring.ts [--batches 1000,10000,100000,1000000] [--rounds 50] [--save]
 *
 * The batches are rows of thirty days, four operations and every state, written straight into the tables; their sums are then
 * filled by the code that `batchyard doctor --rebuild` uses. Everything measured goes over HTTP to a server of its own process.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { Database } from "../src/store/sqlite/database.ts";
import { fillRollups } from "../src/store/sqlite/rollup-recount.ts";
import { openSqliteStore } from "../src/store/sqlite/store.ts";
import { figure, percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    batches: { type: "string", default: "1000,10000,100000,1000000" },
    rounds: { type: "string", default: "50" },
    save: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const token = "bench-token-of-sixteen-or-more";
const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const DAY = 86_400_000;

async function seed(directory: string, batches: number): Promise<void> {
  await openSqliteStore({ directory, synchronous: "NORMAL" }).close();
  const path = join(directory, "batchyard.db");
  const db = new DatabaseSync(path);
  const now = Date.now();
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  // Times and kinds from the row's number: the same for every run of one size.
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO batches (id, tenant, operation, status, priority, sealed, total_items, succeeded, failed, cancelled, served_at, created_at, started_at, completed_at,
       executor, filters, options, notify, depends_on, tags, warnings)
     SELECT printf('batch_%013d_%09d', ?2 - (i * ?3) / ?1, 999999999 - i), 'default', 'operation-' || (i % 4),
       CASE WHEN i % 20 < 17 THEN 'completed' WHEN i % 20 < 19 THEN 'failed' ELSE 'cancelled' END, 1, 1, 100,
       CASE WHEN i % 20 < 17 THEN 98 ELSE 0 END, CASE WHEN i % 20 < 17 THEN 2 WHEN i % 20 < 19 THEN 100 ELSE 0 END, CASE WHEN i % 20 = 19 THEN 100 ELSE 0 END,
       ?2 - (i * ?3) / ?1, ?2 - (i * ?3) / ?1, ?2 - (i * ?3) / ?1 + i % 977, ?2 - (i * ?3) / ?1 + i % 977 + 1000 + (i * 7919) % 60000,
       'handler', '{}', '{}', '[]', '[]', '[]', '[]' FROM n`,
  ).run(batches, now, 30 * DAY);
  db.exec(
    "INSERT INTO batch_counts (tenant, operation, status, batches) SELECT tenant, operation, status, COUNT(*) FROM batches GROUP BY 1, 2, 3; COMMIT",
  );
  db.close();
  const filled = new Database(path, "NORMAL");
  filled.transaction(() => fillRollups(filled));
  filled.close();
}

interface Server {
  url: string;
  stop(): Promise<void>;
}

async function serve(data: string): Promise<Server> {
  const child = spawn(process.execPath, ["--conditions=batchyard-source", main, "serve", "--port", "0", "--data", data, "--workers", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, BATCHYARD_TOKEN: token, LOG_LEVEL: "warn", BATCH_RETENTION_DAYS: "365" },
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr.on("data", (part: Buffer) => {
      text += part.toString();
      const ready = /^ready (http\S+)/m.exec(text);
      if (ready !== null) resolve(ready[1]!);
    });
    child.once("exit", (code) => reject(new Error(`serve ended with ${code}: ${text}`)));
  });
  child.removeAllListeners("exit");
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function call<T>(url: string, key: string, init: RequestInit = {}): Promise<T> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(url, { ...init, headers });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** One request after the other; the limit of a user of monitoring is 60 a minute, so each question has a user of its own. */
async function timed(server: Server, path: string): Promise<{ p50: number; p95: number }> {
  const { secret } = await call<{ secret: string }>(`${server.url}/api/keys`, token, {
    method: "POST",
    body: JSON.stringify({ name: `bench ${path}`.slice(0, 60), role: "admin" }),
  });
  const times: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const started = performance.now();
    await call(server.url + path, secret);
    if (round >= 0) times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
}

const questions = (batches: number): Record<string, string> => ({
  "monitoring, 24 h": "/api/admin/batch-monitoring",
  "monitoring, 30 days": "/api/admin/batch-monitoring?timeRange=30d",

  overview: "/api/system/overview",
  "history, page 1": "/api/batch/history?limit=50",
  "history, row 90 %": `/api/batch/history?limit=50&offset=${Math.floor(batches * 0.9)}`,
  "history, 7 days, failed": `/api/batch/history?limit=50&status=failed&createdAfter=${new Date(Date.now() - 7 * DAY).toISOString()}`,
});

const rows: Row[] = [];
for (const batches of values.batches.split(",").map(Number)) {
  const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    await seed(data, batches);
    const server = await serve(data);
    for (const [question, path] of Object.entries(questions(batches))) {
      const { p50, p95 } = await timed(server, path);
      rows.push({ question, batches: figure(batches), "p50 ms": p50, "p95 ms": p95 });
      console.error(question, batches, p50.toFixed(1), p95.toFixed(1));
    }
    await server.stop();
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
rows.sort((a, b) => (String(a["question"]) < String(b["question"]) ? -1 : String(a["question"]) > String(b["question"]) ? 1 : 0));
report("Monitoring and lists by number of batches", rows, [
  `${rounds} requests one after the other, each over HTTP with a connection that stays open.`,
]);
