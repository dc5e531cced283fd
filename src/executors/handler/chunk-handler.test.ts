import { defineOperation, type Item, type ItemOutcome } from "batchyard";
import { createTestYard } from "batchyard/testing";
import { afterEach, describe, expect, it } from "vitest";
import type { TestYard } from "batchyard/testing";

let yard: TestYard;
afterEach(() => yard.close());

/** The keys of every call, and the batch's results by key, of a batch handler. */
async function run(
  keys: string[],
  handler: (items: Item[], attempt: number, signal: AbortSignal) => ItemOutcome[] | Promise<ItemOutcome[]>,
  options: Record<string, unknown> = {},
) {
  const calls: string[][] = [];
  yard = await createTestYard({
    realMs: 5,
    operations: [
      defineOperation({
        name: "whole",
        processBatch(items, ctx) {
          calls.push(items.map((item) => item.key));
          return handler(items, ctx.attempt, ctx.signal);
        },
      }),
    ],
  });
  const { id } = await yard.createBatch({
    operation: "whole",
    items: keys.map((key) => ({ id: key })),
    options: { retryAttempts: 1, ...options },
  });
  const batch = await yard.runToEnd(id);
  const results = await Array.fromAsync(yard.results(id));
  return { calls, batch, results: Object.fromEntries(results.map((result) => [result.nodeId, result])) };
}

describe("processBatch", () => {
  it("settles each item by its own answer, in any order", async () => {
    const { calls, results } = await run(["a", "b", "c"], () => [
      { key: "c", result: 3, qualityScore: 0.5 },
      { key: "a", error: "broken", code: "bad_a", category: "data", result: { faults: 1 } },
      { key: "b", result: null },
    ]);
    expect(calls).toEqual([["a", "b", "c"]]);
    expect(results).toMatchObject({
      a: { success: false, error: "broken", errorCode: "bad_a", result: { faults: 1 } },
      b: { success: true, result: null },
      c: { success: true, result: 3, qualityScore: 0.5 },
    });
  });

  it("a throw fails all items of this try", async () => {
    const { calls, results } = await run(["a", "b"], (items, attempt) => {
      if (attempt === 0) throw new Error("the whole call");
      return items.map((item) => ({ key: item.key, result: "second" }));
    });
    expect(calls).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(results).toMatchObject({ a: { result: "second", retries: 1 }, b: { retries: 1 } });
  });

  it("an item left out fails with result_missing, never succeeds", async () => {
    const { calls, results } = await run(["a", "b"], () => [{ key: "a", result: 1 }]);
    expect(calls).toHaveLength(1);
    expect(results).toMatchObject({ a: { success: true }, b: { success: false, errorCode: "result_missing" } });
  });

  it.each([
    [
      "an unknown key",
      (): unknown => [
        { key: "a", result: 1 },
        { key: "x", result: 1 },
      ],
      /"x", which is not in its chunk/,
    ],
    [
      "a repeated key",
      (): unknown => [
        { key: "a", result: 1 },
        { key: "b", result: 1 },
        { key: "a", result: 2 },
      ],
      /twice for the key "a"/,
    ],
    ["no key", (): unknown => [{ result: 1 }], /which is not in its chunk/],
    ["no list", (): unknown => ({ a: 1 }), /must return an array/],
  ])("%s breaks the contract: the chunk fails", async (_name, answer, error) => {
    const { batch, results } = await run(["a", "b"], () => answer() as ItemOutcome[]);
    expect(batch.status).toBe("failed");
    expect(results).toMatchObject({ a: { errorCode: "contract_violation" }, b: { errorCode: "contract_violation" } });
    expect(results["a"]!.error).toMatch(error);
  });

  it("a retried chunk holds only the failed items", async () => {
    const { calls, batch } = await run(["a", "b", "c"], (items, attempt) =>
      items.map((item) =>
        item.key === "b" && attempt === 0 ? { key: "b", error: "later", category: "transient" } : { key: item.key, result: 1 },
      ),
    );
    expect(calls).toEqual([["a", "b", "c"], ["b"]]);
    expect(batch).toMatchObject({ succeeded_items: 3, retried_items: 1 });
  });

  it("has the time limits of its items added up, then is aborted by signal", async () => {
    let aborted = false;
    const { batch, results } = await run(
      ["a", "b", "c"],
      (_items, _attempt, signal) => {
        signal.addEventListener("abort", () => (aborted = true));
        return new Promise<never>(() => {});
      },
      { timeout: 1000, retryAttempts: 0 },
    );
    expect(aborted).toBe(true);
    expect(Date.parse(batch.completed_at!) - Date.parse(batch.started_at!)).toBe(3000);
    expect(results).toMatchObject({ a: { errorCode: "timeout", durationMs: 1000 }, b: { errorCode: "timeout" } });
  });
});
