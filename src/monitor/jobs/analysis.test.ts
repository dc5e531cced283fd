import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADAPTERS } from "../../../test/contract/store/adapters.ts";
import { randomOf } from "../../../test/contract/store/monitoring.ts";
import { commitOf, failed, OK, Rig, type Answer } from "../../../test/contract/store/rig.ts";
import type { BatchRow } from "../../model/batch.ts";
import type { ErrorCategory, ItemResult } from "../../model/item.ts";
import type { JobFilter } from "../../store/port.ts";
import { errorsByCode, sizes, slowest } from "./analysis.ts";

const CATEGORIES: Record<string, ErrorCategory> = {
  timeout: "transient",
  memory: "resource",
  busy: "rate_limit",
  key: "configuration",
  shape: "data",
  refused: "permanent",
};
const CODES = Object.keys(CATEGORIES);
const RECOVERABLE = ["timeout", "memory", "busy"];
const BATCHES = 90;

let opened: Awaited<ReturnType<(typeof ADAPTERS)[number]["open"]>>;
let rig: Rig;
let batches: BatchRow[];

/** Batches of many sizes; each item fails with one of the codes or succeeds, some batches stay open, and some failures are retried. */
beforeAll(async () => {
  opened = await ADAPTERS[0]!.open();
  rig = new Rig(opened);
  const random = randomOf(11);
  for (let n = 0; n < BATCHES; n++) {
    rig.now += random(60_000);
    const keys = Array.from({ length: [1, 49, 50, 51, 100, 101, 170][random(7)]! }, (_, i) => `k${i}`);
    const batch = await rig.create([keys], { batch: { operation: ["one", "two"][random(2)]! } });
    if (random(8) === 0) continue;
    for (let run = 0; run < 1 + random(2); run++) {
      const chunk = await rig.claim(batch);
      rig.now += 1 + random(90_000);
      const answers: Record<string, Answer> = {};
      for (const key of chunk.keys) answers[key] = random(4) === 0 ? failed(`text ${"ab"[random(2)]!}`, CODES[random(6)]) : OK;
      const commit = commitOf(chunk, answers, "finish", { now: rig.now });
      await rig.store.chunks.commit({
        ...commit,
        failures: commit.failures.map((each) => ({ ...each, category: CATEGORIES[each.code]! })),
      });
      // Some keep what they failed of.
      if (random(2) === 0) break;
      if (((await rig.store.batches.retry("acme", batch.id, {}, rig.now))?.items ?? 0) === 0) break;
      if (run === 1 || random(2) === 0) {
        await rig.drain(batch, Object.fromEntries(keys.map((key) => [key, random(2) === 0 ? failed("again", "shape") : OK])));
        break;
      }
    }
  }
  rig.now += 1;
  batches = (await rig.store.batches.list({ tenant: "acme" }, { limit: 1_000 })).batches;
});
afterAll(() => opened.close());

function filters(): JobFilter[] {
  const first = batches.at(-1)!.createdAt;
  const middle = batches[40]!.createdAt;
  return [
    { tenant: "acme", from: first, to: rig.now },
    { tenant: "acme", from: first, to: rig.now, operation: "two" },
    { tenant: "acme", from: middle, to: rig.now },
    { tenant: "acme", from: first, to: middle, operation: "one" },
    { tenant: "other", from: first, to: rig.now },
  ];
}
const within = (filter: JobFilter): BatchRow[] =>
  batches.filter(
    (batch) =>
      batch.tenant === filter.tenant &&
      batch.createdAt >= filter.from &&
      batch.createdAt < filter.to &&
      (filter.operation === undefined || batch.operation === filter.operation),
  );
const run = (batch: BatchRow): number | null =>
  batch.startedAt === null || batch.completedAt === null ? null : batch.completedAt - batch.startedAt;
const timed = (all: readonly BatchRow[]): BatchRow[] => all.filter((batch) => run(batch) !== null);
const sum = (all: readonly BatchRow[], of: (batch: BatchRow) => number): number => all.reduce((total, batch) => total + of(batch), 0);

describe("analysis of a history equals a recount over its raw results", () => {
  it("has something to find", () => {
    expect(batches).toHaveLength(BATCHES);
    expect(sum(batches, (batch) => batch.failed)).toBeGreaterThan(100);
    expect(batches.some((batch) => batch.epoch > 1)).toBe(true);
    expect(batches.some((batch) => batch.completedAt === null)).toBe(true);
  });

  it("errors by code: count, jobs, newest ids, what to do", async () => {
    for (const filter of filters()) {
      const recount = new Map<string, { count: number; ids: string[] }>();
      for (const batch of within(filter)) {
        const { lines } = await rig.store.results.page("acme", batch.id, { success: false }, null, 10_000);
        for (const line of lines) {
          const code = (JSON.parse(line) as ItemResult).errorCode!;
          const found = recount.get(code) ?? { count: 0, ids: [] };
          found.count += 1;
          if (!found.ids.includes(batch.id)) found.ids.push(batch.id);
          recount.set(code, found);
        }
      }
      const errors = await errorsByCode(rig.store.monitor, filter);
      expect(new Map(errors.map(({ code, count, jobs, jobIds }) => [code, { count, jobs, jobIds }]))).toEqual(
        new Map([...recount].map(([code, { count, ids }]) => [code, { count, jobs: ids.length, jobIds: ids.slice(0, 20) }])),
      );
      expect(errors.map(({ count }) => count)).toEqual([...recount.values()].map(({ count }) => count).sort((a, b) => b - a));
      expect(errors.map(({ code }) => code).sort()).toEqual(filter.tenant === "acme" ? CODES.toSorted() : []);
      for (const each of errors.filter(({ code }) => code !== "shape")) {
        expect([each.category, each.recoverable]).toEqual([CATEGORIES[each.code], RECOVERABLE.includes(each.code)]);
        expect(each.recommendation.startsWith("Retry these")).toBe(each.recoverable);
      }
    }
  });

  it("the slowest jobs and how long each type takes", async () => {
    for (const filter of filters()) {
      const all = timed(within(filter));
      const { slowest: top, byType } = await slowest(rig.store.monitor, filter, 7);
      expect(top.map(({ processingTimeMs }) => processingTimeMs)).toEqual(
        all
          .map((batch) => run(batch)!)
          .sort((a, b) => b - a)
          .slice(0, 7),
      );
      for (const job of top) {
        const batch = all.find(({ id }) => id === job.id)!;
        expect(job).toMatchObject({ jobType: batch.operation, processingTimeMs: run(batch), requestCount: batch.totalItems });
        expect(job.msPerRequest).toBeCloseTo(run(batch)! / batch.totalItems, 1);
      }
      expect(byType.map(({ jobType }) => jobType).sort()).toEqual([...new Set(all.map(({ operation }) => operation))].sort());
      for (const type of byType) {
        const times = all.filter(({ operation }) => operation === type.jobType).map((batch) => run(batch)!);
        expect([type.jobs, type.averageMs]).toEqual([times.length, Math.round(times.reduce((a, b) => a + b, 0) / times.length)]);
        expect(type.p50Ms).toBeGreaterThanOrEqual(Math.min(...times) * 0.99);
        expect(type.p95Ms).toBeLessThanOrEqual(Math.max(...times) * 1.01);
      }
    }
  });

  it("sizes in steps of 50: 50 and 51 are two, and the best has the least time a request", async () => {
    for (const filter of filters()) {
      const { sizes: rows, best } = await sizes(rig.store.monitor, filter);
      const bySize = Map.groupBy(within(filter), ({ totalItems: items }) => {
        const step = Math.floor((items - 1) / 50);
        return `${step * 50 + 1}-${step * 50 + 50}`;
      });
      expect(rows.map(({ size }) => size).sort()).toEqual([...bySize.keys()].sort());
      for (const row of rows) {
        const all = bySize.get(row.size)!;
        const ok = sum(all, (batch) => batch.succeeded);
        const ended = ok + sum(all, (batch) => batch.failed);
        const ms = sum(timed(all), (batch) => run(batch)!);
        expect([row.jobs, row.requests]).toEqual([all.length, sum(all, (batch) => batch.totalItems)]);
        expect(row.averageMs).toBe(timed(all).length === 0 ? null : Math.round(ms / timed(all).length));
        const perRequest = ms / sum(timed(all), (batch) => batch.totalItems);
        expect(row.msPerRequest ?? Number.NaN).toBeCloseTo(perRequest, 2);
        expect(row.successRate).toBeCloseTo(ended === 0 ? 100 : (ok / ended) * 100, 0);
        expect(row.successRate + row.errorRate).toBeCloseTo(100, 6);
      }
      const least = Math.min(...rows.map(({ msPerRequest }) => msPerRequest ?? Infinity));
      expect(best).toBe(rows.find(({ msPerRequest }) => msPerRequest === least)?.size ?? null);
    }
  });
});
