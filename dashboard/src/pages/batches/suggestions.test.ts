import { expect, it } from "vitest";
import { suggestions } from "./suggestions.ts";

it.each([
  ["", []],
  ["nightly", []],
  ["st", ["state:", "stream:"]],
  ["nightly op:tr", ["nightly op:transform"]],
  ["state:p", ["state:pending", "state:paused"]],
  ["op:transform age<", ["op:transform age<5m", "op:transform age<1h", "op:transform age<1d", "op:transform age<7d"]],
  ["op:transform", []],
])("%j", (text, expected) => {
  expect(suggestions(text, ["transform", "validate"])).toEqual(expected);
});
