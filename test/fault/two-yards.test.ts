import { afterEach, expect, it } from "vitest";
import { endChildren } from "../support/child.ts";
import { folders } from "../support/folder.ts";
import { twoYards } from "../support/two-yards.ts";

const newFolder = folders();
afterEach(endChildren);

/** The campaign at a size for every run; `node bench/two-yards.ts` does 20 kills over 10,000 items. */
it("two in a row, either killed: every result, once, and nothing done upstream twice", async () => {
  const { faults, killedMeanwhile, killed, upstream } = await twoYards({
    kills: 4,
    items: 2000,
    batchSize: 500,
    seed: 3,
    folder: newFolder(),
    workMs: 150,
  });
  expect(faults).toEqual([]);
  // Kills after the end would prove nothing.
  expect(killedMeanwhile).toBe(4);
  expect(killed.client + killed.server).toBe(4);
  expect(upstream).toBe(4);
});
