import { expect } from "vitest";
import { failed, OK, type Rig } from "./rig.ts";
import { section } from "./section.ts";

const select = async (
  rig: Rig,
  selection: { reason?: string; fingerprint?: string; ids?: number[] } = {},
  operation = "transform",
  tenant = "acme",
) => rig.store.dead.items(tenant, operation, selection, { after: null, limit: 100 });
const keys = async (...asked: Parameters<typeof select>) => (await select(...asked)).map(({ nodeId }) => nodeId);
const code = (name: string) => failed("it broke", name);

/** What src/store/port.ts says of DeadStore. */
export const dead = section("dead items", {
  "failures count once their batch has ended, by operation and code, until a retry takes them back": async (rig) => {
    const batch = await rig.create([["a", "b"], ["c"]]);
    await rig.commit(await rig.claim(batch), { a: code("one"), b: code("two") });
    expect(await rig.store.dead.groups("acme")).toEqual([]);
    expect(await keys(rig)).toEqual([]);
    const failedAt = rig.now;
    rig.now += 1_000;
    await rig.drain(batch, { c: code("one") });
    expect(await rig.store.dead.groups("acme")).toEqual([
      { queue: "transform", reason: "one", count: 2, oldest: failedAt, newest: rig.now },
      { queue: "transform", reason: "two", count: 1, oldest: failedAt, newest: failedAt },
    ]);
    expect(await rig.store.dead.groups("other")).toEqual([]);
    expect((await select(rig))[0]).toMatchObject({
      batchId: batch.id,
      nodeId: "a",
      error: "it broke",
      code: "one",
      category: "data",
      at: failedAt,
    });
    await rig.store.batches.retry("acme", batch.id, { nodeIds: ["a"] }, rig.now);
    expect(await rig.store.dead.groups("acme")).toEqual([]);
    await rig.drain(batch, { a: OK });
    expect(await keys(rig)).toEqual(["b", "c"]);
    expect(await keys(rig, { reason: "one" })).toEqual(["c"]);
    const [group] = await rig.store.results.groups("acme", batch.id);
    expect(await keys(rig, { fingerprint: group!.fingerprint })).toEqual(group!.examples);
    expect(await keys(rig, { fingerprint: "none" })).toEqual([]);
    expect(await rig.findings()).toEqual([]);
  },

  "pages go through batch after batch, each item once": async (rig) => {
    for (const name of ["1", "2", "3"]) {
      const batch = await rig.create([[`${name}a`, `${name}b`], [`${name}c`]]);
      await rig.drain(batch, { [`${name}a`]: failed(), [`${name}b`]: OK, [`${name}c`]: failed() });
      rig.now += 1;
    }
    const seen: string[] = [];
    let after: { batchId: string; id: number } | null = null;
    for (;;) {
      const page = await rig.store.dead.items("acme", "transform", {}, { after, limit: 2 });
      if (page.length === 0) break;
      seen.push(...page.map(({ nodeId }) => nodeId));
      after = { batchId: page.at(-1)!.batchId, id: page.at(-1)!.id };
    }
    expect(seen).toEqual((await select(rig)).map(({ nodeId }) => nodeId));
    expect(seen.toSorted()).toEqual(["1a", "1c", "2a", "2c", "3a", "3c"]);
  },

  "dismissed ones leave the list and stay results of their batch; a retry may still take them": async (rig) => {
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: failed(), b: failed(), c: code("other") });
    const [a] = await select(rig);
    expect(await rig.store.dead.dismiss("other", "transform", {}, 10, rig.now)).toBe(0);
    expect(await rig.store.dead.dismiss("acme", "import", {}, 10, rig.now)).toBe(0);
    expect(await rig.store.dead.dismiss("acme", "transform", { ids: [a!.id] }, 10, rig.now)).toBe(1);
    expect(await rig.store.dead.dismiss("acme", "transform", { ids: [a!.id] }, 10, rig.now)).toBe(0);
    expect(await rig.store.dead.dismiss("acme", "transform", { reason: "other" }, 10, rig.now)).toBe(1);
    expect(await keys(rig)).toEqual(["b"]);
    expect(await rig.store.dead.groups("acme")).toMatchObject([{ queue: "transform", count: 1 }]);
    expect(await rig.get(batch)).toMatchObject({ failed: 3 });
    expect(await rig.results(batch, { success: false })).toHaveLength(3);
    expect(await rig.findings()).toEqual([]);
    expect((await rig.store.batches.retry("acme", batch.id, {}, rig.now))?.items).toBe(3);
    await rig.drain(batch, { a: failed(), b: OK, c: OK });
    expect(await keys(rig)).toEqual(["a"]);
    expect(await rig.findings()).toEqual([]);
  },
});
