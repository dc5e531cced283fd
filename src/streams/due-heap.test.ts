import fc from "fast-check";
import { expect, it } from "vitest";
import { DueHeap } from "./due-heap.ts";

it("gives back everything that was put in, what is due first first", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (times) => {
      const heap = new DueHeap<number>();
      for (const at of times) heap.push(at, at);
      const out: number[] = [];
      for (let next = heap.pop(); next !== null; next = heap.pop()) out.push(next.value);
      expect(out).toEqual(times.toSorted((a, b) => a - b));
    }),
  );
});
