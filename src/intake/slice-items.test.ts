import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBody, sliceItems } from "./slice-items.ts";

describe("sliceItems", () => {
  it.each([
    [
      "big integers stay",
      '{"operation":"x","items":[{"id":9007199254740993},{"id":1.10}],"name":"n"}',
      ['{"id":9007199254740993}', '{"id":1.10}'],
      '{"operation":"x","items":[],"name":"n"}',
    ],
    ["no items", '{"operation":"x"}', null, '{"operation":"x"}'],
    ["items that are no array", '{"items":{"a":[1]}}', null, '{"items":{"a":[1]}}'],
    ["an empty array", '{"items":[ \n ]}', [], '{"items":[]}'],
    ["an escaped key", '{"it\\u0065ms":[1]}', ["1"], '{"it\\u0065ms":[]}'],
    ["items further down", '{"a":{"items":[1]},"items":[2]}', ["2"], '{"a":{"items":[1]},"items":[]}'],
    ["brackets in strings", '{"s":"],{\\"","items":["[,]\\\\",{"a":"}"}]}', ['"[,]\\\\"', '{"a":"}"}'], '{"s":"],{\\"","items":[]}'],
    ["line breaks between tokens", '{"items":[\n  {\r\n    "a": "b c",\n    "d":\t1\n  }\n]}', ['{ "a": "b c", "d":\t1 }'], '{"items":[]}'],
    ["a trailing comma", '{"items":[1,]}', ["1", ""], '{"items":[]}'],
    ["an array without end", '{"items":[1,2', null, '{"items":[1,2'],
    ["no object", "[1]", null, "[1]"],
    ["nothing", "", null, ""],
  ])("%s", (_name, text, items, rest) => {
    expect(sliceItems(text)).toEqual({ items, rest });
  });

  it("stops at the limit of items, and takes linear time on long white space", () => {
    expect(sliceItems('{"items":[1,2]}', 2).items).toHaveLength(2);
    expect(() => sliceItems('{"items":[1,2,3]}', 2)).toThrow(expect.objectContaining({ code: "too_many_items" }));
    const spaced = `{"a":${" ".repeat(2_000_000)}1}`;
    expect(sliceItems(`{"items":[${spaced}]}`).items).toEqual([spaced]);
  });

  it("is JSON exactly when its parts are, and the parts are the same values", () => {
    const body = fc.record({ before: fc.jsonValue(), items: fc.array(fc.jsonValue()), after: fc.jsonValue() });
    const edit = fc.record({ at: fc.nat(), cut: fc.nat(2), put: fc.constantFrom("", ",", "]", "[", "}", "{", '"', "\\", "\n", "1", ":") });
    fc.assert(
      fc.property(body, fc.constantFrom(undefined, 1), fc.option(edit), (json, indent, mutation) => {
        let text = JSON.stringify(json, null, indent);
        if (mutation !== null) {
          const at = mutation.at % (text.length + 1);
          text = text.slice(0, at) + mutation.put + text.slice(at + mutation.cut);
        }
        const { items, rest } = sliceItems(text);
        const whole = parsed(text);
        const parts = items === null ? parsed(rest) : [rest, ...items].map(parsed).includes(undefined) ? undefined : withItems(rest, items);
        expect(parts).toEqual(whole);
        expect((items ?? []).filter((item) => parsed(item) !== undefined && /[\r\n]/.test(item))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function withItems(rest: string, items: string[]): { value: unknown } {
  const value = JSON.parse(rest) as Record<string, unknown>;
  // JSON.parse keeps the last of repeated keys; the scan of `rest` refuses such a body.
  const isRepeated = Array.isArray(value["items"]) && (value["items"] as unknown[]).length > 0;
  if (!isRepeated) value["items"] = items.map((item) => JSON.parse(item) as unknown);
  return { value };
}

describe("readBody", () => {
  it("gives rest and items", () => {
    expect(readBody('{"operation":"x","items":[{"a":9007199254740993}]}')).toEqual({
      items: ['{"a":9007199254740993}'],
      rest: '{"operation":"x","items":[]}',
    });
  });

  it.each([
    ["", "empty_body", ""],
    [" \n", "empty_body", ""],
    ["{", "bad_json", "line 1, column 2"],
    ['{\n  "a": 1,\n}', "bad_json", "line 3, column 1"],
    ['{"items":[\n{"a":1}\n], x}', "bad_json", "line 3, column 4"],
    ['{"__proto__":{}}', "forbidden_key", "__proto__"],
    ['{"options":{"constructor":{"prototype":{}}}}', "forbidden_key", "prototype"],
    ['{"a":1,"a":2}', "validation_failed", "column 8"],
    ['{"items":[1],"items":[2]}', "validation_failed", '"items" stands twice'],
    ['{"concurrency":9007199254740993}', "validation_failed", "too large to be exact"],
    ['{"a":"\\u0000"}', "validation_failed", "NUL"],
    [`{"a":${"[".repeat(100_000)}`, "validation_failed", "deeper than 64"],
  ])("refuses %s", (text, code, part) => {
    expect(() => readBody(text)).toThrow(expect.objectContaining({ code, status: 400, message: expect.stringContaining(part) }));
  });
});
