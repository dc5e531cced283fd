import { defineOperation, OperationError } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, expect, it } from "vitest";
import type { Caller } from "../batches/service.ts";

let yard: TestYard;
afterEach(() => yard.close());

const caller: Caller = { tenant: "default", actor: "library", role: "admin", credential: null, address: null };

it("one stream: idle flush, urgent bypass, priority over a backlog, a limit, a retry, a repeated item, and a cancel, all at once", async () => {
  const calls: string[] = [];
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const work = defineOperation({
    name: "work",
    async processItem(item: { id: string; flaky?: boolean }, ctx) {
      const now = (running.get(ctx.batchId) ?? 0) + 1;
      running.set(ctx.batchId, now);
      most.set(ctx.batchId, Math.max(most.get(ctx.batchId) ?? 0, now));
      calls.push(`${item.id} ${ctx.attempt}`);
      try {
        await yard.clock.wait(1000, ctx.signal);
        if (item.flaky === true && ctx.attempt === 0) throw new OperationError("not yet", { category: "transient" });
        return { result: item.id };
      } finally {
        running.set(ctx.batchId, running.get(ctx.batchId)! - 1);
      }
    },
  });
  yard = await createTestYard({ operations: [work], settings: { BATCHYARD_WORKERS: "2" } });
  const backlog = await yard.createBatch({
    operation: "work",
    items: Array.from({ length: 2000 }, (_, n) => ({ id: `old${n}` })),
    priority: "low",
    options: { batchSize: 2, concurrency: 4 },
  });
  await yard.parts.streams.put(caller, "orders", {
    operation: "work",
    options: { priority: "high", concurrency: 1, retryAttempts: 2, retryBackoffMs: 5000 },
    keyField: "shop",
    windowSeconds: 60,
    idleTimeoutSeconds: 20,
    fastPath: { field: "score", threshold: 0.9, typeField: "label", types: ["fire"] },
  });
  await yard.advance(5000);

  const north = { shop: "north" };
  const first = await yard.push("orders", [
    { ...north, id: "n1" },
    { ...north, id: "n2", flaky: true },
  ]);
  const again = await yard.push("orders", { ...north, id: "n1" });
  expect(again.rejected.map(({ code }) => code)).toEqual(["duplicate_key"]);
  const southern = await yard.push(
    "orders",
    Array.from({ length: 30 }, (_, n) => ({ shop: "south", id: `s${n}` })),
  );
  const [northId, southId] = [first.items[0]!.batchId, southern.items[0]!.batchId];

  // Urgent: alone and at once, while the windows stay open.
  const urgent = await yard.push("orders", { ...north, id: "alarm", label: "Fire", score: 0.95 });
  expect(urgent.items[0]!.fastPath).toBe(true);
  await yard.advance(5000);
  expect(calls).toContain("alarm 0");
  expect(calls.some((call) => /^[ns]\d/.test(call))).toBe(false);
  expect(
    yard.parts.streams
      .windows(caller, "orders")
      .map(({ key }) => key)
      .sort(),
  ).toEqual(["north", "south"]);

  // Idle: both close, and go before what has waited longer.
  await yard.advance(16_000);
  expect(await yard.getBatch(northId)).toMatchObject({ close_reason: "idle", priority: "high", key: "north", total_items: 2 });
  expect(await yard.getBatch(southId)).toMatchObject({ close_reason: "idle", priority: "high", total_items: 30 });
  await yard.advance(3000);
  expect(await yard.cancelBatch(southId)).toBe(true);
  const cancelledAt = calls.length;
  expect(await yard.runToEnd(northId)).toMatchObject({ status: "completed", succeeded_items: 2, retried_items: 1 });
  expect(calls.filter((call) => call.startsWith("n"))).toEqual(["n1 0", "n2 0", "n2 1"]);
  expect(calls.slice(cancelledAt).filter((call) => call.startsWith("s"))).toEqual([]);
  expect(await yard.getBatch(southId)).toMatchObject({ status: "cancelled", failed_items: 0 });
  for (const id of [northId, southId]) expect(most.get(id)).toBe(1);
  expect(await yard.getBatch(backlog.id)).toMatchObject({ status: "running" });

  // What is pushed after it closed begins another window; a shop that was cancelled is not shut out.
  const next = await yard.push("orders", { shop: "south", id: "s0" });
  expect(next.items[0]!.batchId).not.toBe(southId);
  await yard.flush("orders", "south");
  expect(await yard.runToEnd(next.items[0]!.batchId)).toMatchObject({ status: "completed", close_reason: "manual", succeeded_items: 1 });
  await yard.cancelBatch(backlog.id);
});
