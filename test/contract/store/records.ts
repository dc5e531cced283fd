import { expect } from "vitest";
import type { Rig } from "./rig.ts";
import { section } from "./section.ts";

const put = (
  rig: Rig,
  key: string,
  data: Record<string, unknown>,
  mode: "insert" | "upsert" | "replace" = "insert",
  writer: string | null = null,
) => rig.store.records.put("acme", "films", [{ key, data, writer }], mode, rig.now);

const found = async (rig: Rig, filter: Parameters<typeof rig.store.records.list>[2]): Promise<string[]> =>
  (await rig.store.records.list("acme", "films", filter, { after: null, limit: 100 })).map((record) => record.key);

export const records = section("records", {
  async "insert refuses a key that exists, upsert merges, replace overwrites"(rig) {
    expect(await put(rig, "a", { x: 1, y: 1 })).toEqual(["inserted"]);
    const createdAt = rig.now;
    rig.now += 5;
    expect(await put(rig, "a", { x: 2 })).toEqual(["exists"]);
    expect(await put(rig, "a", { x: 3 }, "upsert")).toEqual(["updated"]);
    expect(await rig.store.records.get("acme", "films", "a")).toEqual({ key: "a", data: { x: 3, y: 1 }, createdAt, updatedAt: rig.now });
    expect(await put(rig, "a", { z: 4 }, "replace")).toEqual(["updated"]);
    expect((await rig.store.records.get("acme", "films", "a"))?.data).toEqual({ z: 4 });
    expect(await put(rig, "b", { z: 4 }, "replace")).toEqual(["inserted"]);
    expect(await put(rig, "c", { z: 4 }, "upsert")).toEqual(["inserted"]);
  },

  async "the same writer's repeated insert succeeds again, another's does not"(rig) {
    await put(rig, "a", { x: 1 }, "insert", "batch_1/a");
    expect(await put(rig, "a", { x: 1 }, "insert", "batch_1/a")).toEqual(["inserted"]);
    expect(await put(rig, "a", { x: 1 }, "insert", "batch_2/a")).toEqual(["exists"]);
    expect(await rig.store.records.collections("acme")).toEqual([{ name: "films", records: 1 }]);
  },

  async "collections count what is in them"(rig) {
    await rig.store.records.put(
      "acme",
      "films",
      ["a", "b", "c"].map((key) => ({ key, data: {}, writer: null })),
      "insert",
      rig.now,
    );
    await rig.store.records.put("acme", "books", [{ key: "a", data: {}, writer: null }], "insert", rig.now);
    expect(await rig.store.records.delete("acme", "films", "b")).toBe(true);
    expect(await rig.store.records.delete("acme", "films", "b")).toBe(false);
    await put(rig, "a", { n: 1 }, "upsert");
    expect(await rig.store.records.collections("acme")).toEqual([
      { name: "books", records: 1 },
      { name: "films", records: 2 },
    ]);
    await rig.store.records.delete("acme", "books", "a");
    expect(await rig.store.records.collections("acme")).toEqual([{ name: "films", records: 2 }]);
    expect(await rig.findings()).toEqual([]);
  },

  async "list goes through the keys in order, in pages"(rig) {
    for (const key of ["b", "a", "d", "c"]) await put(rig, key, {});
    const first = await rig.store.records.list("acme", "films", { equals: {} }, { after: null, limit: 3 });
    expect(first.map((record) => record.key)).toEqual(["a", "b", "c"]);
    expect((await rig.store.records.list("acme", "films", { equals: {} }, { after: "c", limit: 3 })).map((record) => record.key)).toEqual([
      "d",
    ]);
  },

  async "equality knows the types of JSON"(rig) {
    const values: Record<string, unknown> = {
      one: 1,
      text: "1",
      yes: true,
      no: false,
      zero: 0,
      nothing: null,
      empty: "",
      float: 0.1 + 0.2,
      short: 0.3,
      big: 1e21,
      large: 2 ** 53,
      negative: -1.5,
      list: [1],
      object: { a: 1 },
    };
    for (const [key, value] of Object.entries(values)) await put(rig, key, { field: value });
    await put(rig, "absent", {});
    for (const [key, value] of Object.entries(values)) expect(await found(rig, { equals: { field: value } })).toEqual([key]);
  },

  async "fields of any name are compared, and never run"(rig) {
    const names = [
      "a b",
      "a.b",
      "$",
      "[0]",
      'say "hi"',
      "it's",
      "back\\slash",
      "'; DROP TABLE records; --",
      "émoji 🎬",
      "",
      "line\nbreak",
      "%",
      "constructor",
    ];
    for (const [index, name] of names.entries()) await put(rig, `k${index}`, { [name]: "v" });
    for (const [index, name] of names.entries()) expect(await found(rig, { equals: { [name]: "v" } })).toEqual([`k${index}`]);
    for (const value of ["'", '"', "' OR 1=1 --", "%"]) expect(await found(rig, { equals: { "a b": value } })).toEqual([]);
    expect(await found(rig, { equals: { "a b": "v", "a.b": "v" } })).toEqual([]);
  },

  async "tags are those of a list, all of them"(rig) {
    await put(rig, "a", { tags: ["x", "y", 'q"'] });
    await put(rig, "b", { tags: ["x"] });
    await put(rig, "c", {});
    await put(rig, "d", { tags: [1] });
    expect(await found(rig, { equals: {}, tags: ["x"] })).toEqual(["a", "b"]);
    expect(await found(rig, { equals: {}, tags: ["x", "y"] })).toEqual(["a"]);
    expect(await found(rig, { equals: {}, tags: ['q"'] })).toEqual(["a"]);
    expect(await found(rig, { equals: {}, tags: ["1"] })).toEqual([]);
  },

  async "times of creation bound the list, inclusive"(rig) {
    await put(rig, "a", {});
    rig.now += 10;
    await put(rig, "b", {});
    expect(await found(rig, { equals: {}, createdAfter: rig.now })).toEqual(["b"]);
    expect(await found(rig, { equals: {}, createdBefore: rig.now - 10 })).toEqual(["a"]);
    expect(await found(rig, { equals: {}, createdAfter: rig.now - 10, createdBefore: rig.now })).toEqual(["a", "b"]);
  },

  async "deleteOlder removes by the last change, at most so many"(rig) {
    for (const key of ["a", "b", "c"]) await put(rig, key, {});
    rig.now += 10;
    await put(rig, "b", { n: 1 }, "upsert");
    await rig.store.records.put("acme", "books", [{ key: "x", data: {}, writer: null }], "insert", rig.now - 10);
    expect(await rig.store.records.deleteOlder("acme", "films", rig.now, 1)).toBe(1);
    expect(await rig.store.records.deleteOlder("acme", "films", rig.now, 10)).toBe(1);
    expect(await found(rig, { equals: {} })).toEqual(["b"]);
    expect(await rig.store.records.deleteOlder("acme", null, rig.now, 10)).toBe(1);
    expect(await rig.store.records.collections("acme")).toEqual([{ name: "films", records: 1 }]);
  },
});
