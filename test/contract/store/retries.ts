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

  async "very many failures are taken back some at a time: others act in between, and every counter equals a recount"(rig) {
    const keys = Array.from({ length: 1_700 }, (_, n) => `k${n}`);
    for (const selection of [{}, { code: "odd" }, { fingerprint: "" }]) {
      const batch = await rig.create([keys.slice(0, 900), keys.slice(900)], { maxFailures: 1_300 });
      // More fail at once than may fail: what is not taken back yet must not stop it.
      const isOdd = (n: number): boolean => n % 3 > 0;
      await rig.drain(batch, Object.fromEntries(keys.map((key, n) => [key, isOdd(n) ? failed("odd", "odd") : failed("even", "even")])));
      const groups = await rig.store.results.groups("acme", batch.id);
      const odd = groups.find((group) => group.code === "odd")!;
      const wanted = "fingerprint" in selection ? { fingerprint: odd.fingerprint } : selection;
      const before = await rig.get(batch);
      const items = "code" in wanted || "fingerprint" in wanted ? odd.count : before.failed + before.cancelled;
      let isOver = false;
      const retried = rig.store.batches.retry("acme", batch.id, wanted, rig.now).then((answer) => {
        isOver = true;
        return answer;
      });
      let worked = 0;
      for (; !isOver; await rig.findings().then((findings) => expect(findings).toEqual([]))) {
        await new Promise((resolve) => setImmediate(resolve));
        const chunk = worked > 0 ? null : await rig.tryClaim(batch);
        if (chunk === null) continue;
        worked += chunk.keys.length;
        await rig.commit(chunk, Object.fromEntries(chunk.keys.map((key) => [key, failed("again", "odd")])));
      }
      expect(worked).toBeGreaterThan(0);
      expect(await retried).toMatchObject({ items, batch: { epoch: 2 } });
      // What failed anew meanwhile is not taken back again.
      expect((await rig.get(batch)).failed).toBe(before.failed + before.cancelled - items + worked);
      await rig.drain(batch);
      expect((await rig.get(batch)).status).toBe("completed");
      expect(await rig.findings()).toEqual([]);
    }
  },

  async "very many open items are finished some at a time, those nobody reported too; a cancel in between ends it"(rig) {
    const keys = Array.from({ length: 1_300 }, (_, n) => `k${n}`);
    const batch = await rig.create([keys.slice(0, 100), keys.slice(100)], { announcedItems: 700 });
    const worked = await rig.claim(batch);
    const answer = await rig.store.batches.finish("acme", batch.id, { error: "enough", code: "enough" }, rig.now);
    expect(answer).toMatchObject({ status: "failed", failed: 2_000, openChunks: 0, leasedChunks: 0, running: 0 });
    expect((await rig.commit(worked, {})).accepted).toBe(false);
    expect(new Set((await rig.results(batch)).map(({ nodeId }) => nodeId)).size).toBe(2_000);
    const other = await rig.create([keys]);
    const finished = rig.store.batches.finish("acme", other.id, { error: "enough", code: "enough" }, rig.now);
    await new Promise((resolve) => setImmediate(resolve));
    await rig.store.batches.end("acme", other.id, "cancelled", null, rig.now);
    expect((await finished)!.status).toBe("cancelled");
    const { failed: stopped, cancelled } = await rig.get(other);
    expect([stopped > 0, cancelled > 0, stopped + cancelled]).toEqual([true, true, 1_300]);
    expect(await rig.findings()).toEqual([]);
  },
});
