import { expect } from "vitest";
import { failed, OK, payloadOf } from "./rig.ts";
import { section } from "./section.ts";

export const retries = section("retry", {
  async "retry of all reopens failed items in a new epoch"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    await rig.drain(batch, { b: failed("x"), c: failed("y") });
    rig.now += 10;
    const answer = await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect(answer).toMatchObject({
      items: 2,
      batch: { status: "pending", epoch: 2, succeeded: 1, failed: 0, completedAt: null, startedAt: null, error: null, openChunks: 2 },
    });
    expect(await rig.results(batch)).toHaveLength(1);
    expect(await rig.store.results.groups("acme", batch.id)).toEqual([]);
    const chunk = await rig.claim(batch);
    expect(chunk).toMatchObject({ epoch: 2, keys: ["b"], attempt: 0, body: payloadOf("b") });
    await rig.commit(chunk, { b: failed("again") });
    await rig.drain(batch);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", epoch: 2, succeeded: 2, failed: 1 });
    expect((await rig.results(batch)).map((result) => [result.nodeId, result.error])).toEqual([
      ["a", undefined],
      ["c", undefined],
      ["b", "again"],
    ]);
    expect(await rig.findings()).toEqual([]);
  },

  async "retry by fingerprint takes one group"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: failed("x"), b: failed("y"), c: failed("x") });
    const group = (await rig.store.results.groups("acme", batch.id))[0]!;
    expect((await rig.store.batches.retry("acme", batch.id, { fingerprint: group.fingerprint }, rig.now))?.items).toBe(2);
    expect((await rig.claim(batch)).keys).toEqual(["a", "c"]);
    expect(await rig.get(batch)).toMatchObject({ failed: 1, openChunks: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "what one group counts moves from failed to succeeded exactly once, with a crash in between"(rig) {
    const batch = await rig.create([
      ["a", "b", "c"],
      ["d", "e"],
    ]);
    await rig.drain(batch, { a: failed("x"), c: failed("y"), d: failed("x") });
    const sums = async () => {
      const points = await rig.store.monitor.jobs({ tenant: "acme", from: batch.createdAt, to: batch.createdAt + 1 }, null);
      return points.map(({ status, totals: { jobs, items, succeeded, failed: broken } }) => [status, jobs, items, succeeded, broken]);
    };
    expect(await sums()).toEqual([["completed", 1, 5, 2, 3]]);
    const { fingerprint } = (await rig.store.results.groups("acme", batch.id)).find(({ error }) => error === "x")!;
    expect((await rig.store.batches.retry("acme", batch.id, { fingerprint }, rig.now))?.items).toBe(2);
    expect(await sums()).toEqual([["pending", 1, 5, 2, 1]]);
    expect(await rig.store.batches.retry("acme", batch.id, { fingerprint }, rig.now)).toBeNull();

    const lost = await rig.claim(batch);
    await rig.reopen();
    await rig.store.chunks.reap({ workerPrefix: lost.workerId, now: rig.now });
    expect((await rig.commit(lost, { a: OK })).accepted).toBe(false);
    expect((await sums())[0]!.slice(1)).toEqual([1, 5, 2, 1]);
    await rig.drain(batch);
    expect(await sums()).toEqual([["completed", 1, 5, 4, 1]]);
    expect((await rig.store.results.groups("acme", batch.id)).map(({ error, count }) => [error, count])).toEqual([["y", 1]]);
    expect((await rig.store.batches.retry("acme", batch.id, { fingerprint }, rig.now))?.items).toBe(0);
    expect(await rig.findings()).toEqual([]);
  },

  async "retry by key takes those, each once however often it is named"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.drain(batch, { a: failed(), b: failed() });
    expect((await rig.store.batches.retry("acme", batch.id, { nodeIds: ["b", "b", "nobody"] }, rig.now))?.items).toBe(1);
    await rig.drain(batch);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 1, failed: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "retry by key and fingerprint takes what matches both"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.drain(batch, { a: failed("x"), b: failed("y") });
    const fingerprint = (await rig.store.results.groups("acme", batch.id)).find((group) => group.error === "x")!.fingerprint;
    expect((await rig.store.batches.retry("acme", batch.id, { fingerprint, nodeIds: ["a", "b"] }, rig.now))?.items).toBe(1);
  },

  async "nothing to retry changes nothing; an open batch is not retried"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    expect(await rig.store.batches.retry("acme", batch.id, {}, rig.now)).toBeNull();
    await rig.drain(batch);
    const before = await rig.get(batch);
    expect(await rig.store.batches.retry("acme", batch.id, {}, rig.now)).toEqual({ batch: before, items: 0 });
    expect(await rig.store.batches.retry("acme", batch.id, { nodeIds: ["a"] }, rig.now)).toEqual({ batch: before, items: 0 });
    expect(await rig.get(batch)).toEqual(before);
  },

  async "cancelled items are reopened by a retry of all, without the finished ones of their chunk"(rig) {
    const batch = await rig.create([["a", "b", "c"], ["d"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: OK, b: failed() }, "checkpoint");
    await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    expect((await rig.store.batches.retry("acme", batch.id, {}, rig.now))?.items).toBe(3);
    expect(await rig.commit(chunk, { c: OK })).toMatchObject({ accepted: false });
    await rig.drain(batch);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 4, failed: 0, cancelled: 0 });
    expect((await rig.results(batch)).map((result) => result.nodeId).toSorted()).toEqual(["a", "b", "c", "d"]);
    expect(await rig.findings()).toEqual([]);
  },

  async "a selection leaves cancelled items cancelled"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    await rig.commit(await rig.claim(batch), { a: failed() });
    await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    expect((await rig.store.batches.retry("acme", batch.id, { nodeIds: ["a"] }, rig.now))?.items).toBe(1);
    expect(await rig.findings()).toEqual([]);
    await rig.drain(batch);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 1, cancelled: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "a retry outlives a deadline that has passed"(rig) {
    const batch = await rig.create([["a"]], { batch: { deadlineAt: rig.now + 10 } });
    rig.now += 10;
    expect(await rig.store.batches.overdue(rig.now, 10)).toEqual([{ tenant: "acme", id: batch.id }]);
    await rig.store.batches.end("acme", batch.id, "expired", null, rig.now);
    expect((await rig.store.batches.retry("acme", batch.id, {}, rig.now))?.batch).toMatchObject({ deadlineAt: null, expired: 0 });
    expect(await rig.store.batches.overdue(rig.now, 10)).toEqual([]);
  },

  async "items finished by hand run again with their payloads"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.store.batches.finish("acme", batch.id, { error: "by hand", code: "by_hand" }, rig.now);
    expect((await rig.store.batches.retry("acme", batch.id, { nodeIds: ["b"] }, rig.now))?.items).toBe(1);
    expect(await rig.claim(batch)).toMatchObject({ keys: ["b"], body: payloadOf("b") });
  },
});
