import { expect, it } from "vitest";
import { bytes, exactMoney, money, slotsInUse } from "./number.ts";

it.each([
  [0, "$0.00", "$0.00"],
  [1234.5, "$1,234.50", "$1,234.50"],
  [0.0042, "$0.0042", "$0.0042"],
  [12.345678901, "$12.35", "$12.345678901"],
  [0.000000001, "$0.00", "$0.000000001"],
  [-3.2, "−$3.20", "−$3.20"],
])("%d US dollars", (value, short, exact) => expect([money(value), exactMoney(value)]).toEqual([short, exact]));

it.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1536, "1.5 KB"],
  [5 * 1024 ** 3, "5 GB"],
])("%d bytes", (value, text) => expect(bytes(value)).toBe(text));

it("says what runs beyond the slots as such", () =>
  expect([slotsInUse(3, 4), slotsInUse(4, 4), slotsInUse(6, 4)]).toEqual(["3 of 4", "4 of 4", "4 of 4 + 2 express"]));
