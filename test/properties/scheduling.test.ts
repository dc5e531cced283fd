import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chunkSize, CHUNK_CHARS } from "../../src/batches/create/chunk-size.ts";
import { Cutter } from "../../src/batches/create/cutter.ts";
import { backoffMs } from "../../src/engine/run/backoff.ts";
import { Breakers } from "../../src/engine/limits/breaker.ts";
import { MemoryDispatcher } from "../../src/engine/dispatcher/memory.ts";
import { Feeder } from "../../src/engine/feeder.ts";
import { systemClock } from "../../src/model/clock.ts";
import { splitLines } from "../../src/model/item.ts";
import { PRIORITY_WEIGHTS } from "../../src/model/priority.ts";
import { ADAPTERS, type Opened } from "../contract/store/adapters.ts";
import { OK, Rig } from "../contract/store/rig.ts";

const hint = (chunkId: number, priority: number) => ({ chunkId, batchId: "b", tenant: "t", operation: "o", priority, suspect: false });

describe("MemoryDispatcher", () => {
  it("gives each priority its share while all wait", () => {
    for (const weights of [PRIORITY_WEIGHTS, [1, 1, 2, 6]]) {
      const dispatcher = new MemoryDispatcher(weights);
      const taken = [0, 0, 0, 0];
      for (let priority = 0; priority < 4; priority++) for (let i = 0; i < 10; i++) dispatcher.offer(hint(i, priority));
      const rounds = 8500;
      for (let i = 0; i < rounds; i++) {
        const next = dispatcher.take(() => true)!;
        taken[next.priority]! += 1;
        dispatcher.offer(next);
      }
      const all = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [priority, weight] of weights.entries())
        expect(Math.abs(taken[priority]! - (rounds * weight) / all)).toBeLessThanOrEqual(2);
    }
  });

  it("lets no priority wait long, whatever is offered, and hands out each hint once", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(3), fc.constant(null)), { minLength: 200, maxLength: 1500 }), (steps) => {
        const dispatcher = new MemoryDispatcher();
        const seen = new Set<number>();
        // Takes since this priority was last served while it waited.
        const waited = [0, 0, 0, 0];
        for (const [id, step] of steps.entries()) {
          if (step !== null) {
            dispatcher.offer(hint(id, step));
            continue;
          }
          const next = dispatcher.take(() => true);
          if (next === null) continue;
          expect(seen.has(next.chunkId)).toBe(false);
          seen.add(next.chunkId);
          for (let priority = 0; priority < 4; priority++)
            waited[priority] = priority === next.priority || dispatcher.waiting(priority) === 0 ? 0 : waited[priority]! + 1;
          // One round of all weights serves everyone at least once; ties and late comers cost one more.
          expect(Math.max(...waited)).toBeLessThanOrEqual(2 * 85);
        }
        while (dispatcher.take(() => true) !== null) seen.add(-seen.size - 1);
        expect(seen.size).toBe(steps.filter((step) => step !== null).length);
        expect(dispatcher.highest()).toBe(-1);
      }),
    );
  });

  it("leaves what is not accepted where it is", () => {
    const dispatcher = new MemoryDispatcher();
    dispatcher.offer(hint(1, 1));
    dispatcher.offer(hint(2, 1));
    expect(dispatcher.take((each) => each.chunkId === 2)?.chunkId).toBe(2);
    expect(dispatcher.take(() => false)).toBeNull();
    expect(dispatcher.take(() => true)?.chunkId).toBe(1);
  });
});

describe("Cutter", () => {
  const options = fc.record({
    batchSize: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    msPerItem: fc.option(fc.double({ min: 0, max: 5000, noNaN: true }), { nil: null }),
    lanes: fc.integer({ min: 1, max: 32 }),
    firstSize: fc.integer({ min: 1, max: 100 }),
  });

  it("cuts without losing, moving or changing an item, in sizes within bounds", () => {
    fc.assert(
      fc.property(options, fc.array(fc.json(), { maxLength: 400 }), (sizes, texts) => {
        const cutter = new Cutter((position) => chunkSize(sizes, position), 7);
        const items = texts.map((text, n) => ({ key: `k${n}`, text }));
        const chunks = [...items.map((item) => cutter.add(item)), cutter.flush()].filter((chunk) => chunk !== null);
        expect(chunks.flatMap((chunk) => chunk.keys)).toEqual(items.map((item) => item.key));
        expect(chunks.flatMap((chunk) => splitLines(chunk.body))).toEqual(texts);
        expect(cutter.position).toBe(texts.length);
        expect(cutter.flush()).toBeNull();
        let position = 0;
        for (const [index, chunk] of chunks.entries()) {
          expect(chunk.position).toBe(position);
          const size = chunkSize(sizes, position);
          expect(size).toBeGreaterThanOrEqual(1);
          expect(index < chunks.length - 1 ? chunk.keys.length === size : chunk.keys.length <= size).toBe(true);
          position += chunk.keys.length;
        }
      }),
    );
  });

  it("ends a chunk at the item that fills its characters", () => {
    const cutter = new Cutter(() => 1000, 0);
    const text = JSON.stringify("x".repeat(CHUNK_CHARS / 4));
    const sizes = Array.from({ length: 12 }, (_, n) => cutter.add({ key: `k${n}`, text })?.keys.length ?? 0);
    expect(sizes).toEqual([0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4]);
  });
});

describe("backoffMs", () => {
  it("stays between the server's wish and the ceiling, and never shrinks with the attempts", () => {
    const after = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: null });
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.integer({ min: 0, max: 86_400_000 }),
        after,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (attempt, base, retryAfter, random) => {
          const wait = backoffMs(attempt, base, retryAfter, () => random);
          expect(Number.isSafeInteger(wait)).toBe(true);
          expect(wait).toBeGreaterThanOrEqual(retryAfter ?? 0);
          expect(wait).toBeLessThanOrEqual(Math.max(retryAfter ?? 0, Math.min(300_000, base * 2 ** attempt)));
          expect(backoffMs(attempt + 1, base, retryAfter, () => random)).toBeGreaterThanOrEqual(wait);
        },
      ),
    );
  });
});

describe.each(ADAPTERS)("Feeder over $name", ({ open }) => {
  let opened: Opened;
  let rig: Rig;
  beforeEach(async () => {
    opened = await open();
    rig = new Rig(opened);
  });
  afterEach(() => opened.close());

  const keys = (name: string, n: number): string[][] => Array.from({ length: n }, (_, i) => [`${name}${i}`]);

  /** Runs `n` chunks one after another, as a single slot would; returns whose they were. */
  async function serve(n: number, window = 4, weights: ReadonlyMap<string, number> = new Map()): Promise<string[]> {
    const clock = { ...systemClock, now: () => rig.now };
    const dispatcher = new MemoryDispatcher();
    const feeder = new Feeder({
      store: rig.store,
      dispatcher,
      breakers: new Breakers(clock),
      clock,
      operations: ["transform"],
      window: () => window,
      weights,
    });
    const served: string[] = [];
    while (served.length < n) {
      if (feeder.low) await feeder.fill();
      const next = dispatcher.take(() => true);
      if (next === null) break;
      const chunk = await rig.store.chunks.claim(next.chunkId, { workerId: "w", leaseMs: 1000, now: rig.now });
      await rig.commit(chunk!, Object.fromEntries(chunk!.keys.map((key) => [key, OK])));
      feeder.release(next.chunkId);
      served.push(next.batchId);
    }
    return served;
  }

  const share = (served: readonly string[], batch: { id: string }): number => served.filter((id) => id === batch.id).length;

  it("lets a huge batch and a small one of the same tenant take turns", async () => {
    const huge = await rig.create(keys("h", 200));
    rig.now += 1;
    const small = await rig.create(keys("s", 10));
    const served = await serve(24);
    expect(share(served, small)).toBe(10);
    expect(share(served, huge)).toBe(14);
  });

  it("shares evenly between two tenants, one with a hundred batches", async () => {
    const many = [];
    for (let i = 0; i < 100; i++) many.push(await rig.create(keys(`m${i}/`, 2), { tenant: "many" }));
    rig.now += 1;
    const single = await rig.create(keys("s", 60), { tenant: "single" });
    const served = await serve(80);
    expect(Math.abs(share(served, single) - 40)).toBeLessThanOrEqual(2);
  });

  it("shares by weight between tenants, and within each evenly between its batches", async () => {
    const heavy = [await rig.create(keys("a", 60), { tenant: "heavy" }), await rig.create(keys("b", 60), { tenant: "heavy" })];
    const light = await rig.create(keys("l", 60), { tenant: "light" });
    const served = await serve(80, 4, new Map([["heavy", 3]]));
    expect(Math.abs(share(served, light) - 20)).toBeLessThanOrEqual(2);
    for (const batch of heavy) expect(Math.abs(share(served, batch) - 30)).toBeLessThanOrEqual(2);
  });

  it("starves no batch of a tenant because another tenant works too", async () => {
    const other = await rig.create(keys("o", 100), { tenant: "other" });
    const huge = await rig.create(keys("h", 100));
    rig.now += 1;
    const small = await rig.create(keys("s", 10));
    for (const window of [1, 4]) {
      const served = await serve(20, window);
      expect(share(served, small)).toBeGreaterThanOrEqual(4);
      expect(share(served, huge)).toBeGreaterThanOrEqual(4);
      expect(share(served, other)).toBeGreaterThanOrEqual(9);
    }
  });

  it("offers no more chunks of a batch than it may have leased", async () => {
    const batch = await rig.create(keys("a", 10), { batch: { maxLeasedChunks: 2 } });
    const clock = { ...systemClock, now: () => rig.now };
    const dispatcher = new MemoryDispatcher();
    const feeder = new Feeder({
      store: rig.store,
      dispatcher,
      breakers: new Breakers(clock),
      clock,
      operations: ["transform"],
      window: () => 8,
    });
    await Promise.all([feeder.fill(), feeder.fill()]);
    expect(dispatcher.waiting(1)).toBe(2);
    expect(dispatcher.take(() => true)?.batchId).toBe(batch.id);
    await feeder.fill();
    expect(dispatcher.waiting(1)).toBe(1);
  });
});
