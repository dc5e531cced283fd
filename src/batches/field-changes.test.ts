import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { fieldChanges } from "./field-changes.ts";

it.each([
  [{ price: 1, name: "a" }, { price: 2, name: "a" }, [["price", "1", "2"]]],
  [{ tags: ["a", "b"] }, { tags: ["a", "c", "d"] }, [["tags[1]", '"b"', '"c"'], ["tags[2]", null, '"d"']]], // prettier-ignore
  [{ a: { "x y": 1 } }, { a: {} }, [['a["x y"]', "1", null]]],
  [{ a: [1] }, { a: { b: 1 } }, [["a", "[1]", '{"b":1}']]],
  [{ a: null }, {}, [["a", "null", null]]],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, []],
  [{ toString: 1 }, {}, [["toString", "1", null]]],
  [JSON.parse('{"__proto__":{"a":1}}'), {}, [["__proto__", '{"a":1}', null]]],
  [{ a: 0 }, { a: -0 }, []],
])("%j against %j", (a, b, expected) => {
  const { changes, more } = fieldChanges(a, b);
  expect([changes.map(({ path, a: x, b: y }) => [path, x, y]), more]).toEqual([expected, 0]);
});

it("of long texts shows the place where they differ; of many fields counts the rest", () => {
  const long = (middle: string): string => `${"x".repeat(5000)}${middle}${"y".repeat(5000)}`;
  const [{ a, b } = { a: "", b: "" }] = fieldChanges({ text: long("ONE") }, { text: long("TWO") }).changes;
  expect([a, b]).toEqual([expect.stringMatching(/^…x{60}ONEy+…$/), expect.stringMatching(/^…x{60}TWOy+…$/)]);
  const many = (value: number) => Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, value]));
  expect(fieldChanges(many(1), many(2))).toMatchObject({ changes: { length: 40 }, more: 60 });
});

it("finds a change exactly where values are not equal", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [x, y] = [JSON.parse(JSON.stringify({ v: a })), JSON.parse(JSON.stringify({ v: b }))] as unknown[];
      expect(fieldChanges(x, x).changes).toEqual([]);
      const canonical = (value: unknown): unknown => (fieldChanges(value, y).changes.length === 0 ? "same" : "other");
      expect(canonical(y)).toBe("same");
      const equal = fieldChanges(x, y).changes.length === 0;
      expect(equal).toBe(fieldChanges(y, x).changes.length === 0);
      expect(equal).toBe(isDeepStrictEqual(x, y));
    }),
    { numRuns: 500 },
  );
});
