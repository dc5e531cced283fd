import type { Batch } from "batchyard/client";
import { expect, it } from "vitest";
import type { Arrival } from "../../live/arrivals.ts";
import { newsFor } from "./news.ts";

const arrival = (more: Partial<Arrival> = {}): Arrival => ({
  at: 1_000,
  created: true,
  status: "pending",
  operation: "transform",
  name: "Nightly run",
  stream: null,
  key: null,
  ...more,
});

it("counts what the list would show and does not", () => {
  const arrivals = new Map([
    ["a", arrival()],
    ["b", arrival({ operation: "import", name: null })],
    ["c", arrival({ created: false, status: "failed" })],
    ["old", arrival({ at: 10 })],
    ["shown", arrival()],
  ]);
  const rows = [{ id: "shown" } as Batch];
  const count = (filter: Parameters<typeof newsFor>[0]): number => newsFor(filter, arrivals, 500, rows).count;
  expect(count({})).toBe(2);
  expect(count({ operation: "import" })).toBe(1);
  expect(count({ name: "NIGHTLY" })).toBe(1);
  expect(count({ status: "failed" })).toBe(1);
  expect(count({ status: "completed" })).toBe(0);
  expect(count({ createdBefore: new Date(900).toISOString() })).toBe(0);
  expect(newsFor({ tag: "x" }, arrivals, 500, rows)).toEqual({ count: 2, isCertain: false });
});
