import { expect } from "vitest";
import { failed, OK } from "./rig.ts";
import { section } from "./section.ts";

export const results = section("results", {
  async "every page size shows every result once, successes first"(rig) {
    const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
    const batch = await rig.create([keys.slice(0, 4), keys.slice(4, 5), keys.slice(5)]);
    await rig.drain(batch, { k1: failed("x"), k6: failed("y"), k9: failed("x") });
    const expected = ["k0", "k2", "k3", "k4", "k5", "k7", "k8", "k1", "k6", "k9"];
    for (const limit of [1, 2, 3, 7, 10, 11])
      expect((await rig.results(batch, {}, limit)).map((result) => result.nodeId)).toEqual(expected);
    expect(await rig.store.results.page("acme", batch.id, {}, null, 10)).toMatchObject({ next: null });
  },

  async "pages go on where they stopped while results come in"(rig) {
    const batch = await rig.create([["a", "b"], ["c"], ["d"]]);
    await rig.commit(await rig.claim(batch), { a: OK, b: OK });
    const first = await rig.store.results.page("acme", batch.id, { success: true }, null, 1);
    await rig.drain(batch);
    const rest = await rig.store.results.page("acme", batch.id, { success: true }, first.next, 10);
    expect([...first.lines, ...rest.lines].map((line) => (JSON.parse(line) as { nodeId: string }).nodeId)).toEqual(["a", "b", "c", "d"]);
  },

  async "filters by success"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.drain(batch, { b: failed() });
    expect((await rig.results(batch, { success: true })).map((result) => result.nodeId)).toEqual(["a"]);
    expect((await rig.results(batch, { success: false })).map((result) => result.nodeId)).toEqual(["b"]);
  },

  async "filters by part of the error, in any case, with % and _ as they are"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: failed("Rate 100% reached"), b: failed("rate 1000 reached"), c: failed("a_b") });
    const keys = async (error: string): Promise<string[]> => (await rig.results(batch, { error })).map((result) => result.nodeId);
    expect(await keys("RATE")).toEqual(["a", "b"]);
    expect(await keys("100%")).toEqual(["a"]);
    expect(await keys("a_b")).toEqual(["c"]);
    expect(await keys("e_r")).toEqual([]);
  },

  async "filters by key among successes and failures"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    await rig.drain(batch, { b: failed() });
    for (const key of ["a", "b", "c"]) expect((await rig.results(batch, { nodeId: key }, 1)).map((result) => result.nodeId)).toEqual([key]);
    expect(await rig.results(batch, { nodeId: "zz" })).toEqual([]);
    expect(await rig.results(batch, { nodeId: "a", success: false })).toEqual([]);
  },

  async "filters by fingerprint, in pages"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: failed("x"), b: failed("y"), c: failed("x") });
    const group = (await rig.store.results.groups("acme", batch.id))[0]!;
    expect((await rig.results(batch, { fingerprint: group.fingerprint }, 1)).map((result) => result.nodeId)).toEqual(["a", "c"]);
    expect((await rig.results(batch, { fingerprint: group.fingerprint, nodeId: "c" })).map((result) => result.nodeId)).toEqual(["c"]);
  },

  async "groups count alike errors, largest first, with five examples"(rig) {
    const keys = Array.from({ length: 7 }, (_, n) => `k${n}`);
    const batch = await rig.create([keys.slice(0, 3), keys.slice(3), ["z"]]);
    const answers = Object.fromEntries(keys.map((key) => [key, failed("boom", "E1")]));
    await rig.commit(await rig.claim(batch), { k0: failed("boom", "E1"), k1: failed("boom", "E1"), k2: failed("boom", "E1") });
    const firstSeen = rig.now;
    rig.now += 100;
    await rig.drain(batch, { ...answers, z: failed("other", "E2") });
    const groups = await rig.store.results.groups("acme", batch.id);
    expect(groups).toMatchObject([
      { error: "boom", code: "E1", category: "data", count: 7, firstSeen, lastSeen: rig.now, examples: ["k0", "k1", "k2", "k3", "k4"] },
      { error: "other", code: "E2", count: 1, examples: ["z"] },
    ]);
  },

  async "statistics of a batch that has none are empty"(rig) {
    const batch = await rig.create([["a"]]);
    expect((await rig.store.batches.stats("acme", batch.id)).durationCount).toBe(0);
    expect(await rig.results(batch)).toEqual([]);
  },
});
