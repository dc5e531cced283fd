import { expect } from "vitest";
import { failed } from "./rig.ts";
import type { BatchFilter } from "../../../src/store/port.ts";
import type { Rig } from "./rig.ts";
import { section } from "./section.ts";

const names = async (rig: Rig, filter: Omit<BatchFilter, "tenant"> = {}): Promise<{ found: (string | null)[]; total: number }> => {
  const page = await rig.store.batches.list({ tenant: "acme", ...filter }, { limit: 100 });
  return { found: page.batches.map((batch) => batch.name), total: page.total };
};

export const lists = section("lists and counts", {
  async "newest first, and by id within a millisecond"(rig) {
    const rows = [await rig.create([["a"]]), await rig.create([["a"]])];
    rig.now += 1;
    rows.push(await rig.create([["a"]]));
    const page = await rig.store.batches.list({ tenant: "acme" }, { limit: 10 });
    const expected = rows.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)).map((row) => row.id);
    expect(page.batches.map((batch) => batch.id)).toEqual(expected);
    expect(page.total).toBe(3);
  },

  async "keyset pages show each row once, also those of one millisecond"(rig) {
    for (let i = 0; i < 7; i++) await rig.create([["a"]]);
    const seen: string[] = [];
    let before: { createdAt: number; id: string } | undefined;
    for (;;) {
      const page = await rig.store.batches.list({ tenant: "acme" }, before === undefined ? { limit: 2 } : { limit: 2, before });
      expect(page.total).toBe(7);
      if (page.batches.length === 0) break;
      seen.push(...page.batches.map((batch) => batch.id));
      before = page.batches.at(-1)!;
      // What arrives meanwhile stands above and shifts nothing.
      rig.now += 1;
    }
    expect(new Set(seen).size).toBe(7);
    const offset = await rig.store.batches.list({ tenant: "acme" }, { limit: 3, offset: 5 });
    expect(offset.batches.map((batch) => batch.id)).toEqual(seen.slice(5));
  },

  async "every filter narrows rows and total alike"(rig) {
    await rig.create([["a"]], { batch: { name: "Films 100%", operation: "import", stream: "cam", tags: ["x", "y"] } });
    rig.now += 10;
    const failing = await rig.create([["a"]], { batch: { name: "films_2", operation: "transform", tags: ["y"] } });
    await rig.drain(failing, { a: failed() });
    rig.now += 10;
    await rig.create([["a"]], { batch: { name: "books", operation: "import" } });
    const t0 = rig.now - 20;
    expect(await names(rig)).toEqual({ found: ["books", "films_2", "Films 100%"], total: 3 });
    expect(await names(rig, { operation: "import" })).toEqual({ found: ["books", "Films 100%"], total: 2 });
    expect(await names(rig, { status: "failed" })).toEqual({ found: ["films_2"], total: 1 });
    expect(await names(rig, { operation: "import", status: "failed" })).toEqual({ found: [], total: 0 });
    expect(await names(rig, { createdAfter: t0 + 10 })).toEqual({ found: ["books", "films_2"], total: 2 });
    expect(await names(rig, { createdBefore: t0 + 10 })).toEqual({ found: ["films_2", "Films 100%"], total: 2 });
    expect(await names(rig, { name: "FILMS" })).toEqual({ found: ["films_2", "Films 100%"], total: 2 });
    expect(await names(rig, { name: "0%" })).toEqual({ found: ["Films 100%"], total: 1 });
    expect(await names(rig, { name: "s_2" })).toEqual({ found: ["films_2"], total: 1 });
    expect(await names(rig, { stream: "cam" })).toEqual({ found: ["Films 100%"], total: 1 });
    expect(await names(rig, { tag: "y" })).toEqual({ found: ["films_2", "Films 100%"], total: 2 });
    expect(await names(rig, { tag: "x", operation: "import", createdBefore: t0 })).toEqual({ found: ["Films 100%"], total: 1 });
    expect(await names(rig, { tag: "nothing" })).toEqual({ found: [], total: 0 });
    expect(await names(rig, { operation: "nothing" })).toEqual({ found: [], total: 0 });
  },

  async "by how many items, also with another part, and along every order"(rig) {
    for (const [i, size] of [1, 4, 2, 3].entries()) {
      rig.now += 10;
      await rig.create([Array.from({ length: size }, (_, n) => `${n}`)], { batch: { name: `of ${size}`, tags: i < 2 ? ["early"] : [] } });
    }
    expect(await names(rig, { minItems: 2 })).toEqual({ found: ["of 3", "of 2", "of 4"], total: 3 });
    expect(await names(rig, { maxItems: 2 })).toEqual({ found: ["of 2", "of 1"], total: 2 });
    expect(await names(rig, { minItems: 2, maxItems: 3, status: "pending" })).toEqual({ found: ["of 3", "of 2"], total: 2 });
    expect(await names(rig, { minItems: 2, tag: "early" })).toEqual({ found: ["of 4"], total: 1 });
    const page = { by: "items", ascending: true, limit: 10, after: null, looks: 100 } as const;
    const { batches } = await rig.store.batches.sorted({ tenant: "acme", minItems: 2 }, page);
    expect(batches.map(({ name }) => name)).toEqual(["of 2", "of 3", "of 4"]);
    const filter = { statuses: ["pending" as const], from: 0, to: rig.now + 1, minItems: 3 };
    expect(await rig.store.bulk.count("acme", filter)).toBe(2);
  },

  async "by id, by key and reason of the window, by worker and by code of error"(rig) {
    const window = { stream: "cam", streamKey: "front", closeReason: "max_age" };
    const first = await rig.create([["a"]], { batch: { name: "first", ...window } });
    await rig.drain(first, { a: failed("it broke", "broken") });
    rig.now += 10;
    const second = await rig.create([["a"], ["b"]], { batch: { name: "second", ...window, closeReason: "max_size" } });
    const chunk = await rig.claim(second);
    const { workerId } = (await rig.store.chunks.list("acme", second.id, { after: 0, limit: 10 })).find(({ id }) => id === chunk.id)!;
    expect(await names(rig, { id: first.id })).toEqual({ found: ["first"], total: 1 });
    expect(await names(rig, { key: "front" })).toEqual({ found: ["second", "first"], total: 2 });
    expect(await names(rig, { key: "front", closeReason: "max_size" })).toEqual({ found: ["second"], total: 1 });
    expect(await names(rig, { worker: workerId! })).toEqual({ found: ["second"], total: 1 });
    expect(await names(rig, { worker: "nobody" })).toEqual({ found: [], total: 0 });
    expect(await names(rig, { error: "broken" })).toEqual({ found: ["first"], total: 1 });
    await rig.store.batches.retry("acme", first.id, {}, rig.now);
    expect(await names(rig, { error: "broken" })).toEqual({ found: [], total: 0 });
  },

  async "counts follow every move of a batch"(rig) {
    const counts = async (): Promise<unknown> => (await rig.store.batches.counts("acme")).byOperation["transform"];
    const batch = await rig.create([["a"]]);
    expect(await counts()).toEqual({ pending: 1 });
    await rig.store.batches.pause("acme", batch.id, rig.now);
    expect(await counts()).toEqual({ paused: 1 });
    await rig.store.batches.resume("acme", batch.id, rig.now);
    const chunk = await rig.claim(batch);
    expect(await counts()).toEqual({ running: 1 });
    await rig.commit(chunk, { a: failed() });
    expect(await counts()).toEqual({ failed: 1 });
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect(await counts()).toEqual({ pending: 1 });
    await rig.create([]);
    expect(await counts()).toEqual({ pending: 1, completed: 1 });
    expect(await rig.findings()).toEqual([]);
  },
});
