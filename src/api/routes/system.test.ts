import { afterEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { VirtualClock } from "../../testing/virtual-clock.ts";
import type { activeAnswer } from "../contract/batch.ts";
import type { failuresAnswer, flowAnswer, overviewAnswer } from "../contract/system.ts";
import type { Served, ServedOptions } from "../server.fixture.ts";
import { answerOf, MINUTE, serveSlow, slowItems } from "../slow-yard.fixture.ts";

let served: Served;
let clock: VirtualClock;
afterEach(() => served.close());

async function start(options: ServedOptions = {}): Promise<void> {
  ({ served, clock } = await serveSlow(options));
}
const get = <T extends z.ZodType>(url: string): Promise<z.output<T>> => answerOf<T>(served, url);
const overview = (): Promise<z.output<typeof overviewAnswer>> => get<typeof overviewAnswer>("/api/system/overview");

describe("GET /api/system/failures", () => {
  it("puts what failed in the last 24 hours together by code", async () => {
    await start();
    await served.create({ operation: "slow", items: slowItems(5, 0, 2), options: { retryAttempts: 0 } });
    await served.create({ operation: "slow", items: slowItems(3, 0, 1), options: { retryAttempts: 0 } });
    await served.create({ operation: "slow", items: slowItems(3, 0) });
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
    await served.create({ operation: "slow", items: slowItems(3, 30_000) });
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
    await served.create({ operation: "slow", items: slowItems(1, 1_000) });
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
    await served.create({ operation: "slow", items: slowItems(2, 5_000) });
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
    const done = await served.create({ operation: "slow", items: slowItems(1, 0) });
    await clock.advance(1_000);
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) {
      ids.push(await served.create({ operation: "slow", items: slowItems(60, 1_000), options: { batchSize: 5, concurrency: 1 } }));
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
