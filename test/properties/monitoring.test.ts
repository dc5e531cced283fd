import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Served } from "../../src/api/server.fixture.ts";
import type { BatchRow } from "../../src/model/batch.ts";
import type { LedgerEntry } from "../../src/model/ledger.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { history, randomOf } from "../contract/store/monitoring.ts";
import { Rig } from "../contract/store/rig.ts";

const HISTORIES = 200;
const HOUR = 3_600_000;
const RANGES = { "1h": HOUR, "24h": 24 * HOUR, "7d": 7 * 24 * HOUR, "30d": 30 * 24 * HOUR };
const WIDTHS = { "1h": 60_000, "24h": HOUR, "7d": 6 * HOUR, "30d": 24 * HOUR };
/** BATCH_MAX_REQUESTS as it is when nobody says otherwise. */
const MAX_SIZE = 1000;
const STATUSES: Record<string, string[]> = {
  pending: ["pending"],
  processing: ["running"],
  completed: ["completed"],
  failed: ["failed", "expired"],
  cancelled: ["cancelled"],
  paused: ["paused"],
};
// Operations that no worker knows, so that nothing runs but what the history says.
const OPERATIONS = ["alpha", "beta"];

let served: Served;
const clock = new VirtualClock({ startsAt: Date.UTC(2026, 5, 1) });
beforeAll(async () => {
  served = await serve({ clock });
});
afterAll(() => served.close());

const sum = <T>(all: readonly T[], value: (each: T) => number): number => all.reduce((total, each) => total + value(each), 0);
const round = (value: number, places: number): number => Math.round(value * 10 ** places) / 10 ** places;

interface Answer {
  summary: Record<string, number> & { costSavings: Record<string, number> };
  queues: Record<string, number>;
  performance: { throughput: Record<string, number>; efficiency: Record<string, number> };
  jobs: { id: string; processingTimeMs: number | null; errorSummary: { error: string; count: number; percentage: number }[] }[];
  historical: {
    timestamp: string;
    jobs: number;
    completed: number;
    failed: number;
    requests: number;
    cost: number;
    savings: number;
    errorRate: number;
    p95Ms: number | null;
  }[];
  changes: Record<string, { current: number; previous: number; change: number; percent: number | null; trend: string }>;
  pagination: { total: number };
}

/** Written anew from the contract's definitions, over the batches themselves. */
function expected(batches: readonly BatchRow[], hours: number) {
  const of = (name: string): BatchRow[] => batches.filter((batch) => STATUSES[name]!.includes(batch.status));
  const completed = of("completed").length;
  const failed = of("failed").length;
  const timed = batches.filter((batch) => batch.startedAt !== null && batch.completedAt !== null);
  const requests = sum(batches, (batch) => batch.totalItems);
  const successRate = completed + failed === 0 ? 100 : round((completed / (completed + failed)) * 100, 1);
  const running = sum(timed, (batch) => batch.completedAt! - batch.startedAt!);
  const queued = sum(timed, (batch) => batch.startedAt! - batch.createdAt);
  const saved = sum(batches, (batch) => batch.saved) / 1e9;
  const standard = sum(batches, (batch) => batch.standard) / 1e9;
  return {
    costSavings: {
      currentPeriod: expect.closeTo(saved, 9) as number,
      projectedMonthly: expect.closeTo((saved / (hours / 24)) * 30, 5) as number,
      savingsPercentage: standard === 0 ? 0 : round((saved / standard) * 100, 1),
    },
    summary: {
      totalJobs: batches.length,
      completedJobs: completed,
      failedJobs: failed,
      pendingJobs: of("pending").length,
      totalRequests: requests,
      processedRequests: sum(batches, (batch) => batch.succeeded + batch.failed),
      averageProcessingTime: timed.length === 0 ? 0 : Math.round(running / timed.length),
      successRate,
    },
    throughput: {
      requestsPerHour: round(requests / hours, 2),
      jobsPerHour: round(batches.length / hours, 2),
      averageBatchSize: batches.length === 0 ? 0 : round(requests / batches.length, 2),
    },
    efficiency: {
      errorRate: round(100 - successRate, 1),
      batchUtilization: batches.length === 0 ? 0 : round((sum(batches, (batch) => batch.totalItems / MAX_SIZE) / batches.length) * 100, 1),
      processingEfficiency: running + queued === 0 ? 0 : round((running / (running + queued)) * 100, 1),
    },
  };
}

/** What some of them cost, as the provider says; what they would have cost one by one is at least as much. */
async function spend(rig: Rig, random: (below: number) => number): Promise<void> {
  const batches = (await rig.store.batches.list({ tenant: rig.tenant }, { limit: 10_000 })).batches;
  const entries = batches.slice(0, random(8)).map(({ id, operation }, n): LedgerEntry => {
    const paid = random(5_000_000);
    return {
      tenant: rig.tenant,
      batchId: id,
      operation,
      attempt: `attempt ${id}`,
      customId: `line ${n}`,
      provider: "openai",
      model: "gpt-4o",
      tier: "batch",
      tokens: { input: 10, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 5, reasoning: 0, audioOutput: 0 },
      price: { standard: paid + random(3) * random(5_000_000), paid, factor: "0.5", version: "v" },
      at: rig.now,
      counted: true,
    };
  });
  await rig.store.ledger.book(entries);
}

/** One point a bucket over the whole range, whose first and last it may cut. */
function recountedHistory(batches: readonly BatchRow[], from: number, now: number, width: number) {
  const starts = Array.from(
    { length: Math.floor(now / width) - Math.floor(from / width) + 1 },
    (_, n) => (Math.floor(from / width) + n) * width,
  );
  return starts.map((at) => {
    const own = batches.filter(({ createdAt }) => createdAt >= at && createdAt < at + width);
    const times = own.flatMap(({ startedAt, completedAt }) =>
      startedAt === null || completedAt === null ? [] : [completedAt - startedAt],
    );
    const exact = times.toSorted((a, b) => a - b)[Math.ceil(0.95 * times.length) - 1];
    const { summary, efficiency } = expected(own, 1);
    return {
      timestamp: new Date(at).toISOString(),
      jobs: own.length,
      completed: summary.completedJobs,
      failed: summary.failedJobs,
      requests: summary.totalRequests,
      cost: expect.closeTo(sum(own, (batch) => batch.cost) / 1e9, 9) as number,
      savings: expect.closeTo(sum(own, (batch) => batch.saved) / 1e9, 9) as number,
      errorRate: efficiency.errorRate,
      p95: exact ?? null,
    };
  });
}

describe("GET /api/admin/batch-monitoring", () => {
  it(`equals a recount over the batches for ${HISTORIES} histories and questions`, async () => {
    const { store } = served.yard;
    let answers = 0;
    let analyses = 0;
    let saving = 0;
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const tenant = `tenant-${seed}`;
      const random = randomOf(seed * 7919);
      const rig = new Rig({ store, close: async () => {} } as never);
      rig.tenant = tenant;
      rig.now = clock.now() - 4 * 24 * HOUR;
      await history(rig, random, OPERATIONS, 18);
      await spend(rig, random);
      const all = (await store.batches.list({ tenant }, { limit: 10_000 })).batches;
      // The last 24 hours begin exactly where one of the batches was created.
      const now = clock.now();
      const authorization = `Bearer ${await served.key("admin", tenant)}`;
      for (const timeRange of ["1h", "24h", "7d", "30d"] as const) {
        const status = random(2) === 0 ? undefined : Object.keys(STATUSES)[random(6)]!;
        const jobType = random(2) === 0 ? undefined : OPERATIONS[random(2)]!;
        const page = 1 + random(3);
        const limit = 1 + random(6);
        const url = `/api/admin/batch-monitoring?timeRange=${timeRange}&page=${page}&limit=${limit}${status === undefined ? "" : `&status=${status}`}${jobType === undefined ? "" : `&jobType=${jobType}`}`;
        const { json, status: code } = await served.send({ method: "GET", url, headers: { authorization } });
        expect({ code, json }).toMatchObject({ code: 200 });
        const data = (json as unknown as { data: Answer }).data;
        const kind = all.filter(
          (batch) =>
            (jobType === undefined || batch.operation === jobType) && (status === undefined || STATUSES[status]!.includes(batch.status)),
        );
        const range = kind.filter((batch) => batch.createdAt >= now - RANGES[timeRange] && batch.createdAt <= now);
        const before = kind.filter((batch) => batch.createdAt >= now - 2 * RANGES[timeRange] && batch.createdAt < now - RANGES[timeRange]);
        const hours = RANGES[timeRange] / HOUR;
        const wanted = expected(range, hours);
        expect(data.summary).toMatchObject(wanted.summary);
        expect(data.performance.throughput).toEqual(wanted.throughput);
        expect(data.performance.efficiency).toEqual(wanted.efficiency);
        expect(data.summary.costSavings).toEqual(wanted.costSavings);
        if (data.summary.costSavings["currentPeriod"]! > 0) saving += 1;
        expect(data.queues).toEqual({
          pending: kind.filter((batch) => batch.status === "pending").length,
          processing: kind.filter((batch) => batch.status === "running").length,
          completed: wanted.summary.completedJobs,
          failed: wanted.summary.failedJobs,
        });
        expect(data.pagination.total).toBe(range.length);
        expect(data.jobs.map((job) => job.id)).toEqual(range.slice((page - 1) * limit, page * limit).map((batch) => batch.id));
        for (const job of data.jobs) {
          const batch = range.find(({ id }) => id === job.id)!;
          expect(job.processingTimeMs).toBe(
            batch.startedAt === null || batch.completedAt === null ? null : batch.completedAt - batch.startedAt,
          );
          expect(job.errorSummary.reduce((total, line) => total + line.count, 0)).toBe(batch.failed);
        }
        const points = recountedHistory(range, now - RANGES[timeRange], now, WIDTHS[timeRange]);
        expect(data.historical).toMatchObject(points.map(({ p95: _, ...point }) => point));
        for (const [n, { p95 }] of points.entries()) {
          const told = data.historical[n]!.p95Ms;
          expect(told === null).toBe(p95 === null);
          expect(Math.abs((told ?? 0) - (p95 ?? 0))).toBeLessThanOrEqual((p95 ?? 0) * 0.01 + 1e-9);
        }
        const previous = expected(before, hours);
        const cards = (of: ReturnType<typeof expected>): Record<string, number> => {
          const { totalJobs, completedJobs, failedJobs, totalRequests, averageProcessingTime, successRate } = of.summary;
          const { jobsPerHour, requestsPerHour } = of.throughput;
          return { totalJobs, completedJobs, failedJobs, totalRequests, averageProcessingTime, successRate, jobsPerHour, requestsPerHour };
        };
        const then = cards(previous);
        for (const [name, current] of Object.entries(cards(wanted))) {
          const change = round(current - then[name]!, 6);
          expect({ name, ...data.changes[name] }).toEqual({
            name,
            current,
            previous: then[name]!,
            change,
            percent: then[name] === 0 ? null : round((change / then[name]!) * 100, 1),
            trend: change === 0 ? "flat" : change > 0 ? "up" : "down",
          });
        }
        answers += 1;
        if (seed % 5 !== 0) continue;
        const analysis = async <T>(kind: string): Promise<T> => {
          const path = `/api/admin/batch-monitoring/analysis/${kind}?timeRange=${timeRange}${jobType === undefined ? "" : `&jobType=${jobType}`}`;
          return (await served.send({ method: "GET", url: path, headers: { authorization } })).json as T;
        };
        const within = all.filter(
          (batch) =>
            (jobType === undefined || batch.operation === jobType) && batch.createdAt >= now - RANGES[timeRange] && batch.createdAt <= now,
        );
        const errors = await analysis<{ total: number; errors: { jobs: number; jobIds: string[] }[] }>("errors");
        const failing = within.filter((batch) => batch.failed > 0).map(({ id }) => id);
        expect(errors.total).toBe(sum(within, (batch) => batch.failed));
        expect(errors.errors.map(({ jobs, jobIds }) => [jobs, jobIds])).toEqual(
          failing.length === 0 ? [] : [[failing.length, failing.slice(0, 20)]],
        );
        const { sizes } = await analysis<{ sizes: { jobs: number; requests: number }[] }>("sizes");
        expect([sum(sizes, ({ jobs }) => jobs), sum(sizes, ({ requests }) => requests)]).toEqual([
          within.length,
          sum(within, (batch) => batch.totalItems),
        ]);
        const { slowest } = await analysis<{ slowest: { id: string }[] }>("slow");
        const run = (batch: BatchRow): number => batch.completedAt! - batch.startedAt!;
        const timed = within.filter((batch) => batch.startedAt !== null && batch.completedAt !== null);
        expect(slowest.map(({ id }) => id)).toEqual(timed.sort((a, b) => run(b) - run(a) || (a.id < b.id ? 1 : -1)).map(({ id }) => id));
        analyses += 1;
      }
    }
    expect([answers, analyses]).toEqual([HISTORIES * 4, (HISTORIES * 4) / 5]);
    expect(answers).toBe(HISTORIES * 4);
    expect(saving).toBeGreaterThan(HISTORIES / 4);
  });
});
