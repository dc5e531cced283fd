import { expect } from "vitest";
import { payloadOf } from "./rig.ts";
import { section } from "./section.ts";

export const intake = section("intake", {
  async "create keeps every field of a batch"(rig) {
    const batch = rig.newBatch({
      name: "films",
      description: "all of them",
      priority: 3,
      filters: { year: 1999 },
      options: { batchSize: 2 },
      input: { collection: "films" },
      metadata: { a: [1, { b: null }] },
      stream: "cam",
      streamKey: "7",
      closeReason: "idle",
      tags: ["x", "y"],
      warnings: ["careful"],
      deadlineAt: rig.now + 1000,
      executor: "http",
    });
    const row = await rig.store.batches.create(batch, rig.chunks([["a", "b"], ["c"]]), rig.seal(batch));
    expect(row).toEqual(await rig.get(batch));
    // What only the store needs is not in the row.
    const hidden = ["notify", "maxLeasedChunks"];
    expect(row).toMatchObject(Object.fromEntries(Object.entries(batch).filter(([field]) => !hidden.includes(field))));
    expect(row).toMatchObject({ status: "pending", epoch: 1, totalItems: 3, openChunks: 2, leasedChunks: 0, running: 0 });
    expect(row).toMatchObject({
      succeeded: 0,
      failed: 0,
      cancelled: 0,
      expired: 0,
      retried: 0,
      late: 0,
      cost: 0,
      startedAt: null,
      completedAt: null,
      error: null,
    });
  },

  async "create stores keys in order and payloads as they came"(rig) {
    const batch = rig.newBatch();
    const chunk = { ...rig.chunks([["a", 'k"\\ü🎬', "c"]])[0]!, body: '{"n":9007199254740993},\n"é",\n1.50' };
    await rig.store.batches.create(batch, [chunk], rig.seal(batch));
    const claimed = await rig.claim(batch);
    expect(claimed.keys).toEqual(["a", 'k"\\ü🎬', "c"]);
    expect(claimed.body).toBe(chunk.body);
    expect(await rig.store.chunks.payload("acme", batch.id, "a")).toBe('{"n":9007199254740993}');
    expect(await rig.store.chunks.payload("acme", batch.id, 'k"\\ü🎬')).toBe('"é"');
    expect(await rig.store.chunks.payload("acme", batch.id, "z")).toBeNull();
  },

  async "create of nothing completes at once"(rig) {
    const row = await rig.create([]);
    expect(row).toMatchObject({ status: "completed", totalItems: 0, completedAt: rig.now });
  },

  async "a staged batch is seen by nobody and runs nowhere"(rig) {
    const { store } = rig;
    const batch = rig.newBatch({ tags: ["t"], deadlineAt: rig.now });
    await store.batches.stage(batch);
    await store.batches.append("acme", batch.id, rig.chunks([["a"]]));
    expect(await store.batches.get("acme", batch.id)).toBeNull();
    expect(await store.batches.list({ tenant: "acme" }, { limit: 10 })).toMatchObject({ batches: [], total: 0 });
    expect(await store.batches.list({ tenant: "acme", tag: "t" }, { limit: 10 })).toMatchObject({ batches: [], total: 0 });
    expect(await store.batches.counts("acme")).toEqual({ byOperation: {} });
    expect(await store.batches.runnable(rig.now, { executors: null, notExecutors: [], perTenant: 10 })).toEqual([]);
    expect(await store.batches.nextReadyAt(rig.now - 1)).toBeNull();
    expect(await store.batches.overdue(rig.now, 10)).toEqual([]);
    expect(await store.batches.nextDeadlineAt()).toBeNull();
    expect(await rig.tryClaim(batch)).toBeNull();
    expect(await store.batches.pause("acme", batch.id, rig.now)).toBeNull();
    expect(await store.batches.end("acme", batch.id, "cancelled", null, rig.now)).toBeNull();
    expect(await store.chunks.payload("acme", batch.id, "a")).toBeNull();
    expect(await store.chunks.list("acme", batch.id, { after: 0, limit: 10 })).toEqual([]);
    expect(await store.chunks.open("acme", batch.id, 10)).toEqual([]);
    expect(await store.events.read(0, 10)).toEqual([]);
  },

  async "append and seal make the same batch as create"(rig) {
    const batch = rig.newBatch();
    const [first, second] = rig.chunks([["a", "b"], ["c"]]);
    await rig.store.batches.stage(batch);
    await rig.store.batches.append("acme", batch.id, [first!]);
    await rig.store.batches.append("acme", batch.id, [second!]);
    const row = await rig.store.batches.seal(rig.seal(batch));
    expect(row).toMatchObject({ status: "pending", totalItems: 3, openChunks: 2 });
    await rig.drain(batch);
    expect((await rig.results(batch)).map((result) => result.nodeId)).toEqual(["a", "b", "c"]);
    expect(await rig.findings()).toEqual([]);
  },

  async "sealing a staged batch without items completes it"(rig) {
    const batch = rig.newBatch();
    await rig.store.batches.stage(batch);
    expect(await rig.store.batches.seal(rig.seal(batch))).toMatchObject({ status: "completed", totalItems: 0 });
  },

  async "append and seal refuse a batch that is sealed, discarded or another's"(rig) {
    const { batches } = rig.store;
    const sealed = await rig.create([["a"]]);
    const staged = rig.newBatch();
    await batches.stage(staged);
    const chunk = rig.chunks([["b"]]);
    await expect(batches.append("acme", sealed.id, chunk)).rejects.toThrow(sealed.id);
    await expect(batches.append("other", staged.id, chunk)).rejects.toThrow(staged.id);
    await expect(batches.seal({ ...rig.seal(staged), tenant: "other" })).rejects.toThrow(staged.id);
    await expect(batches.seal({ ...rig.seal(staged), batchId: sealed.id })).rejects.toThrow(sealed.id);
    await batches.discard({ batchId: staged.id });
    await expect(batches.append("acme", staged.id, chunk)).rejects.toThrow(staged.id);
    await expect(batches.seal(rig.seal(staged))).rejects.toThrow(staged.id);
    expect((await rig.get(sealed)).totalItems).toBe(1);
    expect(await rig.findings()).toEqual([]);
  },

  async "discard removes one unsealed batch and never a sealed one"(rig) {
    const sealed = await rig.create([["a"]]);
    const staged = rig.newBatch();
    await rig.store.batches.stage(staged);
    await rig.store.batches.append("acme", staged.id, rig.chunks([["b"]]));
    expect(await rig.store.batches.discard({ batchId: sealed.id })).toBe(0);
    expect(await rig.store.batches.discard({ batchId: staged.id })).toBe(1);
    expect(await rig.store.batches.discard({ batchId: staged.id })).toBe(0);
    expect((await rig.get(sealed)).status).toBe("pending");
  },

  async "discard by age removes what was left behind, not what is being filled"(rig) {
    const old = rig.newBatch();
    const fresh = rig.newBatch({ createdAt: rig.now + 1000 });
    await rig.store.batches.stage(old);
    await rig.store.batches.stage(fresh);
    const sealed = await rig.create([["a"]]);
    expect(await rig.store.batches.discard({ olderThan: rig.now + 1000 })).toBe(1);
    await rig.store.batches.append("acme", fresh.id, rig.chunks([["b"]]));
    expect((await rig.store.batches.seal(rig.seal(fresh))).totalItems).toBe(1);
    expect(await rig.get(sealed)).toMatchObject({ totalItems: 1 });
  },

  async "an id is taken once"(rig) {
    const batch = rig.newBatch();
    await rig.store.batches.create(batch, rig.chunks([["a"]]), rig.seal(batch));
    await expect(rig.store.batches.create(batch, rig.chunks([["b"]]), rig.seal(batch))).rejects.toBeInstanceOf(Error);
    await rig.drain(batch);
    expect((await rig.results(batch)).map((result) => result.nodeId)).toEqual(["a"]);
    expect(await rig.findings()).toEqual([]);
  },

  async "keys come in blocks, each once, also after retries"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: { retry: true }, b: { ok: true } });
    const keys: string[][] = [];
    for await (const block of rig.store.chunks.keys("acme", batch.id)) keys.push(block);
    expect(keys).toEqual([["a", "b"], ["c"]]);
  },

  async "the payload of a handed-on item is found by its key"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.commit(await rig.claim(batch), { a: { ok: true }, b: { retry: true } });
    expect(await rig.store.chunks.payload("acme", batch.id, "b")).toBe(payloadOf("b"));
  },
});
