import { expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { KeyUse } from "./key-use.ts";

it("writes once a minute and key, however often it is used, and again after a write that failed", async () => {
  const clock = new VirtualClock();
  const start = clock.now() - (clock.now() % 60_000);
  const written: [string, number][] = [];
  let full = false;
  const access = {
    async keyUsed(id: string, at: number): Promise<void> {
      if (full) throw new Error("storage_full");
      written.push([id, (at - start) / 60_000]);
    },
  };
  const use = new KeyUse({ access, clock });
  for (let i = 0; i < 1_000; i++) use.note(i % 2 === 0 ? "a" : "b");
  expect(written).toEqual([
    ["a", 0],
    ["b", 0],
  ]);
  await clock.advance(60_000);
  full = true;
  use.note("a");
  await Promise.resolve();
  full = false;
  use.note("a");
  use.note("a");
  expect(written.slice(2)).toEqual([["a", 1]]);
});
