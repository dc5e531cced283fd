import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exportRows } from "./export.ts";
import type { PlanRequest } from "../operation.ts";
import { itemTexts } from "../services.fixture.ts";
import { itemsOf, openStoredFiles } from "../stored-files.fixture.ts";
import type { StoredFilesFixture } from "../stored-files.fixture.ts";

let fixture: StoredFilesFixture;
beforeEach(() => {
  fixture = openStoredFiles();
});
afterEach(() => fixture.close());

interface Exported {
  file_id: string;
  rows: number;
}

const plan = async (given: Record<string, unknown>, request: Partial<PlanRequest<unknown>>) =>
  itemsOf(
    await exportRows.plan!(
      { items: null, input: null, filters: {}, ...request, options: exportRows.options.parse(given) },
      fixture.services,
    ),
  );

async function run(given: Record<string, unknown>, request: Partial<PlanRequest<unknown>>): Promise<Exported> {
  const items = await plan(given, request);
  expect(items).toHaveLength(1);
  const { result } = await exportRows.processItem!(items[0]!.payload as never, fixture.context(exportRows.options.parse(given)));
  return result as Exported;
}

describe("export", () => {
  it("writes a collection, its keys where no id field holds them", async () => {
    const rows = [
      { key: "a", data: { id: "a", x: "=1+1" }, writer: null },
      { key: "b", data: { x: -1, late: true }, writer: null },
    ];
    await fixture.services.records.put("goods", rows, "insert");
    const { file_id, rows: count } = await run({}, { input: { collection: "goods" } });
    expect(count).toBe(2);
    expect(await fixture.download(file_id)).toBe("id,x,key,late\r\na,'=1+1,,\r\n,-1,b,true\r\n");
    expect(await fixture.services.files.get(file_id)).toMatchObject({
      name: "goods.csv",
      contentType: "text/csv; charset=utf-8",
      purpose: "export",
    });
    const named = await run({ fields: ["key", "x"], format: "jsonl" }, { input: { collection: "goods" }, filters: { id: "a" } });
    expect(await fixture.download(named.file_id)).toBe('{"key":"a","x":"=1+1"}\n');
  });

  it("writes inline items, and what it wrote can be read back", async () => {
    const items = Array.from({ length: 250 }, (_, n) => ({ id: `n${n}`, n }));
    const xlsx = await run({ format: "xlsx" }, { items: itemTexts(items) });
    const { file_id, rows } = await run({ format: "jsonl" }, { input: { file_id: xlsx.file_id } });
    expect(rows).toBe(250);
    expect(await fixture.download(file_id)).toBe(items.map((item) => `${JSON.stringify(item)}\n`).join(""));
    expect((await fixture.services.files.get(file_id)).name).toBe("items.jsonl");
  });

  it("counts rows it could not read", async () => {
    const file_id = await fixture.upload("x.csv", "a,b\n1,2\n3\n4,5\n");
    const result = await run({ format: "csv" }, { input: { file_id } });
    expect(result).toMatchObject({ rows: 2, unreadable: { count: 1, first: [{ row: 2, code: "bad_csv", line: 3 }] } });
  });

  it("stops at its signal and leaves no file", async () => {
    await fixture.services.records.put("goods", [{ key: "a", data: { x: 1 }, writer: null }], "insert");
    const [item] = await plan({}, { input: { collection: "goods" } });
    const context = fixture.context(exportRows.options.parse({}), { signal: AbortSignal.abort(new Error("cancelled")) });
    await expect(exportRows.processItem!(item!.payload as never, context)).rejects.toThrow("cancelled");
  });

  it("refuses at once a file that is not there, and options it does not know", async () => {
    await expect(plan({}, { input: { file_id: "file-none" } })).rejects.toMatchObject({ code: "file_not_found" });
    for (const given of [{ format: "pdf" }, { fields: [] }, { fields: ["a", "a"] }, { colour: 1 }])
      expect(exportRows.options.safeParse(given).success).toBe(false);
  });
});
