import { expect } from "vitest";
import { OK, payloadOf, reported } from "./rig.ts";
import { section } from "./section.ts";

export const leases = section("leases", {
  async "claim leases the chunk with all it needs and starts the batch"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch, 5000, "w1");
    expect(chunk).toMatchObject({
      tenant: "acme",
      batchId: batch.id,
      epoch: 1,
      attempt: 0,
      crashes: 0,
      position: 0,
      keys: ["a", "b"],
      leaseUntil: rig.now + 5000,
    });
    expect(chunk.body).toBe(`${payloadOf("a")},\n${payloadOf("b")}`);
    expect(chunk.batch).toMatchObject({ status: "running", startedAt: rig.now, running: 2, leasedChunks: 1 });
    expect(await rig.store.chunks.open("acme", batch.id, 10)).toMatchObject([
      { id: chunk.id, state: "leased", workerId: "w1", leaseUntil: rig.now + 5000 },
    ]);
  },

  async "a lease that somebody takes back costs the chunk nothing, and its fence is over"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch, 5000, "w1");
    expect(await rig.store.chunks.revoke("other", chunk.id, rig.now)).toBeNull();
    expect(await rig.store.chunks.revoke("acme", chunk.id, rig.now)).toMatchObject({ chunkId: chunk.id, workerId: "w1", crashes: 0 });
    expect(await rig.store.chunks.revoke("acme", chunk.id, rig.now)).toBeNull();
    expect(await rig.store.chunks.renew([{ chunkId: chunk.id, fence: chunk.fence }], rig.now + 9000)).toEqual([]);
    const again = await rig.claim(batch, 5000, "w2");
    expect(again).toMatchObject({ id: chunk.id, crashes: 0, attempt: 0 });
    expect(again.fence).toBeGreaterThan(chunk.fence);
    expect(await rig.findings()).toEqual([]);
  },

  async "the chunks at work of a tenant: whose batch, by whom, the next end of a lease before; as many as asked, and how many there are"(
    rig,
  ) {
    const batch = await rig.create([["a", "b"], ["c"], ["d"]]);
    const late = await rig.claim(batch, 9000, "w1");
    const soon = await rig.claim(batch, 5000, "w2");
    const { chunks, total } = await rig.store.chunks.worked("acme", 10);
    expect(chunks).toMatchObject([
      { id: soon.id, batchId: batch.id, operation: batch.operation, workerId: "w2", items: 1, settled: 0, leaseUntil: rig.now + 5000 },
      { id: late.id, workerId: "w1", items: 2, attempt: 0, leaseUntil: rig.now + 9000 },
    ]);
    expect(total).toBe(2);
    expect(await rig.store.chunks.worked("acme", 1)).toMatchObject({ chunks: [{ id: soon.id }], total: 2 });
    expect(await rig.store.chunks.worked("other", 10)).toEqual({ chunks: [], total: 0 });
  },

  async "a leased chunk is not leased again"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    expect(await rig.store.chunks.claim(chunk.id, { workerId: "w2", leaseMs: 1, now: rig.now })).toBeNull();
    expect(await rig.store.chunks.pending(batch.id, rig.now, 10, new Set())).toEqual([]);
  },

  async "who lost a lease commits nothing, not even an empty checkpoint, after a report has settled the chunk"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    const chunk = await rig.claim(batch, 10);
    rig.now += 11;
    expect(await rig.store.chunks.reap({ now: rig.now })).toHaveLength(1);
    expect(await rig.store.chunks.record("acme", batch.id, [reported(chunk.keys[0]!)], rig.now)).toMatchObject({ accepted: 1 });
    for (const end of ["checkpoint", "release"] as const) expect((await rig.commit(chunk, {}, end)).accepted).toBe(false);
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence)).toBeNull();
  },

  async "a chunk that does not exist is not leased"(rig) {
    expect(await rig.store.chunks.claim(4711, { workerId: "w", leaseMs: 1, now: rig.now })).toBeNull();
  },

  async "a chunk is not leased before its time"(rig) {
    const batch = rig.newBatch();
    await rig.store.batches.create(batch, rig.chunks([["a"]], rig.now + 50), rig.seal(batch));
    const [view] = await rig.store.chunks.open("acme", batch.id, 10);
    rig.now += 49;
    expect(await rig.store.chunks.pending(batch.id, rig.now, 10, new Set())).toEqual([]);
    expect(await rig.store.chunks.claim(view!.id, { workerId: "w", leaseMs: 1, now: rig.now })).toBeNull();
    rig.now += 1;
    expect(await rig.tryClaim(batch)).not.toBeNull();
  },

  async "nothing of a paused, ended or waiting batch is leased"(rig) {
    const paused = await rig.create([["a"]]);
    await rig.store.batches.pause("acme", paused.id, rig.now);
    expect(await rig.tryClaim(paused)).toBeNull();
    const waiting = await rig.create([["a"]], { batch: { dependsOn: [paused.id] } });
    expect(await rig.tryClaim(waiting)).toBeNull();
    const ended = await rig.create([["a"]]);
    const [view] = await rig.store.chunks.open("acme", ended.id, 1);
    await rig.store.batches.end("acme", ended.id, "cancelled", null, rig.now);
    expect(await rig.store.chunks.claim(view!.id, { workerId: "w", leaseMs: 1, now: rig.now })).toBeNull();
  },

  async "no more chunks are leased at once than the batch allows"(rig) {
    const batch = await rig.create([["a"], ["b"], ["c"]], { batch: { maxLeasedChunks: 2 } });
    const first = await rig.claim(batch);
    await rig.claim(batch);
    expect(await rig.tryClaim(batch)).toBeNull();
    await rig.commit(first, { a: OK });
    expect(await rig.tryClaim(batch)).not.toBeNull();
  },

  async "pending lists runnable chunks in order, without those excepted"(rig) {
    const batch = await rig.create([["a"], ["b"], ["c"]]);
    const all = await rig.store.chunks.pending(batch.id, rig.now, 10, new Set());
    expect(all.map((chunk) => chunk.crashes)).toEqual([0, 0, 0]);
    expect(await rig.store.chunks.pending(batch.id, rig.now, 1, new Set([all[0]!.id]))).toEqual([all[1]]);
    const first = await rig.claim(batch);
    expect(first.id).toBe(all[0]!.id);
  },

  async "held answers to the leaseholder only"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence)).toEqual({ ...chunk, batch: expect.anything() });
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence - 1)).toBeNull();
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence + 1)).toBeNull();
    expect(await rig.store.chunks.held("acme", chunk.id + 1, chunk.fence)).toBeNull();
    await rig.commit(chunk, { a: OK });
    expect(await rig.store.chunks.held("acme", chunk.id, chunk.fence)).toBeNull();
  },

  async "renew moves the end of the leases that are held and names them"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    const a = await rig.claim(batch, 100);
    const b = await rig.claim(batch, 100);
    const held = await rig.store.chunks.renew(
      [
        { chunkId: a.id, fence: a.fence },
        { chunkId: b.id, fence: b.fence + 1 },
        { chunkId: 999, fence: 1 },
      ],
      rig.now + 1000,
    );
    expect(held).toEqual([a.id]);
    expect(await rig.store.chunks.nextLeaseEnd()).toBe(rig.now + 100);
    rig.now += 101;
    expect((await rig.store.chunks.reap({ now: rig.now })).map((lost) => lost.chunkId)).toEqual([b.id]);
    expect(await rig.store.chunks.nextLeaseEnd()).toBe(rig.now + 899);
  },

  async "reap takes back leases that ended, counts a crash and tells who lost it"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch, 100, "w7");
    await rig.commit(chunk, { a: OK }, "checkpoint");
    rig.now += 100;
    expect(await rig.store.chunks.reap({ now: rig.now })).toEqual([]);
    rig.now += 1;
    expect(await rig.store.chunks.reap({ now: rig.now })).toEqual([
      { chunkId: chunk.id, tenant: "acme", batchId: batch.id, workerId: "w7", crashes: 1 },
    ]);
    expect(await rig.get(batch)).toMatchObject({ status: "running", running: 0, leasedChunks: 0, openChunks: 1, succeeded: 1 });
    expect(await rig.store.chunks.pending(batch.id, rig.now, 1, new Set())).toEqual([{ id: chunk.id, crashes: 1 }]);
    const again = await rig.claim(batch);
    expect(again).toMatchObject({ id: chunk.id, crashes: 1, attempt: 0 });
    expect(again.fence).toBeGreaterThan(chunk.fence);
    expect([...again.done]).toEqual([1]);
    expect((await rig.store.events.read(0, 100)).filter((event) => event.type === "chunk.stalled")).toHaveLength(1);
  },

  async "reap by worker takes back what processes of that name held"(rig) {
    const batch = await rig.create([["a"], ["b"]]);
    const mine = await rig.claim(batch, 60_000, "host%1:a");
    const other = await rig.claim(batch, 60_000, "host_1:b");
    expect((await rig.store.chunks.reap({ workerPrefix: "host%1:", now: rig.now })).map((lost) => lost.chunkId)).toEqual([mine.id]);
    expect(await rig.store.chunks.held("acme", other.id, other.fence)).not.toBeNull();
  },

  async "a paused batch gets its lost chunks back and stays paused"(rig) {
    const batch = await rig.create([["a"]]);
    await rig.claim(batch, 10);
    await rig.store.batches.pause("acme", batch.id, rig.now);
    rig.now += 11;
    expect(await rig.store.chunks.reap({ now: rig.now })).toHaveLength(1);
    expect(await rig.get(batch)).toMatchObject({ status: "paused", running: 0, leasedChunks: 0, openChunks: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "nothing leased, nothing ends"(rig) {
    await rig.create([["a"]]);
    expect(await rig.store.chunks.nextLeaseEnd()).toBeNull();
    expect(await rig.store.chunks.reap({ now: rig.now + 1e9 })).toEqual([]);
  },
});
