import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectDelimiter, readCsv } from "./csv.ts";
import { collect, outline, pieces } from "../formats.fixture.ts";
import { MAX_RECORD_LENGTH } from "../row.ts";

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

  it("counts lines over blank lines, line breaks in cells and every line end", async () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = ["", "id,x", "", '1,"a', "", 'b"', "", "2", '3,"c"', "4,b,c", '5,"open', "6,d"].join(end);
      for (const size of [1, 5, 1000]) {
        expect(await read(text, size)).toEqual([
          { id: "1", x: `a${end}${end}b` },
          "bad_csv@8",
          { id: "3", x: "c" },
          "bad_csv@10",
          "bad_csv@11",
        ]);
      }
    }
  });

  it("tells a quoted cell that starts with a quote from one that is closed too early", async () => {
    const text = 'id,x\n1,"""a"" b"\n2,"a" b\n3,"""a"b"\n"4","a"\n5,"open\n6,"shut"\n7,x\n';
    const expected = [{ id: "1", x: '"a" b' }, "bad_csv@3", "bad_csv@4", { id: "4", x: "a" }, "bad_csv@6", { id: "7", x: "x" }];
    for (const size of [1, 6, 1000]) expect(await read(text, size)).toEqual(expected);
    expect((await collect(readCsv(pieces('a,b\n"x",c "q" d\n1,"x"y\n'))))[1]!.fault!.message).toMatch(
      /^Line 3 has text after a closing quote in cell 2;/,
    );
  });

  it("bounds a record without quotes too", async () => {
    expect(await read(`id,x\n1,a\n${",".repeat(MAX_RECORD_LENGTH * 2)}\n2,b\n`, 65_536)).toEqual([{ id: "1", x: "a" }, "bad_csv@3"]);
  });

  it("reads back any table", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "ü", "😀", ",", '"', "\n", "\r\n", " ", ";"), maxLength: 6 });
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((columns) => fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        async (rows, end, last, size) => {
          const header = Array.from({ length: rows[0]?.length ?? 2 }, (_, index) => `c${index}`);
          const quoted = rows.map((row) => row.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)));
          const text = [header, ...quoted].map((row) => row.join(",")).join(end) + (last ? end : "");
          const expected = rows.map((row) => Object.fromEntries(row.map((value, index) => [`c${index}`, value])));
          expect(await read(text, size)).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});
