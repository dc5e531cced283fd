/**
 * Monitoring and lists with 10³ to 10⁶ batches in the store: what a request costs must not grow with history.
 *
 *   node --conditions=batchyard-source bench/monitoring.ts [--batches 1000,10000,100000,1000000] [--rounds 50] [--save]
 *
 * The batches are rows of thirty days, four operations and every state, written straight into the tables; their sums are then
 * filled by the code that `batchyard doctor --rebuild` uses. Everything measured goes over HTTP to a server of its own process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { figure, percentile, report, type Row } from "./support/report.ts";
import { seedBatches } from "./support/seeded-store.ts";
import { serve, type Server, TOKEN as token } from "./support/served.ts";

const { values } = parseArgs({
  options: {
    batches: { type: "string", default: "1000,10000,100000,1000000" },
    rounds: { type: "string", default: "50" },
    save: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const DAY = 86_400_000;

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

  "analysis of errors, 30 days": "/api/admin/batch-monitoring/analysis/errors?timeRange=30d",
  "analysis of errors, 24 h": "/api/admin/batch-monitoring/analysis/errors",
  "slowest jobs, 30 days": "/api/admin/batch-monitoring/analysis/slow?timeRange=30d",
  "slowest jobs, 1 h": "/api/admin/batch-monitoring/analysis/slow?timeRange=1h",
  "analysis of sizes, 30 days": "/api/admin/batch-monitoring/analysis/sizes?timeRange=30d",
  "failures, 24 h": "/api/system/failures",
  overview: "/api/system/overview",
  "waits, 30 days": "/api/system/history?metric=batch_wait_seconds&range=30d",
  "history, page 1": "/api/batch/history?limit=50",
  "history, row 90 %": `/api/batch/history?limit=50&offset=${Math.floor(batches * 0.9)}`,
  "history, a name that many have": "/api/batch/history?limit=50&name=import",
  "history, a name that none has": "/api/batch/history?limit=50&name=nowhere",
  "history, a tag": "/api/batch/history?limit=50&tag=nightly",
  "history, a tag that none has": "/api/batch/history?limit=50&tag=nowhere",
  "history, a stream": "/api/batch/history?limit=50&stream=stream-1",
  "history, a key and state": "/api/batch/history?limit=50&key=key-7&status=cancelled",
  "history, an error code": "/api/batch/history?limit=50&error=code_7",
  "history, 7 days, failed": `/api/batch/history?limit=50&status=failed&createdAfter=${new Date(Date.now() - 7 * DAY).toISOString()}`,
});

const rows: Row[] = [];
for (const batches of values.batches.split(",").map(Number)) {
  const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
  try {
    await seedBatches(data, batches);
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
