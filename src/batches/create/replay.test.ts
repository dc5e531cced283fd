import { defineOperation, type Operation } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ItemResult } from "../../model/item.ts";

let yard: TestYard;
afterEach(() => yard.close());

/** The same answer for the same payload, always: doubles a number, refuses odd ones where it is told to. */
const double = defineOperation({
  name: "double",
  options: z.strictObject({ refuseOdd: z.boolean().optional() }),
  processItem(item: { n: number }, ctx) {
    if (ctx.options.refuseOdd === true && item.n % 2 !== 0) throw Object.assign(new Error(`odd: ${item.n}`), { category: "data" });
    return { result: { doubled: item.n * 2 } };
  },
});
const open = async (operations: readonly Operation[] = [double]): Promise<TestYard> => (yard = await createTestYard({ operations }));

async function resultsOf(id: string): Promise<Record<string, unknown>> {
  const found: [string, unknown][] = [];
  for await (const { nodeId, success, result, error, errorCode } of yard.results(id) as AsyncIterable<ItemResult>)
    found.push([nodeId, { success, result, error, errorCode }]);
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const even = (from: number, count: number): { id: string; n: number }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `k${from + i}`, n: from + i }));

describe("replay", () => {
  it("of a deterministic operation gives the results of the original, whatever the items and the cut; of the failed ones theirs", async () => {
    await open();
    const given = fc.record({
      numbers: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 60 }),
      batchSize: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ numbers, batchSize }) => {
        const options = { refuseOdd: true, retryAttempts: 0, ...(batchSize === undefined ? {} : { batchSize }) };
        const items = numbers.map((n, i) => ({ id: `k${i}`, n }));
        const original = await yard.createBatch({ operation: "double", items, options, priority: "high", tags: ["t"] });
        await yard.runToEnd(original.id);
        const again = await yard.replayBatch(original.id);
        expect(again).toMatchObject({ replay_of: original.id, options, priority: "high", tags: ["t"], total_items: items.length });
        await yard.runToEnd(again.id);
        const before = await resultsOf(original.id);
        expect(await resultsOf(again.id)).toEqual(before);

        const odd = items.filter(({ n }) => n % 2 !== 0);
        const mended = await yard
          .replayBatch(original.id, { items: "failed", options: { refuseOdd: false } })
          .catch(({ code }: { code: string }) => code);
        const found = typeof mended === "string" ? mended : await resultsOf((await yard.runToEnd(mended.id)).id);
        const expected = odd.map(({ id, n }) => [id, { success: true, result: { doubled: n * 2 } }] as const);
        expect(found).toEqual(odd.length === 0 ? "nothing_to_replay" : Object.fromEntries(expected));
      }),
      { numRuns: 15 },
    );
  });

  it("sends the payloads byte for byte, in the chunks they were in; a selection and another batchSize are cut anew", async () => {
    const seen: string[][] = [];
    await open([
      defineOperation({
        name: "whole",
        processBatch(items) {
          seen.push(items.map(({ key }) => key));
          return items.map(({ key, payload }) => ({ key, result: payload }));
        },
      }),
    ]);
    const original = await yard.createBatch({ operation: "whole", items: even(0, 10), options: { batchSize: 4 } });
    await yard.runToEnd(original.id);
    const cut = seen.splice(0);
    await yard.runToEnd((await yard.replayBatch(original.id)).id);
    expect(seen.splice(0)).toEqual(cut);
    await yard.runToEnd((await yard.replayBatch(original.id, { options: { batchSize: 5 } })).id);
    expect(seen.splice(0).map((chunk) => chunk.length)).toEqual([5, 5]);
    const some = await yard.replayBatch(original.id, { items: ["k9", "k0"] });
    await yard.runToEnd(some.id);
    expect(seen.splice(0).flat().sort()).toEqual(["k0", "k9"]);
    expect(await resultsOf(some.id)).toEqual({
      k0: { success: true, result: { id: "k0", n: 0 } },
      k9: { success: true, result: { id: "k9", n: 9 } },
    });
  });

  it("takes edits in the place of payloads, also as exact text; refuses those that meet no item and those that are none", async () => {
    await open();
    const original = await yard.createBatch({ operation: "double", items: even(0, 3) });
    await yard.runToEnd(original.id);
    const edits = { k1: { n: 50 }, k2: '{"n":\n 7.5}' };
    const again = await yard.replayBatch(original.id, { edits });
    await yard.runToEnd(again.id);
    expect(await resultsOf(again.id)).toEqual({
      k0: { success: true, result: { doubled: 0 } },
      k1: { success: true, result: { doubled: 100 } },
      k2: { success: true, result: { doubled: 15 } },
    });
    const refused = async (request: Parameters<TestYard["replayBatch"]>[1]): Promise<string[]> => {
      const error = (await yard.replayBatch(original.id, request).then(
        () => null,
        (thrown: unknown) => thrown,
      )) as { code: string; errors: { path: string }[] } | null;
      expect(error?.code).toBe("validation_failed");
      return error!.errors.map(({ path }) => path);
    };
    expect(await refused({ items: ["k0"], edits: { k1: { n: 1 } } })).toEqual(["edits.k1"]);
    expect(await refused({ items: ["k0", "nobody"] })).toEqual(["items.1"]);
    expect(await refused({ edits: { k1: "[1]", k2: '{"n":' } })).toEqual(["edits.k1", "edits.k2"]);
    expect(await refused({ options: { retryAttempts: -1 } })).toEqual(["options.retryAttempts"]);
    expect((await yard.getBatchHistory({ replayOf: original.id })).map(({ id }) => id)).toEqual([again.id]);
  });

  it("leaves a deadline behind and says so; null takes an option away; another operation gets only what every batch takes", async () => {
    await open([double, defineOperation({ name: "other", processItem: () => ({ result: 1 }) })]);
    const deadline = new Date(yard.clock.now() + 60_000).toISOString();
    const options = { refuseOdd: true, retryAttempts: 0, timeout: 5000, deadline };
    const original = await yard.createBatch({ operation: "double", items: even(0, 2), options });
    await yard.runToEnd(original.id);
    const again = await yard.replayBatch(original.id, { options: { timeout: null } });
    expect(again).toMatchObject({ options: { refuseOdd: true, retryAttempts: 0 }, deadline_at: null, name: `Replay of ${original.id}` });
    expect(again.options).not.toHaveProperty("timeout");
    expect(again.warnings).toEqual([expect.stringContaining(deadline)]);
    expect((await yard.replayBatch(again.id)).name).toBe(again.name);
    const other = await yard.replayBatch(original.id, { operation: "other" });
    expect(other).toMatchObject({ operation: "other", options: { retryAttempts: 0, timeout: 5000 } });
  });

  it("of items that were only announced is refused: there is nothing to send", async () => {
    await open();
    const original = await yard.createBatch({ operation: "double", total_items: 2 });
    await expect(yard.replayBatch(original.id)).rejects.toMatchObject({ code: "payloads_missing" });
    await yard.recordResult(original.id, "a", false, undefined, "no");
    await expect(yard.replayBatch(original.id, { items: "failed" })).rejects.toMatchObject({ code: "payloads_missing" });
    expect(await yard.getBatchHistory({ replayOf: original.id })).toEqual([]);
  });

  it("replays a staged batch whole, in constant memory, and leaves nothing behind where it is refused", async () => {
    await open();
    const original = await yard.createBatch({ operation: "double", items: even(0, 9000) });
    await expect(yard.replayBatch(original.id, { edits: { nobody: { n: 1 } } })).rejects.toMatchObject({ code: "validation_failed" });
    const again = await yard.replayBatch(original.id, { edits: { k8999: { n: 7 } } });
    expect(again.total_items).toBe(9000);
    await yard.runToEnd(again.id);
    expect(await yard.getBatch(again.id)).toMatchObject({ status: "completed", succeeded_items: 9000 });
    expect((await resultsOf(again.id))["k8999"]).toEqual({ success: true, result: { doubled: 14 } });
    expect(await yard.getBatchHistory({ replayOf: original.id })).toHaveLength(1);
  });
});
