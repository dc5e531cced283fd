import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeySet, confirm, keyHash32 } from "./keyset.ts";

describe("KeySet", () => {
  it("agrees with a Map: a new key may have candidates, a repeated one always has its first position", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.string({ maxLength: 3 }), fc.string()), { maxLength: 200 }), async (keys) => {
        const set = new KeySet(1);
        const first = new Map<string, number>();
        for (const [position, key] of keys.entries()) {
          const candidates = set.add(key, position);
          const earlier = candidates === null ? null : await confirm(key, candidates, (at) => keys[at] ?? null);
          expect(earlier).toBe(first.get(key) ?? null);
          if (!first.has(key)) first.set(key, position);
        }
      }),
    );
  });

  it("finds each of a million keys again, in at most 40 MB", () => {
    const set = new KeySet();
    let peak = 0;
    let answers = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const before = set.bytes;
      if (set.add(`item_${i}`, i) !== null) answers++;
      if (set.bytes > before) peak = Math.max(peak, set.bytes + before);
    }
    expect(peak).toBeLessThanOrEqual(40_000_000);
    expect(answers).toBe(0);
    let missed = 0;
    for (let i = 0; i < 1_000_000; i += 997) if (!set.add(`item_${i}`, 2_000_000 + i)?.includes(i)) missed++;
    expect(missed).toBe(0);
    expect(set.size).toBe(1_000_000 + Math.ceil(1_000_000 / 997));
  });

  it("confirms nothing when the candidate is another key or unknown", async () => {
    expect(await confirm("a", [5, 3], async (at) => (at === 3 ? "b" : null))).toBeNull();
    expect(await confirm("a", [5, 3], () => "a")).toBe(3);
  });
});

describe("keyHash32", () => {
  it("is stable, unsigned and spread", () => {
    expect([keyHash32(""), keyHash32("a"), keyHash32("item_1"), keyHash32("é😀")]).toMatchInlineSnapshot(`
      [
        0,
        3019213387,
        1343753356,
        1530596476,
      ]
    `);
    const buckets = new Uint32Array(256);
    for (let i = 0; i < 100_000; i++) buckets[keyHash32(`item_${i}`) & 255]!++;
    expect(Math.max(...buckets)).toBeLessThan(520);
    expect(Math.min(...buckets)).toBeGreaterThan(270);
  });
});
