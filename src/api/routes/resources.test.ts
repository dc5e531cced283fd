import { hostname, totalmem } from "node:os";
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { resourcesAnswer } from "../contract/resources.ts";
import type { workersAnswer } from "../contract/workers.ts";
import { startPeer } from "../../../test/support/openai-peer/peer.ts";
import { serve, type Served } from "../server.fixture.ts";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const get = async <T extends z.ZodType>(url: string, headers: Record<string, string> = {}): Promise<z.output<T>> =>
  JSON.parse((await served.send({ url, headers })).text) as z.output<T>;
const resources = () => get<typeof resourcesAnswer>("/api/system/resources");

async function run(items: number): Promise<void> {
  const made = await served.create({ operation: "echo", items: Array.from({ length: items }, (_, n) => ({ id: `i${n}` })) });
  await served.event("batch.completed", made);
}

describe("GET /api/system/resources", () => {
  it("tells what the store is and does, and what this server has none of", async () => {
    const before = (await resources()).store!;
    await run(500);
    const { store, redis, process: own } = await resources();
    expect(redis).toBeNull();
    expect(store).toMatchObject({ kind: "sqlite", connections: 1, waiting: null });
    expect(store!.transactions).toBeGreaterThan(before.transactions);
    expect(store!.busy_seconds).toBeGreaterThan(before.busy_seconds);
    expect(store!.busy_seconds).toBeLessThan(own!.uptime_seconds);
    expect(store!.log_bytes).toBe(statSync(join(served.yard.config.data, "batchyard.db-wal")).size);
    expect(store!.disk_free_bytes).toBeGreaterThan(0);
    expect(store!.free_bytes).toBeLessThanOrEqual(store!.bytes);
  });

  it("tells what the process takes", async () => {
    const { process: own } = await resources();
    expect(own).toMatchObject({ pid: process.pid });
    expect(own!.rss_bytes).toBeGreaterThan(own!.heap_used_bytes);
    expect(own!.heap_limit_bytes).toBeGreaterThan(own!.heap_used_bytes);
    expect(own!.cpu_seconds).toBeGreaterThan(0);
    expect(own!.cpu_percent).toBeGreaterThanOrEqual(0);
  });

  it("counts hits, misses and memory of the caches there are", async () => {
    const cache = async (name: string) => (await resources()).caches!.find((each) => each.name === name)!;
    expect((await resources()).caches!.map(({ name }) => name)).toEqual([
      "statements",
      "batch_statistics",
      "bucket_sketches",
      "price_sheets",
    ]);
    expect(await cache("price_sheets")).toEqual({
      name: "price_sheets",
      entries: 0,
      limit: 1000,
      hits: 0,
      misses: 0,
      hit_ratio: null,
      bytes: null,
    });
    await run(10);
    const now = served.yard.clock.now();
    const day = { tenant: "default", from: now - (now % 86_400_000), to: now - (now % 86_400_000) + 86_400_000 };
    const look = () => served.yard.store.monitor.times(day, "run", null);
    await look();
    const first = await cache("bucket_sketches");
    await look();
    const second = await cache("bucket_sketches");
    expect(first.misses).toBeGreaterThan(0);
    expect(second.hits).toBeGreaterThan(first.hits);
    expect(second.entries).toBeGreaterThan(0);
    expect(second.bytes).toBeGreaterThan(second.entries * 300);
    const statements = await cache("statements");
    expect(statements.hits / (statements.hits + statements.misses)).toBeCloseTo(statements.hit_ratio!, 1);
    await run(10);
    const later = await cache("statements");
    expect(later.hits).toBeGreaterThan(statements.hits);
    expect(later.hit_ratio).toBeGreaterThan(statements.hit_ratio!);
  });

  it("is for the tenant whose server it is; others see their own workers only", async () => {
    const headers = { authorization: `Bearer ${await served.key("viewer", "another")}` };
    const answer = await get<typeof resourcesAnswer>("/api/system/resources", headers);
    expect(answer).toMatchObject({ store: null, caches: null, process: null, providers: null });
    expect(answer.workers).toMatchObject([{ kind: "local", chunks_done: null, memory: null, event_loop_lag_p99_seconds: null }]);
  });
});

describe("GET /api/system/workers", () => {
  it("says what each has done, and of its own process what memory it has", async () => {
    await run(20);
    const body = { operation: "echo", items: [{ id: "a" }], options: { executor: "external" } };
    await served.create(body);
    const post = async (url: string, payload: object) => JSON.parse((await served.send({ method: "POST", url, payload })).text) as unknown;
    const { chunks } = (await post("/api/external/lease", { worker: "w1", max: 1 })) as { chunks: { chunk: number; fence: number }[] };
    const workers = () => get<typeof workersAnswer>("/api/system/workers");
    const outside = async () => (await workers()).workers.find(({ kind }) => kind === "external");
    expect(await outside()).toMatchObject({ chunks_done: 0, running: 1, memory: null });
    const { chunk, fence } = chunks[0]!;
    await post("/api/external/results", { chunk, fence, results: [{ key: "a", result: 1 }], done: true });
    expect(await outside()).toMatchObject({ chunks_done: 1, running: 0 });
    const local = (await workers()).workers.find(({ kind }) => kind === "local")!;
    expect(local.chunks_done).toBeGreaterThan(0);
    expect(local.memory!.rss_bytes).toBeGreaterThan(10_000_000);
  });

  it("says the version and the machine of each: measured for its own, as told for one of outside", async () => {
    const workers = async () => (await get<typeof workersAnswer>("/api/system/workers")).workers;
    const told = { version: "1.2.3", host: "mill", cpuPercent: 40, rssBytes: 5_000_000, eventLoopLagMs: 12, hostCpuPercent: 80 };
    const lease = (process: object) => served.send({ method: "POST", url: "/api/external/lease", payload: { worker: "w2", process } });
    expect((await lease(told)).status).toBe(200);
    expect((await lease({ hostCpuPercent: 101 })).status).toBe(400);
    const of = async (id: string) => (await workers()).find((worker) => worker.id === id);
    const shown = {
      version: "1.2.3",
      cpu_percent: 40,
      event_loop_lag_p99_seconds: 0.012,
      memory: { rss_bytes: 5_000_000, heap_used_bytes: null },
    };
    const host = { name: "mill", cpu_percent: 80, memory_bytes: null, memory_free_bytes: null };
    expect(await of("external:w2")).toMatchObject({ ...shown, host });
    // Who says nothing the next time has not become another.
    await served.send({ method: "POST", url: "/api/external/lease", payload: { worker: "w2" } });
    expect(await of("external:w2")).toMatchObject({ version: "1.2.3", host });
    const own = (await workers()).find(({ kind }) => kind === "local")!;
    expect(own).toMatchObject({ version: "0.0.0-test", host: { name: hostname(), memory_bytes: totalmem() } });
    expect(own.cpu_percent).toBeGreaterThan(0);
    expect(own.host!.cpu_percent).toBeGreaterThan(0);
    expect(own.host!.memory_free_bytes).toBeLessThan(own.host!.memory_bytes!);
  });

  it("takes more or fewer slots, and a chunk from whoever works on it; another tenant's admin can not", async () => {
    const post = (url: string, payload: object, headers = {}) => served.send({ method: "POST", url, payload, headers });
    const own = served.yard.engine.id;
    const resize = `/api/system/workers/${encodeURIComponent(own)}/resize`;
    expect((await post(resize, { slots: 3 })).json).toMatchObject({ worker: { slots: 3 } });
    expect((await post(resize, { slots: 257 })).status).toBe(400);
    await post("/api/external/lease", { worker: "w2" });
    expect((await post("/api/system/workers/external:w2/resize", { slots: 3 })).json).toMatchObject({ code: "worker_resized_there" });
    const stranger = { authorization: `Bearer ${await served.key("admin", "another")}` };
    expect((await post(resize, { slots: 1 }, stranger)).status).toBe(403);
    expect((await post(resize, { slots: 0 })).json).toMatchObject({ worker: { status: "off" } });
    const waiting = await served.create({ operation: "echo", items: [{ id: "a" }] });
    await post(resize, { slots: 2 });
    await served.event("batch.completed", waiting);

    const batch = await served.create({ operation: "echo", items: [{ id: "a" }], options: { executor: "external" } });
    const lease = async () =>
      ((await post("/api/external/lease", { worker: "w3" })).json as unknown as { chunks: { chunk: number; fence: number }[] }).chunks[0]!;
    const { chunk, fence } = await lease();
    const revoke = (headers = {}) => served.send({ method: "DELETE", url: `/api/system/workers/chunks/${chunk}`, headers });
    expect((await revoke(stranger)).status).toBe(404);
    expect((await revoke()).json).toMatchObject({ chunk, worker: "external:w3" });
    expect((await revoke()).json).toMatchObject({ code: "chunk_not_held" });
    const results = [{ key: "a", result: 1 }];
    expect((await post("/api/external/results", { chunk, fence, results, done: true })).json).toMatchObject({ code: "lease_lost" });
    const again = await lease();
    expect(again).toMatchObject({ chunk, attempt: 0 });
    await post("/api/external/results", { chunk, fence: again.fence, results, done: true });
    await served.event("batch.completed", batch);
  });
});

describe("/metrics", () => {
  it("has the same figures", async () => {
    await run(5);
    const { text } = await served.send({ url: "/metrics" });
    const value = (series: string): number =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.split(" ")[1],
      );
    const { store, caches } = await resources();
    expect(value("batchyard_store_connections")).toBe(1);
    expect(value("batchyard_store_busy_seconds_total")).toBeGreaterThan(0);
    expect(value("batchyard_store_transactions_total")).toBeLessThanOrEqual(store!.transactions);
    expect(value("batchyard_disk_free_bytes")).toBeGreaterThan(0);
    expect(value("batchyard_worker_chunks_total")).toBeGreaterThan(0);
    for (const { name, entries } of caches!.filter((cache) => cache.name !== "statements"))
      expect([name, value(`batchyard_cache_entries{cache="${name}"}`)]).toEqual([name, entries]);
  });
});

describe("limits of a provider", () => {
  it("are used as much as the provider itself accounts for, in the resources and the metrics of the server's own tenant", async () => {
    const peer = await startPeer();
    await served.close();
    const limits = { requestsPerMinute: 50, tokensPerMinute: 100_000, enqueuedTokens: 2_000 };
    served = await serve({ providers: { openai: { baseURL: peer.baseURL, apiKey: "sk-of-the-tests", batch: true, limits } } });
    const items = [1, 2, 3].map((n) => ({ id: `${n}`, text: `Text number ${n} that somebody wrote` }));
    const options = { model: "gpt-4o-mini", prompt: "Describe {{text}}", schema: { type: "object" } };
    const create = (provider: string) =>
      served.create({ operation: "annotate", items, options: { ...options, provider, retryAttempts: 0 } });
    const metrics = async (key?: string): Promise<string> =>
      (await served.send({ url: "/metrics", ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }) })).text;
    const value = (text: string, series: string): number | null => {
      const line = text.split("\n").find((each) => each.startsWith(`batchyard_${series} `));
      return line === undefined ? null : Number(line.split(" ").at(-1));
    };
    const once = await create("openai");
    await served.event("batch.completed", once);
    const { billed } = await peer.record();
    expect(billed).toHaveLength(3);
    const tokens = billed.reduce((sum, { usage }) => sum + usage.input + usage.output, 0);
    const online = await resources();
    expect(online.providers!.rates).toEqual([
      { provider: "openai", unit: "requests", used: 3, limit: 50 },
      { provider: "openai", unit: "tokens", used: tokens, limit: 100_000 },
    ]);
    expect(online.providers!.requests).toMatchObject([{ provider: "openai", model: "gpt-4o-mini", under_way: 0 }]);
    const said = await metrics();
    expect(value(said, 'provider_rate_use_ratio{provider="openai",unit="requests"}')).toBeCloseTo(3 / 50, 6);
    expect(value(said, 'provider_rate_use_ratio{provider="openai",unit="tokens"}')).toBeCloseTo(tokens / 100_000, 6);
    expect(value(said, 'provider_requests{provider="openai",model="gpt-4o-mini"}')).toBe(0);

    await create("openai-batch");
    await peer.seen("batches.create");
    const [enqueued] = (await resources()).providers!.enqueued_tokens;
    expect(enqueued).toMatchObject({ provider: "openai", model: "gpt-4o-mini", limit: 2_000 });
    const held = await metrics();
    expect(value(held, 'provider_enqueued_tokens{provider="openai",model="gpt-4o-mini"}')).toBe(enqueued!.tokens);
    expect(value(held, 'provider_enqueued_tokens_limit{provider="openai",model="gpt-4o-mini"}')).toBe(2_000);
    expect(await metrics(await served.key("admin", "another"))).not.toMatch(/^batchyard_provider_/m);
    await peer.advance(Infinity);
    const prompts = (await peer.record()).billed.filter(({ batchId }) => batchId !== null);
    expect(prompts).toHaveLength(3);
    // Reckoned before anything was sent: never less than what the provider counts, and not much more.
    const counted = prompts.reduce((sum, { usage }) => sum + usage.input, 0);
    expect(enqueued!.tokens).toBeGreaterThanOrEqual(counted);
    expect(enqueued!.tokens).toBeLessThan(counted * 3);
    await served.close();
    await peer.close();
    served = await serve();
  });
});
