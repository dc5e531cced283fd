import fc from "fast-check";
import { expect, it } from "vitest";
import { ServerClock } from "./server-clock.ts";

const skew = fc.integer({ min: -86_400_000, max: 86_400_000 });
/** Milliseconds there and back: nothing says that they are alike. */
const trip = fc.record({ there: fc.integer({ min: 0, max: 5_000 }), back: fc.integer({ min: 0, max: 5_000 }) });

/** What a page sees whose clock is `ahead` of the server's. */
function exchange(at: number, ahead: number, { there, back }: { there: number; back: number }) {
  return { asked: at + ahead, server: at + there, heard: at + there + back + ahead };
}

it("finds the offset of any two clocks to within half of the shortest round trip", () => {
  fc.assert(
    fc.property(skew, fc.array(trip, { minLength: 1, maxLength: 8 }), (ahead, trips) => {
      const clock = new ServerClock();
      trips.forEach((each, i) => clock.add(exchange(1_800_000_000_000 + i * 60_000, ahead, each)));
      const { ms, within } = clock.offset()!;
      expect(Math.abs(ms - -ahead)).toBeLessThanOrEqual(within);
      expect(within).toBe(Math.min(...trips.map(({ there, back }) => there + back)) / 2 + 1);
    }),
  );
});

it("says a true delay where the difference of the clocks would be minutes", () => {
  const clock = new ServerClock();
  expect(clock.offset()).toBeNull();
  const ahead = 180_000;
  for (const there of [40, 3, 900]) clock.add(exchange(1_000_000, ahead, { there, back: 3 }));
  // It happened at 2,000,000 by the server's clock, and was heard 38 ms later.
  const heard = 2_000_038 + ahead;
  expect(heard - 2_000_000).toBe(180_038);
  expect(heard + clock.offset()!.ms - 2_000_000).toBe(38);
});

it("believes a clock that was set, and no answer that came before it was asked for", () => {
  const clock = new ServerClock();
  clock.add(exchange(1_000, 0, { there: 2, back: 2 }));
  clock.add(exchange(60_000, -3_600_000, { there: 300, back: 100 }));
  expect(Math.abs(clock.offset()!.ms - 3_600_000)).toBeLessThanOrEqual(clock.offset()!.within);
  clock.add({ asked: 10, heard: 9, server: 5 });
  expect(clock.offset()!.within).toBe(201);
});
