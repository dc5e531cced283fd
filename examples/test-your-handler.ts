/** A test of a handler: retries, time limits and hours of waiting, in milliseconds. Any test runner will do; this one is Node's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineOperation, OperationError } from "batchyard";
import { createTestYard } from "batchyard/testing";

const order = defineOperation({
  name: "order",
  async processItem(item: { sku: string }, ctx) {
    if (item.sku === "slow")
      await new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
    if (ctx.attempt < 2) throw new OperationError("The shop is closed", { category: "rate_limit", retryAfterMs: 6 * 3_600_000 });
    return { result: `ordered ${item.sku}` };
  },
});

await test("waits until the shop opens, and gives up on what hangs", async () => {
  const yard = await createTestYard({ operations: [order] });
  const startedAt = yard.clock.now();
  const { id } = await yard.createBatch({
    operation: "order",
    items: [
      { id: "tea", sku: "tea" },
      { id: "slow", sku: "slow" },
    ],
    options: { timeout: 30_000, retryAttempts: 2, retryBackoffMs: 1000 },
  });
  const batch = await yard.runToEnd(id);
  const [tea, slow] = await Array.fromAsync(yard.results(id));
  assert.equal(tea?.result, "ordered tea");
  assert.equal(tea.retries, 2);
  assert.equal(slow?.errorCode, "timeout");
  assert.equal(batch.status, "completed");
  assert.ok(yard.clock.now() - startedAt >= 12 * 3_600_000);
  await yard.close();
});
