import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectDelimiter, readCsv } from "./csv.ts";
import { collect, outline, pieces } from "./formats.fixture.ts";
import { MAX_RECORD_LENGTH } from "./row.ts";

const read = (text: string | Uint8Array, size?: number) => outline(readCsv(pieces(text, size)));

describe("readCsv", () => {
  it("reads quotes, line breaks in cells, blank lines, CRLF, a BOM and a missing last line end", async () => {
    const text = '\ufeffid,note\r\n1,"a, ""b"""\r\n\r\n2,"two\nlines"\r\n3,plain "quote"\r\n4,';
    const rows = [
      { id: "1", note: 'a, "b"' },
      { id: "2", note: "two\nlines" },
      { id: "3", note: 'plain "quote"' },
      { id: "4", note: "" },
    ];
    for (const size of [1, 2, 3, 7, 1000]) expect(await read(text, size)).toEqual(rows);
  });

  it("finds the delimiter and reads old Mac line ends", async () => {
    expect(detectDelimiter('"a,b";c;d\n1,2,3,4,5')).toBe(";");
    expect(detectDelimiter("a\tb\n")).toBe("\t");
    expect(detectDelimiter("single\n")).toBe(",");
    expect(await read("a;b\r1;2\r3;4\r")).toEqual([
      { a: "1", b: "2" },
      { a: "3", b: "4" },
    ]);
    expect(await outline(readCsv(pieces("a,b\tc\n1,2\t3\n"), { delimiter: "\t" }))).toEqual([{ "a,b": "1,2", c: "3" }]);
  });

  it("makes an uneven row or text after a quote a fault of its own, by line", async () => {
    const rows = await collect(readCsv(pieces('id,x\n1,"two\nlines"\n2\n3,a,b\n4,"x"y\n5,ok\n')));
    expect(rows.map(({ row, record, fault }) => [row, record?.["id"] ?? `${fault?.code}@${fault?.line}`])).toEqual([
      [1, "1"],
      [2, "bad_csv@4"],
      [3, "bad_csv@5"],
      [4, "bad_csv@6"],
      [5, "5"],
    ]);
    expect(rows[1]!.fault!.message).toBe("Line 4 has 1 cells, the header has 2; quote cells that contain the delimiter");
  });

  it("ends at a quote that is never closed, naming its line", async () => {
    expect(await read('id,x\n1,a\n2,"open\n3,b\n')).toEqual([{ id: "1", x: "a" }, "bad_csv@3"]);
    expect(await read(`id,x\n1,a\n2,"${"long\n".repeat(MAX_RECORD_LENGTH / 4)}`, 65_536)).toEqual([{ id: "1", x: "a" }, "bad_csv@3"]);
  });

  it.each(["a,a\n1,2\n", "a,\n1,2\n", "__proto__,b\n1,2\n", 'a,"b\n'])("refuses the header of %j", async (text) => {
    expect(await read(text)).toEqual(["bad_csv@1"]);
  });

  it("has no rows without text or below a header", async () => {
    for (const text of ["", "\n\n", "a,b", "a,b\r\n", "\ufeff"]) expect(await read(text)).toEqual([]);
  });

  it("refuses other encodings as a whole", async () => {
    const latin = Buffer.from("id\ncaf\xe9\n", "latin1");
    for (const bytes of [
      latin,
      Buffer.from("\ufeffid\n1\n", "utf16le"),
      Buffer.from("id\n1\n", "utf16le"),
      Buffer.from("é").subarray(0, 1),
    ]) {
      await expect(read(bytes)).rejects.toMatchObject({ code: "bad_encoding" });
    }
  });

  it("reads what csv-parse reads", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "ü", "😀", ",", '"', "\n", " ", ";"), maxLength: 6 });
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((columns) => fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        async (rows, end, last, size) => {
          const header = rows[0]!.map((_, index) => `c${index}`);
          const quoted = rows.map((row) => row.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)));
          const text = [header, ...quoted].map((row) => row.join(",")).join(end) + (last ? end : "");
          expect(await read(text, size)).toEqual(parse(text, { columns: true, skip_empty_lines: true }));
        },
      ),
      { numRuns: 200 },
    );
  });
});
