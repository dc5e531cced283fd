import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Item } from "../../model/item.ts";
import { importRecords } from "./import.ts";
import type { ItemOutcome } from "../operation.ts";
import { unreadable } from "../rows.ts";
import { itemsOf, openStoredFiles } from "../stored-files.fixture.ts";
import type { StoredFilesFixture } from "../stored-files.fixture.ts";

let fixture: StoredFilesFixture;
beforeEach(() => {
  fixture = openStoredFiles();
});
afterEach(() => fixture.close());

const run = async (given: Record<string, unknown>, items: Item[], more: { batchId?: string } = {}): Promise<ItemOutcome[]> =>
  importRecords.processBatch!(items, fixture.context(importRecords.options.parse(given), more));

const item = (key: string, payload: unknown): Item => ({ key, payload });
const record = async (key: string): Promise<unknown> => (await fixture.services.records.get("goods", key))?.data;

describe("import", () => {
  it("refuses unknown options and names that are no collections", () => {
    expect(importRecords.options.safeParse({ collection: "goods", tpyo: 1 }).success).toBe(false);
    expect(importRecords.options.safeParse({ collection: "../goods" }).success).toBe(false);
    expect(importRecords.options.safeParse({}).success).toBe(false);
    expect(importRecords.options.parse({ collection: "goods" })).toEqual({ collection: "goods", mode: "upsert" });
  });

  it("writes the rows of a file; a bad row fails alone", async () => {
    const file_id = await fixture.upload("goods.csv", "sku,price\ns1,1\ns2\n,3\ns4,4\n");
    const options = importRecords.options.parse({ collection: "goods", keyField: "sku" });
    const planned = await importRecords.plan!({ options, items: null, input: { file_id }, filters: {} }, fixture.services);
    const items = await itemsOf(planned);
    expect(items.flatMap((row) => unreadable(row) ?? [])).toEqual([
      expect.objectContaining({ key: "item_2", code: "bad_csv", category: "data" }),
      expect.objectContaining({ key: "item_3", code: "key_missing", category: "data" }),
    ]);
    // The run settles what cannot be read; the handler gets the rest.
    const readable = items.filter((row) => unreadable(row) === null);
    expect(await run({ collection: "goods", keyField: "sku" }, readable)).toEqual([
      { key: "s1", result: { key: "s1", action: "inserted" } },
      { key: "s4", result: { key: "s4", action: "inserted" } },
    ]);
    expect(await record("s1")).toEqual({ sku: "s1", price: "1" });
  });

  it("merges, replaces or refuses a key that exists", async () => {
    await run({ collection: "goods" }, [item("a", { x: 1, y: 1 })]);
    expect(await run({ collection: "goods" }, [item("a", { y: 2 })], { batchId: "batch_2_aaaaaaaaa" })).toEqual([
      { key: "a", result: { key: "a", action: "updated" } },
    ]);
    expect(await record("a")).toEqual({ x: 1, y: 2 });
    await run({ collection: "goods", mode: "replace" }, [item("a", { z: 3 })]);
    expect(await record("a")).toEqual({ z: 3 });
    const refused = await run({ collection: "goods", mode: "insert" }, [item("a", { x: 9 }), item("b", {})], {
      batchId: "batch_3_aaaaaaaaa",
    });
    expect(refused).toEqual([
      expect.objectContaining({ key: "a", code: "key_exists", category: "data" }),
      { key: "b", result: { key: "b", action: "inserted" } },
    ]);
    expect(await record("a")).toEqual({ z: 3 });
  });

  it("says the same when a chunk runs again, whole or split", async () => {
    const items = [item("a", {}), item("b", {})];
    const first = await run({ collection: "goods", mode: "insert" }, items);
    expect(await run({ collection: "goods", mode: "insert" }, items)).toEqual(first);
    expect(await run({ collection: "goods", mode: "insert" }, [items[1]!])).toEqual([first[1]]);
  });

  it("refuses items that are no records", async () => {
    const outcomes = await run({ collection: "goods", keyField: "sku" }, [
      item("1", [1]),
      item("2", { sku: null }),
      item("3", { sku: { a: 1 } }),
      item("4", { sku: 7 }),
    ]);
    expect(outcomes.map((outcome) => ("code" in outcome ? outcome.code : null))).toEqual(["not_an_object", "key_missing", "bad_key", null]);
    expect(await record("7")).toEqual({ sku: 7 });
  });
});
