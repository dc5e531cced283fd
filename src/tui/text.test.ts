import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, cutFront, fit, fitLine, foreign, lineWidth, span, widthOf, wrapped } from "./text.ts";

describe("text of foreign origin", () => {
  it("is one line without anything that steers a terminal", () => {
    expect(foreign("a\u001b[31mb\u001b]0;title\u0007\nc\u202ed")).toBe("a\ufffd[31mb\ufffd]0;title\ufffd c\ufffdd");
    fc.assert(
      fc.property(
        fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
        (text) =>
          !/[\ud800-\udfff]|[\u200b\u200c]|\u200d|\ufe0f/.test(foreign(text).replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, "")) &&
          !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(foreign(text)),
      ),
    );
  });
});

describe("what terminals measure differently", () => {
  it("is left out: joined emoji, skin tones, variation selectors, flags, heaps of marks", () => {
    expect(["👩‍👩‍👧‍👦 family", "👍🏽", "❤️ 1️⃣", "🇩🇪", "z\u0334\u0335\u0336\u0337algo", "e\u0301te\u0301", "\ud83d half"].map(foreign)).toEqual(
      ["👩 family", "👍", "❤ 1", "DE", "z\u0334\u0335algo", "été", "\ufffd half"], // prettier-ignore
    );
  });
});

describe("columns", () => {
  it("counts wide characters and emoji as two", () => {
    expect([widthOf("abc"), widthOf("夜の列車"), widthOf("🚂"), widthOf("👩‍👩‍👧‍👦"), widthOf("é")]).toEqual([3, 8, 2, 2, 1]);
  });

  it("never halves a character", () => {
    expect(cut("夜の列車", 8)).toBe("夜の列車");
    expect(cut("夜の列車", 6)).toBe("夜の…");
    expect(cut("ab👩‍👩‍👧‍👦cd", 4)).toBe("ab…");
    expect([cutFront("夜の列車", 8), cutFront("夜の列車", 6), cutFront("abc", 2), cutFront("abc", 0)]).toEqual([
      "夜の列車",
      "…列車",
      "…c",
      "",
    ]);
    expect(fit("夜の列車", 6)).toBe("夜の… ");
    expect(fit("7", 3, true)).toBe("  7");
  });

  it("fills every width exactly", () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("夜", "🚂", "👩‍👩‍👧‍👦", "ab")), { maxLength: 12 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 40 }), (parts, width) => {
        const clean = parts.map(foreign);
        expect(widthOf(fit(clean.join(""), width))).toBe(width);
        expect(
          lineWidth(
            fitLine(
              clean.map((text) => span(text)),
              width,
            ),
          ),
        ).toBe(width);
      }),
    );
  });

  it("breaks at words", () => {
    expect(wrapped("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrapped("it is unbreakable so", 6)).toEqual(["it is", "unbrea", "kable", "so"]);
  });
});
