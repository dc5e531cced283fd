import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinLines } from "../../model/item.ts";
import { pieces, successors } from "./successors.ts";

const chunk = { position: 40, keys: ["a", "b", "c", "d"], body: joinLines(["1", "2", "3", "4"]), attempt: 1 };
const at = { now: 1_000, retryBackoffMs: 100, random: () => 0.5 };

describe("items that leave a chunk unsettled", () => {
  it("go on with their payloads: at once where they are handed on, after the back-off as one more attempt where they failed", () => {
    const retry = (place: number) => ({ place, retryAfterMs: null, category: "transient" as const });
    expect(successors(chunk, { handOn: [[0], [2]], retries: [retry(3), retry(1)] }, at)).toEqual([
      { position: 40, keys: ["a"], body: "1", attempt: 1, availableAt: 1_000, crashes: 0 },
      { position: 40, keys: ["c"], body: "3", attempt: 1, availableAt: 1_000, crashes: 0 },
      { position: 40, keys: ["d", "b"], body: joinLines(["4", "2"]), attempt: 2, availableAt: 1_100, crashes: 0 },
    ]);
  });

  it("wait as long as the server of any of them asked for", () => {
    const retries = [null, 90_000, 5].map((retryAfterMs, place) => ({ place, retryAfterMs, category: "rate_limit" as const }));
    expect(successors(chunk, { handOn: [], retries }, at)[0]!.availableAt).toBe(91_000);
  });

  it("are none when there are none", () => expect(successors(chunk, { handOn: [], retries: [] }, at)).toEqual([]));
});

describe("the pieces of a chunk that was cut", () => {
  it("take about a second and a half at the speed it has shown, and fill its lanes", () => {
    const rest = Array.from({ length: 100 }, (_, place) => place);
    expect(pieces(rest, { settled: 20, elapsedMs: 1_000, lanes: 4 }).map((piece) => piece.length)).toEqual([30, 30, 30, 10]);
    expect(pieces(rest, { settled: 1, elapsedMs: 10_000, lanes: 40 }).map((piece) => piece.length)).toEqual([40, 40, 20]);
  });

  it("are one where no speed is known", () => expect(pieces([3, 5, 8], { settled: 0, elapsedMs: 9_000, lanes: 1 })).toEqual([[3, 5, 8]]));

  it("hold every place once, in order, and are at most 64", () => {
    const shown = fc.record({ settled: fc.nat(1_000), elapsedMs: fc.nat(100_000), lanes: fc.integer({ min: 1, max: 64 }) });
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { maxLength: 500 }), shown, (places, speed) => {
        const cut = pieces(places, speed);
        expect(cut.flat()).toEqual(places);
        expect(cut.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
