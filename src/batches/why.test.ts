import { defineOperation, OperationError } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, describe, expect, it } from "vitest";
import { whyNotDone } from "./why.ts";

let yard: TestYard;
afterEach(() => yard.close());

const items = (count: number): object[] => Array.from({ length: count }, () => ({}));
const work = defineOperation({
  name: "work",
  async processItem(item: { fails?: boolean }) {
    await yard.clock.wait(10_000);
    if (item.fails === true) throw new OperationError("busy", { category: "transient", retryAfterMs: 60_000 });
    return { result: 1 };
  },
});
const open = async (settings: Record<string, string> = {}): Promise<TestYard> =>
  (yard = await createTestYard({ operations: [work], settings }));
const codes = async (id: string): Promise<string[]> => (await yard.why(id)).reasons.map((reason) => reason.code);

/** Every reason is made to happen; breaker_open is in src/engine/limits/breaker.test.ts. */
describe("why a batch is not done", () => {
  it("paused, and nothing else that only waits for it", async () => {
    await open();
    const { id } = await yard.createBatch({ operation: "work", items: items(3) });
    await yard.pauseBatch(id);
    expect(await yard.why(id)).toMatchObject({
      state: "paused",
      reasons: [{ code: "paused", message: "The batch is paused; resume it to go on" }],
    });
  });

  it("over its budget: what runs may end", async () => {
    const priced = defineOperation({
      name: "priced",
      async processItem(item: { waits: number }) {
        await yard.clock.wait(item.waits);
        return { result: 1, cost: 0.5 };
      },
    });
    yard = await createTestYard({ operations: [priced] });
    const slow = [{ waits: 1 }, { waits: 20_000 }, { waits: 1 }];
    const { id } = await yard.createBatch({ operation: "priced", items: slow, options: { budgetUsd: 0.5, batchSize: 1, concurrency: 8 } });
    await yard.advance(5000);
    const [first, ...others] = (await yard.why(id)).reasons;
    expect(first).toMatchObject({ code: "over_budget", message: expect.stringMatching(/of 0\.5 USD/) as string });
    expect(others.map((reason) => reason.code)).toEqual(["running"]);
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed" });
  });

  it("running, by whom; a limit of its own; then done", async () => {
    await open();
    const { id } = await yard.createBatch({ operation: "work", items: items(8), options: { concurrency: 2, batchSize: 2 } });
    await yard.advance(1);
    const { reasons } = await yard.why(id);
    expect(reasons).toMatchObject([
      { code: "running", chunks: 1, message: expect.stringMatching(/^local:embedded:\d+ is working on 1 chunk$/) as string },
      { code: "concurrency_limit", chunks: 3, message: "3 chunks wait because only 2 items may run at once" },
    ]);
    await yard.runToEnd(id);
    expect(await yard.why(id)).toMatchObject({ state: "completed", reasons: [{ code: "done", message: "The batch is completed" }] });
  });

  it("waiting for a free slot", async () => {
    await open({ BATCHYARD_WORKERS: "1" });
    const first = await yard.createBatch({ operation: "work", items: items(3), options: { batchSize: 1 } });
    await yard.advance(1);
    expect(await codes(first.id)).toEqual(["running", "waiting_for_worker"]);
  });

  it("no worker at all", async () => {
    await open({ BATCHYARD_WORKERS: "0" });
    const { id } = await yard.createBatch({ operation: "work", items: items(3) });
    expect(await yard.why(id)).toMatchObject({ reasons: [{ code: "no_worker", chunks: 1 }] });
    await expect(yard.runToEnd(id)).rejects.toThrow(/no_worker/);
  });

  it("waiting for a retry, and when it comes", async () => {
    await open();
    const { id } = await yard.createBatch({ operation: "work", items: [{ fails: true }], options: { retryBackoffMs: 0 } });
    await yard.advance(11_000);
    const { reasons } = await yard.why(id);
    expect(reasons).toMatchObject([{ code: "waiting_for_retry", chunks: 1, message: "1 items wait for their next try" }]);
    expect(reasons[0]!.nextRetryAt! - yard.clock.now()).toBe(59_000);
  });

  it("waiting for another batch, by its id", async () => {
    await open();
    const first = await yard.createBatch({ operation: "work", items: items(1) });
    const second = await yard.createBatch({ operation: "work", items: items(1), depends_on: [first.id] });
    await yard.advance(1);
    expect(await yard.why(second.id)).toMatchObject({
      state: "pending",
      reasons: [{ code: "waiting_for_dependency", blockedBy: [first.id] }],
    });
  });

  it("its worker was lost", async () => {
    await open();
    const { id } = await yard.createBatch({ operation: "work", items: items(2), options: { executor: "external" } });
    await yard.parts.engine.external.lease({ tenant: "default" }, { worker: "w", max: 1, leaseMs: 5000 });
    expect(await codes(id)).toEqual(["running"]);
    await yard.advance(7000);
    expect(await yard.why(id)).toMatchObject({ reasons: [{ code: "lease_lost", chunks: 1 }, { code: "waiting_for_worker" }] });
  });

  it("the operation is gone", async () => {
    await open();
    const { id } = await yard.createBatch({ operation: "work", items: items(2) });
    await yard.pauseBatch(id);
    // The batch outlives its operation: another process, without it, opens the same store.
    const { store } = yard.parts;
    const batch = (await store.batches.get("default", id))!;
    const signals = {
      wake() {},
      batchChanged() {},
      settled() {},
      breakerOpen: () => false,
      knows: () => false,
      slots: () => 4,
      draining: () => false,
      msPerItem: () => null,
    };
    const reasons = await whyNotDone(store, signals, { ...batch, status: "pending" }, yard.clock.now());
    expect(reasons).toMatchObject([
      { code: "no_worker", message: expect.stringContaining("a worker that knows the operation work") as string },
    ]);
  });

  it("waiting for an outside worker, and for results that were only announced", async () => {
    await open();
    const leased = await yard.createBatch({ operation: "work", items: items(1), options: { executor: "external" } });
    expect(await yard.why(leased.id)).toMatchObject({
      reasons: [{ code: "waiting_for_worker", message: "1 chunks wait for an external worker to lease them" }],
    });
    const announced = await yard.createBatch({ operation: "work", total_items: 5 });
    await yard.recordResult(announced.id, "a", true, 1);
    expect(await yard.why(announced.id)).toMatchObject({
      reasons: [{ code: "waiting_for_external_results", message: "4 results have not been reported yet" }],
    });
  });
});
