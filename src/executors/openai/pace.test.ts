import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Pace } from "./pace.ts";

describe("what a pace has let through", () => {
  it("is known for a minute, and follows what an answer corrects", async () => {
    const clock = new VirtualClock({ startsAt: 60_000_000 });
    const pace = new Pace(clock, 1000);
    expect([pace.used, pace.perMinute]).toEqual([0, 1000]);
    pace.take(100);
    await clock.advance(30_000);
    pace.take(50);
    pace.correct(50, 20);
    expect(pace.used).toBe(120);
    await clock.advance(30_000);
    expect(pace.used).toBe(20);
    await clock.advance(30_000);
    expect(pace.used).toBe(0);
  });
});
