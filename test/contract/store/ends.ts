import { expect } from "vitest";
import { failed, OK } from "./rig.ts";
import { section } from "./section.ts";

export const ends = section("pause, end, finish, remove", {
  async "pause and resume move only from the states of the table"(rig) {
    const { batches } = rig.store;
    const batch = await rig.create([["a", "b"]]);
    expect(await batches.resume("acme", batch.id, rig.now)).toBeNull();
    expect(await batches.pause("acme", batch.id, rig.now)).toMatchObject({ status: "paused" });
    expect(await batches.pause("acme", batch.id, rig.now)).toBeNull();
    expect(await batches.resume("acme", batch.id, rig.now)).toMatchObject({ status: "pending" });
    await rig.claim(batch);
    await batches.pause("acme", batch.id, rig.now);
    expect(await batches.resume("acme", batch.id, rig.now)).toMatchObject({ status: "running" });
    await batches.end("acme", batch.id, "cancelled", null, rig.now);
    expect(await batches.pause("acme", batch.id, rig.now)).toBeNull();
    expect(await batches.resume("acme", batch.id, rig.now)).toBeNull();
    const types = (await rig.store.events.read(0, 100)).map((event) => event.type);
    expect(types).toEqual([
      "batch.created",
      "batch.paused",
      "batch.resumed",
      "batch.started",
      "batch.paused",
      "batch.resumed",
      "batch.progress",
      "batch.cancelled",
    ]);
  },

  async "cancel keeps what is settled, cancels the rest and refuses what comes late"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: OK }, "checkpoint");
    const ended = await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    expect(ended).toMatchObject({
      status: "cancelled",
      succeeded: 1,
      cancelled: 2,
      running: 0,
      leasedChunks: 0,
      openChunks: 0,
      completedAt: rig.now,
    });
    expect(await rig.commit(chunk, { b: OK })).toMatchObject({ accepted: false, batch: { late: 1 } });
    expect(await rig.store.chunks.renew([{ chunkId: chunk.id, fence: chunk.fence }], rig.now + 1)).toEqual([]);
    expect(await rig.store.chunks.reap({ now: rig.now + 1e9 })).toEqual([]);
    expect(await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now)).toBeNull();
    expect(await rig.results(batch)).toHaveLength(1);
    expect(await rig.findings()).toEqual([]);
  },

  async "expire settles open items as expired"(rig) {
    const batch = await rig.create([["a"]]);
    expect(await rig.store.batches.end("acme", batch.id, "expired", "The deadline has passed", rig.now)).toMatchObject({
      status: "expired",
      expired: 1,
      cancelled: 0,
      error: "The deadline has passed",
    });
    expect(await rig.findings()).toEqual([]);
  },

  async "end as failed settles open items as cancelled"(rig) {
    const batch = await rig.create([["a"]]);
    expect(await rig.store.batches.end("acme", batch.id, "failed", "over the limit", rig.now)).toMatchObject({
      status: "failed",
      cancelled: 1,
      failed: 0,
      error: "over the limit",
    });
  },

  async "a paused batch can be ended"(rig) {
    const batch = await rig.create([["a"]]);
    await rig.store.batches.pause("acme", batch.id, rig.now);
    expect(await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now)).toMatchObject({ status: "cancelled" });
  },

  async "finish fails every open item under its own key and ends by the counts"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: OK }, "checkpoint");
    const row = await rig.store.batches.finish("acme", batch.id, { error: "by hand", code: "by_hand" }, rig.now);
    expect(row).toMatchObject({ status: "completed", succeeded: 1, failed: 2, cancelled: 0, running: 0 });
    expect((await rig.results(batch)).map((result) => [result.nodeId, result.success, result.errorCode])).toEqual([
      ["a", true, undefined],
      ["b", false, "by_hand"],
      ["c", false, "by_hand"],
    ]);
    expect(await rig.commit(chunk, { b: OK })).toMatchObject({ accepted: false });
    expect(await rig.store.batches.finish("acme", batch.id, { error: "x", code: "x" }, rig.now)).toBeNull();
    expect(await rig.findings()).toEqual([]);
  },

  async "finish of a batch with nothing done fails it"(rig) {
    const batch = await rig.create([["a"]]);
    expect(await rig.store.batches.finish("acme", batch.id, { error: "by hand", code: "by_hand" }, rig.now)).toMatchObject({
      status: "failed",
      failed: 1,
      error: "by hand",
    });
  },

  async "setPriority moves an open batch between the queues"(rig) {
    const batch = await rig.create([["a"]]);
    expect(await rig.store.batches.setPriority("acme", batch.id, 3, rig.now)).toMatchObject({ priority: 3 });
    expect(await rig.store.batches.runnable(rig.now, { executors: null, notExecutors: [], perTenant: 1 })).toMatchObject([
      { id: batch.id, priority: 3 },
    ]);
    await rig.drain(batch);
    expect(await rig.store.batches.setPriority("acme", batch.id, 0, rig.now)).toBeNull();
  },

  async "remove takes away final batches that ended before a time, with everything of theirs"(rig) {
    const { batches } = rig.store;
    const open = await rig.create([["a"]]);
    const first = await rig.create([["a", "b"]]);
    await rig.drain(first, { b: failed() });
    rig.now += 10;
    const second = await rig.create([["a"]]);
    await rig.drain(second);
    expect(await batches.remove("acme", rig.now, { limit: 10, dryRun: true })).toBe(1);
    expect(await batches.remove("other", rig.now + 1, { limit: 10, dryRun: false })).toBe(0);
    expect(await batches.remove("acme", rig.now + 1, { limit: 1, dryRun: false })).toBe(1);
    expect(await batches.get("acme", first.id)).toBeNull();
    expect(await rig.results(first)).toEqual([]);
    expect(await rig.store.results.groups("acme", first.id)).toEqual([]);
    expect(await rig.store.chunks.list("acme", first.id, { after: 0, limit: 10 })).toEqual([]);
    expect((await batches.stats("acme", first.id)).durationCount).toBe(0);
    expect(await batches.remove(null, rig.now + 1, { limit: 10, dryRun: false })).toBe(1);
    expect(await batches.get("acme", second.id)).toBeNull();
    expect((await rig.get(open)).status).toBe("pending");
    expect(await batches.counts("acme")).toEqual({ byOperation: { transform: { pending: 1 } } });
    expect(await rig.findings()).toEqual([]);
  },

  async "what has ended is told to the channels of the batch, once an epoch"(rig) {
    const batch = await rig.create([["a"]], { batch: { notify: ["log", "mail"], name: "films" } });
    await rig.drain(batch, { a: failed() });
    const due = await rig.store.outbox.due(rig.now, 10);
    expect(due.map((row) => [row.tenant, row.channel, row.tries])).toEqual([
      ["acme", "log", 0],
      ["acme", "mail", 0],
    ]);
    expect(due[0]!.subject).toContain("films");
    expect(JSON.parse(due[0]!.body)).toMatchObject({ type: "batch.failed", batch_id: batch.id, failed: 1 });
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    await rig.drain(batch);
    // Each after what its channel was told of the epoch before.
    expect((await rig.store.outbox.due(rig.now, 10)).map(({ id }) => id)).toEqual(due.map(({ id }) => id));
    for (const { id } of due) await rig.store.outbox.delivered(id, rig.now);
    const second = await rig.store.outbox.due(rig.now, 10);
    expect(second.map(({ channel, body }) => [channel, (JSON.parse(body) as { epoch: number }).epoch])).toEqual([
      ["log", 2],
      ["mail", 2],
    ]);
  },
});
