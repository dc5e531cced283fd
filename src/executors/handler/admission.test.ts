import { describe, expect, it } from "vitest";
import { Admission } from "./admission.ts";

/** A run whose rate limit lets `free` items start at once; the others get a promise that `admitNext` resolves. */
function limited(free: number) {
  const waiting: (() => void)[] = [];
  let asked = 0;
  const control = {
    signal: new AbortController().signal,
    stopping: false,
    settle: () => {},
    spent: () => {},
    afford: () => true,
    defer: () => {},
    split: () => {},
    admit: () => (++asked <= free ? null : new Promise<void>((resolve) => waiting.push(resolve))),
  };
  return { control, asked: () => asked, admitNext: () => waiting.shift()!() };
}

describe("Admission", () => {
  it("hands out groups in order, and again what was given back", async () => {
    const { control, asked } = limited(10);
    const admission = new Admission(control, 5);
    expect(await admission.take(3)).toEqual([0, 1, 2]);
    admission.giveBack([1, 2]);
    expect(admission.left).toBe(4);
    expect(await admission.take(3)).toEqual([1, 2, 3]);
    expect(await admission.take(3)).toEqual([4]);
    expect(await admission.take(3)).toEqual([]);
    expect(asked()).toBe(5);
  });

  it("waits for the rate limit only with nothing in hand, and asks it once an item", async () => {
    const { control, asked, admitNext } = limited(2);
    const admission = new Admission(control, 4);
    expect(await admission.take(4)).toEqual([0, 1]);
    const third = admission.take(4);
    admitNext();
    expect(await third).toEqual([2]);
    admission.giveBack([2]);
    expect(await admission.take(1)).toEqual([2]);
    const last = admission.take(4);
    admitNext();
    expect(await last).toEqual([3]);
    expect(asked()).toBe(4);
  });
});
