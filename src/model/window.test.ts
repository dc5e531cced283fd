import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueAt, step, type Closure, type Window, type WindowRules } from "./window.ts";

const RULES: WindowRules = { maxAgeMs: 90_000, idleMs: 30_000 };
const open = (startedAgo: number, lastAgo: number, now = 1_000_000): Window => ({
  openedAt: now - startedAgo,
  lastItemAt: now - lastAgo,
  items: 2,
  bytes: 20,
  held: false,
});
const reasons = (closures: readonly Closure[]): string[] => closures.map((closure) => closure.reason);

describe("closing by time", () => {
  it.each([
    ["95 s old, 20 s idle", 95_000, 20_000, ["timeout"]],
    ["40 s old, 35 s idle", 40_000, 35_000, ["idle"]],
    ["30 s old, 5 s idle", 30_000, 5_000, []],
    ["exactly 90 s old", 90_000, 1_000, ["timeout"]],
    ["exactly 30 s idle", 60_000, 30_000, ["idle"]],
    ["89.99 s old with activity", 89_990, 10, []],
    ["both at once", 95_000, 35_000, ["timeout"]],
  ])("%s", (_name, startedAgo, lastAgo, expected) => {
    const { window, closures } = step(open(startedAgo, lastAgo), { type: "tick" }, 1_000_000, RULES);
    expect(reasons(closures)).toEqual(expected);
    expect(window === null).toBe(expected.length > 0);
  });

  it("tells how late it is", () => {
    const { closures } = step(open(95_000, 20_000), { type: "tick" }, 1_000_000, RULES);
    expect(closures[0]!.lagMs).toBe(5_000);
    expect(dueAt(open(10_000, 10_000), RULES)).toBe(1_020_000);
  });

  it("closes an overdue window before the item that finds it opens the next", () => {
    const { window, closures } = step(open(95_000, 20_000), { type: "item", bytes: 7 }, 1_000_000, RULES);
    expect(reasons(closures)).toEqual(["timeout"]);
    expect(window).toEqual({ openedAt: 1_000_000, lastItemAt: 1_000_000, items: 1, bytes: 7, held: false });
  });

  it("holds while paused, but size still closes", () => {
    const rules = { ...RULES, maxItems: 3, paused: true };
    expect(step(open(95_000, 95_000), { type: "tick" }, 1_000_000, rules).closures).toEqual([]);
    expect(reasons(step(open(95_000, 95_000), { type: "item", bytes: 1 }, 1_000_000, rules).closures)).toEqual(["max_size"]);
    expect(reasons(step(open(95_000, 95_000), { type: "tick" }, 1_000_000, RULES).closures)).toEqual(["timeout"]);
  });

  it("never closes without a window", () => {
    for (const event of [{ type: "tick" }, { type: "flush", reason: "manual" }, { type: "flush", reason: "schedule" }] as const) {
      expect(step(null, event, 5, RULES)).toEqual({ window: null, closures: [] });
    }
  });
});

describe("closing by size", () => {
  it("closes with the item that fills it: seven items of at most three are 3, 3 and an open 1", () => {
    let window: Window | null = null;
    const sizes: number[] = [];
    for (let i = 0; i < 7; i++) {
      const result = step(window, { type: "item", bytes: 10 }, i, { maxItems: 3 });
      window = result.window;
      sizes.push(...result.closures.map((closure) => closure.items));
    }
    expect(sizes).toEqual([3, 3]);
    expect(window?.items).toBe(1);
  });

  it("closes when the bytes are reached", () => {
    expect(reasons(step(open(1, 1), { type: "item", bytes: 80 }, 1_000_000, { maxBytes: 100 }).closures)).toEqual(["max_bytes"]);
    expect(step(open(1, 1), { type: "item", bytes: 79 }, 1_000_000, { maxBytes: 100 }).closures).toEqual([]);
  });
});

describe("closing with enough items", () => {
  const rules: WindowRules = { minItems: 10, maxWaitMs: 30 * 60_000 };
  const waiting = (items: number, minutes: number): Window => ({
    openedAt: 0,
    lastItemAt: minutes * 60_000,
    items,
    bytes: items,
    held: false,
  });
  it.each([
    ["9 for 29 minutes", 9, 29, []],
    ["10 for 29 minutes", 10, 29, ["schedule"]],
    ["3 for 30 minutes", 3, 30, ["timeout"]],
  ])("%s", (_name, items, minutes, expected) => {
    expect(reasons(step(waiting(items, minutes), { type: "flush", reason: "schedule" }, minutes * 60_000, rules).closures)).toEqual(
      expected,
    );
  });

  it("is completed by an item after its time", () => {
    const held = step({ openedAt: 0, lastItemAt: 0, items: 1, bytes: 1, held: false }, { type: "tick" }, 90_000, { ...RULES, minItems: 2 });
    expect(held.closures).toEqual([]);
    expect(reasons(step(held.window, { type: "item", bytes: 1 }, 91_000, { ...RULES, minItems: 2 }).closures)).toEqual(["min_size"]);
  });

  it("closes by hand however few there are", () => {
    expect(reasons(step(waiting(1, 1), { type: "flush", reason: "manual" }, 60_000, rules).closures)).toEqual(["manual"]);
    expect(reasons(step(waiting(1, 1), { type: "flush", reason: "drain" }, 60_000, rules).closures)).toEqual(["drain"]);
  });
});

describe("any course of events", () => {
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant("item" as const), bytes: fc.nat(50) }) },
    { weight: 3, arbitrary: fc.constant({ type: "tick" as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("flush" as const), reason: fc.constantFrom("schedule" as const, "manual" as const) }),
    },
  );
  const rules = fc.record(
    {
      maxAgeMs: fc.integer({ min: 1, max: 200 }),
      idleMs: fc.integer({ min: 1, max: 100 }),
      maxItems: fc.integer({ min: 1, max: 6 }),
      maxBytes: fc.integer({ min: 1, max: 200 }),
      minItems: fc.integer({ min: 1, max: 4 }),
      maxWaitMs: fc.integer({ min: 1, max: 400 }),
      paused: fc.boolean(),
    },
    { requiredKeys: [] },
  );

  it("closed and open together are the input, and no window is ever empty or overdue", () => {
    const run = fc.check(
      fc.property(rules, fc.array(fc.tuple(fc.nat(60), event), { maxLength: 60 }), (given, course) => {
        let window: Window | null = null;
        let now = 0;
        let items = 0;
        let bytes = 0;
        let closedItems = 0;
        let closedBytes = 0;
        for (const [wait, happened] of course) {
          now += wait;
          if (happened.type === "item") {
            items += 1;
            bytes += happened.bytes;
          }
          const result = step(window, happened, now, given);
          window = result.window;
          for (const closure of result.closures) {
            closedItems += closure.items;
            closedBytes += closure.bytes;
            if (closure.items < 1 || closure.lagMs < 0 || closure.closedAt !== now || closure.openedAt > closure.lastItemAt) return false;
          }
          if (window !== null && window.items < 1) return false;
          if (window !== null && happened.type !== "flush" && (dueAt(window, given) ?? Infinity) <= now) return false;
        }
        return closedItems + (window?.items ?? 0) === items && closedBytes + (window?.bytes ?? 0) === bytes;
      }),
      { numRuns: 2000 },
    );
    expect(run).toMatchObject({ failed: false, counterexample: null });
  });
});
