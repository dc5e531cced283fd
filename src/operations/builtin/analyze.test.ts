import fc from "fast-check";
import { expect, it } from "vitest";
import { analysisOf } from "./analyze.ts";

const seen = (label: unknown, confidence: unknown): Record<string, unknown> => ({ label, confidence });

it.each([
  [[seen("bird", 0.9)], 5, "low"],
  [[seen("car", 1)], 35, "medium"],
  [[seen("PERSON", 1)], 60, "high"],
  [[seen("person", 1), seen("car", 1)], 70, "high"],
  [[seen("gun", 0.9)], 90, "critical"],
  [Array.from({ length: 64 }, () => seen("person", 1)), 80, "high"],
  [[seen(null, null)], 10, "low"],
  [[null], 10, "low"],
])("%j scores %i: %s", (payloads, score, level) => {
  expect(analysisOf(payloads)).toMatchObject({ risk_score: score, risk_level: level });
});

it("own weights count over those that are built in", () => {
  expect(analysisOf([seen("Cat", 1)], { cat: 100 }).risk_score).toBe(100);
});

it("is the same in any order, and never outside 0 to 100", () => {
  const item = fc.record({ label: fc.constantFrom("person", "car", "dog", "ufo"), confidence: fc.double({ min: 0, max: 1, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 30 }), (items) => {
      const { risk_score } = analysisOf(items);
      expect(risk_score).toBe(analysisOf(items.toReversed()).risk_score);
      expect(risk_score >= 0 && risk_score <= 100 && Number.isInteger(risk_score)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
