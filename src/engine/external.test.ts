import { defineOperation } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heartbeatBody } from "../api/contract/external.ts";
import type { ExternalChunk } from "./external.ts";

const tenant = { tenant: "default" };
const caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;
const items = (count: number): { id: string }[] => Array.from({ length: count }, (_, i) => ({ id: `i${i}` }));

let yard: TestYard;
beforeEach(async () => {
  yard = await createTestYard({ operations: [defineOperation({ name: "outside", processItem: () => ({ result: "inside" }) })] });
});
afterEach(() => yard.close());

const create = async (count: number, options: Record<string, unknown> = {}): Promise<string> =>
  (await yard.createBatch({ operation: "outside", items: items(count), options: { executor: "external", ...options } })).id;
const lease = async (worker: string, max = 1, leaseMs = 60_000) =>
  (await yard.parts.engine.external.lease(tenant, { worker, max, leaseMs })).chunks;
const settle = (chunk: ExternalChunk, keys: string[], done = true) =>
  yard.parts.engine.external.settle(tenant, {
    chunk: chunk.chunk,
    fence: chunk.fence,
    results: keys.map((key) => ({ key, result: `by worker: ${key}` })),
    done,
  });
const keysOf = (chunk: ExternalChunk): string[] => chunk.items.map((item) => item.key);

describe("external workers", () => {
  it("never share a chunk, and end the batch together", async () => {
    const id = await create(100, { batchSize: 10 });
    await yard.advance(10_000);
    expect(await yard.getBatch(id)).toMatchObject({ status: "pending", processed_items: 0 });
    const [a, b] = await Promise.all([lease("a", 6), lease("b", 6)]);
    expect([...a, ...b].map((chunk) => chunk.chunk)).toHaveLength(10);
    expect(new Set([...a, ...b].map((chunk) => chunk.chunk)).size).toBe(10);
    expect(await lease("c")).toEqual([]);
    for (const chunk of [...a, ...b]) expect(await settle(chunk, keysOf(chunk))).toEqual({ accepted: 10, retried: 0, open: 0 });
    expect(await yard.getBatch(id)).toMatchObject({ status: "completed", succeeded_items: 100 });
    expect(await yard.parts.batches.reconcile(caller, id)).toMatchObject({ ok: true, settled: 100 });
  });

  it("settle in parts under one lease; what is settled is not handed out again", async () => {
    const id = await create(5);
    const [chunk] = await lease("a", 1, 10_000);
    expect(await settle(chunk!, ["i0", "i1"], false)).toEqual({ accepted: 2, retried: 0, open: 3 });
    expect(await settle(chunk!, ["i1"], false)).toEqual({ accepted: 0, retried: 0, open: 3 });
    await yard.advance(12_000);
    const [again] = await lease("b");
    expect(again!.fence).toBeGreaterThan(chunk!.fence);
    expect(keysOf(again!)).toEqual(["i2", "i3", "i4"]);
    await expect(settle(chunk!, ["i2"])).rejects.toMatchObject({ code: "lease_lost" });
    await settle(again!, ["i2", "i3", "i4"]);
    expect(await yard.getBatch(id)).toMatchObject({ status: "completed", succeeded_items: 5 });
  });

  it("may send parts of one chunk at the same time", async () => {
    const id = await create(20);
    const [chunk] = await lease("a");
    const parts = [0, 5, 10, 15].map((from) => keysOf(chunk!).slice(from, from + 5));
    const answers = await Promise.all(parts.map((keys) => settle(chunk!, keys, false)));
    expect(answers.map((answer) => answer.accepted)).toEqual([5, 5, 5, 5]);
    await settle(chunk!, []);
    expect(await yard.getBatch(id)).toMatchObject({ status: "completed", succeeded_items: 20 });
  });

  it("keep a lease by heartbeats, and lose it without", async () => {
    const id = await create(2);
    const [chunk] = await lease("a", 1, 10_000);
    const held = { chunk: chunk!.chunk, fence: chunk!.fence };
    for (let i = 0; i < 5; i++) {
      await yard.advance(8000);
      expect(await yard.parts.engine.external.heartbeat(tenant, { leases: [held], leaseMs: 10_000 })).toEqual({
        held: [held.chunk],
        lost: [],
      });
    }
    expect((await yard.why(id)).reasons).toMatchObject([{ code: "running", worker: "external:a" }]);
    await yard.advance(12_000);
    expect(await yard.parts.engine.external.heartbeat(tenant, { leases: [held], leaseMs: 10_000 })).toEqual({
      held: [],
      lost: [held.chunk],
    });
    expect((await yard.why(id)).reasons).toMatchObject([{ code: "lease_lost" }, { code: "waiting_for_worker" }]);
  });

  it("hand back what they have not done, which costs no try and names no suspect", async () => {
    const id = await create(4);
    const [chunk] = await lease("a");
    const request = { chunk: chunk!.chunk, fence: chunk!.fence, results: [{ key: "i1", result: 1 }], done: true, handBack: true };
    expect(await yard.parts.engine.external.settle(tenant, request)).toEqual({ accepted: 1, retried: 0, open: 3 });
    const [again] = await lease("b");
    expect(again).toMatchObject({ attempt: 0, items: [{ key: "i0" }, { key: "i2" }, { key: "i3" }] });
    expect(await yard.parts.batches.chunks(caller, id, { after: 0, limit: 5 })).toMatchObject([{ crashes: 0, attempt: 0 }]);
    await expect(yard.parts.engine.external.settle(tenant, request)).rejects.toMatchObject({ code: "lease_lost" });
  });

  it("failures are retried by their category; a missing answer fails", async () => {
    const id = await create(4, { retryAttempts: 1, retryBackoffMs: 1000 });
    const [chunk] = await lease("a");
    const results = [
      { key: "i0", error: "busy", category: "transient" as const },
      { key: "i1", error: "wrong", errorCode: "bad_row", category: "data" as const },
      { key: "i2", result: { ok: true }, durationMs: 12, qualityScore: 0.5, cost: 0.25 },
    ];
    const first = await yard.parts.engine.external.settle(tenant, { chunk: chunk!.chunk, fence: chunk!.fence, results, done: true });
    expect(first).toEqual({ accepted: 3, retried: 1, open: 0 });
    await yard.advance(1000);
    const [again] = await lease("a");
    expect(again).toMatchObject({ attempt: 1, items: [{ key: "i0", idempotencyKey: `${id}:1:i0` }] });
    // The last try is final, whatever its category.
    const last = { chunk: again!.chunk, fence: again!.fence, results: [results[0]!], done: true };
    expect(await yard.parts.engine.external.settle(tenant, last)).toEqual({ accepted: 1, retried: 0, open: 0 });
    expect(await yard.getBatch(id)).toMatchObject({ status: "completed", succeeded_items: 1, failed_items: 3, cost: 0.25 });
    const failed = await Array.fromAsync(yard.results(id, { success: false }));
    expect(Object.fromEntries(failed.map((result) => [result.nodeId, result.errorCode]))).toEqual({
      i0: "item_failed",
      i1: "bad_row",
      i3: "result_missing",
    });
  });

  it("is told at once when its batch was cancelled", async () => {
    const id = await create(3);
    const [chunk] = await lease("a");
    await yard.cancelBatch(id);
    await expect(settle(chunk!, keysOf(chunk!))).rejects.toMatchObject({ code: "lease_lost" });
    expect(await yard.getBatch(id)).toMatchObject({ status: "cancelled", succeeded_items: 0 });
  });

  it("sees no other tenant's chunks", async () => {
    await create(1);
    expect(await yard.parts.engine.external.lease({ tenant: "other" }, { worker: "x", max: 5, leaseMs: 1000 })).toMatchObject({
      chunks: [],
    });
    const [chunk] = await lease("a");
    const request = { chunk: chunk!.chunk, fence: chunk!.fence, results: [{ key: "i0", result: 1 }], done: true };
    await expect(yard.parts.engine.external.settle({ tenant: "other" }, request)).rejects.toMatchObject({ code: "lease_lost" });
  });

  it("an unknown key is refused, and nothing of the request counts", async () => {
    const id = await create(2);
    const [chunk] = await lease("a");
    await expect(settle(chunk!, ["i0", "x"])).rejects.toMatchObject({ code: "validation_failed" });
    expect(await yard.getBatch(id)).toMatchObject({ processed_items: 0 });
  });
});

describe("a stall", () => {
  const stalledAt = async (): Promise<number[]> =>
    (await yard.parts.store.events.read(0, 10_000)).filter((event) => event.type === "chunk.stalled").map((event) => event.ts);

  it("is declared 12 to 13 s after the last heartbeat, whenever that comes between two ticks", async () => {
    for (const phase of [0, 1, 250, 500, 999, 1000, 1333]) {
      const before = (await stalledAt()).length;
      const id = await create(1);
      const [chunk] = await lease("a");
      await yard.clock.advance(4000 + phase);
      const { leases, leaseMs } = heartbeatBody.parse({ leases: [{ chunk: chunk!.chunk, fence: chunk!.fence }] });
      await yard.parts.engine.external.heartbeat(tenant, { leases, leaseMs });
      const lastHeard = yard.clock.now();
      await yard.clock.advance(15_000);
      const declared = (await stalledAt()).slice(before);
      expect(declared).toHaveLength(1);
      expect(declared[0]! - lastHeard).toBeGreaterThanOrEqual(12_000);
      expect(declared[0]! - lastHeard).toBeLessThanOrEqual(13_001);
      await yard.parts.store.batches.end("default", id, "cancelled", null, yard.clock.now());
    }
  });

  it("is not declared while heartbeats wait behind a blocked event loop", async () => {
    await create(2, { batchSize: 1 });
    const [chunk, silent] = await lease("a", 2, 12_000);
    const held = { leases: [{ chunk: chunk!.chunk, fence: chunk!.fence }], leaseMs: 12_000 };
    await yard.clock.advance(4500);
    // Blocked for longer than the lease still lasts: the late tick comes first, then the heartbeats that were sent meanwhile.
    await yard.clock.skipTo(yard.clock.now() + 8000);
    expect(await yard.parts.engine.external.heartbeat(tenant, held)).toEqual({ held: [chunk!.chunk], lost: [] });
    await yard.clock.advance(2000);
    expect(await stalledAt()).toHaveLength(1);
    expect(await yard.parts.engine.external.heartbeat(tenant, held)).toEqual({ held: [chunk!.chunk], lost: [] });
    await expect(settle(silent!, keysOf(silent!))).rejects.toMatchObject({ code: "lease_lost" });
  });

  it("is declared by a server whose every tick is late", async () => {
    await create(1);
    await lease("a", 1, 12_000);
    for (let tick = 0; tick < 6; tick++) await yard.clock.skipTo(yard.clock.now() + 4000);
    expect(await stalledAt()).toHaveLength(1);
  });
});
