import { describe, expect, it } from "vitest";
import { BOTTLENECKS, bottleneckOf, type BottleneckKind, type StageFigures } from "./bottleneck.ts";

/** Pseudo-random and the same every time, 0 ≤ x < 1. */
function randomOf(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Times in seconds. */
interface Plant {
  arrivalsPerSecond: number;
  slots: number;
  /** Longest a window may get; its items come at any time within. */
  window: number;
  /** Mean of what an idle slot needs to take up a batch. */
  pickUp: number;
  /** Mean of one try. */
  service: number;
  /** That a try has to be repeated, and how long until it may be. */
  repeats: number;
  backoff: number;
  /** Tries that may begin in a second, over all. */
  limit: number;
  /** That a try is refused because it came too fast. */
  refused: number;
}

const CALM: Plant = {
  arrivalsPerSecond: 0.5,
  slots: 8,
  window: 1,
  pickUp: 0.1,
  service: 2,
  repeats: 0.02,
  backoff: 1,
  limit: Infinity,
  refused: 0,
};

/** Batches through windows, a queue, slots and a rate limit, one after the other; what the monitoring would see of it. */
function simulated(plant: Plant, random: () => number): StageFigures {
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;
  const end = 900;
  const queue: { at: number; next: (at: number) => void }[] = [];
  /** Something of a batch happens at a time; what happens is done in the order of time. */
  const then = (at: number, next: (at: number) => void): void => void queue.push({ at, next });
  const waiting: ((at: number) => void)[] = [];
  const ages: number[] = [];
  const waits: number[] = [];
  const runs: number[] = [];
  const opened: number[] = [];
  const ended: number[] = [];
  let [free, busy, held, retried, settled, refused, admitted] = [plant.slots, 0, 0, 0, 0, 0, 0];
  const within = (from: number, to: number): number => Math.max(0, Math.min(to, end) - Math.min(from, end));
  const arrive = (at: number): void => {
    opened.push(at);
    const start = (from: number): void => {
      free -= 1;
      then(from + exponential(plant.pickUp), (begin) => tryOnce(at, begin, begin, 1));
    };
    if (free > 0) start(at);
    else waiting.push(start);
    then(at + exponential(1 / plant.arrivalsPerSecond), arrive);
  };
  const tryOnce = (at: number, begin: number, now: number, tries: number): void => {
    const go = Math.max(now, admitted);
    admitted = go + 1 / plant.limit;
    held += within(now, go);
    then(go + exponential(plant.service), (over) => {
      const turnedAway = random() < plant.refused;
      if (over < end && turnedAway) refused += 1;
      if ((turnedAway || random() < plant.repeats) && tries <= 8) {
        if (over < end) retried += 1;
        return then(over + plant.backoff * Math.min(8, 2 ** (tries - 1)), (again) => tryOnce(at, begin, again, tries + 1));
      }
      busy += within(begin, over);
      free += 1;
      waiting.shift()?.(over);
      if (over >= end) return;
      ended.push(over);
      settled += 1;
      ages.push(plant.window * (0.7 + 0.3 * random()));
      waits.push(begin - at);
      runs.push(over - begin);
    });
  };
  then(0, arrive);
  for (;;) {
    let first = 0;
    for (let n = 1; n < queue.length; n++) if (queue[n]!.at < queue[first]!.at) first = n;
    const [event] = queue.splice(first, 1);
    if (event === undefined || event.at >= end) break;
    event.next(event.at);
  }
  const p95 = (times: number[]): number | null => {
    const sorted = times.toSorted((a, b) => a - b);
    return sorted.length === 0 ? null : sorted[Math.ceil(0.95 * sorted.length) - 1]! * 1000;
  };
  const openAt = (at: number): number => opened.filter((time) => time <= at).length - ended.filter((time) => time <= at).length;
  return {
    windowMs: p95(ages),
    waitMs: p95(waits),
    runMs: p95(runs),
    utilisation: busy / (plant.slots * end),
    open: openAt(end),
    growthPerMinute: (openAt(end) - openAt(end - 300)) / 5,
    settled,
    retried,
    rateLimited: refused,
    limited: busy === 0 ? 0 : held / busy,
    breakerOpen: false,
  };
}

/** What is wrong with each plant is known, because it was put in. `x` 0..1 makes ten of each. */
const WRONG: Record<BottleneckKind, (x: number) => Partial<Plant>> = {
  window: (x) => ({ window: 10 + 120 * x }),
  dispatch: (x) => ({ pickUp: 6 + 20 * x, slots: 64 }),
  capacity: (x) => ({ arrivalsPerSecond: 1, slots: 2, service: 1.9 + 2 * x }),
  handler: (x) => ({ service: 8 + 30 * x, slots: 64 }),
  retry: (x) => ({ repeats: 0.35 + 0.3 * x, backoff: 3 + 10 * x, slots: 64 }),
  throttle: (x) => (x < 0.5 ? { limit: 0.3 + 0.25 * x, slots: 64 } : { refused: 0.15 + 0.4 * (x - 0.5), backoff: 4, slots: 32 }),
};

describe("the bottleneck", () => {
  it("is found in at least 57 of 60 simulated plants whose fault is known", () => {
    const wrong: string[] = [];
    for (const [k, kind] of BOTTLENECKS.entries()) {
      for (let n = 0; n < 10; n++) {
        const random = randomOf(1000 * k + n + 1);
        const noise = (): number => 0.7 + 0.6 * random();
        const base = { ...CALM, service: CALM.service * noise(), window: CALM.window * noise(), pickUp: CALM.pickUp * noise() };
        const found = bottleneckOf(simulated({ ...base, ...WRONG[kind](n / 9) }, random));
        if (found?.kind !== kind) wrong.push(`${kind} ${n}: ${found?.kind} (${found?.sentence})`);
      }
    }
    expect(wrong.length <= 3 ? [] : wrong).toEqual([]);
  });

  const still: StageFigures = {
    windowMs: null,
    waitMs: null,
    runMs: null,
    utilisation: 0,
    open: 0,
    growthPerMinute: 0,
    settled: 0,
    retried: 0,
    rateLimited: 0,
    limited: 0,
    breakerOpen: false,
  };

  it("is none where nothing happens", () => {
    expect(bottleneckOf(still)).toBeNull();
    expect(bottleneckOf({ ...still, breakerOpen: true })).toBeNull();
  });

  it("is told in a sentence with its numbers, whose shares add up", () => {
    const found = bottleneckOf({
      ...still,
      windowMs: 1_000,
      waitMs: 8_000,
      runMs: 1_000,
      utilisation: 0.97,
      open: 40,
      growthPerMinute: 3.14,
      settled: 9,
    });
    expect(found).toEqual({
      kind: "capacity",
      sentence:
        "80 % of the 95th percentile of 10 s is waiting for a slot, and 97 % of the slots are in use, while 3.1 more come than end each minute: more workers would help.",
      shares: { window: 0.1, dispatch: 0.8, run: 0.1 },
      endToEndMs: 10_000,
    });
  });

  it("names what stands still: an open breaker, no worker, a handler that never ends", () => {
    expect(bottleneckOf({ ...still, open: 3, breakerOpen: true })?.sentence).toBe(
      "The breaker is open: what the handler talks to fails, and 3 batches wait until it answers again.",
    );
    expect(bottleneckOf({ ...still, open: 1 })?.kind).toBe("dispatch");
    expect(bottleneckOf({ ...still, open: 1, utilisation: 0.5 })?.kind).toBe("handler");
    expect(bottleneckOf({ ...still, open: 9, utilisation: 1, growthPerMinute: 2 })?.kind).toBe("capacity");
    expect(bottleneckOf({ ...still, open: 9, utilisation: 1, limited: 0.9 })?.kind).toBe("throttle");
  });
});
