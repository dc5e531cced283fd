import { describe, expect, it } from "vitest";
import { openPair, runSchedule } from "../support/campaigns/upstream-campaign.ts";

/** Random schedules; `node bench/upstream-campaign.ts` runs 1000. */
const SEEDS = 60;
/** One yard goes through so many: what one schedule leaves behind must not disturb the next. */
const A_YARD = 30;

describe("the golden invariant of openai-batch", () => {
  it.each(Array.from({ length: SEEDS / A_YARD }, (_, part) => part * A_YARD + 1))(
    "each item once, no finished line lost, all of it booked: schedules from %i on",
    { timeout: 600_000 },
    async (from) => {
      const pair = await openPair();
      const fired = new Map<string, number>();
      try {
        for (let seed = from; seed < from + A_YARD; seed++) {
          const verdict = await runSchedule(pair, seed);
          expect({ ...verdict, fired: {}, upstream: 0 }).toEqual({ seed, schedule: verdict.schedule, faults: [], fired: {}, upstream: 0 });
          for (const [name, times] of Object.entries(verdict.fired)) fired.set(name, (fired.get(name) ?? 0) + times);
        }
        expect(await pair.yard.parts.store.upkeep.verify({ rebuild: false })).toMatchObject({ findings: [] });
        // Faults that never showed prove nothing.
        const shown = [...fired].filter(([, times]) => times > 0).map(([name]) => name);
        expect(shown).toEqual(
          expect.arrayContaining(["lose-reply", "expire", "vanish", "repeat", "drop-lines", "list-late", "cut", "fail-lines"]),
        );
      } finally {
        await pair.close();
      }
    },
  );
});
