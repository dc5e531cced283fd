import { afterEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { VirtualClock } from "../../testing/virtual-clock.ts";
import type { keysAnswer, overviewAnswer } from "../contract/system.ts";
import type { Served, ServedOptions } from "../server.fixture.ts";
import { answerOf, eventsOf, MINUTE, serveSlow, slowItems } from "../slow-yard.fixture.ts";

let served: Served;
let clock: VirtualClock;
afterEach(() => served.close());

async function start(options: ServedOptions = {}): Promise<void> {
  ({ served, clock } = await serveSlow(options));
}
const get = <T extends z.ZodType>(url: string): Promise<z.output<T>> => answerOf<T>(served, url);
const overview = (): Promise<z.output<typeof overviewAnswer>> => get<typeof overviewAnswer>("/api/system/overview");

describe("GET /api/system/overview", () => {
  it("says of an idle server that it is healthy and nothing holds it up", async () => {
    await start();
    const idle = await overview();
    expect(idle).toMatchObject({
      health: { status: "healthy", reasons: [] },
      verdict: "Healthy: nothing waits, runs, or has ended lately.",
      bottleneck: null,
    });
    expect(idle.tiles.map(({ name }) => name)).toEqual(expect.arrayContaining(["items_done", "wait_p95", "end_to_end_p95"]) as string[]);
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
      if (n % 3 === 0) await served.create({ operation: "slow", items: slowItems(5, 2_000, 1) });
      // Windows of other ages than their limit.
      if (n === 5) await served.send({ method: "POST", url: "/api/streams/doors/flush", payload: {} });
      await clock.advance(37_000);
    }
    await clock.advance(70_000);
    const seen = await overview();
    const all = await eventsOf(served);
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
    await served.create({ operation: "slow", items: slowItems(3, 0), options: { executor: "external", batchSize: 1 } });
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
      created.push({ id: await served.create({ operation: "slow", items: slowItems(1, 0) }), at: clock.now() });
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
      for (let i = 0; i < 12; i++) await served.create({ operation: "slow", items: slowItems(1, 28_000) });
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
      await served.create({ operation: "slow", items: slowItems(1, 10_000 + 5_000 * (n % 4)) });
      await clock.advance(5_300);
    }
    const { littles_law } = await overview();
    expect(littles_law.mean_seconds).toBeGreaterThan(9);
    expect(littles_law.in_system).toBeGreaterThan(2);
    expect(littles_law.error).toBeLessThan(0.2);
    const now = clock.now();
    const from = now - (now % MINUTE) - 14 * MINUTE;
    const all = await eventsOf(served);
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
      ids.push(await served.create({ operation: "slow", items: slowItems(2, 10, 2), options: { maxFailures: 1 } }));
      await clock.advance(1_000);
    }
    const seen = await overview();
    const critical = (await eventsOf(served)).filter((event) => event.severity === "critical").toReversed();
    expect(critical.length).toBeGreaterThan(10);
    expect(seen.critical.map(({ entity, type }) => [type, entity])).toEqual(
      critical.slice(0, 10).map(({ type, entity }) => [type, entity.id]),
    );
    expect(seen.health.status).toBe("critical");
    expect(seen.verdict).toMatch(/^Critical: 100 % of the items of slow fail/);
  });
});
