import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Caller } from "../../src/batches/service.ts";
import { loadConfig } from "../../src/config.ts";
import { createYard } from "../../src/main.ts";
import type { Yard } from "../../src/yard.ts";
import { defineOperation } from "../../src/operations/define.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** Whatever happens to a stream, its closed windows and its open one hold the input: all of it, once, in order. */

const CALLER: Caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null };
const KEYS = ["a", "b", "c"];

const move = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("push" as const),
      posts: fc.array(fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 15_000 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("sleep" as const), ms: fc.integer({ min: 1, max: 15_000 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("flush" as const), key: fc.constantFrom(null, ...KEYS) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("pause" as const), paused: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("redefine" as const),
      maxItems: fc.integer({ min: 1, max: 9 }),
      minItems: fc.integer({ min: 0, max: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const) }) },
);
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

const keep = defineOperation({ name: "keep", processItem: (item: Record<string, unknown>) => ({ result: item }) });

class Model {
  readonly clock = new VirtualClock();
  readonly directory = mkdtempSync(join(tmpdir(), "batchyard-model-"));
  readonly pushed = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  private yard!: Yard;
  private count = 0;

  async open(): Promise<void> {
    const config = loadConfig({ BATCHYARD_DATA: this.directory, BATCHYARD_WORKERS: "0", LOG_LEVEL: "silent" });
    this.yard = await createYard({ config, operations: [keep], clock: this.clock });
    await this.yard.start();
  }

  async define(maxItems: number, minItems: number): Promise<void> {
    const bounds = minItems === 0 ? {} : { minItems, maxWaitSeconds: 20 };
    await this.yard.streams.put(CALLER, "s", {
      operation: "keep",
      keyField: "k",
      windowSeconds: 10,
      idleTimeoutSeconds: 4,
      maxItems,
      ...bounds,
    });
  }

  async make(step: Move): Promise<void> {
    const { streams } = this.yard;
    if (step.type === "push") {
      // Posts of several clients at once share a commit.
      const posts = step.posts.map((keys) => keys.map((key) => ({ key, id: this.number(key) })));
      const answers = await Promise.all(
        posts.map((post) =>
          streams.offer(
            CALLER,
            "s",
            post.map(({ key, id }) => JSON.stringify({ k: key, id })),
            0,
          ),
        ),
      );
      for (const [i, answer] of answers.entries()) expect(answer).toMatchObject({ accepted: posts[i]!.length, rejected: [] });
    } else if (step.type === "advance") await this.clock.advance(step.ms);
    else if (step.type === "sleep") await this.clock.skipTo(this.clock.now() + step.ms);
    else if (step.type === "flush") await streams.flush(CALLER, "s", step.key);
    else if (step.type === "pause") await streams.setPaused(CALLER, "s", step.paused);
    else if (step.type === "redefine") await this.define(step.maxItems, step.minItems);
    else {
      await this.yard.stop();
      await this.open();
    }
  }

  async check(): Promise<void> {
    await this.clock.advance(0);
    const { store, streams } = this.yard;
    const pieces = new Map<string, number[][]>(KEYS.map((key) => [key, []]));
    const { batches } = await store.batches.list({ tenant: "default", stream: "s" }, { limit: 10_000 });
    for (const batch of batches) {
      const keys: number[] = [];
      for await (const block of store.chunks.keys("default", batch.id)) keys.push(...block.map(Number));
      expect(keys).toHaveLength(batch.totalItems);
      expect(["timeout", "idle", "max_size", "min_size", "manual"]).toContain(batch.closeReason);
      pieces.get(batch.streamKey!)!.push(keys);
    }
    const open = await store.streams.open();
    for (const window of open) pieces.get(window.key)!.push(window.keys.map(Number));
    for (const key of KEYS) {
      const whole = pieces
        .get(key)!
        .sort((a, b) => a[0]! - b[0]!)
        .flat();
      expect(whole).toEqual(this.pushed.get(key));
    }
    // What is in memory is what the store holds.
    const shown = streams
      .windows(CALLER, "s")
      .map(({ id, key, items, bytes, openedAt, lastItemAt }) => ({ id, key, items, bytes, openedAt, lastItemAt }));
    const stored = open.map(({ id, key, items, bytes, openedAt, lastItemAt }) => ({ id, key, items, bytes, openedAt, lastItemAt }));
    const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
    expect(shown.sort(byId)).toEqual(stored.sort(byId));
    expect((await store.upkeep.verify({ rebuild: false })).findings).toEqual([]);
  }

  async close(): Promise<void> {
    await this.yard.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private number(key: string): number {
    this.pushed.get(key)!.push(++this.count);
    return this.count;
  }
}

it("closed and open windows together are the input, in order, through any interleaving and restarts", async () => {
  expect.hasAssertions();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.array(move, { maxLength: 25 }), async (maxItems, moves) => {
      const model = new Model();
      try {
        await model.open();
        await model.define(maxItems, 0);
        for (const step of moves) await model.make(step);
        await model.check();
      } finally {
        await model.close();
      }
    }),
    { numRuns: 40 },
  );
});
