import { defineOperation, OperationError } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { afterEach, describe, expect, it } from "vitest";

let yard: TestYard;
afterEach(() => yard.close());

const items = (count: number): { id: string }[] => Array.from({ length: count }, (_, i) => ({ id: `i${i}` }));

describe("maxFailures", () => {
  it.each([
    [3, 100, 4],
    ["10%", 50, 6],
    [0, 10, 1],
    ["100%", 4, 4],
  ] as const)("%s of %i items stops the batch at failure %i", async (maxFailures, total, failed) => {
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "bad",
          processItem() {
            throw new OperationError("no", { category: "data" });
          },
        }),
      ],
    });
    const { id } = await yard.createBatch({
      operation: "bad",
      items: items(total),
      options: { maxFailures, batchSize: 1, concurrency: 1 },
    });
    const batch = await yard.runToEnd(id);
    expect(batch).toMatchObject({ status: "failed", failed_items: failed, succeeded_items: 0 });
    const stopped = `Stopped: ${failed} items failed, more than the ${failed - 1} that maxFailures allows`;
    expect(batch.error).toBe(failed < total ? stopped : `All ${total} items failed, most with: no`);
  });
});

describe("deadline", () => {
  it("expires what is open, keeps what is done, and aborts what runs", async () => {
    const aborted: string[] = [];
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "slow",
          async processItem(item: { id: string }, ctx) {
            ctx.signal.addEventListener("abort", () => aborted.push(item.id));
            await yard.clock.wait(20_000, ctx.signal);
            return { result: 1 };
          },
        }),
      ],
    });
    const deadline = new Date(yard.clock.now() + 30_000).toISOString();
    const { id } = await yard.createBatch({ operation: "slow", items: items(5), options: { deadline, concurrency: 2, timeout: 60_000 } });
    const batch = await yard.runToEnd(id);
    expect(batch).toMatchObject({ status: "expired", succeeded_items: 2, failed_items: 0, progress: 100 });
    expect(Date.parse(batch.completed_at!) - Date.parse(deadline)).toBeLessThanOrEqual(1000);
    expect(aborted).toHaveLength(2);
    // A new epoch runs what expired, without the deadline that has passed.
    await yard.retryBatch(id);
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 5, epoch: 2 });
  });

  it("in the past is refused", async () => {
    yard = await createTestYard();
    const create = yard.createBatch({
      operation: "transform",
      items: items(1),
      options: { expression: "$", deadline: "2020-01-01T00:00:00Z" },
    });
    await expect(create).rejects.toThrow(/options.deadline/);
  });
});

describe("concurrency", () => {
  it.each([1, 5, 8, 50])("%i is never exceeded over all chunks, and is used", async (concurrency) => {
    let running = 0;
    let most = 0;
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "counted",
          async processItem() {
            most = Math.max(most, ++running);
            await yard.clock.wait(100);
            running -= 1;
            return { result: 1 };
          },
        }),
      ],
    });
    const { id } = await yard.createBatch({ operation: "counted", items: items(300), options: { concurrency, batchSize: 40 } });
    const batch = await yard.runToEnd(id);
    expect(batch.succeeded_items).toBe(300);
    expect(most).toBeLessThanOrEqual(concurrency);
    expect(most).toBeGreaterThan(concurrency / 2);
  });

  it("holds for calls with whole chunks too", async () => {
    let running = 0;
    let most = 0;
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "whole",
          async processBatch(chunk) {
            running += chunk.length;
            most = Math.max(most, running);
            await yard.clock.wait(100);
            running -= chunk.length;
            return chunk.map((item) => ({ key: item.key, result: 1 }));
          },
        }),
      ],
    });
    for (const concurrency of [5, 8, 21]) {
      most = 0;
      const { id } = await yard.createBatch({ operation: "whole", items: items(100), options: { concurrency } });
      await yard.runToEnd(id);
      expect(most).toBeLessThanOrEqual(concurrency);
      expect(most).toBeGreaterThan(concurrency / 2);
    }
    await expect(yard.createBatch({ operation: "whole", items: items(100), options: { concurrency: 8, batchSize: 50 } })).rejects.toThrow(
      /batchSize.*at most 4/,
    );
  });
});

describe("rateLimit", () => {
  it("spreads requests over the minute, whatever the chunks", async () => {
    const starts: number[] = [];
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "limited",
          processItem() {
            starts.push(yard.clock.now());
            return { result: 1 };
          },
        }),
      ],
    });
    const { id } = await yard.createBatch({
      operation: "limited",
      items: items(61),
      options: { rateLimit: { requestsPerMinute: 30 }, batchSize: 10 },
    });
    await yard.runToEnd(id);
    expect(starts).toHaveLength(61);
    const gaps = starts.slice(1).map((at, i) => at - starts[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2000);
    expect(starts.at(-1)! - starts[0]!).toBe(120_000);
  });

  it("lets a burst of one second through, and no more", async () => {
    const starts: number[] = [];
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "limited",
          processItem() {
            starts.push(yard.clock.now());
            return { result: 1 };
          },
        }),
      ],
    });
    const t0 = yard.clock.now();
    const { id } = await yard.createBatch({ operation: "limited", items: items(1300), options: { rateLimit: { requestsPerMinute: 600 } } });
    await yard.runToEnd(id);
    for (let from = 0; from < 120_000; from += 7000) {
      const within = starts.filter((at) => at - t0 >= from && at - t0 < from + 60_000).length;
      expect(within).toBeLessThanOrEqual(611);
    }
    expect(starts.at(-1)! - t0).toBeGreaterThanOrEqual(128_000);
    expect(starts.at(-1)! - t0).toBeLessThanOrEqual(131_000);
  });

  it("does not hold up pause, resume, cancel or the end of the process", async () => {
    const started: string[] = [];
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "limited",
          processItem(item: { id: string }) {
            started.push(item.id);
            return { result: 1 };
          },
        }),
      ],
    });
    const { id } = await yard.createBatch({ operation: "limited", items: items(20), options: { rateLimit: { requestsPerMinute: 1 } } });
    await yard.advance(60_000);
    expect(started).toHaveLength(2);
    await yard.pauseBatch(id);
    await yard.advance(0);
    expect(yard.parts.engine.running).toBe(0);
    await yard.advance(3_600_000);
    expect(started).toHaveLength(2);
    await yard.resumeBatch(id);
    await yard.advance(0);
    // The lanes that left took no turns with them.
    expect(started).toHaveLength(3);
    await yard.advance(60_000);
    expect(started).toHaveLength(4);
    await yard.cancelBatch(id);
    await yard.advance(0);
    expect(yard.parts.engine.running).toBe(0);
  });
});
