import { expect, it } from "vitest";
import { changeOf } from "./change.ts";

const good = (result: unknown, more: object = {}) => ({ success: true, result, ...more });

it.each([
  [good({ price: 1, name: "a" }), good({ price: 2, name: "a" }), "price 1 → 2"],
  [good({ price: 1, name: "a" }), good({ price: 2, name: "b" }), "result: price, name"],
  [good("a"), good("b"), "result a → b"],
  [good("a", { qualityScore: 0.5 }), good("a", { qualityScore: 0.75 }), "score 0.5 → 0.75"],
  [good("a"), { success: false, error: "It broke", errorCode: "broken" }, "It broke"],
  [{ success: false, error: "It broke" }, good("a"), "result none → a; error It broke → none"],
  [good({ a: [1] }), good({ a: [2] }), "result: a"],
])("%j against %j: %s", (a, b, sentence) => {
  expect(changeOf({ nodeId: "x", a, b })).toEqual({ first: a.success, second: b.success, sentence });
});
