/**
 * The server of bench/bulk.ts: retries every failed batch of its store, and says what that was like for everybody else.
 *
 *   node server.ts DATA RATE WORKERS CANCEL_MS
 */
import { setTimeout as sleep } from "node:timers/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineOperation } from "batchyard";
import { loadConfig } from "../../src/config.ts";
import { startServer } from "../../src/server.ts";
import type { BulkTold } from "../bulk.ts";

const [data = "", rate = "", workers = "", cancelMs = ""] = process.argv.slice(2);
const token = "bench-token-of-sixteen-or-more";
const server = await startServer({
  config: loadConfig({
    BATCHYARD_DATA: data,
    BATCHYARD_PORT: "0",
    BATCHYARD_WORKERS: workers,
    BATCHYARD_TOKEN: token,
    LOG_LEVEL: "warn",
  }),
  operations: [defineOperation({ name: "echo", processItem: (item) => ({ result: item }) })],
});
const { store } = server.yard;

async function call<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${server.url}/api/admin/batch-monitoring/bulk${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

interface Answer {
  bulk: { id: string; status: string; total: number; done: number; failed: number; skipped: number };
}

// What a person at the dashboard waits for progress.
let seen = await store.events.lastSeq();
let ended = false;
let told = performance.now();
let longestGapMs = 0;
const heard = Promise.withResolvers<void>();
let reading = false;
store.events.onAppend(() => {
  if (reading || ended) return;
  reading = true;
  setImmediate(async () => {
    for (const event of await store.events.read(seen, 10_000)) {
      seen = event.seq;
      if (event.type !== "bulk.progress") continue;
      longestGapMs = Math.max(longestGapMs, performance.now() - told);
      told = performance.now();
      ended = event.data["status"] !== "running";
    }
    reading = false;
    if (ended) heard.resolve();
  });
});

// How far the anchor of the audit log is behind the log.
const lags: number[] = [];
const anchored = (): number => (JSON.parse(readFileSync(join(data, "audit.anchor"), "utf8")) as { seq: number }).seq;
const watchAnchor = (async () => {
  const over = heard.promise.then(() => true);
  while (!(await Promise.race([over, sleep(50, false)]))) {
    const [newest] = await store.audit.list("default", { before: null, limit: 1 });
    if (newest === undefined) continue;
    const from = performance.now();
    while (anchored() < newest.seq) await sleep(1);
    lags.push(performance.now() - from);
  }
})();

const delays = (): number[] => [50, 99, 99.9, 100].map((p) => delay.percentile(p) / 1e6);
/** Processors in use since the measurement began. */
const used = (): number => {
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / (performance.now() - startedAt);
};
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const cpu = process.cpuUsage();
const startedAt = performance.now();
if (Number(rate) === 0) {
  await sleep(10_000);
  heard.resolve();
  const idle: BulkTold = {
    total: 0,
    done: 0,
    notDone: 0,
    ms: 10_000,
    acceptedMs: 0,
    cancelledMs: 0,
    longestGapMs: 0,
    loopMs: delays(),
    anchorMs: [],
    cpu: used(),
  };
  await server.stop();
  process.send!(idle);
  process.exit();
}
const { bulk } = await call<Answer>("POST", "", {
  action: "retry",
  filter: { status: "failed", timeRange: "30d" },
  ratePerSecond: Number(rate),
});
const acceptedMs = performance.now() - startedAt;
told = performance.now();
let cancelledMs = 0;
if (Number(cancelMs) > 0) {
  await sleep(Number(cancelMs));
  const from = performance.now();
  await call("POST", `/${bulk.id}/cancel`);
  cancelledMs = performance.now() - from;
  const { done } = (await store.bulk.get("default", bulk.id))!;
  await sleep(1_000);
  if ((await store.bulk.get("default", bulk.id))!.done !== done) throw new Error("it went on after it was cancelled");
}
await heard.promise;
const ms = performance.now() - startedAt;
delay.disable();
await watchAnchor;
const cpuUsed = used();
const job = (await store.bulk.get("default", bulk.id))!;
const verdict = await store.audit.verify();
if (!verdict.ok) throw new Error(`the audit log: ${JSON.stringify(verdict.faults)}`);
const answer: BulkTold = {
  total: job.total,
  done: job.done,
  notDone: job.failed + job.skipped,
  ms,
  acceptedMs,
  cancelledMs,
  longestGapMs,
  loopMs: delays(),
  anchorMs: lags,
  cpu: cpuUsed,
};
await server.stop();
process.send!(answer);
