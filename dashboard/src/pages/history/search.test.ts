import { expect, it } from "vitest";
import { historySearch } from "./search.ts";

it("keeps what it knows of an address, and one of the two ways to say a time", () => {
  expect(historySearch({ metric: "items_total", range: "7d", compare: "yes", theme: "x" })).toEqual({
    metric: "items_total",
    range: "7d",
    compare: "yes",
  });
  const span = { from: "2026-01-05T10:00:00.000Z", to: "2026-01-05T11:00:00.000Z" };
  expect(historySearch({ ...span, range: "7d" })).toEqual(span);
});

it("drops what cannot be: an unknown range, half a stretch, a stretch that ends before it begins", () => {
  expect(historySearch({ range: "2y", compare: "1" })).toEqual({});
  expect(historySearch({ from: "2026-01-05", range: "1h" })).toEqual({ range: "1h" });
  expect(historySearch({ from: "2026-01-06", to: "2026-01-05" })).toEqual({});
  expect(historySearch({ from: "soon", to: "2026-01-05" })).toEqual({});
});
