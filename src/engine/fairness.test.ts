import { defineOperation } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, describe, expect, it } from "vitest";

let yard: TestYard;
afterEach(() => yard.close());

const items = (count: number): object[] => Array.from({ length: count }, () => ({}));

describe("priorities", () => {
  it("a high batch of ten ends while a low one of a hundred thousand runs", async () => {
    const done: Record<string, number> = {};
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "work",
          async processItem(_item, ctx) {
            await yard.clock.wait(10);
            done[ctx.batchId] = (done[ctx.batchId] ?? 0) + 1;
            return { result: 1 };
          },
        }),
      ],
    });
    const large = await yard.createBatch({ operation: "work", items: items(100_000), priority: "low" });
    await yard.advance(2000);
    expect(done[large.id]).toBeGreaterThan(500);
    const small = await yard.createBatch({ operation: "work", items: items(10), priority: "high" });
    const before = yard.clock.now();
    expect((await yard.runToEnd(small.id)).status).toBe("completed");
    expect(yard.clock.now() - before).toBeLessThan(1000);
    expect(await yard.getBatch(large.id)).toMatchObject({ status: "running" });
    expect(done[large.id]).toBeLessThan(50_000);
    await yard.cancelBatch(large.id);
  });

  it("low still moves while critical work never ends", async () => {
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "work",
          async processItem() {
            await yard.clock.wait(100);
            return { result: 1 };
          },
        }),
      ],
    });
    const critical = await yard.createBatch({ operation: "work", items: items(4000), priority: "critical", options: { batchSize: 16 } });
    const low = await yard.createBatch({ operation: "work", items: items(32), priority: "low", options: { batchSize: 16 } });
    expect((await yard.runToEnd(low.id)).status).toBe("completed");
    expect((await yard.getBatch(critical.id)).status).toBe("running");
    await yard.cancelBatch(critical.id);
  });
});

describe("the size of chunks", () => {
  it("is a first guess, then so much as takes a moment at the measured speed, or what batchSize says", async () => {
    yard = await createTestYard({
      operations: [slow(1000)],
      settings: { BATCH_DEFAULT_SIZE: "40" },
    });
    const largest = async (options: Record<string, unknown> = {}): Promise<number> => {
      const { id } = await yard.createBatch({ operation: "slow", items: items(200), options });
      await yard.runToEnd(id);
      const chunks = await yard.parts.store.chunks.list("default", id, { after: 0, limit: 100 });
      return Math.max(...chunks.map((chunk) => chunk.items));
    };
    expect(await largest()).toBe(40);
    const measured = await largest();
    expect(measured).toBeGreaterThan(1);
    expect(measured).toBeLessThan(40);
    expect(await largest({ batchSize: 7 })).toBe(7);
  });
});

describe("dependencies", () => {
  it("a batch starts when those it depends on have completed, and fails with one that did not", async () => {
    const order: string[] = [];
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "step",
          processItem(item: { id: string; bad?: boolean }) {
            order.push(item.id);
            if (item.bad === true) throw Object.assign(new Error("no"), { category: "data" });
            return { result: 1 };
          },
        }),
      ],
    });
    const first = await yard.createBatch({ operation: "step", items: [{ id: "first" }] });
    const second = await yard.createBatch({ operation: "step", items: [{ id: "second" }], depends_on: [first.id] });
    const third = await yard.createBatch({
      operation: "step",
      items: [{ id: "third" }],
      depends_on: [first.id, second.id],
      priority: "critical",
    });
    expect((await yard.runToEnd(third.id)).status).toBe("completed");
    expect(order).toEqual(["first", "second", "third"]);
    const broken = await yard.createBatch({ operation: "step", items: [{ id: "broken", bad: true }] });
    const after = await yard.createBatch({ operation: "step", items: [{ id: "never" }], depends_on: [broken.id] });
    expect(await yard.runToEnd(after.id)).toMatchObject({
      status: "failed",
      error: `Batch ${broken.id}, which this one depends on, ended as failed`,
    });
    expect(order).not.toContain("never");
    await expect(
      yard.createBatch({ operation: "step", items: [{ id: "x" }], depends_on: ["batch_0000000000000_aaaaaaaaa"] }),
    ).rejects.toMatchObject({ code: "unknown_dependency" });
  });
});

const CALLER = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;
/** An operation whose items take so many milliseconds each. */
const slow = (ms: number, more: { concurrency?: number } = {}) =>
  defineOperation({
    name: "slow",
    ...more,
    async processItem() {
      await yard.clock.wait(ms);
      return { result: 1 };
    },
  });

describe("chunks whose size the engine chooses", () => {
  it("are cut after two seconds of slow items, and what is left gets a fitting size", async () => {
    const sizes: number[] = [];
    yard = await createTestYard({
      settings: { BATCHYARD_WORKERS: "2" },
      operations: [slow(500, { concurrency: 4 })],
    });
    const { id } = await yard.createBatch({ operation: "slow", items: items(100) });
    await yard.advance(0);
    sizes.push(...(await yard.parts.batches.chunks(CALLER, id, { after: 0, limit: 10 })).map((chunk) => chunk.items));
    expect(sizes).toEqual([50, 50]);
    await yard.advance(3000);
    const after = await yard.parts.batches.chunks(CALLER, id, { after: 0, limit: 100 });
    expect(after.slice(0, 2)).toMatchObject([{ state: "done" }, { state: "done" }]);
    // 4 lanes of 0.5 s an item do 12 items in the 1.5 s that a piece is meant to take.
    expect(after.slice(2).every((chunk) => chunk.items >= 4 && chunk.items <= 12)).toBe(true);
    expect(await yard.runToEnd(id)).toMatchObject({ succeeded_items: 100, retried_items: 0 });
    expect(await yard.parts.batches.reconcile(CALLER, id)).toMatchObject({ ok: true });
    // The speed is known now: 1.5 s of work are 12 items.
    const next = await yard.createBatch({ operation: "slow", items: items(48) });
    const cut = await yard.parts.batches.chunks(CALLER, next.id, { after: 0, limit: 100 });
    expect(cut.map((chunk) => chunk.items)).toEqual([12, 12, 12, 12]);
    await yard.cancelBatch(next.id);
  });

  it("keep the size the batch asks for", async () => {
    yard = await createTestYard({
      operations: [slow(1000)],
    });
    const { id } = await yard.createBatch({ operation: "slow", items: items(60), options: { batchSize: 60, concurrency: 4 } });
    await yard.runToEnd(id);
    expect(await yard.parts.batches.chunks(CALLER, id, { after: 0, limit: 100 })).toMatchObject([{ items: 60, settled: 60 }]);
  });

  it("commit what is done at checkpoints, under the same lease", async () => {
    yard = await createTestYard({
      operations: [slow(400)],
    });
    const { id } = await yard.createBatch({ operation: "slow", items: items(10), options: { batchSize: 10, concurrency: 1 } });
    await yard.advance(900);
    expect((await yard.getBatch(id)).succeeded_items).toBe(0);
    await yard.advance(150);
    expect((await yard.getBatch(id)).succeeded_items).toBe(2);
    await yard.advance(1000);
    expect((await yard.getBatch(id)).succeeded_items).toBe(4);
    await yard.runToEnd(id);
  });
});
