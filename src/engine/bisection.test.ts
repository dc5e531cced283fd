import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BatchRow } from "../model/batch.ts";
import { hasBit, newBits, setBit } from "../model/bits.ts";
import { joinLines } from "../model/item.ts";
import type { ClaimedChunk, NewChunk } from "../store/port.ts";
import { bisect } from "./bisection.ts";

const claimed = (chunk: NewChunk, done = newBits(chunk.keys.length)): ClaimedChunk => ({
  id: 1,
  tenant: "t",
  batchId: "b",
  epoch: 1,
  fence: 1,
  leaseUntil: 0,
  workerId: "w",
  batch: {} as BatchRow,
  done,
  ...chunk,
});

const chunkOf = (items: number): NewChunk => {
  const keys = Array.from({ length: items }, (_, i) => `k${i}`);
  return { position: 0, keys, body: joinLines(keys.map((key) => JSON.stringify({ key }))), attempt: 0, availableAt: 0, crashes: 0 };
};

/** Runs a chunk and its halves until nothing is left; a chunk with the poison open kills its worker, after some items got done. */
function isolate(items: number, poison: number, progress: (open: number) => number): { deaths: number; condemned: string[] } {
  const queue = [{ chunk: chunkOf(items), done: newBits(items) }];
  const condemned: string[] = [];
  let deaths = 0;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { chunk, done } = next;
    const split = bisect(claimed(chunk, done), 0);
    if (split !== null) {
      condemned.push(...split.failures.map((failure) => failure.nodeId));
      queue.push(...split.next.map((half) => ({ chunk: half, done: newBits(half.keys.length) })));
      continue;
    }
    const open = chunk.keys.map((_, place) => place).filter((place) => !hasBit(done, place) && chunk.keys[place] !== `k${poison}`);
    if (!chunk.keys.includes(`k${poison}`)) continue;
    for (const place of open.slice(0, progress(open.length))) setBit(done, place);
    deaths += 1;
    queue.push({ chunk: { ...chunk, crashes: chunk.crashes + 1 }, done });
  }
  return { deaths, condemned };
}

describe("bisect", () => {
  it("finds the one poison item within log2(items) + 5 deaths, whatever got done before each", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (items, place, share) => {
        const { deaths, condemned } = isolate(items, place % items, (open) => Math.floor(open * share));
        expect(condemned).toEqual([`k${place % items}`]);
        expect(deaths).toBeLessThanOrEqual(Math.ceil(Math.log2(items)) + 5);
      }),
    );
  });

  it("condemns nothing for deaths as part of a larger chunk", () => {
    const split = bisect(claimed({ ...chunkOf(2), crashes: 100 }), 0)!;
    expect(split.failures).toEqual([]);
    expect(split.next.map(({ keys, crashes }) => ({ keys, crashes }))).toEqual([
      { keys: ["k0"], crashes: 1 },
      { keys: ["k1"], crashes: 1 },
    ]);
    for (const half of split.next) expect(bisect(claimed(half), 0)).toBeNull();
  });

  it("leaves out what is settled", () => {
    const done = newBits(4);
    for (const place of [0, 2, 3]) setBit(done, place);
    const split = bisect(claimed({ ...chunkOf(4), crashes: 3 }, done), 0)!;
    expect(split.next.map((half) => half.keys)).toEqual([["k1"]]);
    expect(split.next[0]!.body).toBe('{"key":"k1"}');
  });
});
