import { expect, it } from "vitest";
import { changesOf, draftOf, largestChange, sweepOf } from "./draft.ts";

const definition = { operation: "echo", windowSeconds: 100, idleTimeoutSeconds: 30, maxItems: 50 };

it("a draft of the rules in force changes nothing; what is emptied is taken away, what is typed is set", () => {
  const draft = draftOf(definition);
  expect(changesOf(definition, draft)).toEqual({});
  expect(changesOf(definition, { ...draft, windowSeconds: "119.5", maxItems: "", schedule: "0 * * * *" })).toEqual({
    windowSeconds: 119.5,
    maxItems: null,
    schedule: "0 * * * *",
  });
});

it("how large a change is: of the limit that changes most; a rule that comes or goes is a whole one", () => {
  expect(largestChange(definition, {})).toBe(0);
  expect(largestChange(definition, { windowSeconds: 120, maxItems: 45 })).toBeCloseTo(0.2);
  expect(largestChange(definition, { idleTimeoutSeconds: 15 })).toBe(0.5);
  expect(largestChange(definition, { maxBytes: 1000 })).toBe(1);
  expect(largestChange(definition, { maxItems: null })).toBe(1);
});

it("a sweep only tries values that the other rules allow", () => {
  expect(sweepOf(definition, {})).toEqual({ setting: "windowSeconds", values: [50, 75, 100, 150, 200, 300, 400] });
  expect(sweepOf(definition, { windowSeconds: null })).toEqual({
    setting: "idleTimeoutSeconds",
    values: [7.5, 15, 23, 30, 45, 60, 90, 120],
  });
  expect(sweepOf({ operation: "echo", maxItems: 4, minItems: 3 }, {})).toEqual({ setting: "maxItems", values: [3, 4, 6, 8, 12, 16] });
  expect(sweepOf({ operation: "echo", schedule: "0 * * * *" }, {})).toBeNull();
});
