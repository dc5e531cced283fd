import { expect, it } from "vitest";
import { dayName, dayNumber, daysBetween, firstDay } from "./days.ts";

const now = Date.UTC(2026, 2, 3, 23, 59);

it("a range ends today and counts whole UTC days", () => {
  expect(firstDay("7d", now)).toBe("2026-02-25");
  expect(firstDay("30d", now)).toBe("2026-02-02");
  expect(firstDay("month", now)).toBe("2026-03-01");
  expect(daysBetween("2026-02-25", "2026-03-03")).toHaveLength(7);
  expect(daysBetween("2026-02-25", "2026-02-25").map(dayName)).toEqual(["25 Feb"]);
  expect(dayNumber("1970-01-02")).toBe(1);
});
