import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joined } from "../formats/formats.fixture.ts";
import { writeXlsx } from "../formats/xlsx/xlsx-writer.ts";
import { toRecordFilter } from "./language/record-filter.ts";
import type { PlanRequest } from "./operation.ts";
import { planRows, unreadable } from "./rows.ts";
import type { RowReading } from "./rows.ts";
import { itemTexts } from "./services.fixture.ts";
import { itemsOf, openStoredFiles } from "./stored-files.fixture.ts";
import type { StoredFilesFixture } from "./stored-files.fixture.ts";

let fixture: StoredFilesFixture;
beforeEach(() => {
  fixture = openStoredFiles();
});
afterEach(() => fixture.close());

const plan = async (request: Partial<PlanRequest<unknown>>, reading?: RowReading) =>
  itemsOf(await planRows({ options: {}, items: null, input: null, filters: {}, ...request }, fixture.services, reading));

const put = (collection: string, rows: Record<string, Record<string, unknown>>) =>
  fixture.services.records.put(
    collection,
    Object.entries(rows).map(([key, data]) => ({ key, data, writer: null })),
    "upsert",
  );

describe("planRows", () => {
  it("hands given items on as they are", async () => {
    expect(await plan({ items: itemTexts([{ a: 1 }]) })).toEqual([{ key: "item_1", payload: { a: 1 } }]);
  });

  it("reads the rows of a file, by their keys", async () => {
    const csv = await fixture.upload("x.csv", "id,sku\na,s1\nb,s2\n");
    expect(await plan({ input: { file_id: csv } })).toEqual([
      { key: "a", payload: { id: "a", sku: "s1" } },
      { key: "b", payload: { id: "b", sku: "s2" } },
    ]);
    expect((await plan({ input: { file_id: csv } }, { keyField: "sku" })).map((item) => item.key)).toEqual(["s1", "s2"]);
    const jsonl = await fixture.upload("rows", '{"x": 1.50}\n{"custom_id":7}\n');
    expect((await plan({ input: { file_id: jsonl } }, { format: "jsonl" })).map((item) => item.key)).toEqual(["item_1", "7"]);
    const xlsx = await fixture.upload("x.xlsx", await joined(writeXlsx(() => itemsAsRows())));
    expect(await plan({ input: { file_id: xlsx } })).toEqual([{ key: "n1", payload: { nodeId: "n1", price: 2 } }]);
  });

  it("makes a row that cannot be read, or has no key, an item that fails with the row's own fault", async () => {
    const file = await fixture.upload("x.csv", "id,sku\na,s1\nb\nc,\nd,s4\n");
    const items = await plan({ input: { file_id: file } }, { keyField: "sku" });
    expect(items.map((item) => [item.key, unreadable(item)?.code ?? null])).toEqual([
      ["s1", null],
      ["item_2", "bad_csv"],
      ["item_3", "key_missing"],
      ["s4", null],
    ]);
    expect(unreadable(items[1]!)).toEqual({
      key: "item_2",
      error: "Line 3 has 1 cells, the header has 2; quote cells that contain the delimiter",
      code: "bad_csv",
      category: "data",
    });
    expect(unreadable({ key: "x", payload: { $fault: 1 } })).toBeNull();
  });

  it("reads the records that match, of 'nodes' when nothing is named", async () => {
    await put("nodes", { n1: { tags: ["a", "b"], kind: 1 }, n2: { tags: ["a"], kind: 1 }, n3: { kind: "1" } });
    await put("other", { o1: {} });
    expect((await plan({})).map((item) => item.key)).toEqual(["n1", "n2", "n3"]);
    expect((await plan({ filters: { kind: 1 } })).map((item) => item.key)).toEqual(["n1", "n2"]);
    expect((await plan({ filters: { tags: ["a", "b"] } })).map((item) => item.key)).toEqual(["n1"]);
    expect(await plan({ filters: { createdAfter: "2100-01-01" } })).toEqual([]);
    expect((await plan({ input: { collection: "other" } })).map((item) => item.key)).toEqual(["o1"]);
  });

  it("refuses at once what cannot be read", async () => {
    await expect(plan({ input: { file_id: "file-none" } })).rejects.toMatchObject({ code: "file_not_found" });
    await expect(plan({ input: { file_id: "file-none", collection: "x" } })).rejects.toMatchObject({ code: "validation_failed" });
    await expect(plan({ filters: { createdAfter: "yesterday", tags: [1] } })).rejects.toMatchObject({
      code: "validation_failed",
      errors: [{ path: "filters.createdAfter" }, { path: "filters.tags" }],
    });
  });
});

describe("toRecordFilter", () => {
  it("keeps times and tags apart from equality", () => {
    expect(toRecordFilter({ a: null, tags: "x", createdAfter: "2026-01-01T00:00:00+01:00", createdBefore: "2026-02-01" })).toEqual({
      equals: { a: null },
      tags: ["x"],
      createdAfter: Date.UTC(2025, 11, 31, 23),
      createdBefore: Date.UTC(2026, 1, 1),
    });
  });
});

async function* itemsAsRows(): AsyncGenerator<Record<string, unknown>[]> {
  yield [{ nodeId: "n1", price: 2 }];
}
