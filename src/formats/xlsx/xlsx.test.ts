import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ExcelJS from "exceljs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inBlocks, joined, outline } from "../formats.fixture.ts";
import { dateOf, isDateFormat } from "./xlsx-cell.ts";
import { writeXlsx } from "./xlsx-writer.ts";
import { readXlsx } from "./xlsx.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-xlsx-"));
  path = join(directory, "book.xlsx");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The first cell of the first sheet as another program sees it. */
async function opened(): Promise<ExcelJS.Workbook> {
  const book = new ExcelJS.Workbook();
  await book.xlsx.readFile(path);
  return book;
}

describe("readXlsx", () => {
  it("reads what another program wrote", async () => {
    const book = new ExcelJS.Workbook();
    const sheet = book.addWorksheet("Data");
    sheet.addRow(["id", "when", "sum", "note", "ok"]);
    sheet.addRow([
      "a",
      new Date("2026-03-01T12:30:00Z"),
      { formula: "1+1", result: 2 },
      { richText: [{ text: "two " }, { font: { bold: true }, text: "parts" }] },
      true,
    ]);
    sheet.addRow([]);
    sheet.addRow(["b", null, { formula: "1/0", result: { error: "#DIV/0!" } }, { text: "link", hyperlink: "https://example.com" }, false]);
    sheet.addRow(["c", 7, { formula: '"x"', result: "x" }, "_x000D_ & <tag>"]);
    book.addWorksheet("Other").addRow(["not read"]);
    await book.xlsx.writeFile(path);
    expect(await outline(readXlsx(path))).toEqual([
      { id: "a", when: "2026-03-01T12:30:00.000Z", sum: 2, note: "two parts", ok: true },
      { id: "b", sum: "#DIV/0!", note: "link", ok: false },
      { id: "c", when: 7, sum: "x", note: expect.stringContaining("& <tag>") as string },
    ]);
  });

  it("reads what a streaming writer wrote: inline strings, sheets before the workbook", async () => {
    const book = new ExcelJS.stream.xlsx.WorkbookWriter({ filename: path, useSharedStrings: false });
    const sheet = book.addWorksheet("S");
    sheet.addRow(["id", "x"]).commit();
    for (let n = 0; n < 3000; n++) sheet.addRow([`n${n}`, n]).commit();
    sheet.commit();
    await book.commit();
    const rows = await outline(readXlsx(path));
    expect(rows).toHaveLength(3000);
    expect(rows[2999]).toEqual({ id: "n2999", x: 2999 });
  });

  it("faults a value under no header alone, a bad header as a whole", async () => {
    const book = new ExcelJS.Workbook();
    const sheet = book.addWorksheet("S");
    sheet.addRow(["id"]);
    sheet.addRow(["a", "stray"]);
    sheet.addRow(["b"]);
    await book.xlsx.writeFile(path);
    expect(await outline(readXlsx(path))).toEqual(["bad_xlsx@2", { id: "b" }]);
    sheet.getRow(1).values = ["id", "id"];
    await book.xlsx.writeFile(path);
    expect(await outline(readXlsx(path))).toEqual(["bad_xlsx@null"]);
  });

  it("refuses what is no workbook, or only part of one", async () => {
    writeFileSync(path, "id,name\n");
    await expect(outline(readXlsx(path))).rejects.toMatchObject({ code: "bad_file" });
    writeFileSync(path, await joined(writeXlsx(inBlocks([{ a: 1 }]))));
    truncateSync(path, 400);
    await expect(outline(readXlsx(path))).rejects.toMatchObject({ code: "bad_file" });
  });
});

describe("writeXlsx", () => {
  it("is read back the same, by us and by another program", async () => {
    const rows = [
      { id: "a", n: -1, t: "=1+1", b: true, deep: { x: [1] } },
      { id: "b", n: 1.5, t: "tab\tline\n\u0007 _x0041_ <&>", b: false },
      { id: "c", late: "ü😀" },
    ];
    writeFileSync(path, await joined(writeXlsx(() => inBlocks(rows))));
    expect(await outline(readXlsx(path))).toEqual([{ ...rows[0], deep: '{"x":[1]}' }, rows[1], rows[2]]);
    const sheet = (await opened()).worksheets[0]!;
    expect(sheet.getCell("C2").value).toBe("=1+1");
    expect(sheet.getCell("C2").type).toBe(ExcelJS.ValueType.String);
    expect(sheet.getCell("B2").value).toBe(-1);
  });

  it("goes on in further sheets, and they are read as one table", async () => {
    const rows = Array.from({ length: 10 }, (_, n) => ({ id: `n${n}` }));
    writeFileSync(path, await joined(writeXlsx(() => inBlocks(rows, 3), undefined, 5)));
    expect((await opened()).worksheets.map((sheet) => [sheet.name, sheet.rowCount])).toEqual([
      ["Rows", 5],
      ["Rows 2", 5],
      ["Rows 3", 3],
    ]);
    expect(await outline(readXlsx(path))).toEqual(rows);
  });

  it("says when a text is longer than a cell holds", async () => {
    writeFileSync(path, await joined(writeXlsx(inBlocks([{ a: "x".repeat(40_000) }]))));
    const [row] = (await outline(readXlsx(path))) as Record<string, string>[];
    expect(row!["a"]).toHaveLength(32_767);
    expect(row!["a"]!.endsWith(" … [40000 characters in all]")).toBe(true);
  });

  it("throws what its source throws, and writes a table without rows", async () => {
    const broken = async function* (): AsyncGenerator<{ a: number }[]> {
      yield* inBlocks(
        Array.from({ length: 1500 }, () => ({ a: 1 })),
        500,
      );
      throw new Error("source broke");
    };
    await expect(joined(writeXlsx(broken()))).rejects.toThrow("source broke");
    await expect(joined(writeXlsx(broken(), ["a"]))).rejects.toThrow("source broke");
    writeFileSync(path, await joined(writeXlsx(inBlocks([]), ["a", "b"])));
    expect(await outline(readXlsx(path))).toEqual([]);
  });
});

describe("dates of cells", () => {
  it("knows formats and both origins", () => {
    for (const code of ["yyyy-mm-dd", "[$-409]d/m/yy", "[h]:mm", 'h" Uhr"']) expect(isDateFormat(164, code)).toBe(true);
    for (const code of ["General", "0.00", '"days" 0', "[Red]#,##0", "0\\d"]) expect(isDateFormat(164, code)).toBe(false);
    expect(isDateFormat(14, undefined)).toBe(true);
    expect(isDateFormat(2, undefined)).toBe(false);
    expect(dateOf(1, false)).toBe("1900-01-01T00:00:00.000Z");
    expect(dateOf(61, false)).toBe("1900-03-01T00:00:00.000Z");
    expect(dateOf(0, true)).toBe("1904-01-01T00:00:00.000Z");
    expect(dateOf(1e12, false)).toBe(1e12);
  });
});
