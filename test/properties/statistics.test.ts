import { DDSketch } from "@datadog/sketches-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BatchStats, qualityRange } from "../../src/model/stats/batch-stats.ts";
import { Sketch } from "../../src/model/stats/sketch.ts";
import { Timeline } from "../../src/model/stats/timeline.ts";
import { ADAPTERS, type Opened } from "../contract/store/adapters.ts";
import { Rig } from "../contract/store/rig.ts";

const duration = fc.oneof(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), fc.integer({ min: 0, max: 10_000 }), fc.constant(0));
const durations = fc.array(duration, { minLength: 1, maxLength: 300 });
const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1];

const sketchOf = (values: readonly number[]): Sketch => {
  const sketch = new Sketch();
  for (const value of values) sketch.add(value);
  return sketch;
};

/** Nearest rank, as docs/learn has it. */
const exact = (sorted: readonly number[], q: number): number => sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;

describe("Sketch", () => {
  it("has every quantile within 1 % of the exact one", () => {
    fc.assert(
      fc.property(durations, (values) => {
        const sketch = sketchOf(values);
        const sorted = values.toSorted((a, b) => a - b);
        for (const q of QUANTILES) {
          const want = exact(sorted, q);
          expect(Math.abs(sketch.quantile(q)! - want)).toBeLessThanOrEqual(want * 0.01 * (1 + 1e-9) + 1e-6);
        }
      }),
    );
  });

  it("agrees with Datadog's own sketch of the same error", () => {
    fc.assert(
      fc.property(durations, (values) => {
        const sketch = sketchOf(values);
        const oracle = new DDSketch({ relativeAccuracy: 0.01 });
        for (const value of values) oracle.accept(value);
        expect(sketch.count).toBe(oracle.count);
        for (const q of QUANTILES) {
          // Datadog's rank is q · (n − 1) rounded down; ask for the one that is ours.
          const rank = Math.max(1, Math.ceil(q * values.length)) - 1;
          const theirs = oracle.getValueAtQuantile(values.length === 1 ? 0 : Math.min(1, (rank * (1 + 1e-9)) / (values.length - 1)));
          expect(Math.abs(sketch.quantile(q)! - theirs)).toBeLessThanOrEqual(Math.abs(theirs) * 0.0203 + 1e-6);
        }
      }),
    );
  });

  it("is the same however its parts are merged", () => {
    fc.assert(
      fc.property(fc.array(fc.array(duration, { maxLength: 40 }), { maxLength: 6 }), fc.infiniteStream(fc.nat()), (parts, random) => {
        const whole = sketchOf(parts.flat()).encode();
        const sketches = parts.map(sketchOf);
        while (sketches.length > 1) {
          const [one] = sketches.splice(random.next().value % sketches.length, 1);
          sketches[random.next().value % sketches.length]!.merge(one!);
        }
        expect((sketches[0] ?? new Sketch()).encode()).toEqual(whole);
      }),
    );
  });

  it("comes back from its encoding as it was", () => {
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 100 }), (values) => {
        const sketch = sketchOf(values);
        const back = Sketch.decode(JSON.parse(JSON.stringify(sketch.encode())) as number[]);
        expect(back.encode()).toEqual(sketch.encode());
        expect(back.count).toBe(values.length);
        expect(QUANTILES.map((q) => back.quantile(q))).toEqual(QUANTILES.map((q) => sketch.quantile(q)));
      }),
    );
  });

  it("has no quantile of nothing", () => {
    expect(new Sketch().quantile(0.5)).toBeNull();
  });
});

const moment = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 4e12 })),
  succeeded: fc.nat(1000),
  failed: fc.nat(1000),
});
const moments = fc.array(moment, { maxLength: 60 });

const timelineOf = (points: readonly { at: number; succeeded: number; failed: number }[]): Timeline => {
  const timeline = new Timeline();
  for (const { at, succeeded, failed } of points) timeline.add(at, succeeded, failed);
  return timeline;
};

const sums = (points: readonly { succeeded: number; failed: number }[]): [number, number] => [
  points.reduce((sum, point) => sum + point.succeeded, 0),
  points.reduce((sum, point) => sum + point.failed, 0),
];

describe("Timeline", () => {
  it("keeps the sums in at most 240 points, in order", () => {
    fc.assert(
      fc.property(moments, (points) => {
        const timeline = timelineOf(points);
        const kept = timeline.points();
        expect(sums(kept)).toEqual(sums(points));
        expect(kept.length).toBeLessThanOrEqual(240);
        expect(kept.map((point) => point.at)).toEqual(kept.map((point) => point.at).toSorted((a, b) => a - b));
        for (const { at } of points) expect(kept.some((point) => at >= point.at && at < point.at + timeline.widthMs)).toBe(true);
      }),
    );
  });

  it("is the same in whatever order its parts are merged", () => {
    fc.assert(
      fc.property(moments, moments, moments, (a, b, c) => {
        const whole = timelineOf([...a, ...b, ...c]).encode();
        const left = timelineOf(a);
        left.merge(timelineOf(b));
        left.merge(timelineOf(c));
        const right = timelineOf(c);
        const inner = timelineOf(b);
        inner.merge(timelineOf(a));
        right.merge(inner);
        expect(left.encode()).toEqual(whole);
        expect(right.encode()).toEqual(whole);
        expect(Timeline.decode(JSON.parse(JSON.stringify(whole)) as number[]).encode()).toEqual(whole);
      }),
    );
  });
});

const result = fc.record({
  ms: fc.option(duration, { nil: null }),
  score: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
  at: fc.integer({ min: 0, max: 1e12 }),
});

const statsOf = (results: readonly { ms: number | null; score: number | null; at: number }[]): BatchStats => {
  const stats = new BatchStats();
  for (const { ms, score, at } of results) {
    if (ms !== null) stats.addDuration(ms);
    if (score !== null) stats.addScore(score);
    stats.timeline.add(at, 1, 0);
  }
  return stats;
};

/** Sums of fractions depend on the order in their last digits; everything else must be equal. */
function expectSame(one: BatchStats, other: BatchStats): void {
  expect([one.durations.encode(), one.timeline.encode(), one.scoreCounts, one.durationMin, one.durationMax]).toEqual([
    other.durations.encode(),
    other.timeline.encode(),
    other.scoreCounts,
    other.durationMin,
    other.durationMax,
  ]);
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));
  expect(near(one.durationSum, other.durationSum) && one.scoreSums.every((sum, i) => near(sum, other.scoreSums[i]!))).toBe(true);
}

describe("BatchStats", () => {
  it("comes back from its encoding as it was", () => {
    fc.assert(
      fc.property(fc.array(result, { maxLength: 50 }), (results) => {
        const stats = statsOf(results);
        const back = BatchStats.decode(stats.encode());
        expectSame(back, stats);
        expect(back.encode()).toBe(stats.encode());
      }),
    );
    expect(BatchStats.decode(null).encode()).toBe(new BatchStats().encode());
  });

  it("merges as if everything had been added to one", () => {
    fc.assert(
      fc.property(fc.array(result, { maxLength: 50 }), fc.array(result, { maxLength: 50 }), (a, b) => {
        const merged = statsOf(a);
        merged.merge(statsOf(b));
        expectSame(merged, statsOf([...a, ...b]));
        const other = statsOf(b);
        other.merge(statsOf(a));
        expectSame(other, merged);
        expect(merged.durationCount).toBe([...a, ...b].filter((each) => each.ms !== null).length);
      }),
    );
  });

  it.each([
    [0, 0],
    [0.2, 0],
    [0.2000001, 1],
    [0.4, 1],
    [0.6, 2],
    [0.6000001, 3],
    [0.8, 3],
    [0.8000001, 4],
    [1, 4],
  ])("puts the score %f into range %i", (score, range) => {
    expect(qualityRange(score)).toBe(range);
  });

  it("puts every score into the range that holds it", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (score) => {
        const range = qualityRange(score);
        expect(score).toBeLessThanOrEqual((range + 1) / 5 + 1e-9);
        expect(score).toBeGreaterThanOrEqual(range / 5 - 1e-9);
      }),
    );
  });
});

describe.each(ADAPTERS)("the sketches of $name", ({ open }) => {
  let opened: Opened;
  let rig: Rig;
  beforeAll(async () => {
    opened = await open();
    rig = new Rig(opened);
  });
  afterAll(() => opened.close());

  it("have every quantile within 1 % over any bucket width, merged in any order, through restarts", async () => {
    const MINUTE = 60_000;
    const start = rig.now - (rig.now % (1440 * MINUTE));
    const sample = fc.record({ value: duration, at: fc.nat(2 * 1440 * MINUTE - 1), reopens: fc.nat(30).map((n) => n === 0) });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { minLength: 1, maxLength: 60 }), fc.infiniteStream(fc.nat()), async (samples, random) => {
        const tenant = `sketches${run++}`;
        for (const { value, at, reopens } of samples) {
          await rig.store.monitor.sample(tenant, [{ source: "gauge:", metric: "gauge.x", value }], start + at);
          if (reopens) await rig.reopen();
        }
        const sorted = samples.map(({ value }) => value).toSorted((a, b) => a - b);
        const range = { tenant, from: start, to: start + 2 * 1440 * MINUTE, sources: ["gauge:"] };
        for (const width of [MINUTE, 60 * MINUTE, 1440 * MINUTE, null]) {
          const points = (await rig.store.monitor.measured(range, "gauge.x", width)).map(({ sketch }) => sketch);
          const merged = new Sketch();
          while (points.length > 0) merged.merge(points.splice(random.next().value % points.length, 1)[0]!);
          expect(merged.count).toBe(sorted.length);
          for (const q of QUANTILES) {
            const want = exact(sorted, q);
            expect(Math.abs(merged.quantile(q)! - want)).toBeLessThanOrEqual(want * 0.01 * (1 + 1e-9) + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
