import { expect } from "vitest";
import { failed, reported, type Rig } from "./rig.ts";
import { section } from "./section.ts";

/** Everything of acme that a case may try to reach as another tenant. */
async function acme(rig: Rig): Promise<{ id: string; chunk: number; fence: number }> {
  const batch = await rig.create([["a", "b"], ["c"]], { batch: { input: { file_id: "file_1" } } });
  await rig.commit(await rig.claim(batch), { a: { ok: true }, b: failed() });
  const chunk = await rig.claim(batch);
  return { id: batch.id, chunk: chunk.id, fence: chunk.fence };
}

export const tenants = section("tenants", {
  async "another tenant reads nothing of a batch"(rig) {
    const { id, chunk, fence } = await acme(rig);
    const { batches, chunks, results } = rig.store;
    expect(await batches.get("other", id)).toBeNull();
    expect((await batches.stats("other", id)).durationCount).toBe(0);
    expect(await batches.list({ tenant: "other" }, { limit: 10 })).toMatchObject({ batches: [], total: 0 });
    expect(await batches.list({ tenant: "other", name: "" }, { limit: 10 })).toMatchObject({ batches: [], total: 0 });
    expect(await batches.counts("other")).toEqual({ byOperation: {} });
    expect(await chunks.list("other", id, { after: 0, limit: 10 })).toEqual([]);
    expect(await chunks.open("other", id, 10)).toEqual([]);
    expect(await chunks.held("other", chunk, fence)).toBeNull();
    expect(await chunks.payload("other", id, "a")).toBeNull();
    const keys: string[][] = [];
    for await (const block of chunks.keys("other", id)) keys.push(block);
    expect(keys).toEqual([]);
    expect(await results.page("other", id, {}, null, 10)).toEqual({ lines: [], next: null });
    expect(await results.groups("other", id)).toEqual([]);
    expect(await rig.store.files.usedBy("other", "file_1")).toBeNull();
    expect(await rig.store.events.read(0, 100, { tenant: "other" })).toEqual([]);
    expect(await rig.store.events.read(0, 100, { tenant: "other", entity: id })).toEqual([]);
  },

  async "another tenant moves nothing of a batch"(rig) {
    const { id } = await acme(rig);
    const { batches, chunks } = rig.store;
    const before = await batches.get("acme", id);
    expect(await batches.pause("other", id, rig.now)).toBeNull();
    expect(await batches.resume("other", id, rig.now)).toBeNull();
    expect(await batches.end("other", id, "cancelled", null, rig.now)).toBeNull();
    expect(await batches.finish("other", id, { error: "x", code: "x" }, rig.now)).toBeNull();
    expect(await batches.setPriority("other", id, 3, rig.now)).toBeNull();
    expect(await batches.retry("other", id, {}, rig.now)).toBeNull();
    expect(await chunks.record("other", id, [reported("c")], rig.now)).toBeNull();
    expect(await batches.remove("other", rig.now + 1e9, { limit: 10, dryRun: false })).toBe(0);
    expect(await batches.get("acme", id)).toEqual(before);
  },

  async "two tenants count and list their own"(rig) {
    await rig.create([["a"]]);
    await rig.create([["a"]], { tenant: "other" });
    await rig.create([], { tenant: "other" });
    expect((await rig.store.batches.list({ tenant: "other" }, { limit: 10 })).total).toBe(2);
    expect(await rig.store.batches.counts("other")).toEqual({ byOperation: { transform: { pending: 1, completed: 1 } } });
    expect(await rig.store.batches.counts("acme")).toEqual({ byOperation: { transform: { pending: 1 } } });
    expect((await rig.store.events.read(0, 100, { tenant: "acme" })).map((event) => event.tenant)).toEqual(["acme"]);
  },

  async "records, files and keys of one are not another's"(rig) {
    const { records, files, access, audit } = rig.store;
    await records.put("acme", "films", [{ key: "a", data: { n: 1 }, writer: null }], "insert", rig.now);
    expect(await records.collections("other")).toEqual([]);
    expect(await records.get("other", "films", "a")).toBeNull();
    expect(await records.list("other", "films", { equals: {} }, { after: null, limit: 10 })).toEqual([]);
    expect(await records.delete("other", "films", "a")).toBe(false);
    expect(await records.deleteOlder("other", null, rig.now + 1, 10)).toBe(0);
    expect(await records.put("other", "films", [{ key: "a", data: { n: 2 }, writer: null }], "insert", rig.now)).toEqual(["inserted"]);
    expect((await records.get("acme", "films", "a"))?.data).toEqual({ n: 1 });
    await files.insert({
      id: "file_1",
      tenant: "acme",
      name: "a.csv",
      contentType: "text/csv",
      bytes: 1,
      sha256: "0",
      purpose: null,
      createdAt: rig.now,
      expiresAt: null,
    });
    expect(await files.get("other", "file_1")).toBeNull();
    expect(await files.list("other", { before: null, limit: 10 })).toEqual([]);
    expect(await files.delete("other", "file_1", rig.now)).toBe(false);
    await access.insertKey({
      id: "key_1",
      tenant: "acme",
      name: "ci",
      role: "admin",
      hash: "h",
      hint: "by_1",
      createdAt: rig.now,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      batchId: null,
    });
    expect(await access.keys("other")).toEqual([]);
    expect(await access.revokeKey("other", "key_1", rig.now)).toBe(false);
    await access.reserve({ tenant: "acme", key: "k", requestHash: "1", status: null, body: null, createdAt: rig.now }, 0);
    await access.settle("other", "k", 200, "stolen");
    await access.unreserve("other", "k");
    expect(
      await access.reserve({ tenant: "acme", key: "k", requestHash: "1", status: null, body: null, createdAt: rig.now }, 0),
    ).toMatchObject({ status: null, body: null });
    expect(
      await access.reserve({ tenant: "other", key: "k", requestHash: "2", status: null, body: null, createdAt: rig.now }, 0),
    ).toBeNull();
    await audit.append({
      tenant: "acme",
      at: rig.now,
      actor: "me",
      credential: null,
      address: null,
      action: "x",
      target: "y",
      before: null,
      after: null,
      outcome: "SUCCESS",
    });
    expect(await audit.list("other", { before: null, limit: 10 })).toEqual([]);
  },
});
