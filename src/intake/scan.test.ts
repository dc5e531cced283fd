import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONTROL_LIMITS, ITEM_LIMITS, JsonScanner, scanJson } from "./scan.ts";
import { SCAN_CODES } from "./scan-hints.ts";

const nested = (depth: number): string => `{"a":`.repeat(depth - 1) + "{}" + "}".repeat(depth - 1);
const manyKeys = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join(",")}}`;

describe("what is refused", () => {
  it.each([
    ["cut line", '{"a":', "bad_json", 6, /ends where a value/],
    ["cut string", '{"a":"b', "bad_json", 8, /cut off/],
    ["cut after backslash", '{"a":"\\', "bad_json", 8, /cut off/],
    ["only a brace", "{", "bad_json", 2, /one line/],
    ["NaN", '{"a":NaN}', "bad_json", 6, /NaN and Infinity/],
    ["-Infinity", '{"a":-Infinity}', "bad_json", 7, /NaN and Infinity/],
    ["single quotes", "{'a':1}", "bad_json", 2, /double quotes/],
    ["typographic quotes", "{“a”:1}", "bad_json", 2, /typographic/],
    ["bare key", "{a:1}", "bad_json", 2, /keys take double quotes/],
    ["trailing comma in object", '{"a":1,}', "bad_json", 8, /comma after the last/],
    ["trailing comma in array", '{"a":[1,]}', "bad_json", 9, /comma after the last/],
    ["line comment", '{"a":1} // x', "bad_json", 9, /comments/],
    ["block comment", '{/* x */"a":1}', "bad_json", 2, /comments/],
    ["hash comment", '{"a":1} # x', "bad_json", 9, /comments/],
    ["Python's True", '{"a":True}', "bad_json", 6, /true in lower case/],
    ["Python's None", '{"a":None}', "bad_json", 6, /null/],
    ["undefined", '{"a":undefined}', "bad_json", 6, /null/],
    ["CSV", "id,name,age", "bad_json", 1, /looks like CSV/],
    ["CSV of numbers", "1,foo,2", "bad_json", 2, /looks like CSV/],
    ["quoted CSV", '"id","name"', "bad_json", 5, /looks like CSV/],
    ["TSV", "id\tname", "bad_json", 1, /looks like CSV/],
    ["two values", '{"a":1}{"a":2}', "bad_json", 8, /own line/],
    ["leading zero", '{"a":01}', "bad_json", 7, /leading 0/],
    ["leading plus", '{"a":+1}', "bad_json", 6, /leading \+/],
    ["no digit before the point", '{"a":.5}', "bad_json", 6, /before the decimal point/],
    ["no digit after the point", '{"a":5.}', "bad_json", 8, /after the decimal point/],
    ["no exponent", '{"a":5e}', "bad_json", 8, /exponent/],
    ["hexadecimal", '{"a":0x1F}', "bad_json", 7, /found 'x'/],
    ["raw tab in a string", '{"a":"b\tc"}', "bad_json", 8, /\\u0009/],
    ["unknown escape", '{"a":"\\x41"}', "bad_json", 7, /escape/],
    ["short unicode escape", '{"a":"\\u12"}', "bad_json", 9, /hexadecimal/],
    ["mark in the middle", '\uFEFF{"a":1}', "bad_json", 1, /byte order mark/],
    ["no-break space", '{\u00A0"a":1}', "bad_json", 2, /no-break/],
    ["nothing", "", "bad_json", 1, /white space/],
    ["a number", "42", "item_not_object", 1, /a number/],
    ["null", "null", "item_not_object", 1, /null/],
    ["a string", '"x"', "item_not_object", 1, /a string/],
    ["a boolean", " true", "item_not_object", 2, /a boolean/],
    ["an array", "[1]", "item_not_object", 1, /an array/],
    ["depth 65", nested(65), "too_deep", 321, /deeper than 64/],
    ["depth 65 of arrays", `{"a":${"[".repeat(64)}`, "too_deep", 69, /deeper than 64/],
    ["depth 8,000", nested(8000), "too_deep", 321, /deeper than 64/],
    ["depth 200,000", nested(200_000), "too_deep", 321, /deeper than 64/],
    ["10,001 keys", manyKeys(10_001), "too_many_keys", 127_782, /more than 10000/],
    ["a million keys", manyKeys(1_000_000), "too_many_keys", 127_782, /more than 10000/],
    ["a key of 1,025", `{"${"k".repeat(1025)}":1}`, "key_too_long", 2, /1024/],
    ["a key of 1 MB", `{"${"k".repeat(1_000_000)}":1}`, "key_too_long", 2, /1024/],
    ["repeated key", '{"a":1,"b":2,"a":3}', "duplicate_key", 14, /"a" stands twice/],
    ["repeated key, escaped", '{"a":1,"\\u0061":3}', "duplicate_key", 8, /"a" stands twice/],
    ["repeated key, deep", '{"a":[{"b":{"c":1,"c":2}}]}', "duplicate_key", 19, /"c" stands twice/],
    ["repeated empty key", '{"":1,"":3}', "duplicate_key", 7, /twice/],
    ["repeated among many", `${manyKeys(500).slice(0, -1)},"k3":1}`, "duplicate_key", 5282, /"k3"/],
    ["repeated __proto__", '{"__proto__":1,"__proto__":3}', "duplicate_key", 16, /twice/],
    ["escaped NUL", '{"a":"\\u0000"}', "nul_character", 7, /NUL/],
    ["escaped NUL in a key", '{"\\u0000":1}', "nul_character", 3, /NUL/],
    ["raw NUL in a string", '{"a":"\0"}', "nul_character", 7, /NUL/],
    ["raw NUL between", '{"a":\0}', "nul_character", 6, /NUL/],
    ["lone high half", '{"a":"\\ud800"}', "bad_unicode", 7, /surrogate/],
    ["lone low half", '{"a":"\\udc00x"}', "bad_unicode", 7, /surrogate/],
    ["two high halves", '{"a":"\\ud83d\\ud83d"}', "bad_unicode", 7, /surrogate/],
    ["raw lone half", '{"a":"\ud800"}', "bad_unicode", 7, /surrogate/],
    ["lone half in a key", '{"\\ud800":1}', "bad_unicode", 3, /surrogate/],
    ["1e400", '{"a":1e400}', "number_out_of_range", 6, /1e400/],
    ["-1e400", '{"a":[0,-1e400]}', "number_out_of_range", 9, /-1e400/],
    ["400 digits", `{"a":1${"0".repeat(400)}}`, "number_out_of_range", 6, /too large/],
  ])("%s", (_name, text, code, column, message) => {
    const fault = new JsonScanner(ITEM_LIMITS).scan(text);
    expect(fault).toMatchObject({ code, column });
    expect(fault!.message).toMatch(message);
  });

  it.each([
    ['{"__proto__":{"x":1}}', "forbidden_key"],
    ['{"a":{"\\u005f_proto__":1}}', "forbidden_key"],
    ['{"constructor":{"prototype":{"x":1}}}', "forbidden_key"],
    ['{"a":9007199254740993}', "number_out_of_range"],
  ])("in a control body: %s", (text, code) => {
    expect(scanJson(text, CONTROL_LIMITS)?.code).toBe(code);
    expect(scanJson(text, ITEM_LIMITS)).toBeNull();
  });

  it("names the key of a fault", () => {
    expect(scanJson('{"a":{"b\\"":1,"b\\"":2}}')?.key).toBe('b"');
    expect(scanJson('[{"__proto__":1}]', CONTROL_LIMITS)?.key).toBe("__proto__");
    expect(scanJson("{")).not.toHaveProperty("key");
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(scanJson(Uint8Array.from([0x22, 0xc3, 0x28, 0x22]))?.code).toBe("bad_unicode");
    expect(scanJson(Buffer.from('{"a":"é"}'))).toBeNull();
  });
});

describe("what is accepted", () => {
  it.each([
    ["depth 64", nested(64)],
    ["10,000 keys", manyKeys(10_000)],
    ["a key of 1,024", `{"${"k".repeat(1024)}":1}`],
    ["an integer beyond 2^53", '{"a":9007199254740993}'],
    ["the largest double", '{"a":1.7976931348623157e308}'],
    ["an underflow", '{"a":1e-400}'],
    ["names of prototypes", '{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}'],
    ["a pair of halves", '{"a":"\\ud83d\\ude00😀"}'],
    ["the same key in sister objects", '[{"a":1},{"a":2,"b":{"a":3}}]'.replace(/^(.*)$/, '{"l":$1}')],
    ["white space everywhere", ' \t\r\n{ "a" : [ ] , "b" : { } , "c" : [ 1 , 2 ] } \r\n'],
    ["all escapes", '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u2028\u2028"}'],
    ["a control body's constructor", '{"constructor":{"x":1},"prototype":1}'],
  ])("%s", (_name, text) => {
    expect(new JsonScanner(ITEM_LIMITS).scan(text)).toBeNull();
  });

  it("finds watched keys at the top only, escaped or not", () => {
    const scanner = new JsonScanner(ITEM_LIMITS, ["id", "nodeId"]);
    const text = '{"x":{"id":1},"i\\u0064": 7}';
    expect(scanner.scan(text)).toBeNull();
    expect([...scanner.found]).toEqual([text.indexOf(" 7"), -1]);
    expect(scanner.scan("{}")).toBeNull();
    expect([...scanner.found]).toEqual([-1, -1]);
  });

  it("is reusable after any fault", () => {
    const scanner = new JsonScanner(ITEM_LIMITS);
    for (const bad of ['{"a":{"a":[', manyKeys(10_001), nested(70), '{"a":1,"a":1}']) {
      expect(scanner.scan(bad)).not.toBeNull();
      expect(scanner.scan('{"a":1,"b":{"a":1}}')).toBeNull();
    }
  });
});

/** JSON values without what we refuse on purpose. */
const value = fc.jsonValue({ maxDepth: 6 }).filter((json) => !/\\u0000/.test(JSON.stringify(json)));
const limits = { maxDepth: 1000 };

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("against JSON.parse", () => {
  it("accepts whatever JSON.stringify writes", () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, "\t"), (json, indent) => {
        expect(scanJson(JSON.stringify(json, null, indent), limits)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  it("never accepts what JSON.parse refuses, refuses only with a code of the list, and says bad_json only of what JSON.parse refuses", () => {
    const alphabet = [
      ...'{}[]",:\\/0123456789.eE+-truefalsn u\t\n\r\0\u001f'.split(""),
      "\\u0041",
      "\\ud800",
      "\\udc00",
      "\ud800",
      "é",
      "😀",
      '"a":1',
      "1e999",
      "NaN",
    ];
    const mutation = fc.record({
      at: fc.nat(),
      cut: fc.integer({ min: 0, max: 3 }),
      put: fc.array(fc.constantFrom(...alphabet), { maxLength: 3 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.array(mutation, { maxLength: 3 }), (json, mutations) => {
        let text = JSON.stringify(json);
        for (const { at, cut, put } of mutations) {
          const from = at % (text.length + 1);
          text = text.slice(0, from) + put.join("") + text.slice(from + cut);
        }
        const fault = scanJson(text, limits);
        if (fault === null) return void JSON.parse(text);
        refused++;
        expect(SCAN_CODES).toContain(fault.code);
        expect(fault.column).toBeGreaterThanOrEqual(1);
        expect(fault.column).toBeLessThanOrEqual(text.length + 1);
        expect(fault.code === "bad_json" && isJson(text)).toBe(false);
      }),
      { numRuns: 5000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it("finds a repeated key wherever one object has it twice", () => {
    const keys = fc.array(fc.constantFrom("a", "b", "ab", "ba", "\u0061\u0062", "é", "Aa", "BB", '"', "\\", "k1", "k2"), { maxLength: 40 });
    fc.assert(
      fc.property(keys, fc.nat(60), (names, extra) => {
        const all = [...names, ...Array.from({ length: extra }, (_, i) => `x${i}`)];
        const text = `{${all.map((name) => `${JSON.stringify(name)}:{"a":1}`).join(",")}}`;
        expect(scanJson(text)?.code).toBe(new Set(all).size === all.length ? undefined : "duplicate_key");
      }),
      { numRuns: 500 },
    );
  });
});
