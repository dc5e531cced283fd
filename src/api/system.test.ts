import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { StoredEvent } from "../model/event.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { defineOperation } from "../operations/define.ts";
import { METRIC_NAMES } from "../monitor/metrics/catalogue.ts";
import type { activeAnswer } from "./contract/batch.ts";
import type {
  failuresAnswer,
  flowAnswer,
  historyAnswer,
  keysAnswer,
  markersAnswer,
  metricsListAnswer,
  overviewAnswer,
} from "./contract/system.ts";
import { serve, type Served, type ServedOptions } from "./server.fixture.ts";

const MINUTE = 60_000;
let served: Served;
let clock: VirtualClock;
afterEach(() => served.close());

/** Takes the milliseconds its options say, on the virtual clock. */
const slow = defineOperation({
  name: "slow",
  description: "Takes its time",
  async processItem(item: Record<string, unknown>, context) {
    await clock.wait(Number(item["ms"] ?? 0), context.signal);
    if (item["fail"] === true) throw new Error("no");
    return { result: null };
  },
});

async function start(options: ServedOptions = {}): Promise<void> {
  clock = new VirtualClock({ startsAt: Date.UTC(2026, 0, 5, 12) });
  served = await serve({ clock, operations: [slow], ...options });
}

async function get<T extends z.ZodType>(url: string): Promise<z.output<T>> {
  const { status, json } = await served.send({ url });
  expect([status, json["error"]]).toEqual([200, undefined]);
  return json as z.output<T>;
}
const overview = (): Promise<z.output<typeof overviewAnswer>> => get<typeof overviewAnswer>("/api/system/overview");
const history = (query: string): Promise<z.output<typeof historyAnswer>> => get<typeof historyAnswer>(`/api/system/history?${query}`);

const items = (count: number, ms: number, failing = 0): object[] =>
  Array.from({ length: count }, (_, n) => ({ id: `i${n}`, ms, ...(n < failing ? { fail: true } : {}) }));
const events = (): Promise<StoredEvent[]> => served.yard.store.events.read(0, 100_000, { tenant: "default" });

/** One by one: a reading of what is measured takes real time, and a minute whose predecessor still reads is left out. */
async function minutes(count: number): Promise<void> {
  const sampled = async (): Promise<number> => {
    const range = { tenant: "default", from: 0, to: clock.now() + MINUTE, sources: ["gauge:"] };
    return (await served.yard.store.monitor.measured(range, "gauge.queue_limit", null)).reduce((sum, { sketch }) => sum + sketch.count, 0);
  };
  for (let n = 0; n < count; n++) {
    const before = await sampled();
    await clock.advance(MINUTE);
    while ((await sampled()) === before) await turn();
  }
}

describe("GET /api/system/failures", () => {
  it("puts what failed in the last 24 hours together by code", async () => {
    await start();
    await served.create({ operation: "slow", items: items(5, 0, 2), options: { retryAttempts: 0 } });
    await served.create({ operation: "slow", items: items(3, 0, 1), options: { retryAttempts: 0 } });
    await served.create({ operation: "slow", items: items(3, 0) });
    await clock.advance(MINUTE);
    const seen = await get<typeof failuresAnswer>("/api/system/failures");
    expect(seen).toMatchObject({ codes: 1, items: 3, failures: [{ count: 3, jobs: 2, error: "no" }] });
    expect(seen.failures[0]!.recommendation).not.toBe("");
  });
});

describe("GET /api/system/flow", () => {
  const flow = (query = ""): Promise<z.output<typeof flowAnswer>> => get<typeof flowAnswer>(`/api/system/flow${query}`);

  it("a stream: how long its windows took, and the queue and run of the batches they became, with their shares and repetitions", async () => {
    await start();
    await served.send({
      method: "PUT",
      url: "/api/streams/orders",
      payload: { operation: "slow", windowSeconds: 40, options: { retryAttempts: 1 } },
    });
    await served.send({
      method: "POST",
      url: "/api/streams/orders/items",
      payload: [
        { id: "1", ms: 10_000 },
        { id: "2", ms: 0, fail: true },
      ],
    });
    // Of the same operation, and not of the stream.
    await served.create({ operation: "slow", items: items(3, 30_000) });
    await clock.advance(3 * MINUTE);
    const told = (await overview()).streams.find(({ name }) => name === "orders")!;
    expect(told.failure_percent).toBe(50);
    const { stages, end_to_end, tries, stream, operation, minutes } = await flow("?stream=orders");
    expect([stream, operation, minutes]).toEqual(["orders", "slow", 15]);
    const [window, queue, run] = stages;
    expect([window!.stage, queue!.stage, run!.stage]).toEqual(["window", "queue", "run"]);
    expect(window).toMatchObject({ count: 1, times: { p50_seconds: expect.closeTo(40, 0) as number } });
    expect(run!.times!.p95_seconds).toBeGreaterThan(9.9);
    expect(stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 3);
    expect(run!.times!.p95_seconds).toBeLessThan(12);
    expect([queue!.count, run!.count]).toEqual([1, 1]);
    expect(window!.share).toBeGreaterThan(run!.share);
    expect(end_to_end!.p50_seconds).toBeCloseTo(window!.times!.p50_seconds + queue!.times!.p50_seconds + run!.times!.p50_seconds, -1);
    expect(tries).toMatchObject({ settled: 2, retried: 1, share: expect.closeTo(1 / 3, 3) as number });
    expect(Object.values(tries.by_category)).toEqual([1]);
  });

  it("how full the slots were and how long the batches waited that ended then, minute by minute", async () => {
    await start();
    const { slots } = served.yard.engine;
    await served.create({ operation: "slow", items: items(1, 1_000) });
    await clock.advance(5_000);
    const busySeconds = { source: "gauge:", metric: "gauge.worker_busy_seconds_total" as const, value: slots * 15 };
    await served.yard.store.monitor.sample("default", [busySeconds], clock.now());
    const { saturation } = await flow();
    expect(saturation).toMatchObject([{ utilisation: expect.closeTo(0.25, 2) as number, batches: 1 }]);
    expect((await flow("?operation=other")).saturation).toEqual([]);
  });

  it("an operation has no window; everything together has both; without an end there are no times", async () => {
    await start();
    expect(await flow()).toMatchObject({ stream: null, operation: null, end_to_end: null, tries: { share: null }, saturation: [] });
    await served.create({ operation: "slow", items: items(2, 5_000) });
    await clock.advance(MINUTE);
    const of = await flow("?operation=slow&minutes=60");
    expect(of.stages.map(({ stage, count }) => [stage, count])).toEqual([
      ["window", 0],
      ["queue", 1],
      ["run", 1],
    ]);
    expect(of.stages[0]).toMatchObject({ times: null, share: 0 });
    expect((await flow("?operation=other")).stages.map(({ count }) => count)).toEqual([0, 0, 0]);
  });

  it("refuses a stream that is not there, and a stream with an operation", async () => {
    await start();
    expect((await served.send({ url: "/api/system/flow?stream=nothing" })).status).toBe(404);
    const both = await served.send({ url: "/api/system/flow?stream=detections&operation=slow" });
    expect([both.status, both.json["code"]]).toEqual([400, "validation_failed"]);
  });
});

describe("GET /api/batch/active", () => {
  it("lists what has not ended, what runs first, with rates, and counts all of it", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "1" } });
    const done = await served.create({ operation: "slow", items: items(1, 0) });
    await clock.advance(1_000);
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) {
      ids.push(await served.create({ operation: "slow", items: items(60, 1_000), options: { batchSize: 5, concurrency: 1 } }));
      await clock.advance(10);
    }
    await served.send({ method: "POST", url: `/api/batch/${ids[1]}/pause`, payload: {} });
    await clock.advance(20_000);
    const seen = await get<typeof activeAnswer>("/api/batch/active");
    expect(seen).toMatchObject({ count: 4, total: 4 });
    expect(seen.batches.map(({ id }) => id)).not.toContain(done);
    expect(new Set(seen.batches.map(({ id }) => id))).toEqual(new Set(ids));
    const states = seen.batches.map(({ status }) => status);
    expect(states).toEqual(
      [...states].sort((a, b) => ["running", "paused", "pending"].indexOf(a) - ["running", "paused", "pending"].indexOf(b)),
    );
    expect(states).toContain("paused");
    const running = seen.batches.find(({ status, processed_items }) => status === "running" && processed_items > 0)!;
    const { json } = await served.send({ url: `/api/batch/${running.id}` });
    expect(running).toEqual(json["batch"]);
    expect(running.items_per_second).toBeGreaterThan(0);
    expect(await get<typeof activeAnswer>("/api/batch/active?limit=1")).toMatchObject({
      count: 1,
      total: 4,
      batches: [{ status: "running" }],
    });
    for (const id of ids) await served.send({ method: "POST", url: `/api/batch/${id}/cancel`, payload: {} });
  });
});

describe("GET /api/system/overview", () => {
  it("says of an idle server that it is healthy and nothing holds it up", async () => {
    await start();
    const idle = await overview();
    expect(idle).toMatchObject({
      health: { status: "healthy", reasons: [] },
      verdict: "Healthy: nothing waits, runs, or has ended lately.",
      bottleneck: null,
    });
    expect(idle.tiles.map(({ name }) => name)).toContain("items_done");
    expect(idle.workers).toHaveLength(1);
  });

  it("adds up to what a recount of the events and results gives", async () => {
    await start();
    await served.send({
      method: "PUT",
      url: "/api/streams/doors",
      payload: { operation: "slow", keyField: "door", maxItems: 3, windowSeconds: 60 },
    });
    for (let n = 0; n < 12; n++) {
      const payload = [1, 2].map((i) => ({ id: `${n}-${i}`, door: `d${n % 4}`, ms: 500, fail: n === 3 }));
      await served.send({ method: "POST", url: "/api/streams/doors/items", payload });
      if (n % 3 === 0) await served.create({ operation: "slow", items: items(5, 2_000, 1) });
      // Windows of other ages than their limit.
      if (n === 5) await served.send({ method: "POST", url: "/api/streams/doors/flush", payload: {} });
      await clock.advance(37_000);
    }
    await clock.advance(70_000);
    const seen = await overview();
    const all = await events();
    const number = (type: string): number => all.filter((event) => event.type === type).length;
    expect(seen.day.batches).toMatchObject({
      created: number("batch.created"),
      completed: number("batch.completed"),
      failed: number("batch.failed"),
    });
    expect(number("batch.completed")).toBeGreaterThan(8);
    const closed = all.filter((event) => event.type === "window.closed");
    expect(seen.day.windows).toMatchObject({ closed: closed.length, items: 24, jobs_avoided: 24 - closed.length });
    const doors = seen.streams.find(({ name }) => name === "doors")!;
    expect(Object.values(doors.closures).reduce((sum, n) => sum + n, 0)).toBe(closed.length);
    for (const [reason, n] of Object.entries(doors.closures))
      expect(n).toBe(closed.filter(({ data }) => data["close_reason"] === reason).length);
    const ages = closed.map(({ data }) => (Date.parse(String(data["closed_at"])) - Date.parse(String(data["started_at"]))) / 1000);
    expect(doors.age_mean_seconds! / (ages.reduce((sum, age) => sum + age, 0) / ages.length)).toBeCloseTo(1, 1);
    expect(doors.age_max_seconds! / Math.max(...ages)).toBeCloseTo(1, 1);

    const { json } = await served.send({ url: "/api/batch/history?limit=100" });
    const batches = json["batches"] as unknown as { succeeded_items: number; failed_items: number }[];
    const sum = (of: (batch: (typeof batches)[number]) => number): number => batches.reduce((total, batch) => total + of(batch), 0);
    expect(seen.day.items).toMatchObject({
      received: 24,
      succeeded: sum((batch) => batch.succeeded_items),
      failed: sum((batch) => batch.failed_items),
    });
    const { succeeded, failed } = seen.day.items;
    expect(seen.day.item_success_percent).toBeCloseTo((100 * succeeded) / (succeeded + failed), 2);
    const queue = seen.queues.find(({ name }) => name === "slow")!;
    expect(queue.failure_percent).toBeCloseTo((100 * seen.day.items.failed) / (seen.day.items.failed + seen.day.items.succeeded), 2);
    expect(queue.growth.m15).toBe(0);
    expect(doors.bottleneck?.kind).toBe("window");

    const keys = await get<typeof keysAnswer>("/api/streams/doors/keys?hours=1");
    expect(keys.keys.map(({ key, items: n }) => [key, n])).toEqual([0, 1, 2, 3].map((n) => [`d${n}`, 6]));
    expect(keys.keys.reduce((total, { windows }) => total + windows, 0)).toBe(closed.length);
    const minutesOf = (from: number): number => (clock.now() - from) / MINUTE;
    for (const { key, items_per_minute, age_mean_seconds } of keys.keys) {
      // By whole hours; this one began at 12:00.
      expect(items_per_minute).toBeCloseTo(6 / minutesOf(Date.UTC(2026, 0, 5, 12)), 2);
      const own = closed.flatMap(({ data }, n) => (data["key"] === key ? [ages[n]!] : []));
      expect(age_mean_seconds! / (own.reduce((total, age) => total + age, 0) / own.length)).toBeCloseTo(1, 1);
    }

    // All of it happened within the 15 minutes that rates are of.
    const lately = minutesOf(clock.now() - (clock.now() % MINUTE) - 14 * MINUTE);
    expect(doors.closures_per_minute).toBeCloseTo(closed.length / lately, 2);
    expect(doors.items_per_minute).toBeCloseTo(24 / lately, 2);
    expect(queue.items_per_minute).toBeCloseTo((succeeded + failed) / lately, 2);
    const { completed = 0, failed: whole = 0 } = seen.day.batches;
    expect(queue.batches_per_minute).toBeCloseTo((completed + whole) / lately, 2);
    expect(whole).toBeGreaterThan(0);
    expect(seen.day.batch_failure_percent).toBeCloseTo((100 * whole) / (completed + whole), 2);
    expect(Object.values(seen.day.windows.closures).reduce((total, n) => total + n, 0)).toBe(closed.length);
    expect(seen.day.windows.age_max_seconds! / Math.max(...ages)).toBeCloseTo(1, 1);
    const stage = (name: string) => seen.stages.find((each) => each.stage === name)!;
    expect(stage("run")).toMatchObject({ now: 0, failure_percent: queue.failure_percent, failure_percent_before: null });
    expect(stage("run").p95_seconds).toBe(queue.run_p95_seconds);
    expect(stage("wait").p95_seconds).toBe(queue.wait_p95_seconds);
    const took = all
      .filter(({ type }) => type === "batch.completed" || type === "batch.failed")
      .map(({ data }) => Number(data["duration_ms"]) / 1000);
    expect(queue.run_p95_seconds! / took.toSorted((a, b) => a - b)[Math.ceil(0.95 * took.length) - 1]!).toBeCloseTo(1, 1);
    expect([queue.stalled, queue.reprocessed]).toEqual([0, 0]);

    // What is retried is counted as such.
    const bad = batches.find(({ failed_items }) => failed_items > 0)! as unknown as { id: string };
    await served.send({ method: "POST", url: `/api/batch/${bad.id}/retry` });
    await clock.advance(30_000);
    const again = (await overview()).queues.find(({ name }) => name === "slow")!;
    expect(again.reprocessed).toBe(1);
  });

  it("counts what a silent worker held, of its operation and in the day", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "0" } });
    await served.create({ operation: "slow", items: items(3, 0), options: { executor: "external", batchSize: 1 } });
    const lease = { worker: "w1", max: 2, leaseMs: 5_000 };
    const leased = await served.send({ method: "POST", url: "/api/external/lease", payload: lease });
    expect(leased.status).toBe(200);
    await clock.advance(MINUTE);
    const seen = await overview();
    expect(seen.queues.find(({ name }) => name === "slow")).toMatchObject({ stalled: 2, health: { status: "warning" } });
    expect(seen.day.stalled).toBe(2);
  });

  it("tells the trend and the time to drain as a recount does, at any instant", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "0" } });
    const created: { id: string; at: number }[] = [];
    for (let n = 0; n < 100; n++) {
      created.push({ id: await served.create({ operation: "slow", items: items(1, 0) }), at: clock.now() });
      await clock.advance(10_000);
    }
    const queue = async () => (await overview()).queues.find(({ name }) => name === "slow")!;
    const since = (minutes: number): number => created.filter(({ at }) => at > clock.now() - minutes * MINUTE).length;
    for (const step of [1, 19_000, 39_000, 1_000]) {
      await clock.advance(step);
      const { growth, drain_seconds } = await queue();
      for (const [minutes, seen] of [
        [1, growth.m1],
        [5, growth.m5],
        [15, growth.m15],
      ] as const)
        expect(Math.abs(seen - since(minutes)), `${minutes} min, at ${clock.now() % MINUTE}`).toBeLessThanOrEqual(1);
      expect(drain_seconds).toBeNull();
    }
    // Now three end every ten seconds, and none comes.
    let ended = 0;
    for (let n = 0; n < 31; n++) {
      for (let i = 0; i < 3; i++) {
        if (ended >= 93) break;
        await served.send({ method: "POST", url: `/api/batch/${created[ended++]!.id}/cancel` });
      }
      await clock.advance(10_000);
      if (n < 29) continue;
      const { drain_seconds, depth } = await queue();
      expect(depth).toBe(100 - ended);
      // Eighteen a minute, as far as can be told from whole minutes.
      expect(Math.abs(drain_seconds! / ((depth / 18) * 60) - 1)).toBeLessThan(0.15);
    }
  });

  it("sees a queue that grows behind full slots, and when it has drained", async () => {
    await start();
    for (let n = 0; n < 14; n++) {
      for (let i = 0; i < 12; i++) await served.create({ operation: "slow", items: items(1, 28_000) });
      await clock.advance(MINUTE);
    }
    const busy = await overview();
    const queue = busy.queues.find(({ name }) => name === "slow")!;
    expect(queue.bottleneck?.kind).toBe("capacity");
    expect(busy.bottleneck?.kind).toBe("capacity");
    expect(busy.utilisation).toBeGreaterThan(0.9);
    expect(queue.drain_seconds).toBeNull();
    const open = served.yard.store.batches.counts("default");
    expect(queue.depth + queue.running).toBe(
      ((await open).byOperation["slow"]?.pending ?? 0) + ((await open).byOperation["slow"]?.running ?? 0),
    );
    expect(queue.growth.m5).toBeGreaterThan(5);
    expect(queue.health.reasons.map(({ code }) => code)).toContain("queue_growing");
    expect(busy.health.status).not.toBe("healthy");
    const line = busy.tiles.find(({ name }) => name === "batches_open")!.sparkline;
    expect(line.at(-1)).toBe(queue.depth + queue.running);
    expect([line[0]! < line[7]!, line[7]! < line[14]!]).toEqual([true, true]);

    await clock.advance(60 * MINUTE);
    const drained = await overview();
    expect(drained.queues.find(({ name }) => name === "slow")).toMatchObject({ depth: 0, running: 0, drain_seconds: 0 });
    expect(drained.health.status).toBe("healthy");
  });

  it("obeys Little's law while as much comes as goes", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "32" } });
    for (let n = 0; n < 180; n++) {
      await served.create({ operation: "slow", items: items(1, 10_000 + 5_000 * (n % 4)) });
      await clock.advance(5_300);
    }
    const { littles_law } = await overview();
    expect(littles_law.mean_seconds).toBeGreaterThan(9);
    expect(littles_law.in_system).toBeGreaterThan(2);
    expect(littles_law.error).toBeLessThan(0.2);
    const now = clock.now();
    const from = now - (now % MINUTE) - 14 * MINUTE;
    const all = await events();
    const created = new Map(all.filter(({ type }) => type === "batch.created").map(({ entity, ts }) => [entity.id, ts]));
    const ended = all.filter(({ type, ts }) => type === "batch.completed" && ts >= from);
    const stays = ended.map(({ entity, ts }) => (ts - created.get(entity.id)!) / 1000);
    const mean = stays.reduce((sum, each) => sum + each, 0) / stays.length;
    expect(littles_law.mean_seconds! / mean).toBeCloseTo(1, 1.5);
    const rate = ended.length / ((now - from) / 1000);
    expect(littles_law.rate_per_second / rate).toBeCloseTo(1, 2);
    const { in_system: inSystem } = littles_law;
    expect(littles_law.error).toBeCloseTo(Math.abs(inSystem - rate * mean) / Math.max(inSystem, rate * mean), 1.5);
    await clock.advance(MINUTE);
  });

  it("tells of critical events, the newest first, and of failures", async () => {
    await start({ settings: { BATCH_MAX_RETRIES: "0" } });
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) {
      ids.push(await served.create({ operation: "slow", items: items(2, 10, 2), options: { maxFailures: 1 } }));
      await clock.advance(1_000);
    }
    const seen = await overview();
    const critical = (await events()).filter((event) => event.severity === "critical").toReversed();
    expect(critical.length).toBeGreaterThan(10);
    expect(seen.critical.map(({ entity, type }) => [type, entity])).toEqual(
      critical.slice(0, 10).map(({ type, entity }) => [type, entity.id]),
    );
    expect(seen.health.status).toBe("critical");
    expect(seen.verdict).toMatch(/^Critical: 100 % of the items of slow fail/);
  });
});

describe("GET /api/system/history", () => {
  it("gives what happened in each bucket, exactly, and the time before", async () => {
    await start();
    for (let n = 1; n <= 6; n++) {
      await served.create({ operation: "slow", items: items(n, 100, 1) });
      await clock.advance(10 * MINUTE);
    }
    const to = new Date(clock.now()).toISOString();
    const from = new Date(clock.now() - 30 * MINUTE).toISOString();
    const found = await history(`metric=items_total&source=slow&from=${from}&to=${to}&width=600`);
    expect(found.current.points.map(({ value, parts }) => [value, parts])).toEqual([
      [4, { succeeded: 3, failed: 1 }],
      [5, { succeeded: 4, failed: 1 }],
      [6, { succeeded: 5, failed: 1 }],
    ]);
    expect([found.current.whole.value, found.previous.whole.value, found.change_percent]).toEqual([15, 6, 150]);
    const run = await history(`metric=batch_run_seconds&from=${from}&to=${to}&width=1800`);
    expect(run.current.whole.count).toBe(3);
    expect(Math.abs(run.current.whole.p95! - 0.1)).toBeLessThan(0.002);
  });

  it("has a minute's value of everything that is only measured", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "0" } });
    await served.create({ operation: "slow", items: items(1, 0) });
    await minutes(3);
    await served.create({ operation: "slow", items: items(1, 0) });
    await minutes(2);
    const depth = await history("metric=queue_depth&source=slow&width=60");
    const known = depth.current.points.flatMap(({ value }) => (value === null ? [] : [Math.round(value)]));
    expect(known).toEqual([1, 1, 1, 2, 2]);
    const states = await history("metric=batches&width=60");
    expect(Math.round(states.current.points.findLast(({ value }) => value !== null)!.value!)).toBe(2);
  });

  it("of a counter of this process has what came in each minute, from its first sight on", async () => {
    await start();
    // With its first request a server is ready, and measures.
    await overview();
    await minutes(1);
    for (const count of [4, 0, 2]) {
      for (let n = 0; n < count; n++) await served.create({ operation: "slow", items: items(1, 0) });
      await minutes(1);
    }
    const { current } = await history("metric=worker_chunks_total&width=60");
    const came = current.points.flatMap(({ value }) => (value === null ? [] : [Math.round(value)]));
    expect(came).toEqual([4, 0, 2]);
  });

  it("of a gauge of several sources: their sum, each by itself, and by the second label", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "0" } });
    for (const operation of ["slow", "slow", "slow", "echo"]) await served.create({ operation, items: items(1, 0) });
    const paused = await served.create({ operation: "echo", items: items(1, 0) });
    await served.send({ method: "POST", url: `/api/batch/${paused}/pause` });
    await clock.advance(3 * MINUTE + 1);
    const last = (points: readonly { value: number | null }[]) => points.findLast(({ value }) => value !== null);
    const all = await history("metric=batches&width=60");
    expect(all.sources).toEqual(["echo", "slow"]);
    expect(Math.round(last(all.current.points)!.value!)).toBe(5);
    expect(last(all.current.points)).toMatchObject({
      parts: { pending: expect.closeTo(4, 1) as number, paused: expect.closeTo(1, 1) as number },
    });
    const echo = await history("metric=batches&source=echo&width=60");
    expect(last(echo.current.points)).toMatchObject({
      parts: { pending: expect.closeTo(1, 1) as number, paused: expect.closeTo(1, 1) as number },
    });
    expect(echo.sources).toEqual(["echo", "slow"]);
  });

  it("draws time in which no server ran as unknown, and idle time as zero", async () => {
    const directory = mkdtempSync(join(tmpdir(), "batchyard-history-"));
    await start({ directory });
    await served.create({ operation: "slow", items: items(2, 100) });
    await clock.advance(5 * MINUTE);
    await served.close();
    await clock.advance(20 * MINUTE);
    served = await serve({ clock, operations: [slow], directory });
    await clock.advance(3 * MINUTE);
    const from = new Date(Date.UTC(2026, 0, 5, 11, 50)).toISOString();
    const line = (await history(`metric=items_total&from=${from}&width=60`)).current.points.map(({ value }) => value);
    const minutes = (of: number | null, count: number): (number | null)[] => Array.from({ length: count }, () => of);
    expect(line).toEqual([...minutes(null, 10), 2, ...minutes(0, 5), ...minutes(null, 19), ...minutes(0, 4)]);
    const wider = await history(`metric=items_total&from=${from}&width=600`);
    expect(wider.current.points.map(({ value }) => value)).toEqual([null, 2, null, 0]);
    expect(wider.previous.whole.value).toBeNull();
    const [received] = (await overview()).tiles;
    expect(received?.sparkline).toEqual([...minutes(null, 11), ...minutes(0, 4)]);
    rmSync(directory, { recursive: true, force: true });
  });

  it("as a file, a column for each part, and as a question to Prometheus", async () => {
    await start();
    await served.create({ operation: "slow", items: items(3, 100, 1) });
    await clock.advance(MINUTE);
    const at = new Date(clock.now()).toISOString();
    const from = new Date(clock.now() - 2 * MINUTE).toISOString();
    const { text, headers } = await served.send({
      url: `/api/system/history?metric=items_total&from=${from}&to=${at}&width=60&format=csv`,
    });
    expect(headers["content-disposition"]).toBe('attachment; filename="items_total.csv"');
    expect(text.split("\r\n").slice(0, 3)).toEqual([
      "timestamp,value,failed,succeeded,previous_timestamp,previous_value,previous_failed,previous_succeeded",
      "2026-01-05T11:59:00.000Z,,,,2026-01-05T11:57:00.000Z,,,",
      "2026-01-05T12:00:00.000Z,3,1,2,2026-01-05T11:58:00.000Z,,,",
    ]);
    const asked = async (query: string): Promise<string> => (await history(query)).promql;
    expect(await asked("metric=windows_closed_total&source=doors&width=600")).toBe(
      'sum by (reason) (increase(batchyard_windows_closed_total{stream="doors"}[10m]))',
    );
    expect(await asked("metric=batch_wait_seconds&width=3600")).toBe(
      "histogram_quantile(0.95, sum by (le) (rate(batchyard_batch_wait_seconds_bucket[60m])))",
    );
    expect(await asked(`metric=queue_oldest_wait_seconds&width=3600&source=${encodeURIComponent('a"b')}`)).toBe(
      'max (avg_over_time(batchyard_queue_oldest_wait_seconds{operation="a\\"b"}[60m]))',
    );
  });

  it("is as fine as what is still known: by the hour after three days, then by the day", async () => {
    await start();
    const width = async (from: number, to: number): Promise<number> => {
      const text = (ms: number): string => new Date(clock.now() - ms).toISOString();
      return (await history(`metric=items_total&from=${text(from)}&to=${text(to)}`)).width_seconds;
    };
    const hour = 60 * MINUTE;
    expect(await width(hour, 0)).toBe(60);
    expect((await history("metric=items_total&range=30d")).width_seconds).toBe(6 * 3600);
    expect((await history("metric=items_total&range=1h")).current.points).toHaveLength(61);
    expect(await width(100 * hour, 99 * hour)).toBe(3600);
    expect(await width(24 * 100 * hour, 24 * 98 * hour)).toBe(86_400);
  });

  it("knows every metric of the catalogue, and refuses what it cannot draw", async () => {
    await start();
    await clock.advance(2 * MINUTE);
    for (const metric of METRIC_NAMES) expect((await history(`metric=${metric}`)).current.points.length).toBeGreaterThan(90);
    for (const query of [
      "metric=nothing",
      "metric=items_total&width=90",
      "metric=items_total&width=5400",
      "metric=items_total&from=2026-01-06&to=2026-01-05",
      "metric=items_total&from=2020-01-01&width=60",
    ])
      expect((await served.send({ url: `/api/system/history?${query}` })).status).toBe(400);
  });
});

describe("GET /api/system/metrics and /markers", () => {
  it("names what has a history, with its unit", async () => {
    await start();
    const { metrics } = await get<typeof metricsListAnswer>("/api/system/metrics");
    expect(metrics.map(({ metric }) => metric)).toEqual(METRIC_NAMES);
    expect(metrics.find(({ metric }) => metric === "batch_wait_seconds")).toMatchObject({
      unit: "seconds",
      type: "histogram",
      group: "queue",
    });
    expect(metrics.find(({ metric }) => metric === "model_paid_usd_total")?.unit).toBe("usd");
  });

  it("marks what was changed and what fired, in order", async () => {
    await start({ alerts: true, settings: { BATCH_MAX_RETRIES: "0" } });
    await clock.advance(MINUTE);
    await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { batch: { window_seconds: 60 } } });
    await clock.advance(MINUTE);
    await served.create({ operation: "slow", items: items(2, 10, 2), options: { maxFailures: 1 } });
    await clock.advance(2 * MINUTE);
    const { markers } = await get<typeof markersAnswer>("/api/system/markers");
    expect(markers[0]).toMatchObject({ kind: "settings", text: "batch.window_seconds 90 → 60", until: null });
    expect(markers.slice(1).map(({ kind }) => kind)).toContain("alert");
    expect(markers.find(({ text }) => text.includes("batchFailure"))).toBeDefined();
    const before = "2026-01-05T12:00:30Z";
    expect((await get<typeof markersAnswer>(`/api/system/markers?to=${before}`)).markers).toEqual([]);
  });
});
