import { describe, expect, it } from "vitest";
import { qualified } from "./qualifiers.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");

describe("a search text", () => {
  it("is words of the name without qualifiers", () => {
    expect(qualified('nightly "price list"', NOW)).toEqual({ filter: { name: "nightly price list" }, unknown: [] });
  });

  it("takes the states there are, and no other", () => {
    expect(qualified("state:running", NOW)).toEqual({ filter: { status: "running" }, unknown: [] });
    expect(qualified("status:paused state:asleep", NOW)).toEqual({ filter: { status: "paused" }, unknown: ["state:asleep"] });
  });

  it("narrows by every qualifier, with quotes around blanks", () => {
    const { filter, unknown } = qualified('op:transform stream:detections tag:"two words" after:2026-01-01 age>5m', NOW);
    expect(unknown).toEqual([]);
    expect(filter).toEqual({
      operation: "transform",
      stream: "detections",
      tag: "two words",
      createdAfter: "2026-01-01T00:00:00.000Z",
      createdBefore: "2026-01-02T02:59:00.000Z",
    });
  });

  it("takes keys and reasons of windows, workers, codes of errors and ids", () => {
    expect(qualified("key:cam-1 reason:max_size worker:w1 error:never id:batch_1", NOW)).toEqual({
      filter: { key: "cam-1", closeReason: "max_size", worker: "w1", error: "never", id: "batch_1" },
      unknown: [],
    });
  });

  it("takes numbers of items, more, fewer or just so many", () => {
    expect(qualified("items>100 items<1000", NOW)).toEqual({ filter: { minItems: 101, maxItems: 999 }, unknown: [] });
    expect(qualified("items:5", NOW)).toEqual({ filter: { minItems: 5, maxItems: 5 }, unknown: [] });
    expect(qualified("items>many items<0", NOW)).toEqual({ filter: {}, unknown: ["items>many", "items<0"] });
  });

  it("names what nobody understands, and does not narrow by it", () => {
    expect(qualified("op: colour:red age<soon before:never", NOW)).toEqual({
      filter: {},
      unknown: ["op:", "colour:red", "age<soon", "before:never"],
    });
  });
});
