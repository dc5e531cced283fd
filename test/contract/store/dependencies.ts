import { expect } from "vitest";
import { failed } from "./rig.ts";
import { section } from "./section.ts";

export const dependencies = section("dependencies", {
  async "a batch waits until all it depends on have completed"(rig) {
    const a = await rig.create([["a"]]);
    const b = await rig.create([["b"]]);
    const c = await rig.create([["c"]], { batch: { dependsOn: [a.id, b.id] } });
    expect(await rig.store.batches.runnable(rig.now, { executors: null, notExecutors: [], perTenant: 9 })).toHaveLength(2);
    await rig.drain(a);
    expect(await rig.tryClaim(c)).toBeNull();
    expect(await rig.findings()).toEqual([]);
    await rig.drain(b);
    await rig.drain(c);
    expect((await rig.get(c)).status).toBe("completed");
    expect(await rig.findings()).toEqual([]);
  },

  async "one that ends otherwise takes its dependents along, and theirs"(rig) {
    const a = await rig.create([["a"]]);
    const b = await rig.create([["b"]], { batch: { dependsOn: [a.id] } });
    const c = await rig.create([["c"]], { batch: { dependsOn: [b.id] } });
    await rig.drain(a, { a: failed() });
    expect(await rig.get(b)).toMatchObject({ status: "failed", cancelled: 1 });
    expect((await rig.get(b)).error).toContain(a.id);
    expect(await rig.get(c)).toMatchObject({ status: "failed", cancelled: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "one that has completed, or is gone, is not waited for"(rig) {
    const a = await rig.create([["a"]]);
    await rig.drain(a);
    const b = await rig.create([["b"]], { batch: { dependsOn: [a.id, "batch_1_gone00000"] } });
    expect(await rig.tryClaim(b)).not.toBeNull();
  },

  async "one that failed before the seal fails the batch at once"(rig) {
    const a = await rig.create([["a"]]);
    await rig.store.batches.end("acme", a.id, "cancelled", null, rig.now);
    const b = await rig.create([["b"]], { batch: { dependsOn: [a.id] } });
    expect(b).toMatchObject({ status: "failed", cancelled: 1 });
    expect(b.error).toContain("cancelled");
  },

  async "an empty batch ends with its dependencies"(rig) {
    const a = await rig.create([["a"]]);
    const b = await rig.create([], { batch: { dependsOn: [a.id] } });
    expect(b.status).toBe("pending");
    await rig.drain(a);
    expect((await rig.get(b)).status).toBe("completed");
  },

  async "a retried dependent runs when what it depended on has been mended"(rig) {
    const a = await rig.create([["a"]]);
    const b = await rig.create([["b"]], { batch: { dependsOn: [a.id] } });
    await rig.drain(a, { a: failed() });
    expect((await rig.store.batches.retry("acme", b.id, {}, rig.now))?.batch).toMatchObject({ status: "failed", epoch: 2 });
    await rig.store.batches.retry("acme", a.id, {}, rig.now);
    expect((await rig.store.batches.retry("acme", b.id, {}, rig.now))?.batch).toMatchObject({ status: "pending", epoch: 3 });
    expect(await rig.tryClaim(b)).toBeNull();
    await rig.drain(a);
    await rig.drain(b);
    expect(await rig.get(b)).toMatchObject({ status: "completed", succeeded: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "another tenant's batch is nothing to wait for"(rig) {
    const a = await rig.create([["a"]], { tenant: "other" });
    const b = await rig.create([["b"]], { batch: { dependsOn: [a.id] } });
    expect(await rig.tryClaim(b)).not.toBeNull();
  },
});
