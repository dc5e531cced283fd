import { describe, expect, it } from "vitest";
import { changesInBrief, changesOf } from "./changes.ts";

describe("changesOf", () => {
  it("names what was added, removed, changed and kept, by path", () => {
    expect(changesOf({ a: 1, b: { c: "x", d: [1] }, e: true }, { a: 2, b: { d: [1] }, f: null })).toEqual([
      { path: "a", before: 1, after: 2, kind: "changed" },
      { path: "b.c", before: "x", after: undefined, kind: "removed" },
      { path: "b.d", before: [1], after: [1], kind: "same" },
      { path: "e", before: true, after: undefined, kind: "removed" },
      { path: "f", before: undefined, after: null, kind: "added" },
    ]);
  });

  it("takes nothing as nothing, and a whole value as one", () => {
    expect(changesOf(null, null)).toEqual([]);
    expect(changesOf(null, { name: "ci" })).toEqual([{ path: "name", before: undefined, after: "ci", kind: "added" }]);
    expect(changesOf("a", "b")).toEqual([{ path: "", before: "a", after: "b", kind: "changed" }]);
  });
});

describe("changesInBrief", () => {
  it("says the first three, and how many more", () => {
    expect(changesInBrief({ priority: "normal" }, { priority: "high" })).toBe("priority normal → high");
    expect(changesInBrief({ a: 1 }, null)).toBe("a 1 → none");
    expect(changesInBrief(null, { a: 1, b: 2, c: 3, d: 4, e: 5 })).toBe("a 1, b 2, c 3 and 2 more");
  });
});
