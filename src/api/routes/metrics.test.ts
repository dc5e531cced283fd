import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

const MINUTE = 60_000;
let served: Served;
afterEach(() => served.close());

/** Series → value. */
async function scrape(detail = "full", key?: string): Promise<Map<string, number>> {
  const { status, text, headers } = await served.send({
    url: `/metrics?detail=${detail}`,
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
  });
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

const items = (count: number, failing = 0): object[] =>
  Array.from({ length: count }, (_, n) => ({ id: `i${n}`, ...(n < failing ? { fail: "no" } : {}) }));

async function run(count: number, failing = 0): Promise<void> {
  const id = await served.create({ operation: "echo", items: items(count, failing) });
  await served.event("batch.completed", id);
}

describe("GET /metrics", () => {
  it("counts what happened, and goes on counting as minutes pass", async () => {
    const clock = new VirtualClock();
    served = await serve({ clock });
    const outcome = async (name: string): Promise<number | undefined> =>
      (await scrape()).get(`batchyard_items_total{operation="echo",outcome="${name}"}`);
    await run(10, 2);
    expect([await outcome("succeeded"), await outcome("failed")]).toEqual([8, 2]);
    for (const minutes of [1, 2, 5]) {
      await clock.advance(minutes * MINUTE);
      const before = await outcome("succeeded");
      await run(3, 1);
      expect(await outcome("succeeded")).toBe(before! + 2);
      expect(await outcome("succeeded")).toBe(before! + 2);
    }
    const series = await scrape();
    expect(series.get('batchyard_batches_total{operation="echo",step="completed"}')).toBe(4);
    expect(series.get('batchyard_batch_total_seconds_count{operation="echo"}')).toBe(4);
    expect(series.get('batchyard_batch_total_seconds_bucket{operation="echo",le="+Inf"}')).toBe(4);
  });

  it("counts what a stream did not take, by reason, and how long taking took", async () => {
    const clock = new VirtualClock();
    served = await serve({ clock });
    const offer = (payload: object) => served.send({ method: "POST", url: "/api/detections", payload });
    const car = { camera_id: "door", label: "car", confidence: 0.2 };
    expect((await offer([{ ...car, detection_id: 1 }, { ...car, detection_id: "x" }, 7])).status).toBe(202);
    expect((await offer({ ...car, detection_id: "y" })).status).toBe(400);
    const series = await scrape();
    const rejected = (reason: string): number | undefined =>
      series.get(`batchyard_stream_items_rejected_total{stream="detections",reason="${reason}"}`);
    expect(rejected("ids_not_numeric")).toBe(2);
    const all = [...series].filter(([name]) => name.startsWith("batchyard_stream_items_rejected_total"));
    expect(all.reduce((sum, [, items]) => sum + items, 0)).toBe(3);
    expect(series.get('batchyard_stream_offers_total{stream="detections"}')).toBe(2);
    expect(series.get('batchyard_stream_offer_seconds_total{stream="detections"}')).toBeGreaterThanOrEqual(0);
  });

  it("has buckets that are right at their bounds, and a sum within one percent", async () => {
    const clock = new VirtualClock();
    served = await serve({ clock, settings: { BATCHYARD_WORKERS: "0" } });
    const { batches, chunks } = served.yard.store;
    const times = [0, 5, 999, 1_000, 2_500, 60_000];
    for (const wait of times) {
      const id = await served.create({ operation: "echo", items: items(1) });
      await clock.advance(wait);
      const [chunk] = await chunks.pending(id, clock.now(), 1, new Set());
      await chunks.claim(chunk!.id, { workerId: "w", leaseMs: 600_000, now: clock.now() });
      await batches.end("default", id, "cancelled", null, clock.now());
    }
    const series = await scrape();
    const bucket = (le: string): number | undefined => series.get(`batchyard_batch_wait_seconds_bucket{operation="echo",le="${le}"}`);
    expect(["0.005", "0.5", "1", "2.5", "30", "60", "+Inf"].map(bucket)).toEqual([2, 2, 4, 5, 5, 6, 6]);
    const sum = times.reduce((total, ms) => total + ms / 1000, 0);
    expect(Math.abs(series.get('batchyard_batch_wait_seconds_sum{operation="echo"}')! / sum - 1)).toBeLessThan(0.01);
  });

  it("shows 200 streams by name and the rest together, without a key, within 50 ms", async () => {
    served = await serve({ settings: { BATCHYARD_WORKERS: "0" } });
    for (let n = 0; n < 260; n++) {
      const url = `/api/streams/s${n}`;
      const definition = { operation: "echo", keyField: "who", maxItems: 100 };
      expect((await served.send({ method: "PUT", url, payload: definition })).status).toBeLessThan(300);
      await served.send({ method: "POST", url: `${url}/items`, payload: { id: "1", who: `person-${n}` } });
    }
    const series = await scrape();
    const received = [...series].filter(([name]) => name.startsWith("batchyard_stream_items_received_total{"));
    expect(received.length).toBe(201);
    expect(received.reduce((sum, [, value]) => sum + value, 0)).toBe(260);
    expect(series.get('batchyard_stream_items_received_total{stream="__other__"}')).toBeGreaterThanOrEqual(60);
    expect([...series.keys()].filter((name) => name.includes("person-"))).toEqual([]);

    expect(series.size).toBeLessThanOrEqual(40_000);
    const low = await scrape("low");
    expect(low.size).toBeLessThanOrEqual(2_000);
    expect(low.get("batchyard_stream_items_received_total")).toBe(260);
    expect([...low.keys()].filter((name) => name.includes("stream="))).toEqual([]);

    // Processor time of the fastest of some, of more the busier the machine is: what it does besides is not measured.
    const spent: number[] = [];
    for (let n = 0; n < 7 || (n < 70 && Math.min(...spent) >= 50); n++) {
      const before = process.cpuUsage();
      await scrape();
      const { user, system } = process.cpuUsage(before);
      spent.push((user + system) / 1000);
    }
    expect(Math.min(...spent)).toBeLessThan(50);
  });

  it("is for viewers, and of their own tenant only", async () => {
    served = await serve();
    await run(2);
    expect((await served.app.inject({ url: "/metrics" })).statusCode).toBe(401);
    expect((await served.send({ url: "/metrics?detail=much" })).status).toBe(400);
    const other = await scrape("full", await served.key("viewer", "other"));
    expect([...other.keys()].filter((name) => name.includes('operation="echo"'))).toEqual([]);
    // What the process does for everybody is told to the tenant whose server it is.
    expect([...other.keys()].filter((name) => /events_total|memory|cpu|busy_seconds|stream_clients|store_size/.test(name))).toEqual([]);
    const own = await scrape("full", await served.key("viewer"));
    expect(own.get('batchyard_items_total{operation="echo",outcome="succeeded"}')).toBe(2);
    expect(own.get("batchyard_worker_slots")).toBe(2);
    expect(own.get('batchyard_ready{part="store"}')).toBe(1);
  });
});
