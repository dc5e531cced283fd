import { defineOperation } from "batchyard";
import { createTestYard } from "batchyard/testing";
import { describe, expect, it, vi } from "vitest";

describe("processItem", () => {
  it("says in the log, and to those who watch, how far it is", async () => {
    const yard = await createTestYard({
      operations: [
        defineOperation({
          name: "speak",
          processItem(item: { id: string; share: number }, ctx) {
            ctx.log.info("halfway");
            ctx.log.warn({ left: 3 }, "slow");
            ctx.progress(item.share);
            return { result: null };
          },
        }),
      ],
    });
    const { log, engine } = yard.parts;
    const said: unknown[] = [];
    vi.spyOn(log, "child").mockImplementation((fields) => {
      const write = (...entry: unknown[]): void => void said.push([fields, ...entry]);
      return { info: write, warn: write } as unknown as ReturnType<typeof log.child>;
    });
    const told: unknown[] = [];
    engine.onItemProgress((...progress) => told.push(progress));
    const items = [
      { id: "a", share: 0.5 },
      { id: "b", share: 50 },
    ];
    const { id } = await yard.createBatch({ operation: "speak", items, options: { retryAttempts: 0, concurrency: 1 } });
    expect(await yard.runToEnd(id)).toMatchObject({ succeeded_items: 1, failed_items: 1 });
    const of = (item: string): object => ({ operation: "speak", batch: id, item, attempt: 0 });
    expect(said).toEqual(
      ["a", "b"].flatMap((item) => [
        [of(item), "halfway"],
        [of(item), { left: 3 }, "slow"],
      ]),
    );
    expect(told).toEqual([[id, "default", "a", 0.5]]);
    const [failed] = await Array.fromAsync(yard.results(id, { success: false }));
    expect(failed).toMatchObject({ nodeId: "b", error: "progress takes a number from 0 to 1, not 50" });
    await yard.close();
  });

  it("times out an item that ignores its signal, and frees its lane", async () => {
    const aborted: string[] = [];
    const started: [string, number][] = [];
    const yard = await createTestYard({
      realMs: 5,
      operations: [
        defineOperation({
          name: "hang",
          processItem(item: { id: string }, ctx) {
            started.push([item.id, yard.clock.now()]);
            if (item.id === "c") return { result: "quick" };
            ctx.signal.addEventListener("abort", () => aborted.push(`${item.id} ${(ctx.signal.reason as Error).name}`));
            return new Promise<never>(() => {});
          },
        }),
      ],
    });
    const t0 = yard.clock.now();
    const { id } = await yard.createBatch({
      operation: "hang",
      items: [{ id: "a" }, { id: "b" }, { id: "c" }],
      options: { concurrency: 1, timeout: 30_000, retryAttempts: 0 },
    });
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 1, failed_items: 2 });
    expect(started).toEqual([
      ["a", t0],
      ["b", t0 + 30_000],
      ["c", t0 + 60_000],
    ]);
    expect(aborted).toEqual(["a TimeoutError", "b TimeoutError"]);
    const failed = await Array.fromAsync(yard.results(id, { success: false }));
    expect(failed).toMatchObject([
      { nodeId: "a", errorCode: "timeout", error: "The item took longer than 30000 ms", durationMs: 30_000 },
      { nodeId: "b", errorCode: "timeout" },
    ]);
    await yard.close();
  });

  it("a result that comes after the time limit changes nothing", async () => {
    const yard = await createTestYard({
      operations: [
        defineOperation({
          name: "late",
          async processItem(_item, ctx) {
            if (ctx.attempt === 0) {
              await yard.clock.wait(2000);
              return { result: "late" };
            }
            await yard.clock.wait(5);
            return { result: "in time" };
          },
        }),
      ],
    });
    const { id } = await yard.createBatch({ operation: "late", items: [{ id: "a" }], options: { timeout: 1000, retryBackoffMs: 5000 } });
    await yard.runToEnd(id);
    expect(await Array.fromAsync(yard.results(id))).toMatchObject([{ success: true, result: "in time", retries: 1 }]);
    await yard.close();
  });

  it("what handlers return or throw is kept as JSON, or fails the item by name", async () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    let deep: unknown = 0;
    for (let i = 0; i < 10_000; i++) deep = [deep];
    const returns: Record<string, () => unknown> = {
      fine: () => ({ result: null }),
      undefined: () => undefined,
      noResult: () => ({ answer: 1 }),
      undefinedResult: () => ({ result: undefined }),
      bigint: () => ({ result: 1n }),
      notANumber: () => ({ result: Number.NaN }),
      infiniteWithin: () => ({ result: { list: [null, 1 / 0] } }),
      nullWithin: () => ({ result: { list: [null, 1] } }),
      cycle: () => ({ result: cycle }),
      function: () => ({ result: () => 1 }),
      large: () => ({ result: "x".repeat(2 * 1024 * 1024) }),
      deep: () => ({ result: deep }),
      badScore: () => ({ result: 1, qualityScore: 1.5 }),
      badCost: () => ({ result: 1, cost: -1 }),
      oddScore: () => ({ result: 1, qualityScore: Object.create(null) as number }),
      getter: () => ({
        get result(): number {
          throw new Error("not now");
        },
      }),
      throwsNull: () => {
        // oxlint-disable-next-line typescript/only-throw-error -- that handlers do is the point
        throw null;
      },
      throwsText: () => {
        // oxlint-disable-next-line typescript/only-throw-error -- that handlers do is the point
        throw "a text";
      },
      throwsLarge: () => {
        throw new Error("y".repeat(10 * 1024 * 1024));
      },
    };
    const yard = await createTestYard({
      operations: [
        // A handler written in JavaScript can return anything.
        defineOperation({ name: "odd", processItem: (item: { id: string }) => returns[item.id]!() as { result: unknown } }),
        defineOperation({ name: "odd-async", processItem: async (item: { id: string }) => returns[item.id]!() as { result: unknown } }),
      ],
    });
    for (const operation of ["odd", "odd-async"]) {
      const { id } = await yard.createBatch({
        operation,
        items: Object.keys(returns).map((key) => ({ id: key })),
        options: { retryAttempts: 0 },
      });
      expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 2, failed_items: 17 });
      const codes = new Map<string, string | undefined>();
      for await (const result of yard.results(id)) {
        codes.set(result.nodeId, result.errorCode);
        expect(Buffer.byteLength(result.error ?? "")).toBeLessThanOrEqual(8192);
      }
      expect(Object.fromEntries(codes)).toEqual({
        fine: undefined,
        undefined: "result_missing",
        noResult: "result_missing",
        undefinedResult: "result_not_serialisable",
        bigint: "result_not_serialisable",
        cycle: "result_not_serialisable",
        notANumber: "result_not_serialisable",
        infiniteWithin: "result_not_serialisable",
        nullWithin: undefined,
        function: "result_not_serialisable",
        large: "result_too_large",
        deep: "result_not_serialisable",
        badScore: "bad_quality_score",
        badCost: "bad_cost",
        oddScore: "bad_quality_score",
        getter: "bad_result",
        throwsNull: "handler_error",
        throwsText: "handler_error",
        throwsLarge: "handler_error",
      });
    }
    await yard.close();
  });

  it("lets timers in while a handler that never waits runs over many items", async () => {
    // What counts is the ratio: without breathing the whole batch is one turn and no timer fires between its items.
    let atOnce = 0;
    let most = 0;
    const timer = setInterval(() => {
      atOnce = 0;
    }, 1);
    const yard = await createTestYard({
      operations: [
        defineOperation({
          name: "noop",
          async processItem() {
            most = Math.max(most, ++atOnce);
            return { result: 1 };
          },
        }),
      ],
    });
    const total = 100_000;
    const { id } = await yard.createBatch({ operation: "noop", items: Array.from({ length: total }, () => ({})) });
    expect((await yard.runToEnd(id)).succeeded_items).toBe(total);
    clearInterval(timer);
    expect(most).toBeLessThan(total / 4);
    await yard.close();
  });
});
