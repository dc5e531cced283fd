import { describe, expect, it } from "vitest";
import { ItemKeys } from "./item-keys.ts";

/** Adds keys one after another, as a source gives them. `kept`: those whose text is still in memory. */
async function added(keys: readonly string[], { limit = 100, kept = () => true }: { limit?: number; kept?: (at: number) => boolean } = {}) {
  const seen = new ItemKeys(limit);
  for (const key of keys) await seen.add(key, (at) => (kept(at) ? keys[at]! : null));
}

describe("the keys of a batch's items", () => {
  it("may each come once; a repetition names both places, counted from one", async () => {
    await added(["a", "b", "c"]);
    await expect(added(["a", "b", "c", "b"])).rejects.toMatchObject({ code: "duplicate_key", message: expect.stringMatching(/b.*2.*4/) });
  });

  it("are compared by their hash where the earlier one is no longer in memory", async () => {
    await expect(added(["a", "b", "b"], { kept: () => false })).rejects.toMatchObject({ code: "duplicate_key" });
  });

  it("are at most as many as a batch may have, whatever they are", async () => {
    await added(["a", "b"], { limit: 2 });
    await expect(added(["a", "b", "a"], { limit: 2 })).rejects.toMatchObject({ code: "too_many_items" });
  });

  it("cost no promise while they are new", () => {
    const seen = new ItemKeys(10);
    expect(["a", "b", "c"].map((key) => seen.add(key, () => null))).toEqual([null, null, null]);
  });
});
