import { existsSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { createTestYard } from "batchyard/testing";
import { defineOperation, OperationError } from "batchyard";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

describe("VirtualClock", () => {
  it("fires timers in order of time, then of setting, and lets what they set off happen in between", async () => {
    const clock = new VirtualClock({ startsAt: 0 });
    const seen: string[] = [];
    const note = (name: string) => async (): Promise<void> => {
      seen.push(`${name} ${clock.now()}`);
      await Promise.resolve();
      seen.push(`${name} later`);
      clock.after(5, () => seen.push(`${name} again ${clock.now()}`));
    };
    clock.after(20, () => void note("b")());
    clock.after(10, () => void note("a")());
    clock.after(20, () => void note("c")());
    const cancel = clock.after(15, () => seen.push("never"));
    cancel();
    await clock.advance(24);
    expect(seen).toEqual(["a 10", "a later", "a again 15", "b 20", "b later", "c 20", "c later"]);
    expect(clock.now()).toBe(24);
    expect(clock.nextAt()).toBe(25);
  });

  it("wait ends by its time or by its signal", async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const byTime = clock.wait(10);
    const bySignal = clock.wait(10, abort.signal);
    abort.abort(new Error("enough"));
    await expect(bySignal).rejects.toThrow("enough");
    await expect(clock.wait(10, abort.signal)).rejects.toThrow("enough");
    await clock.advance(10);
    await byTime;
    expect(clock.waiting).toBe(0);
    expect(clock.nextAt()).toBeNull();
  });

  it("skips time at once when asked: what is due fires late, once", async () => {
    const clock = new VirtualClock({ startsAt: 0 });
    const seen: number[] = [];
    const tick = (): void => {
      seen.push(clock.now());
      clock.after(1, tick);
    };
    clock.after(1, tick);
    await clock.skipTo(1000);
    expect(seen).toEqual([1000]);
  });
});

const REAL_MS = 100;

describe("createTestYard", () => {
  it("runs hours of waiting in no time, and the same way every time", async () => {
    const run = async (): Promise<unknown> => {
      const yard = await createTestYard({
        operations: [
          defineOperation({
            name: "slow",
            async processItem(item: { id: string }, ctx) {
              await yard.clock.wait(60_000, ctx.signal);
              if (ctx.attempt < 3) throw new OperationError("not yet", { category: "transient" });
              return { result: item.id };
            },
          }),
        ],
      });
      const { id } = await yard.createBatch({
        operation: "slow",
        items: [{ id: "a" }, { id: "b" }],
        options: { timeout: 3_600_000, retryBackoffMs: 3_600_000 },
      });
      const batch = await yard.runToEnd(id);
      expect(batch.status).toBe("completed");
      const results = await Array.fromAsync(yard.results(id));
      await yard.close();
      return { completed: batch.completed_at, results };
    };
    const first = await run();
    expect(first).toMatchObject({ results: [{ nodeId: "a", retries: 3, durationMs: 60_000 }, { nodeId: "b" }] });
    expect(await run()).toEqual(first);
  });

  it("says why when a batch can never end by time alone", async () => {
    const yard = await createTestYard();
    const paused = await yard.createBatch({ operation: "transform", options: { expression: "$" }, items: [{ id: "a" }] });
    await yard.pauseBatch(paused.id);
    await expect(yard.runToEnd(paused.id)).rejects.toThrow(/is paused and never ends by time alone: paused: The batch is paused/);
    const outside = await yard.createBatch({
      operation: "transform",
      options: { expression: "$", executor: "external" },
      items: [{ id: "a" }],
    });
    await expect(yard.runToEnd(outside.id)).rejects.toThrow(/wait for an external worker/);
    await yard.resumeBatch(paused.id);
    expect((await yard.runToEnd(paused.id)).status).toBe("completed");
    await yard.close();
  });

  it("waits for what is real, and passes by what hangs", async () => {
    const yard = await createTestYard({
      operations: [
        defineOperation({
          name: "real",
          async processItem(item: { id: string }) {
            if (item.id === "hangs") return new Promise<never>(() => {});
            // Long after everything else is quiet; and a machine that stands still for longer than realMs changes nothing.
            for (let turns = 0; turns < 50; turns++) {
              await turn();
              if (turns === 25) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * REAL_MS);
            }
            return { result: yard.clock.now() };
          },
        }),
      ],
      realMs: REAL_MS,
    });
    const startedAt = yard.clock.now();
    const { id } = await yard.createBatch({
      operation: "real",
      items: [{ id: "a" }, { id: "hangs" }],
      options: { retryAttempts: 0, timeout: 5000 },
    });
    const batch = await yard.runToEnd(id);
    const results = await Array.fromAsync(yard.results(id));
    expect(results).toMatchObject([
      { nodeId: "a", result: startedAt },
      { nodeId: "hangs", errorCode: "timeout", durationMs: 5000 },
    ]);
    expect(batch.failed_items).toBe(1);
    await yard.close();
  });

  it("close ends handlers that hang and removes the directory", async () => {
    const aborted: string[] = [];
    const yard = await createTestYard({
      operations: [
        defineOperation({
          name: "hang",
          processItem: (item: { id: string }, ctx) =>
            new Promise<never>(() => {
              ctx.signal.addEventListener("abort", () => aborted.push(item.id));
            }),
        }),
      ],
      realMs: 0,
    });
    const directory = yard.parts.config.data;
    await yard.createBatch({ operation: "hang", items: [{ id: "a" }], options: { timeout: 86_400_000 } });
    await yard.advance(1000);
    expect(existsSync(directory)).toBe(true);
    await yard.close();
    expect(aborted).toEqual(["a"]);
    expect(existsSync(directory)).toBe(false);
  });
});
