import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Pace } from "./pace.ts";
import { MOST, Window } from "./window.ts";

describe("window", () => {
  it("doubles a round until the first refusal, then grows by one a round", () => {
    const window = new Window();
    const round = (): number => {
      const size = window.size;
      for (let i = 0; i < size; i++) window.send();
      for (let i = 0; i < size; i++) window.answered(true);
      return window.size;
    };
    expect([window.size, round(), round()]).toEqual([8, 16, 32]);
    expect(window.refused(window.send())).toBe(true);
    expect(window.size).toBe(16);
    for (let i = 0; i < 9; i++) round();
    expect(round()).toBeGreaterThanOrEqual(24);
    expect(window.size).toBeLessThanOrEqual(26);
  });

  it("is halved once for all that was under way, and never closes or grows without end", () => {
    const window = new Window();
    const sent = Array.from({ length: 8 }, () => window.send());
    expect(sent.map((request) => window.refused(request))).toEqual([true, ...Array.from({ length: 7 }, () => false)]);
    expect(window.size).toBe(4);
    for (let i = 0; i < 10; i++) window.refused(window.send());
    expect(window.size).toBe(1);
    for (let i = 0; i < 100_000; i++) window.answered(true);
    expect(window.size).toBe(MOST);
  });

  it("does not grow while it is not full", () => {
    const window = new Window();
    for (let i = 0; i < 100; i++) window.answered(false);
    expect(window.size).toBe(8);
  });
});

describe("pace", () => {
  it("no request, whatever it says of itself, takes more than a minute or gives anything back", () => {
    const clock = new VirtualClock();
    for (const amount of [1e15, Number.POSITIVE_INFINITY]) {
      const pace = new Pace(clock, 600);
      pace.take(amount);
      expect(pace.readyAt - clock.now()).toBeGreaterThan(50_000);
      expect(pace.readyAt - clock.now()).toBeLessThanOrEqual(61_000);
      pace.correct(amount, 1);
      expect(pace.readyAt).toBeLessThanOrEqual(clock.now() + 1000);
    }
    const pace = new Pace(clock, 600);
    pace.take(60);
    const before = pace.readyAt;
    pace.take(-1e15);
    expect(pace.readyAt).toBe(before);
  });

  it("lets no more than its limit go in any minute, and hardly less", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3000 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 20 }),
        async (limit, pauses) => {
          const clock = new VirtualClock();
          const pace = new Pace(clock, limit);
          const times: number[] = [];
          // Somebody who comes as soon as the pace allows, but for pauses in which it must not save up.
          for (let i = 0; i < 2 * limit; i++) {
            const pause = i % 7 === 3 ? (pauses[i / 7] ?? 0) : 0;
            await clock.skipTo(Math.max(clock.now() + pause, pace.readyAt));
            times.push(clock.now());
            pace.take(1);
          }
          for (const [i, from] of times.entries()) expect((times[i + limit] ?? Infinity) - from).toBeGreaterThanOrEqual(60_000);
          expect(pauses.length > 0 || times.at(-1)! - times[0]! < 121_000).toBe(true);
        },
      ),
      // A request takes a little more than a tenth of a second: what is rounded up to whole milliseconds adds up.
      {
        numRuns: 30,
        examples: [
          [600, []],
          [595, []],
          [602, []],
          [1, []],
        ],
      },
    );
  });
});
