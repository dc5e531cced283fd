import { expect, it } from "vitest";
import { ALL_SELECTED, isSelected, NO_SELECTION, sizeOf, withSelected } from "./selection.ts";

it("picks some, or leaves some out of all", () => {
  const some = withSelected(NO_SELECTION, ["a", "b"], true);
  expect(["a", "b", "c"].map((id) => isSelected(some, id))).toEqual([true, true, false]);
  const ten = { total: 10, isExact: false };
  expect(sizeOf(withSelected(some, ["b", "c"], false), ten)).toEqual({ total: 1, isExact: true });
  const most = withSelected(ALL_SELECTED, ["a", "b"], false);
  expect(["a", "b", "c"].map((id) => isSelected(most, id))).toEqual([false, false, true]);
  expect([sizeOf(most, ten).total, sizeOf(withSelected(most, ["a"], true), ten).total]).toEqual([8, 9]);
  expect(sizeOf(most, ten).isExact).toBe(false);
});
