import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinearRegExp } from "./linear-regexp.ts";

describe("LinearRegExp", () => {
  it.each([
    ["^[a-z]+@[a-z.]+$", "ann@example.org", true],
    ["^\\d{4}-\\d\\d$", "2026-01", true],
    ["\\u0041", "A", true],
    ["^\\p{L}+$", "Straße", true],
    ["^.$", "😀", true],
    ["a$", "a\n", false],
  ])("%s on %j is %s", (pattern, text, expected) => {
    expect(new LinearRegExp(pattern).test(text)).toBe(expected);
    expect(new RegExp(pattern, "u").test(text)).toBe(expected);
  });

  it("is linear where a backtracking engine never ends", () => {
    for (const pattern of ["^(a+)+$", "(a|aa)+$", "(.*)*x"]) expect(new LinearRegExp(pattern).test(`${"a".repeat(100_000)}b`)).toBe(false);
  });

  it.each([
    ["(a)\\1", "invalid escape"],
    ["(?=a)", "(no back-references, no look-around)"],
    ["(?<!a)b", "not supported"],
    ["[", "missing"],
    ["a".repeat(501), "longer than 500"],
  ])("refuses %s", (pattern, reason) => {
    expect(() => new LinearRegExp(pattern)).toThrow(reason);
  });

  it("execs like RegExp from lastIndex on", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("a", "b*", "(a)|(b)", "^a", "[ab]c?", "(a+)(c)?"),
        fc.stringMatching(/^[abc]{0,12}$/),
        fc.nat(13),
        (pattern, text, from) => {
          const native = new RegExp(pattern, "g");
          const linear = new LinearRegExp(native);
          native.lastIndex = linear.lastIndex = from;
          const [expected, found] = [native.exec(text), linear.exec(text)];
          expect(found === null ? null : [...found]).toEqual(expected === null ? null : [...expected]);
          expect(found?.index).toBe(expected?.index);
          expect(linear.lastIndex).toBe(native.lastIndex);
        },
      ),
    );
  });
});
