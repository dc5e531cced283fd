import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { defineOperation } from "../../operations/define.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { previewAnswer, previewHistoryAnswer } from "../contract/preview.ts";
import { serve, type Served } from "../server.fixture.ts";

type Preview = z.output<typeof previewAnswer>;
type History = z.output<typeof previewHistoryAnswer>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let directory: string;
let clock: VirtualClock;
let served: Served;

/** `wait` takes half a minute of the virtual clock for a batch. */
function begin(): Promise<Served> {
  const wait = defineOperation({
    name: "wait",
    async processBatch(items) {
      await clock.wait(30_000);
      return items.map(({ key }) => ({ key, result: null }));
    },
  });
  return serve({ clock, directory, operations: [wait] });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-preview-"));
  clock = new VirtualClock();
  served = await begin();
});
afterEach(async () => {
  await served.close();
  rmSync(directory, { recursive: true, force: true });
});

async function restart(): Promise<void> {
  await served.close();
  served = await begin();
}

let id = 0;
async function detect(camera: string, count = 1): Promise<void> {
  const payload = Array.from({ length: count }, () => ({ camera_id: camera, detection_id: ++id, label: "car", confidence: 0.5 }));
  const answer = await served.send({ method: "POST", url: "/api/detections", payload });
  if (answer.status !== 202) throw new Error(answer.text);
}

/** Every 20 s a detection: windows of 90 s that never fall idle. */
async function traffic(ms: number, stream = "detections"): Promise<void> {
  for (let past = 0; past < ms; past += 20_000) {
    if (stream === "detections") await detect("gate");
    else await post(`/api/streams/${stream}/items`, { id: `${++id}` });
    await clock.advance(20_000);
  }
}

const post = (url: string, payload: object) => served.send({ method: "POST", url, payload });
const onStream = async (payload: object, stream = "detections"): Promise<Preview> =>
  (await post(`/api/streams/${stream}/preview`, payload)).json as unknown as Preview;
const onSettings = async (payload: object): Promise<Preview> =>
  (await post("/api/v1/settings/preview", payload)).json as unknown as Preview;
const history = async (stream = "detections"): Promise<History["changes"]> =>
  ((await served.send({ url: `/api/streams/${stream}/preview/history` })).json as unknown as History).changes;
const faults = (answer: { json: Record<string, never> }): string[] =>
  (answer.json as unknown as { details: { errors: { path: string; code: string }[] } }).details.errors.map(
    ({ path, code }) => `${path} ${code}`,
  );

describe("a preview", () => {
  it("says how well a replay matches, and what other settings would have made of the same arrivals", async () => {
    await traffic(30 * MINUTE);
    const preview = await onSettings({ batch: { window_seconds: 180 } });
    // 0, 20, … 80 s: a window of 90 s takes five, one of 180 s nine.
    expect(preview).toMatchObject({
      recorded: true,
      arrivals: { items: 90, keys: 1, left_out: 0 },
      rules: { current: { windowSeconds: 90, idleTimeoutSeconds: 30, maxItems: 500 }, candidate: { windowSeconds: 180 } },
      calibration: { recorded: { batches: 18, reasons: { timeout: 18 } }, replayed: { batches: 18 }, matched: 18, share: 1 },
      current: { batches: 18, items: 90, reasons: { timeout: 18 }, jobs_avoided: 72, peak_closures_per_second: 1, peak_open_items: 5 },
      candidate: { batches: 10, items: 90, reasons: { timeout: 10 }, jobs_avoided: 80, peak_open_items: 9 },
    });
    expect(preview.candidate!.items_per_batch!.mean).toBe(9);
    expect(preview.current!.age_at_closure_ms!.p50).toBeGreaterThan(89_000);
    expect(preview.current!.age_at_closure_ms!.p99).toBeLessThan(91_000);
    expect(preview.candidate!.age_at_closure_ms!.p95).toBeGreaterThan(178_000);
    expect((await onStream({ windowSeconds: 180 })).candidate).toEqual(preview.candidate);
    expect((await served.send({ url: "/api/v1/settings" })).json["batch"]).toMatchObject({ window_seconds: 90 });
  });

  it("takes a rule away with null, and tries only what came since", async () => {
    await served.send({ method: "PUT", url: "/api/streams/s", payload: { operation: "echo", windowSeconds: 60, maxItems: 2 } });
    for (let n = 0; n < 6; n++) {
      await post("/api/streams/s/items", { id: `${n}` });
      await clock.advance(10_000);
    }
    await clock.skipTo(clock.now() + HOUR);
    expect((await onStream({ maxItems: null }, "s")).candidate).toMatchObject({ batches: 1, items: 6, reasons: { timeout: 1 } });
    const since = new Date(clock.now() - HOUR - 25_000).toISOString();
    expect(await onStream({ since }, "s")).toMatchObject({ arrivals: { items: 2 }, candidate: { batches: 1, reasons: { max_size: 1 } } });
  });

  it("draws a curve over the values of one setting", async () => {
    await traffic(30 * MINUTE);
    const { sweep } = await onSettings({ sweep: { setting: "batch.window_seconds", from: 60, to: 240, steps: 4 } });
    expect(sweep!.setting).toBe("batch.window_seconds");
    expect(sweep!.points.map(({ value, batches, refused }) => [value, batches, refused])).toEqual([
      [60, 30, false],
      [120, 15, false],
      [180, 10, false],
      [240, 7, false],
    ]);
    expect((await onStream({ sweep: { setting: "maxItems", values: [1, 3] } })).sweep!.points.map(({ batches }) => batches)).toEqual([
      90, 30,
    ]);
  });

  it("invents nothing where nothing was recorded", async () => {
    const empty = await onSettings({ batch: { window_seconds: 120 } });
    expect(empty).toMatchObject({
      recorded: false,
      arrivals: { items: 0 },
      current: null,
      candidate: null,
      calibration: null,
      sweep: null,
    });
    expect(empty.message).toBe("No arrivals of detections are recorded in that time: there is nothing to try the rules on");
    await detect("gate");
    await clock.skipTo(clock.now() + HOUR);
    expect(await onStream({ since: new Date(clock.now() - MINUTE).toISOString() })).toMatchObject({ recorded: false });
  });

  it("says how busy the workers would be by recorded service times, and refuses beyond 90 %", async () => {
    await served.send({ method: "PUT", url: "/api/streams/s", payload: { operation: "wait", maxItems: 4 } });
    for (let n = 0; n < 120; n++) {
      await post("/api/streams/s/items", { id: `${n}` });
      await clock.advance(10_000);
    }
    await clock.advance(MINUTE);
    // A batch takes 30 s whatever is in it, two run at once: four items every 40 s keep 30 / (2 · 40) of the slots busy.
    const preview = await onStream({ maxItems: 1, sweep: { setting: "maxItems", values: [2, 1] } }, "s");
    expect(preview.service).toEqual({ per_batch_ms: 30_000, per_item_ms: 0, batches: 30, slots: 2 });
    expect(preview.current).toMatchObject({ refused: false, reason: null });
    expect(preview.current!.utilisation!.mean).toBeCloseTo(0.375 * (20 / 21), 2);
    expect(preview.candidate).toMatchObject({ batches: 120, refused: true });
    expect(preview.candidate!.utilisation!.mean).toBeGreaterThan(1.4);
    expect(preview.candidate!.reason).toMatch(/^The batches would keep 2 worker slots busy for 14\d % of the busiest hour, more than 90 %/);
    expect(preview.message).toBe(preview.candidate!.reason);
    expect(preview.sweep!.points.map(({ value, refused }) => [value, refused])).toEqual([
      [2, false],
      [1, true],
    ]);
  });

  it("refuses what PATCH and PUT would refuse, 422 with the path", async () => {
    await served.send({ method: "PUT", url: "/api/streams/s", payload: { operation: "echo", windowSeconds: 60 } });
    const cases: [string, object, string[]][] = [
      ["/api/v1/settings/preview", { batch: { window_seconds: 601 } }, ["batch.window_seconds out_of_range"]],
      ["/api/v1/settings/preview", { batch: { window_seconds: 20 } }, ["batch.window_seconds out_of_range"]],
      ["/api/v1/settings/preview", { batch: { windw_seconds: 20 } }, ["batch.windw_seconds unknown_field"]],
      ["/api/v1/settings/preview", { fast_path: { confidence_threshold: 0.5 } }, ["fast_path.confidence_threshold not_previewable"]],
      ["/api/v1/settings/preview", { sweep: { setting: "batch.window_seconds", values: [40, 20] } }, ["batch.window_seconds out_of_range"]],
      ["/api/v1/settings/preview", { sweep: { setting: "queue.max_size", values: [40] } }, ["sweep.setting not_previewable"]],
      ["/api/streams/detections/preview", { windowSeconds: 601 }, ["batch.window_seconds out_of_range"]],
      ["/api/streams/s/preview", { idleTimeoutSeconds: 60 }, ["idleTimeoutSeconds invalid_value"]],
      ["/api/streams/s/preview", { windowSeconds: null }, ["windowSeconds invalid_value"]],
      ["/api/streams/s/preview", { maxOpen: 5 }, ["maxOpen not_previewable"]],
      ["/api/streams/s/preview", { sweep: { setting: "maxItem", values: [5] } }, ["maxItem unknown_field"]],
      ["/api/streams/s/preview", { since: "2030-01-01" }, ["since out_of_range"]],
    ];
    for (const [url, body, wanted] of cases) {
      const answer = await post(url, body);
      expect([body, answer.status, faults(answer)]).toEqual([body, 422, wanted]);
    }
    expect((await post("/api/streams/s/preview", { sweep: { setting: "maxItems" } })).status).toBe(400);
    expect((await post("/api/streams/none/preview", {})).status).toBe(404);
    expect((await served.send({ url: "/api/streams/none/preview/history" })).status).toBe(404);
    const [viewer, operator] = [await served.key("viewer"), await served.key("operator")];
    const as = (key: string) =>
      served.send({ method: "POST", url: "/api/streams/s/preview", payload: {}, headers: { authorization: `Bearer ${key}` } });
    expect([(await as(viewer)).status, (await as(operator)).status]).toEqual([403, 200]);
  });
});

describe("history", () => {
  it("keeps what was predicted of a change, and a day later what it did; also over a restart", async () => {
    const put = (windowSeconds: number) =>
      served.send({ method: "PUT", url: "/api/streams/s", payload: { operation: "echo", windowSeconds, maxItems: 100 } });
    await put(90);
    await traffic(30 * MINUTE, "s");
    await put(180);
    await traffic(15 * MINUTE, "s");
    await restart();
    await traffic(15 * MINUTE, "s");
    expect(await history("s")).toMatchObject([
      {
        before: { windowSeconds: 90 },
        after: { windowSeconds: 180 },
        state: "waiting",
        predicted: { items: 81, items_per_batch: { mean: 9 } },
      },
    ]);
    expect((await history("s"))[0]!.actual).toBe(null);
    await clock.skipTo(clock.now() + 24 * HOUR - 30 * MINUTE);
    const [change] = await history("s");
    expect(change).toMatchObject({ state: "measured", error: { items_per_batch: 0, age_p50: 0, age_p95: 0 } });
    expect(change!.actual).toMatchObject({ batches: 10, items: 90, reasons: { timeout: 10 }, hours: 24 });
    expect(Date.parse(change!.measured_at) - Date.parse(change!.at)).toBe(24 * HOUR);
  });

  it("finds at the start what the environment changed meanwhile", async () => {
    await detect("gate");
    await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { batch: { window_seconds: 180 } } });
    // This fixture reads no runtime.env: after the restart the default is in force.
    await restart();
    await detect("gate");
    expect((await history()).map(({ before, after }) => [before["windowSeconds"], after["windowSeconds"]])).toEqual([
      [180, 90],
      [90, 180],
    ]);
  });

  it("measures a change until the next one; a pause is none, and a replay pauses with it", async () => {
    await traffic(15 * MINUTE);
    await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { batch: { window_seconds: 180 } } });
    await traffic(15 * MINUTE);
    await post("/api/streams/detections/pause", {});
    await traffic(10 * MINUTE);
    await post("/api/streams/detections/resume", {});
    await traffic(10 * MINUTE);
    const paused = await onStream({});
    expect(paused.calibration).toMatchObject({ share: 1 });
    expect(paused.calibration!.recorded.batches).toBe(9);
    await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { batch: { max_detections: 4 } } });
    const [second, first, ...more] = await history();
    expect(more).toEqual([]);
    expect(second).toMatchObject({ after: { maxItems: 4 }, state: "waiting", actual: null });
    expect(first).toMatchObject({ after: { windowSeconds: 180 }, state: "measured", measured_at: second!.at });
    // The replay of the rules in force is compared with what happened since they are: nothing closed yet.
    expect((await onStream({})).calibration).toMatchObject({ since: second!.at, share: null });
  });

  it("is asked for before a large change where the caller or the installation says so, and a reason stands in for it", async () => {
    const put = (windowSeconds: number, query = "") =>
      served.send({ method: "PUT", url: `/api/streams/s${query}`, payload: { operation: "echo", windowSeconds, maxItems: 100 } });
    expect((await put(100, "?preview=required")).status).toBe(201);
    // An unmodified client changes what it likes.
    expect((await put(200)).status).toBe(200);
    expect((await put(240, "?preview=required")).status).toBe(200);
    const refused = await put(300, "?preview=required");
    expect([refused.status, refused.json]).toMatchObject([409, { code: "preview_required" }]);
    expect(String(refused.json["error"])).toContain("windowSeconds of stream s changes from 240 to 300");
    const preview = (changes: object) => served.send({ method: "POST", url: "/api/streams/s/preview", payload: changes });
    await preview({ windowSeconds: 301 });
    expect((await put(300, "?preview=required")).status).toBe(409);
    await preview({ windowSeconds: 300 });
    expect((await put(300, "?preview=required")).status).toBe(200);
    await preview({ windowSeconds: 100 });
    await clock.advance(HOUR);
    expect((await put(100, "?preview=required")).status).toBe(409);
    expect((await put(100, "?preview=required&reason=the+night+shift")).status).toBe(200);

    // The rules of detections are settings: they are held to the same.
    const patch = (max_detections: number, query = "") =>
      served.send({ method: "PATCH", url: `/api/v1/settings${query}`, payload: { batch: { max_detections } } });
    expect((await patch(600)).status).toBe(200);
    const held = await patch(1_000, "?preview=required");
    expect([held.status, held.json]).toMatchObject([409, { code: "preview_required" }]);
    expect(String(held.json["error"])).toContain("maxItems of stream detections changes from 600 to 1000");
    expect((await patch(700, "?preview=required")).status).toBe(200);
    await served.send({ method: "POST", url: "/api/v1/settings/preview", payload: { batch: { max_detections: 1_000 } } });
    expect((await patch(1_000, "?preview=required")).status).toBe(200);
    expect((await patch(100, "?preview=required&reason=the+night+shift")).status).toBe(200);
    const entry = (await served.yard.store.audit.list("default", { before: null, limit: 1 }))[0];
    expect(entry).toMatchObject({ action: "settings_changed", after: { reason: "the night shift" } });

    const own = await serve({ clock, settings: { BATCHYARD_PREVIEW_REQUIRED: "true" } });
    const send = (windowSeconds: number) =>
      own.send({ method: "PUT", url: "/api/streams/s", payload: { operation: "echo", windowSeconds } });
    expect((await send(100)).status).toBe(201);
    expect((await send(10)).status).toBe(409);
    const own10 = { method: "PATCH", url: "/api/v1/settings", payload: { batch: { max_detections: 10 } } } as const;
    expect((await own.send(own10)).status).toBe(409);
    await own.close();
  });
});
