import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collect, outline, pieces } from "../formats.fixture.ts";
import { readJson } from "./json.ts";
import { readJsonl } from "./jsonl.ts";
import { MAX_RECORD_LENGTH } from "../row.ts";

const json = (text: string, size?: number) => outline(readJson(pieces(text, size)));
const jsonl = (text: string, size?: number) => outline(readJsonl(pieces(text, size)));

describe("readJson", () => {
  it("reads arrays of any objects, however they are cut and indented", async () => {
    const object = fc.dictionary(
      fc.string({ maxLength: 5 }).filter((name) => name !== "__proto__"),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 4, noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(object, { maxLength: 6 }),
        fc.constantFrom(0, 2),
        fc.integer({ min: 1, max: 40 }),
        async (rows, indent, size) => {
          const text = JSON.stringify(rows, null, indent);
          const read = await collect(readJson(pieces(text, size)));
          expect(read.map(({ record }) => record)).toEqual(JSON.parse(text));
          for (const { text: line, record } of read) {
            expect(line).not.toMatch(/[\r\n]/);
            expect(JSON.parse(line!)).toEqual(record);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("makes a bad element a fault of its own", async () => {
    expect(await json('[\n{"a":1},\n2,\n{"b":}, {"c":"]"},\n,{"a":1,"a":2}]\n')).toEqual([
      { a: 1 },
      "item_not_object@3",
      "bad_json@4",
      { c: "]" },
      "bad_json@5",
      "duplicate_key@5",
    ]);
    expect((await collect(readJson(pieces('[{"a":1},\n  {"b":\n    x}]'))))[1]!.fault!.message).toMatch(/^Line 3, column 5: /);
  });

  it("reports an array that ends early, a trailing comma and text behind the end", async () => {
    expect(await json('[{"a":1},{"b"')).toEqual([{ a: 1 }, "bad_json@1"]);
    expect(await json('[{"a":1},]')).toEqual([{ a: 1 }, "bad_json@1"]);
    expect(await json('[{"a":1}]\n{}')).toEqual([{ a: 1 }, "bad_json@2"]);
    expect(await json(" [ ] ")).toEqual([]);
  });

  it("drops an element that is too long and reads on", async () => {
    expect(await json(`[{"a":"${"x".repeat(MAX_RECORD_LENGTH)}"},{"b":2}]`, 65_536)).toEqual(["bad_json@1", { b: 2 }]);
  });

  it.each(["", "{}", '"x"', '{"a":1}\n{"a":2}'])("refuses %j, which is no array", async (text) => {
    await expect(json(text)).rejects.toMatchObject({ code: "bad_file" });
  });
});

describe("readJsonl", () => {
  it("reads one object a line; a bad line is a fault of its own", async () => {
    expect(await jsonl('\ufeff{"a":1}\r\n\n{"a":\n[1]\n{"b":"ü"}')).toEqual([{ a: 1 }, "bad_json@3", "item_not_object@4", { b: "ü" }]);
  });

  it("names the right format for arrays and CSV", async () => {
    const [array] = await collect(readJsonl(pieces('[\n{"a":1},\n{"a":2}]')));
    expect(array!.fault).toMatchObject({ code: "array_not_jsonl", line: 1 });
    const [csv] = await collect(readJsonl(pieces("id,name\n1,x\n")));
    expect(csv!.fault).toMatchObject({ code: "bad_json", message: expect.stringContaining("CSV") as string });
  });
});
