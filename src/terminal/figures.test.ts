import { describe, expect, it } from "vitest";
import { bytes, clock, compact, count, duration, plural, rate, table } from "./figures.ts";

describe("figures", () => {
  it("read as people write them", () => {
    expect([0, 999, 1_000, 59_499, 60_000, 123_000, 3_599_600, 3_720_000].map(duration)).toEqual([
      "0 ms",
      "999 ms",
      "1 s",
      "59 s",
      "1 min 00 s",
      "2 min 03 s",
      "1 h 00 min",
      "1 h 02 min",
    ]);
    expect([count(1_234_567), rate(0.44), rate(1_234.5), bytes(999), bytes(3_400_000), plural(1, "item"), plural(2, "item")]).toEqual([
      "1,234,567",
      "0.4/s",
      "1,235/s",
      "999 bytes",
      "3.4 MB",
      "1 item",
      "2 items",
    ]);
  });

  it("take little room", () => {
    expect([0, 0.44, 9.96, 42.4, 9_999, 10_000, 98_650, 999_949, 999_950, 3_400_000, 2e9, 5e15].map(compact)).toEqual(
      ["0", "0.4", "10", "42", "9,999", "10k", "98.7k", "999.9k", "1M", "3.4M", "2B", "5000T"], // prettier-ignore
    );
    expect(clock(new Date(2026, 1, 3, 4, 5, 6).getTime())).toBe("04:05:06");
  });

  it("stand in columns", () => {
    expect(
      table(
        [
          ["ID", "N"],
          ["a", "10"],
          ["bbb", "1"],
        ],
        [1],
      ),
    ).toBe("ID    N\na    10\nbbb   1\n");
  });
});
