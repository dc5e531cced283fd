import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { inBlocks, joined, outline, pieces } from "./formats.fixture.ts";
import { readRows } from "./reader.ts";
import { write } from "./writer.ts";
import type { WriteFormat } from "./format.ts";
import type { WriteSource } from "./columns.ts";

const text = async (format: WriteFormat, source: WriteSource, fields?: string[]): Promise<string> =>
  (await joined(write(format, source, { fields }))).toString();

describe("write csv", () => {
  it("neutralises text that looks like a formula; numbers stay numbers", async () => {
    const cells = ["=HYPERLINK(1)", "+1", "-1", "@x", "\ttab", "\rcr", -1, 1.5, true, null, "it's"];
    const written = await text("csv", inBlocks([Object.fromEntries([...cells.entries()].map(([index, cell]) => [`c${index}`, cell]))]));
    expect(parse(written)[1]).toEqual(["'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'\ttab", "'\rcr", "-1", "1.5", "true", "", "it's"]);
    expect(await text("csv", inBlocks([{ "=x": 1 }]))).toBe("'=x\r\n1\r\n");
  });

  it("quotes what needs it and writes nested values as JSON", async () => {
    expect(await text("csv", inBlocks([{ a: 'x, "y"\nz', b: { c: [1] } }]))).toBe('a,b\r\n"x, ""y""\nz","{""c"":[1]}"\r\n');
    expect(
      await outline(
        readRows({ name: "x.csv", contentType: "", bytes: pieces(await text("csv", inBlocks([{ a: "" }, { a: "1" }]))), path: null }),
      ),
    ).toEqual([{ a: "" }, { a: "1" }]);
  });
});

describe("columns", () => {
  const rows = Array.from({ length: 2500 }, (_, n) => (n < 2400 ? { id: n } : { id: n, late: n, later: "x" }));

  it("are all fields when the source can be read twice", async () => {
    const table = parse(await text("csv", () => inBlocks(rows, 500)));
    expect(table[0]).toEqual(["id", "late", "later"]);
    expect(table[2500]).toEqual(["2499", "2499", "x"]);
  });

  it("put what comes late into _more when it can be read once", async () => {
    const table = parse(await text("csv", inBlocks(rows, 500)));
    expect(table[0]).toEqual(["id", "_more"]);
    expect(table[1]).toEqual(["0", ""]);
    expect(table[2500]).toEqual(["2499", '{"late":2499,"later":"x"}']);
    expect(parse(await text("csv", inBlocks(rows.slice(2300, 2450), 10)))[0]).toEqual(["id", "late", "later"]);
  });

  it("are the named ones, in their order", async () => {
    expect(await text("csv", inBlocks([{ a: 1, b: 2, c: 3 }]), ["c", "a", "x"])).toBe("c,a,x\r\n3,1,\r\n");
    expect(await text("jsonl", inBlocks([{ a: 1, b: 2, c: 3 }]), ["c", "a", "x"])).toBe('{"c":3,"a":1}\n');
  });

  it("refuse a field that appears between the two readings", async () => {
    let reading = 0;
    const source = (): AsyncIterable<Record<string, unknown>[]> => inBlocks(reading++ === 0 ? [{ a: 1 }] : [{ a: 1, b: 2 }]);
    await expect(text("csv", source)).rejects.toMatchObject({ code: "source_changed", category: "transient" });
  });
});

describe("readRows", () => {
  const read = (name: string, content: string, contentType = "application/octet-stream") =>
    outline(readRows({ name, contentType, bytes: pieces(content), path: null }));

  it("goes by name, then type, then content", async () => {
    const one = [{ a: 1 }];
    expect(await read("x.JSONL", '{"a":1}')).toEqual(one);
    expect(await read("x.json", '[{"a":1}]')).toEqual(one);
    expect(await read("x", '[{"a":1}]')).toEqual(one);
    expect(await read("x", '\ufeff {"a":1}\n')).toEqual(one);
    expect(await read("x", "a\n1\n", "text/csv; charset=utf-8")).toEqual([{ a: "1" }]);
    expect(await read("x.dat", "a;b\n1;2\n")).toEqual([{ a: "1", b: "2" }]);
    expect(await read("x.tsv", "a\tb,c\n1\t2\n")).toEqual([{ a: "1", "b,c": "2" }]);
    expect(await read("x", "")).toEqual([]);
  });

  it("refuses workbooks that are old, protected or still arriving", async () => {
    await expect(read("x", "PK\x03\x04")).rejects.toMatchObject({ code: "bad_file" });
    const bytes = pieces(Buffer.from([0xd0, 0xcf, 0x11, 0xe0]));
    await expect(outline(readRows({ name: "x", contentType: "", bytes, path: null }))).rejects.toMatchObject({ code: "bad_file" });
  });
});
