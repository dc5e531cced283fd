import { defineOperation } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, describe, expect, it } from "vitest";
import { Budget } from "./budget.ts";

const caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;

let yard: TestYard;
afterEach(() => yard.close());

const items = (count: number): { id: string }[] => Array.from({ length: count }, (_, i) => ({ id: `i${i}` }));

/** An operation whose items cost a tenth of a dollar each and take a second. */
const asking = () =>
  defineOperation({
    name: "ask",
    async processItem(_: unknown, ctx) {
      await yard.clock.wait(1000, ctx.signal);
      return { result: 1, cost: 0.1 };
    },
  });

describe("budgetUsd", () => {
  it("stops a batch when it is spent: what has not started fails, what runs ends", async () => {
    yard = await createTestYard({ operations: [asking()] });
    const { id } = await yard.createBatch({
      operation: "ask",
      items: items(20),
      options: { budgetUsd: 0.5, batchSize: 4, concurrency: 2, timeout: 60_000 },
    });
    const batch = await yard.runToEnd(id);
    // Two at once: the sixth was already on its way when the fifth spent the last of it.
    expect(batch).toMatchObject({ status: "completed", succeeded_items: 6, failed_items: 14 });
    expect(batch.cost).toBeCloseTo(0.6, 9);
    expect(batch.error).toBe("The budget of the batch is spent: 0.6 of 0.5 USD");
    const [group] = await yard.parts.batches.errors(caller, id);
    expect(group).toMatchObject({ code: "budget_exceeded", count: 14 });
  });

  it("is not reached by a batch that costs less, and holds over retries", async () => {
    yard = await createTestYard({ operations: [asking()] });
    const { id } = await yard.createBatch({ operation: "ask", items: items(4), options: { budgetUsd: 0.41, timeout: 60_000 } });
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 4, failed_items: 0, error: null });
  });

  it("of nothing lets run what costs nothing, and stops at the first cent", async () => {
    yard = await createTestYard({
      operations: [
        defineOperation({ name: "gift", processItem: () => ({ result: 1 }) }),
        defineOperation({ name: "ask", processItem: () => ({ result: 1, cost: 0.01 }) }),
      ],
    });
    const free = await yard.createBatch({ operation: "gift", items: items(3), options: { budgetUsd: 0 } });
    expect(await yard.runToEnd(free.id)).toMatchObject({ status: "completed", succeeded_items: 3 });
    const paid = await yard.createBatch({ operation: "ask", items: items(3), options: { budgetUsd: 0, concurrency: 1 } });
    expect(await yard.runToEnd(paid.id)).toMatchObject({ succeeded_items: 1, failed_items: 2 });
  });

  it("is refused where nothing has a price", async () => {
    yard = await createTestYard();
    await expect(
      yard.createBatch({ operation: "transform", items: items(1), options: { expression: "$", budgetUsd: 1 } }),
    ).rejects.toMatchObject({ code: "validation_failed" });
  });
});

describe("a budget", () => {
  it("keeps room for what is promised, and never gives more than there is", () => {
    const budget = new Budget(100);
    expect([budget.promise(60), budget.promise(50), budget.promise(40), budget.promise(1)]).toEqual([true, false, true, false]);
    // The request of 60 was answered for 10, which is committed.
    budget.release(60);
    budget.pay(10);
    expect(budget.promise(51)).toBe(false);
    budget.settled(10, 10);
    expect([budget.promise(50), budget.promise(1)]).toEqual([true, false]);
    budget.release(90);
    expect([budget.spent, budget.promise(91), budget.promise(90)]).toEqual([false, false, true]);
  });

  it("that is spent is spent, whatever is released", () => {
    const budget = new Budget(100);
    budget.seen(100);
    expect([budget.spent, budget.promise(0)]).toEqual([true, false]);
    budget.seen(20);
    expect(budget.spent).toBe(true);
  });

  it("of nothing takes promises of nothing", () => {
    const budget = new Budget(0);
    expect([budget.spent, budget.promise(0), budget.promise(1)]).toEqual([false, true, false]);
    budget.pay(1);
    expect(budget.spent).toBe(true);
  });
});
