import { defineOperation, OperationError } from "batchyard";
import { createTestYard, seededRandom } from "batchyard/testing";
import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

const T0 = Date.UTC(2026, 0, 1);

/** A yard with an operation that fails by plan: `fail(item, attempt)` throws or returns. Tries are noted as [key, attempt, ms since the start]. */
async function failing(fail: (key: string, attempt: number) => void, random?: () => number) {
  const tries: [string, number, number][] = [];
  const yard = await createTestYard({
    random,
    operations: [
      defineOperation({
        name: "flaky",
        async processItem(item: { id: string }, ctx) {
          tries.push([item.id, ctx.attempt, yard.clock.now() - T0]);
          fail(item.id, ctx.attempt);
          return { result: item.id };
        },
      }),
    ],
  });
  return { yard, tries };
}

describe("backoffMs", () => {
  it("is exponential with full jitter, capped, and never below Retry-After", () => {
    const longest = (attempt: number): number => backoffMs(attempt, 1000, null, () => 1);
    expect([0, 1, 2, 3].map(longest)).toEqual([1000, 2000, 4000, 8000]);
    expect(longest(20)).toBe(300_000);
    expect(backoffMs(3, 1000, null, () => 0)).toBe(0);
    expect(backoffMs(0, 1000, 7000, () => 1)).toBe(7000);
    expect(backoffMs(5, 1000, 7000, () => 1)).toBe(32_000);
  });
});

describe("retries", () => {
  it("waits exponentially longer with full jitter, the same way for the same seed", async () => {
    const waits = async (seed: number): Promise<number[]> => {
      const { yard, tries } = await failing(() => {
        throw new OperationError("down", { category: "transient" });
      }, seededRandom(seed));
      const { id } = await yard.createBatch({
        operation: "flaky",
        items: [{ id: "a" }],
        options: { retryAttempts: 6, retryBackoffMs: 1000 },
      });
      const batch = await yard.runToEnd(id);
      expect(batch).toMatchObject({ status: "failed", failed_items: 1, retried_items: 6 });
      await yard.close();
      const at = tries.map(([, , ms]) => ms);
      return at.slice(1).map((ms, i) => ms - at[i]!);
    };
    const first = await waits(42);
    expect(first).toHaveLength(6);
    const random = seededRandom(42);
    expect(first).toEqual(first.map((_, attempt) => Math.round(random() * 1000 * 2 ** attempt)));
    expect(await waits(42)).toEqual(first);
    expect(await waits(43)).not.toEqual(first);
  });

  it("retries 0 and 20 times when told so, and 3 times when not", async () => {
    const { yard, tries } = await failing(() => {
      throw new Error("boom");
    });
    for (const [options, expected] of [
      [{ retryAttempts: 0 }, 1],
      [{ retryAttempts: 20, retryBackoffMs: 0 }, 21],
      [{}, 4],
    ] as const) {
      tries.length = 0;
      const { id } = await yard.createBatch({ operation: "flaky", items: [{ id: "a" }], options });
      await yard.runToEnd(id);
      expect(tries.map(([, attempt]) => attempt)).toEqual([...Array(expected).keys()]);
      expect(await Array.fromAsync(yard.results(id))).toMatchObject([{ retries: expected - 1, error: "boom" }]);
    }
    await yard.close();
  });

  it.each([
    ["transient", true],
    ["resource", true],
    ["rate_limit", true],
    ["configuration", false],
    ["data", false],
    ["permanent", false],
  ] as const)("%s errors: retried = %s", async (category, retried) => {
    const { yard, tries } = await failing(() => {
      throw new OperationError("no", { category, code: "told" });
    });
    const { id } = await yard.createBatch({ operation: "flaky", items: [{ id: "a" }], options: { retryAttempts: 1 } });
    await yard.runToEnd(id);
    expect(tries).toHaveLength(retried ? 2 : 1);
    expect(await Array.fromAsync(yard.results(id))).toMatchObject([{ errorCode: "told", retries: retried ? 1 : 0 }]);
    await yard.close();
  });

  it("obeys Retry-After as a lower bound", async () => {
    const { yard, tries } = await failing(
      (_, attempt) => {
        if (attempt === 0) throw Object.assign(new Error("slow down"), { status: 429, headers: { "retry-after": "3600" } });
        if (attempt === 1) throw new OperationError("slow down", { category: "rate_limit", retryAfterMs: 5000 });
      },
      () => 0,
    );
    const { id } = await yard.createBatch({ operation: "flaky", items: [{ id: "a" }] });
    expect((await yard.runToEnd(id)).status).toBe("completed");
    expect(tries.map(([, , at]) => at)).toEqual([0, 3_600_000, 3_605_000]);
    await yard.close();
  });

  it("only the items that failed are tried again, in a chunk of their own, at the batch's priority", async () => {
    const { yard, tries } = await failing((key, attempt) => {
      if (key === "c" && attempt === 0) throw new Error("once");
    });
    const { id } = await yard.createBatch({
      operation: "flaky",
      items: ["a", "b", "c", "d"].map((key) => ({ id: key })),
      priority: "high",
    });
    await yard.advance(0);
    const caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;
    const chunks = await yard.parts.batches.chunks(caller, id, { after: 0, limit: 10 });
    expect(chunks).toMatchObject([
      { state: "done", items: 4, settled: 3, attempt: 0 },
      { state: "pending", items: 1, attempt: 1 },
    ]);
    const batch = await yard.runToEnd(id);
    expect(batch).toMatchObject({ status: "completed", priority: "high", succeeded_items: 4, retried_items: 1 });
    expect(tries.map(([key]) => key).sort()).toEqual(["a", "b", "c", "c", "d"]);
    await yard.close();
  });

  it("keeps the idempotency key over all tries of an epoch, and changes it with the epoch", async () => {
    const keys: string[] = [];
    const yard = await createTestYard({
      operations: [
        defineOperation({
          name: "keyed",
          async processItem(_item, ctx) {
            keys.push(ctx.idempotencyKey);
            throw new Error("no");
          },
        }),
      ],
    });
    const { id } = await yard.createBatch({ operation: "keyed", items: [{ id: "a" }], options: { retryAttempts: 2 } });
    await yard.runToEnd(id);
    await yard.retryBatch(id);
    await yard.runToEnd(id);
    expect(keys).toEqual([...Array<string>(3).fill(`${id}:1:a`), ...Array<string>(3).fill(`${id}:2:a`)]);
    await yard.close();
  });
});
