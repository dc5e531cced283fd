import { expect, it } from "vitest";
import type { History, Point } from "./queries.ts";
import { partsOf, seriesOf } from "./series.ts";

const points = (...values: (Partial<Point> | null)[]): Point[] =>
  values.map((value, n) => ({ timestamp: new Date(n * 60_000).toISOString(), value: null, ...value }));

function history(type: History["type"], current: Point[], previous: Point[] = []): History {
  const range = (of: Point[]) => ({ from: "", to: "", whole: { timestamp: "", value: null }, points: of });
  return {
    metric: "items_total",
    type,
    unit: "count",
    help: "",
    labels: ["operation"],
    source: null,
    sources: [],
    promql: "",
    width_seconds: 60,
    change_percent: null,
    current: range(current),
    previous: range(previous),
  };
}

it("stacks parts, those with most first, and leaves open what nobody recorded", () => {
  const asked = history("counter", points({ value: 3, parts: { failed: 2, succeeded: 1 } }, null, { value: 9, parts: { succeeded: 9 } }));
  expect(seriesOf(asked, { compare: false })).toEqual([
    { label: "succeeded", color: "good", shape: "bar", values: [1, null, 9] },
    { label: "failed", color: "bad", shape: "bar", values: [2, null, 0] },
  ]);
  expect(seriesOf(asked, { part: "failed", compare: false })).toEqual([
    { label: "failed", color: "bad", shape: "bar", values: [2, null, 0] },
  ]);
});

it("adds up what are too many parts for the eye", () => {
  const parts = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`kind_${n}`, 10 - n]));
  const drawn = seriesOf(history("counter", points({ value: 54, parts })), { compare: false });
  expect(drawn.map(({ label, values }) => [label, values[0]])).toEqual([
    ["kind 0", 10],
    ["kind 1", 9],
    ["kind 2", 8],
    ["kind 3", 7],
    ["kind 4", 6],
    ["4 others", 5 + 4 + 3 + 2],
  ]);
  expect(partsOf(history("counter", points({ value: 54, parts })))).toHaveLength(9);
});

it("lays the time before under this one from the end on", () => {
  const asked = history("gauge", points({ value: 1 }, { value: 2 }), points({ value: 7 }, { value: 8 }, { value: 9 }));
  expect(seriesOf(asked, { compare: true })[1]).toEqual({ label: "Before", color: "soft", dashed: true, values: [8, 9] });
});

it("draws times as a band", () => {
  const asked = history("histogram", points({ value: 2, p50: 1, p95: 3, p99: 4 }, null));
  expect(seriesOf(asked, { compare: false }).map(({ label, values, bandTo }) => [label, values, bandTo])).toEqual([
    ["p50", [1, null], undefined],
    ["p95", [3, null], "p50"],
    ["p99", [4, null], "p95"],
  ]);
});
