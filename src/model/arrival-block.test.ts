import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARRIVAL_STARTS, ArrivalBlock, ArrivalColumns, type Arrival } from "./arrival-block.ts";

interface Read extends Arrival {
  at: number;
}

function rows(columns: ArrivalColumns): Read[] {
  return Array.from({ length: columns.length }, (_, i) => ({
    at: columns.at[i]!,
    key: columns.keys[columns.key[i]!]!,
    bytes: columns.bytes[i]!,
    start: ARRIVAL_STARTS[columns.start[i]!]!,
  }));
}

const arrival = fc.record({
  key: fc.oneof(fc.constantFrom("", "gate", "Tür", "🚪"), fc.string({ unit: "grapheme", maxLength: 30 })),
  bytes: fc.oneof(fc.nat(1_000), fc.nat({ max: 2 ** 31 })),
  start: fc.constantFrom(...ARRIVAL_STARTS),
});
const groups = fc.array(fc.record({ at: fc.integer({ min: 0, max: 4_102_444_800_000 }), arrivals: fc.array(arrival, { maxLength: 20 }) }));

describe("arrival blocks", () => {
  it("give back what was written, in order, whatever the block boundaries are", () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 400 }), (given, limit) => {
        const columns = new ArrivalColumns();
        let block = new ArrivalBlock();
        for (const { at, arrivals } of given) {
          block.add(at, arrivals);
          if (block.size < limit) continue;
          columns.read(block.body());
          block = new ArrivalBlock();
        }
        columns.read(block.body());
        expect(rows(columns)).toEqual(given.flatMap(({ at, arrivals }) => arrivals.map((each) => ({ ...each, at }))));
      }),
    );
  });

  it("give those of a range of time, and sort by time what came out of order, stable", () => {
    fc.assert(
      fc.property(groups, fc.nat(4_102_444_800_000), fc.nat(4_102_444_800_000), (given, a, b) => {
        const range = { from: Math.min(a, b), to: Math.max(a, b) };
        const block = new ArrivalBlock();
        for (const { at, arrivals } of given) block.add(at, arrivals);
        const columns = new ArrivalColumns();
        columns.read(block.body(), range);
        columns.sort();
        const wanted = given
          .filter(({ at }) => at >= range.from && at < range.to)
          .toSorted((one, other) => one.at - other.at)
          .flatMap(({ at, arrivals }) => arrivals.map((each) => ({ ...each, at })));
        expect(rows(columns)).toEqual(wanted);
      }),
    );
  });

  it("take about 3 bytes an arrival, and a block that was cut off is refused", () => {
    const block = new ArrivalBlock();
    for (let at = 0; at < 1_000; at++)
      block.add(1_800_000_000_000 + 40 * at, [{ key: `camera-${at % 50}`, bytes: 120 + (at % 9), start: "joined" }]);
    expect(block).toMatchObject({ items: 1_000, from: 1_800_000_000_000, to: 1_800_000_039_960 });
    expect(block.size).toBeLessThan(5_000);
    expect(() => new ArrivalColumns().read(block.body().subarray(0, block.size - 1))).toThrow("ends within");
  });
});
