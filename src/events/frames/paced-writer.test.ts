import { describe, expect, it } from "vitest";
import type { Clock } from "../../model/clock.ts";
import { MAX_FLUSH_BYTES } from "./coalescer.ts";
import { PacedWriter } from "./paced-writer.ts";

/** Writing takes as long as the test says. */
function writerThatTakes(ms: number) {
  let time = 0;
  const timers = new Map<() => void, number>();
  const clock: Clock = {
    now: () => time,
    elapsed: () => time,
    after(wait, fire) {
      timers.set(fire, time + wait);
      return () => void timers.delete(fire);
    },
  };
  const written: [number, string][] = [];
  const writer = new PacedWriter<string>({
    clock,
    write(pieces) {
      written.push([time, pieces.join("")]);
      time += ms;
    },
  });
  const reach = (at: number): void => {
    for (const [fire, due] of timers) {
      if (due > at) continue;
      timers.delete(fire);
      time = Math.max(time, due);
      fire();
    }
    time = Math.max(time, at);
  };
  return { writer, written, reach, timers };
}

describe("a paced writer", () => {
  it("writes at once, rests twice as long as that took, and joins what came meanwhile", () => {
    const { writer, written, reach } = writerThatTakes(10);
    for (const piece of ["a", "b", "c"]) writer.push(piece, 1, false);
    reach(29);
    writer.push("d", 1, false);
    reach(100);
    writer.push("e", 1, false);
    expect(written).toEqual([
      [0, "a"],
      [30, "bcd"],
      [100, "e"],
    ]);
  });

  it("never rests when writing takes no time", () => {
    const { writer, written, timers } = writerThatTakes(0);
    for (const piece of ["a", "b", "c"]) writer.push(piece, 1, false);
    expect(written.map(([, text]) => text)).toEqual(["a", "b", "c"]);
    expect(timers.size).toBe(0);
  });

  it("does not let the urgent wait, and sends what was before it first", () => {
    const { writer, written, timers } = writerThatTakes(10);
    writer.push("a", 1, false);
    writer.push("b", 1, false);
    writer.push("c!", 1, true);
    expect(written).toEqual([
      [0, "a"],
      [10, "bc!"],
    ]);
    expect(timers.size).toBe(0);
  });

  it("joins no more than a reader may be given at once", () => {
    const { writer, written } = writerThatTakes(10);
    writer.push("a", 1, false);
    writer.push("b", MAX_FLUSH_BYTES - 1, false);
    writer.push("c", 2, false);
    expect(written.map(([, text]) => text)).toEqual(["a", "b"]);
  });

  it("forgets what waits when it is closed", () => {
    const { writer, written, reach } = writerThatTakes(10);
    writer.push("a", 1, false);
    writer.push("b", 1, false);
    writer.close();
    reach(1_000);
    writer.flush();
    expect(written).toEqual([[0, "a"]]);
  });
});
