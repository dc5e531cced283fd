import { expect } from "vitest";
import { failed, OK, RETRY } from "./rig.ts";
import { section } from "./section.ts";

export const commits = section("commits", {
  async "finish writes results, counters and the end of the batch in one step"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const outcome = await rig.commit(await rig.claim(batch), {
      a: { ok: true, result: { n: 1 }, cost: 0.25, qualityScore: 0.9 },
      b: failed("no", "bad"),
    });
    expect(outcome.accepted).toBe(true);
    expect(outcome.batch).toEqual(await rig.get(batch));
    expect(outcome.batch).toMatchObject({
      status: "completed",
      succeeded: 1,
      failed: 1,
      running: 0,
      leasedChunks: 0,
      openChunks: 0,
      cost: 250_000_000,
      completedAt: rig.now,
      error: null,
    });
    const createdAt = new Date(rig.now).toISOString();
    expect(await rig.results(batch)).toEqual([
      { nodeId: "a", success: true, result: { n: 1 }, retries: 0, durationMs: 5, qualityScore: 0.9, cost: 0.25, createdAt },
      { nodeId: "b", success: false, error: "no", errorCode: "bad", retries: 0, durationMs: 7, createdAt },
    ]);
    const stats = await rig.store.batches.stats("acme", batch.id);
    expect([stats.durationCount, stats.durationSum, stats.durationMin, stats.durationMax]).toEqual([2, 12, 5, 7]);
    expect(stats.scoreCounts).toEqual([0, 0, 0, 0, 1]);
    expect(stats.timeline.points()).toEqual([{ at: rig.now, succeeded: 1, failed: 1 }]);
  },

  async "a batch whose items all failed has failed, and says with what"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: failed("x"), b: failed("often"), c: failed("often") });
    const row = await rig.get(batch);
    expect(row.status).toBe("failed");
    expect(row.error).toContain("often");
  },

  async "a commit under an old fence is refused and counted as late"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const old = await rig.claim(batch, 10);
    rig.now += 11;
    await rig.store.chunks.reap({ now: rig.now });
    const refused = await rig.commit(old, { a: OK, b: failed() });
    expect(refused).toMatchObject({ accepted: false, batch: { late: 2, succeeded: 0, failed: 0 } });
    const fresh = await rig.claim(batch);
    expect((await rig.commit({ ...old, done: new Uint8Array(1) }, { a: OK, b: OK })).accepted).toBe(false);
    await rig.commit(fresh, { a: OK, b: OK });
    expect((await rig.commit({ ...fresh, done: new Uint8Array(1) }, { a: OK, b: OK })).accepted).toBe(false);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 2, late: 6 });
    expect(await rig.results(batch)).toHaveLength(2);
    expect(await rig.findings()).toEqual([]);
  },

  async "a commit for a chunk that is gone is refused"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    expect(await rig.commit({ ...chunk, id: 4711 }, {})).toEqual({ accepted: false, batch: null });
  },

  async "checkpoint keeps the lease and what was settled"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    const chunk = await rig.claim(batch);
    expect((await rig.commit(chunk, { b: OK }, "checkpoint")).batch).toMatchObject({
      running: 2,
      leasedChunks: 1,
      succeeded: 1,
      status: "running",
    });
    expect([...(await rig.store.chunks.held("acme", chunk.id, chunk.fence))!.done]).toEqual([2]);
    await rig.commit(chunk, { a: OK, c: failed() });
    expect((await rig.results(batch)).map((result) => result.nodeId)).toEqual(["b", "a", "c"]);
    expect((await rig.get(batch)).status).toBe("completed");
  },

  async "a checkpoint that settles the last item ends chunk and batch, and its finish is no fault"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch, 10);
    expect((await rig.commit(chunk, { a: OK }, "checkpoint")).batch).toMatchObject({ status: "completed", leasedChunks: 0 });
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence)).toMatchObject({ id: chunk.id });
    expect((await rig.commit(chunk, {})).accepted).toBe(true);
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence)).toBeNull();
    rig.now += 100;
    expect(await rig.store.chunks.reap({ now: rig.now })).toEqual([]);
    expect(await rig.get(batch)).toMatchObject({ late: 0, succeeded: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "release hands back the rest without costing an attempt"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch);
    expect((await rig.commit(chunk, { a: OK }, "release")).batch).toMatchObject({ running: 0, leasedChunks: 0, openChunks: 1 });
    const again = await rig.claim(batch);
    expect(again).toMatchObject({ id: chunk.id, attempt: 0, crashes: 0, batch: { running: 1 } });
    await rig.commit(again, { b: OK });
    expect(await rig.findings()).toEqual([]);
  },

  async "a chunk cannot finish with open items, and nothing of such a commit is written"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch);
    await expect(rig.commit(chunk, { a: OK }, "finish")).rejects.toThrow("open items");
    expect(await rig.get(batch)).toMatchObject({ succeeded: 0, running: 2, leasedChunks: 1 });
    expect(await rig.results(batch)).toEqual([]);
    expect((await rig.store.batches.stats("acme", batch.id)).durationCount).toBe(0);
    chunk.done.fill(0);
    await rig.commit(chunk, { a: OK, b: OK });
    expect((await rig.store.batches.stats("acme", batch.id)).durationCount).toBe(2);
    expect(await rig.findings()).toEqual([]);
  },

  async "retries become a new chunk that waits for its time"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    const outcome = await rig.commit(await rig.claim(batch), { a: RETRY, b: OK }, "finish", { retryAt: rig.now + 500 });
    expect(outcome.batch).toMatchObject({ succeeded: 1, retried: 1, openChunks: 2, running: 0, totalItems: 3 });
    await rig.drain(batch);
    expect(await rig.get(batch)).toMatchObject({ status: "running", succeeded: 2 });
    expect(await rig.store.batches.nextReadyAt(rig.now)).toBe(rig.now + 500);
    rig.now += 500;
    const retry = await rig.claim(batch);
    expect(retry).toMatchObject({ keys: ["a"], attempt: 1 });
    await rig.commit(retry, { a: OK });
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 3 });
    expect((await rig.results(batch)).find((result) => result.nodeId === "a")?.retries).toBe(1);
    expect((await rig.store.events.read(0, 100)).filter((event) => event.type === "chunk.retried")).toHaveLength(1);
    expect(await rig.findings()).toEqual([]);
  },

  async "results of a paused batch still count, and may complete it"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    await rig.store.batches.pause("acme", batch.id, rig.now);
    expect((await rig.commit(chunk, { a: OK })).batch).toMatchObject({ status: "completed", succeeded: 1 });
  },

  async "more failures than allowed stop the batch"(rig) {
    const batch = await rig.create([["a", "b"], ["c"], ["d"]], { maxFailures: 1 });
    const other = await rig.store.chunks.pending(batch.id, rig.now, 3, new Set());
    const chunk = await rig.claim(batch);
    const running = await rig.store.chunks.claim(other[2]!.id, { workerId: "w2", leaseMs: 10, now: rig.now });
    expect((await rig.commit(chunk, { a: failed() }, "checkpoint")).batch).toMatchObject({ status: "running", failed: 1 });
    expect((await rig.commit(chunk, { b: failed() })).batch).toMatchObject({
      status: "failed",
      failed: 2,
      cancelled: 2,
      running: 0,
      leasedChunks: 0,
      openChunks: 0,
    });
    expect((await rig.get(batch)).error).toContain("maxFailures");
    expect(await rig.commit(running!, { d: OK })).toMatchObject({ accepted: false, batch: { late: 1 } });
    expect(await rig.findings()).toEqual([]);
  },

  async "progress is told when the commit asks for it, and always at the end"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: OK }, "checkpoint", { progress: false });
    await rig.commit(chunk, { b: OK }, "checkpoint", { progress: true });
    await rig.commit(chunk, { c: OK }, "finish", { progress: false });
    const progress = (await rig.store.events.read(0, 100))
      .filter((event) => event.type === "batch.progress")
      .map((event) => event.data["progress"]);
    expect(progress).toEqual([66, 100]);
  },

  async "list shows every chunk of a batch in pages"(rig) {
    const batch = await rig.create([["a", "b"], ["c"], ["d"]]);
    await rig.commit(await rig.claim(batch), { a: RETRY, b: OK }, "finish", { retryAt: rig.now + 5 });
    const first = await rig.store.chunks.list("acme", batch.id, { after: 0, limit: 3 });
    expect(first).toMatchObject([
      { epoch: 1, state: "done", position: 0, items: 2, settled: 1, attempt: 0 },
      { state: "pending", position: 2, items: 1, settled: 0, leaseUntil: null },
      { state: "pending", position: 3 },
    ]);
    const rest = await rig.store.chunks.list("acme", batch.id, { after: first[2]!.id, limit: 3 });
    expect(rest).toMatchObject([{ state: "pending", attempt: 1, items: 1, availableAt: rig.now + 5 }]);
    expect((await rig.store.chunks.open("acme", batch.id, 10)).map((chunk) => chunk.position)).toEqual([2, 3, 0]);
  },
});
