import { defineOperation, OperationError } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;
const items = (count: number): { id: string }[] => Array.from({ length: count }, (_, i) => ({ id: `i${i}` }));

let yard: TestYard;
let started: string[];
let aborted: string[];

/** `steps` obeys its signal, `deaf` does not; both take a second an item. `picky` fails by what its items say. */
beforeEach(async () => {
  started = [];
  aborted = [];
  const step = async (item: { id: string }, signal: AbortSignal | undefined): Promise<{ result: string }> => {
    started.push(item.id);
    await yard.clock.wait(1000, signal).catch((error: unknown) => {
      aborted.push(item.id);
      throw error;
    });
    return { result: item.id };
  };
  yard = await createTestYard({
    operations: [
      defineOperation({ name: "steps", processItem: (item: { id: string }, ctx) => step(item, ctx.signal) }),
      defineOperation({ name: "deaf", processItem: (item: { id: string }) => step(item, undefined) }),
      defineOperation({
        name: "picky",
        processItem(item: { id: string; fails?: string }) {
          started.push(item.id);
          if (item.fails !== undefined && started.filter((id) => id === item.id).length === 1)
            throw new OperationError(item.fails, { code: item.fails });
          return { result: item.id };
        },
      }),
    ],
  });
});
afterEach(() => yard.close());

const row = (id: string) => yard.parts.batches.get(caller, id);

describe("pause", () => {
  it("stops starts only: what runs ends and counts; resume goes on where it was", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(10), options: { concurrency: 2 } });
    await yard.advance(1500);
    expect(started).toHaveLength(4);
    expect((await yard.pauseBatch(id)).status).toBe("paused");
    await yard.advance(3_600_000);
    expect(started).toHaveLength(4);
    expect(aborted).toEqual([]);
    expect(await yard.getBatch(id)).toMatchObject({ status: "paused", succeeded_items: 4, progress: 40 });
    expect((await yard.resumeBatch(id)).status).toBe("running");
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 10, retried_items: 0 });
    expect([...started].sort()).toEqual([...new Set(started)].sort());
    expect(started).toHaveLength(10);
  });

  it("of a batch that has not started, and resumed, leaves it pending", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(1) });
    await yard.pauseBatch(id);
    await yard.advance(5000);
    expect(started).toEqual([]);
    expect((await yard.resumeBatch(id)).status).toBe("pending");
    expect((await yard.runToEnd(id)).status).toBe("completed");
  });

  it("is refused once the batch has ended, as resume is unless paused", async () => {
    const { id } = await yard.createBatch({ operation: "picky", items: items(1) });
    await expect(yard.resumeBatch(id)).rejects.toMatchObject({ code: "invalid_state" });
    await yard.runToEnd(id);
    await expect(yard.pauseBatch(id)).rejects.toMatchObject({ code: "invalid_state" });
  });
});

describe("cancel", () => {
  it("is final: no new item starts, what runs is aborted by signal", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(20), options: { concurrency: 4 } });
    await yard.advance(2500);
    expect(started).toHaveLength(12);
    expect(await yard.cancelBatch(id)).toBe(true);
    expect(await yard.cancelBatch(id)).toBe(false);
    await yard.advance(60_000);
    expect(started).toHaveLength(12);
    expect(aborted).toHaveLength(4);
    expect(await row(id)).toMatchObject({ status: "cancelled", succeeded: 8, failed: 0, cancelled: 12, running: 0, late: 0 });
    expect(yard.parts.engine.running).toBe(0);
  });

  it("drops and counts results that come late", async () => {
    const { id } = await yard.createBatch({ operation: "deaf", items: items(20), options: { concurrency: 4 } });
    await yard.advance(2500);
    await yard.cancelBatch(id);
    await yard.advance(5000);
    expect(started).toHaveLength(12);
    expect(await row(id)).toMatchObject({ status: "cancelled", succeeded: 8, cancelled: 12, late: 4 });
    expect(await Array.fromAsync(yard.results(id))).toHaveLength(8);
  });

  it("counts results that were waiting for their commit as late too", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(20), options: { concurrency: 20, batchSize: 10 } });
    // One item a chunk has ended, its checkpoint is not due yet.
    const { id: quick } = await yard.createBatch({ operation: "steps", items: items(1) });
    await yard.runToEnd(quick);
    await yard.cancelBatch(id);
    await yard.advance(1000);
    const batch = await row(id);
    expect(batch.succeeded + batch.late + batch.cancelled).toBeGreaterThanOrEqual(20);
    expect(await Array.fromAsync(yard.results(id))).toHaveLength(batch.succeeded);
  });

  it("of a paused batch works, and everything can run again after it", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(6), options: { concurrency: 2 } });
    await yard.advance(1500);
    await yard.pauseBatch(id);
    await yard.cancelBatch(id);
    expect(await row(id)).toMatchObject({ status: "cancelled" });
    await yard.advance(5000);
    expect(await yard.retryBatch(id)).toMatchObject({ epoch: 2, status: "pending" });
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 6, failed_items: 0, epoch: 2 });
    expect(await yard.parts.batches.reconcile(caller, id)).toMatchObject({ ok: true, settled: 6 });
  });
});

describe("finish", () => {
  it("settles what is open as failed, keeps what is done, and is audited with the reason", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(6), options: { concurrency: 2 } });
    await yard.advance(2500);
    const batch = await yard.parts.batches.finish(caller, id, "the provider is gone");
    expect(batch).toMatchObject({ status: "completed", succeeded: 4, failed: 2 });
    await yard.advance(5000);
    expect(await Array.fromAsync(yard.results(id, { success: false }))).toMatchObject([
      { error: "Finished by hand: the provider is gone", errorCode: "finished_by_hand" },
      { errorCode: "finished_by_hand" },
    ]);
    const [entry] = await yard.parts.store.audit.list("default", { before: null, limit: 1 });
    expect(entry).toMatchObject({ action: "batch.finish", target: id, after: { reason: "the provider is gone" }, actor: "test" });
    expect(yard.parts.engine.running).toBe(0);
  });
});

describe("retry of an ended batch", () => {
  const mixed = [{ id: "ok" }, { id: "a1", fails: "alpha" }, { id: "a2", fails: "alpha" }, { id: "b1", fails: "beta" }];

  it("runs one group of errors again", async () => {
    const { id } = await yard.createBatch({ operation: "picky", items: mixed });
    await yard.runToEnd(id);
    const groups = await yard.parts.batches.errors(caller, id);
    expect(groups.map((group) => [group.code, group.count])).toEqual([
      ["alpha", 2],
      ["beta", 1],
    ]);
    await yard.retryBatch(id, { errorFingerprint: groups[0]!.fingerprint });
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 3, failed_items: 1, epoch: 2 });
    expect((await yard.parts.batches.errors(caller, id)).map((group) => group.code)).toEqual(["beta"]);
    expect(started.filter((key) => key === "ok" || key === "b1")).toHaveLength(2);
  });

  it("runs the keys that are named, each once however often it is named", async () => {
    const { id } = await yard.createBatch({ operation: "picky", items: mixed });
    await yard.runToEnd(id);
    await yard.retryBatch(id, { nodeIds: ["a1", "a1", "ok", "nobody"] });
    expect(await yard.runToEnd(id)).toMatchObject({ succeeded_items: 2, failed_items: 2 });
    await expect(yard.retryBatch(id, { nodeIds: ["ok"] })).rejects.toMatchObject({ code: "nothing_to_retry" });
    expect(await yard.parts.batches.reconcile(caller, id)).toMatchObject({ ok: true, settled: 4 });
  });

  it("is refused while the batch is open", async () => {
    const { id } = await yard.createBatch({ operation: "steps", items: items(1) });
    await expect(yard.retryBatch(id)).rejects.toMatchObject({ code: "invalid_state" });
  });
});
