import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { METRIC_NAMES } from "../../monitor/metrics/catalogue.ts";
import type { VirtualClock } from "../../testing/virtual-clock.ts";
import type { historyAnswer, markersAnswer, metricsListAnswer, overviewAnswer } from "../contract/system.ts";
import type { Served, ServedOptions } from "../server.fixture.ts";
import { answerOf, MINUTE, passMinutes, serveSlow, slowItems } from "../slow-yard.fixture.ts";

let served: Served;
let clock: VirtualClock;
afterEach(() => served.close());

async function start(options: ServedOptions = {}): Promise<void> {
  ({ served, clock } = await serveSlow(options));
}
const get = <T extends z.ZodType>(url: string): Promise<z.output<T>> => answerOf<T>(served, url);
const overview = (): Promise<z.output<typeof overviewAnswer>> => get<typeof overviewAnswer>("/api/system/overview");
const history = (query: string): Promise<z.output<typeof historyAnswer>> => get<typeof historyAnswer>(`/api/system/history?${query}`);
const minutes = (count: number): Promise<void> => passMinutes(served, clock, count);

describe("GET /api/system/history", () => {
  it("gives what happened in each bucket, exactly, and the time before", async () => {
    await start();
    for (let n = 1; n <= 6; n++) {
      await served.create({ operation: "slow", items: slowItems(n, 100, 1) });
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
    await served.create({ operation: "slow", items: slowItems(1, 0) });
    await minutes(3);
    await served.create({ operation: "slow", items: slowItems(1, 0) });
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
      for (let n = 0; n < count; n++) await served.create({ operation: "slow", items: slowItems(1, 0) });
      await minutes(1);
    }
    const { current } = await history("metric=worker_chunks_total&width=60");
    const came = current.points.flatMap(({ value }) => (value === null ? [] : [Math.round(value)]));
    expect(came).toEqual([4, 0, 2]);
  });

  it("of a gauge of several sources: their sum, each by itself, and by the second label", async () => {
    await start({ settings: { BATCHYARD_WORKERS: "0" } });
    for (const operation of ["slow", "slow", "slow", "echo"]) await served.create({ operation, items: slowItems(1, 0) });
    const paused = await served.create({ operation: "echo", items: slowItems(1, 0) });
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
    await served.create({ operation: "slow", items: slowItems(2, 100) });
    await clock.advance(5 * MINUTE);
    await served.close();
    await clock.advance(20 * MINUTE);
    ({ served } = await serveSlow({ directory }, clock));
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
    await served.create({ operation: "slow", items: slowItems(3, 100, 1) });
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
    await served.create({ operation: "slow", items: slowItems(2, 10, 2), options: { maxFailures: 1 } });
    await clock.advance(2 * MINUTE);
    const { markers } = await get<typeof markersAnswer>("/api/system/markers");
    expect(markers[0]).toMatchObject({ kind: "settings", text: "batch.window_seconds 90 → 60", until: null });
    expect(markers.slice(1).map(({ kind }) => kind)).toContain("alert");
    expect(markers.find(({ text }) => text.includes("batchFailure"))).toBeDefined();
    const before = "2026-01-05T12:00:30Z";
    expect((await get<typeof markersAnswer>(`/api/system/markers?to=${before}`)).markers).toEqual([]);
  });
});
