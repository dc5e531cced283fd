import { describe, expect, it } from "vitest";
import { bytes, count, duration, plural, rate, table } from "./figures.ts";

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
