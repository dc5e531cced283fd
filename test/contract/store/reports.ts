import { expect } from "vitest";
import { OK, reported } from "./rig.ts";
import { section } from "./section.ts";

export const reports = section("reported results", {
  async "announced items are counted by key, each once"(rig) {
    const batch = await rig.create([], { announcedItems: 3, batch: { executor: "external" } });
    expect(batch).toMatchObject({ status: "pending", totalItems: 3, openChunks: 0 });
    const first = await rig.store.chunks.record("acme", batch.id, [reported("a"), reported("a"), reported("b", { error: "no" })], rig.now);
    expect(first).toMatchObject({ accepted: 2, duplicates: 1, unknown: [], batch: { status: "running", succeeded: 1, failed: 1 } });
    const second = await rig.store.chunks.record("acme", batch.id, [reported("b"), reported("c"), reported("d")], rig.now);
    expect(second).toMatchObject({ accepted: 1, duplicates: 1, unknown: ["d"], batch: { status: "completed", succeeded: 2, failed: 1 } });
    expect(await rig.store.chunks.record("acme", batch.id, [reported("e")], rig.now)).toBeNull();
    expect(await rig.store.chunks.record("acme", batch.id, [reported("c"), reported("e")], rig.now)).toBeNull();
    const again = await rig.store.chunks.record("acme", batch.id, [reported("c"), reported("a")], rig.now);
    expect(again).toMatchObject({ accepted: 0, duplicates: 2, unknown: [], batch: { status: "completed", succeeded: 2, failed: 1 } });
    expect((await rig.results(batch)).map((result) => [result.nodeId, result.success])).toEqual([
      ["a", true],
      ["c", true],
      ["b", false],
    ]);
    expect(await rig.findings()).toEqual([]);
  },

  async "items with payloads can be reported, in any mix of chunks"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]], { batch: { executor: "external" } });
    const answer = await rig.store.chunks.record(
      "acme",
      batch.id,
      [reported("c", { cost: 0.5 }), reported("a", { qualityScore: 0.1 }), reported("zz"), reported("a")],
      rig.now,
    );
    expect(answer).toMatchObject({
      accepted: 2,
      duplicates: 1,
      unknown: ["zz"],
      batch: { status: "running", succeeded: 2, openChunks: 1, cost: 500_000_000 },
    });
    const stats = await rig.store.batches.stats("acme", batch.id);
    expect([stats.durationCount, stats.scoreCounts]).toEqual([2, [1, 0, 0, 0, 0]]);
    expect(await rig.claim(batch)).toMatchObject({ keys: ["a", "b"], done: Uint8Array.of(1) });
    expect(await rig.findings()).toEqual([]);
  },

  async "items that a worker holds are its own"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    const chunk = await rig.claim(batch);
    expect(await rig.store.chunks.record("acme", batch.id, [reported("a")], rig.now)).toMatchObject({ accepted: 0, unknown: ["a"] });
    await rig.commit(chunk, { a: OK });
    expect(await rig.store.chunks.record("acme", batch.id, [reported("a")], rig.now)).toMatchObject({ accepted: 0, duplicates: 1 });
  },

  async "failed reports can be retried and reported again"(rig) {
    const batch = await rig.create([], { announcedItems: 2 });
    await rig.store.chunks.record("acme", batch.id, [reported("a", { error: "no" }), reported("b")], rig.now);
    expect((await rig.store.batches.retry("acme", batch.id, {}, rig.now))?.items).toBe(1);
    expect(await rig.store.chunks.record("acme", batch.id, [reported("b"), reported("a")], rig.now)).toMatchObject({
      accepted: 1,
      duplicates: 1,
      batch: { status: "completed", succeeded: 2, epoch: 2 },
    });
    expect(await rig.findings()).toEqual([]);
  },

  async "scores and ends of failures that were retried count no more; their durations do"(rig) {
    const batch = await rig.create([], { announcedItems: 2 });
    const results = [reported("a", { error: "no", qualityScore: 0.1 }), reported("b", { qualityScore: 0.9 })];
    await rig.store.chunks.record("acme", batch.id, results, rig.now);
    rig.now += 60_000;
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect(await rig.findings()).toEqual([]);
    await rig.store.chunks.record("acme", batch.id, [reported("a", { qualityScore: 0.7 })], rig.now);
    const stats = await rig.store.batches.stats("acme", batch.id);
    expect(stats.scoreCounts).toEqual([0, 0, 0, 1, 1]);
    expect(stats.scoreSums).toEqual([0, 0, 0, 0.7, 0.9]);
    expect(stats.timeline.points().map(({ succeeded, failed }) => [succeeded, failed])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect([stats.durationCount, stats.durationSum]).toEqual([3, 21]);
    expect(await rig.findings()).toEqual([]);
  },

  async "finish names what nobody reported, without using a name twice"(rig) {
    const batch = await rig.create([], { announcedItems: 4 });
    await rig.store.chunks.record("acme", batch.id, [reported("a")], rig.now);
    await rig.store.batches.finish("acme", batch.id, { error: "by hand", code: "by_hand" }, rig.now);
    await rig.store.batches.retry("acme", batch.id, { nodeIds: ["unreported_2", "unreported_3"] }, rig.now);
    await rig.store.chunks.record("acme", batch.id, [reported("b")], rig.now);
    expect(await rig.store.batches.finish("acme", batch.id, { error: "by hand", code: "by_hand" }, rig.now)).toMatchObject({
      status: "completed",
      succeeded: 2,
      failed: 2,
    });
    expect((await rig.results(batch)).map((result) => result.nodeId).toSorted()).toEqual(["a", "b", "unreported_1", "unreported_2"]);
    expect(await rig.findings()).toEqual([]);
  },

  async "an item finished by hand and retried is reported once"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.store.batches.finish("acme", batch.id, { error: "by hand", code: "by_hand" }, rig.now);
    await rig.store.batches.retry("acme", batch.id, { nodeIds: ["a"] }, rig.now);
    expect(await rig.store.chunks.record("acme", batch.id, [reported("b"), reported("a"), reported("a")], rig.now)).toMatchObject({
      accepted: 1,
      duplicates: 2,
      unknown: [],
    });
    expect(await rig.findings()).toEqual([]);
  },

  async "reports into a paused batch count and leave it paused"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    await rig.store.batches.pause("acme", batch.id, rig.now);
    expect(await rig.store.chunks.record("acme", batch.id, [reported("a")], rig.now)).toMatchObject({
      accepted: 1,
      batch: { status: "paused" },
    });
  },

  async "too many reported failures stop the batch"(rig) {
    const batch = await rig.create([], { announcedItems: 5, maxFailures: 1 });
    const answer = await rig.store.chunks.record("acme", batch.id, [reported("a", { error: "x" }), reported("b", { error: "x" })], rig.now);
    expect(answer!.batch).toMatchObject({ status: "failed", failed: 2, cancelled: 3 });
    expect(await rig.findings()).toEqual([]);
  },

  async "there is nothing to report to a batch that is not there"(rig) {
    expect(await rig.store.chunks.record("acme", "batch_1_nothing00", [reported("a")], rig.now)).toBeNull();
  },
});
