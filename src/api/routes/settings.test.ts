import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../server.fixture.ts";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const file = (): string => join(served.yard.config.data, "runtime.env");
const patch = (payload: object, headers: Record<string, string> = {}) =>
  served.send({ method: "PATCH", url: "/api/v1/settings", payload, headers });
const get = async () => (await served.send({ method: "GET", url: "/api/v1/settings" })).json as Record<string, Record<string, unknown>>;
const paths = (answer: { json: Record<string, never> }) =>
  (answer.json as unknown as { details: { errors: { path: string }[] } }).details.errors.map(({ path }) => path);

describe("reading", () => {
  it("gives the categories, what the environment decides, and no secret", async () => {
    const settings = await get();
    expect(settings["batch"]).toEqual({
      window_seconds: 90,
      idle_timeout_seconds: 30,
      check_interval_seconds: 5,
      max_detections: 500,
      default_size: 50,
      max_retries: 0,
      timeout_ms: 30_000,
      retention_days: 30,
    });
    expect(settings["processing"]).toMatchObject({
      enabled: true,
      create_interval: "*/5 * * * *",
      max_requests: 1_000,
      timeout_hours: 24,
      min_size: 10,
    });
    expect(settings["queue"]).toEqual({
      max_size: 10_000,
      backpressure_threshold: 0.8,
      warning_depth: 50,
      critical_depth: 100,
      warning_wait_seconds: 150,
      critical_wait_seconds: 300,
    });
    expect(settings["events"]).toEqual({ window_ms: 500, max_events: 10, max_retries: 2, retry_delay_ms: 500 });
    expect(settings["overridden_by_env"]).toEqual(["batch.max_retries"]);
    expect(settings["connections"]).toEqual({
      token: "********",
      database_url: null,
      redis_url: null,
      openai_api_key: null,
      otlp_endpoint: null,
    });
  });
});

describe("changing", () => {
  it("is in force at once, in the file, in the log and in the audit", async () => {
    let heard = 0;
    served.yard.settings.onChange((now, before) => {
      heard += now.windows.windowSeconds - before.windows.windowSeconds;
    });
    const answer = await patch({
      batch: { window_seconds: 120, check_interval_seconds: 2.5 },
      processing: { enabled: false },
      fast_path: { object_types: ["person", "dog"] },
      events: { window_ms: 1500 },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(await get());
    expect(answer.json).toMatchObject({
      batch: { window_seconds: 120, idle_timeout_seconds: 30 },
      processing: { enabled: false },
      events: { window_ms: 1500 },
    });
    expect(readFileSync(file(), "utf8")).toBe(
      "BATCH_CHECK_INTERVAL_SECONDS=2.5\nBATCH_PROCESSING_ENABLED=false\nBATCH_WINDOW_SECONDS=120\nFAST_PATH_OBJECT_TYPES=person,dog\nSSE_BATCH_TIMEOUT_SECONDS=1.5\n",
    );
    expect(heard).toBe(30);
    expect(served.yard.settings.current().windows.windowSeconds).toBe(120);
    const events = await served.yard.store.events.read(0, 100);
    expect(events.at(-1)).toMatchObject({
      type: "settings.changed",
      data: { changes: expect.arrayContaining([{ path: "batch.window_seconds", from: 90, to: 120 }]) as unknown },
    });
    const [row] = await served.yard.store.audit.list("default", { before: null, limit: 1 });
    expect(row).toMatchObject({
      action: "settings_changed",
      outcome: "SUCCESS",
      before: { "batch.window_seconds": 90 },
      after: { "batch.window_seconds": 120 },
    });
  });

  it("a reason stands in the audit, and is no setting", async () => {
    const url = `/api/v1/settings?reason=${encodeURIComponent("the nightly rush")}`;
    const answer = await served.send({ method: "PATCH", url, payload: { batch: { window_seconds: 100 } } });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(await get());
    const [row] = await served.yard.store.audit.list("default", { before: null, limit: 1 });
    expect(row?.after).toEqual({ "batch.window_seconds": 100, reason: "the nightly rush" });
  });

  it("keeps what else the file says", async () => {
    writeFileSync(file(), "Z_UNKNOWN=1\nBATCH_DEFAULT_SIZE=70\n");
    expect((await patch({ queue: { max_size: 5 } })).json).toMatchObject({ batch: { default_size: 70 }, queue: { max_size: 5 } });
    expect(readFileSync(file(), "utf8")).toBe("BATCH_DEFAULT_SIZE=70\nQUEUE_MAX_SIZE=5\nZ_UNKNOWN=1\n");
    expect(readdirSync(served.yard.config.data).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("{} changes nothing", async () => {
    const before = await get();
    const answer = await patch({});
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(before);
    expect(existsSync(file())).toBe(false);
  });

  it("concurrent ones all survive", async () => {
    const answers = await Promise.all([
      patch({ batch: { window_seconds: 100 } }),
      patch({ batch: { idle_timeout_seconds: 40 } }),
      patch({ batch: { max_detections: 7 } }),
      patch({ queue: { max_size: 9 } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await get()).toMatchObject({
      batch: { window_seconds: 100, idle_timeout_seconds: 40, max_detections: 7 },
      queue: { max_size: 9 },
    });
    expect(readFileSync(file(), "utf8").split("\n").filter(Boolean)).toHaveLength(4);
  });

  it("one of two that contradict each other is refused", async () => {
    const answers = await Promise.all([patch({ batch: { window_seconds: 40 } }), patch({ batch: { idle_timeout_seconds: 60 } })]);
    expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 422]));
  });

  it("sizes the next batch", async () => {
    await patch({ batch: { default_size: 2 } });
    const id = await served.create({ operation: "echo", items: [1, 2, 3, 4, 5].map((n) => ({ n })) });
    expect((await served.yard.store.chunks.list("default", id, { after: 0, limit: 100 })).map(({ items }) => items)[0]).toBe(2);
  });
});

describe("refused", () => {
  it.each([
    [{ batch: { window_seconds: 601 } }, ["batch.window_seconds"]],
    [{ batch: { window_seconds: 0 } }, ["batch.window_seconds"]],
    [{ batch: { idle_timeout_seconds: 301 } }, ["batch.idle_timeout_seconds"]],
    [{ batch: { window_seconds: 60, idle_timeout_seconds: 60 } }, ["batch.window_seconds", "batch.idle_timeout_seconds"]],
    [{ batch: { window_seconds: 20 } }, ["batch.window_seconds"]],
    [{ batch: { idle_timeout_seconds: 90 } }, ["batch.idle_timeout_seconds"]],
    [{ batch: { check_interval_seconds: 0.5 } }, ["batch.check_interval_seconds"]],
    [{ batch: { check_interval_seconds: 61 } }, ["batch.check_interval_seconds"]],
    [{ batch: { max_detections: 10_001, default_size: 0 } }, ["batch.max_detections", "batch.default_size"]],
    [{ batch: { window_seconds: "120" } }, ["batch.window_seconds"]],
    [{ batch: { window_seconds: 90.5 } }, ["batch.window_seconds"]],
    [{ batch: { window_seconds: null } }, ["batch.window_seconds"]],
    [{ batch: { windowSeconds: 100 } }, ["batch.windowSeconds"]],
    [{ batch: 5 }, ["batch"]],
    [{ nothing: {} }, ["nothing"]],
    [{ connections: { token: "x" } }, ["connections"]],
    [{ processing: { enabled: "yes" } }, ["processing.enabled"]],
    [{ processing: { create_interval: "* * * * *\nBATCHYARD_TOKEN=stolen-token-of-16" } }, ["processing.create_interval"]],
    [{ processing: { create_interval: "sometimes" } }, ["processing.create_interval"]],
    [{ fast_path: { object_types: ["a,b"] } }, ["fast_path.object_types"]],
    [{ fast_path: { object_types: [] } }, ["fast_path.object_types"]],
    [{ events: { window_ms: 0.5 } }, ["events.window_ms"]],
    [{ batch: { retention_days: 5 }, retention: { batches_days: 6 } }, ["batch.retention_days", "retention.batches_days"]],
  ])("%j with 422 and the path", async (body, expected) => {
    const before = await get();
    const answer = await patch(body);
    expect(answer.status).toBe(422);
    expect(paths(answer)).toEqual(expected);
    expect(await get()).toEqual(before);
    expect(existsSync(file())).toBe(false);
  });

  it("what the environment decides, with 409", async () => {
    const answer = await patch({ batch: { max_retries: 5, window_seconds: 100 } });
    expect(answer).toMatchObject({ status: 409, json: { code: "overridden_by_env" } });
    expect(paths(answer)).toEqual(["batch.max_retries"]);
    expect((await get())["batch"]).toMatchObject({ max_retries: 0, window_seconds: 90 });
  });

  it("when the file cannot be written, with 500, and nothing changes", async () => {
    // A directory of that name cannot be replaced by a file, whoever runs the test.
    mkdirSync(file());
    writeFileSync(join(file(), "x"), "");
    const answer = await patch({ batch: { window_seconds: 120 } });
    expect(answer).toMatchObject({ status: 500, json: { code: "settings_not_saved" } });
    expect((await get())["batch"]).toMatchObject({ window_seconds: 90 });
    expect((await served.yard.store.events.read(0, 100)).filter(({ type }) => type === "settings.changed")).toEqual([]);
    rmSync(file(), { recursive: true });
    expect((await patch({ batch: { window_seconds: 120 } })).status).toBe(200);
  });

  it("to those who may not", async () => {
    expect((await patch({}, { authorization: `Bearer ${await served.key("operator")}` })).status).toBe(403);
    expect((await patch({ queue: { max_size: 5 } }, { authorization: `Bearer ${await served.key("admin", "other")}` })).status).toBe(403);
    expect(
      (await served.send({ method: "GET", url: "/api/v1/settings", headers: { authorization: `Bearer ${await served.key("viewer")}` } }))
        .status,
    ).toBe(200);
  });
});

describe("for a form", () => {
  it("tells of each setting what it does, its range, its default and where its value comes from", async () => {
    await patch({ batch: { window_seconds: 120 } });
    const { settings } = (await served.send({ method: "GET", url: "/api/v1/settings/table" })).json as unknown as {
      settings: { path: string }[];
    };
    const whole = await get();
    const categories = Object.entries(whole).filter(([name]) => name !== "overridden_by_env" && name !== "connections");
    expect(settings.map(({ path }) => path)).toEqual(
      categories.flatMap(([category, fields]) => Object.keys(fields).map((field) => `${category}.${field}`)),
    );
    expect(settings.find(({ path }) => path === "batch.window_seconds")).toMatchObject({
      value: 120,
      default: 90,
      origin: "runtime",
      unit: "s",
      range: { min: 1, max: 600, whole: true },
    });
    expect(settings.find(({ path }) => path === "batch.max_retries")).toMatchObject({ origin: "env", variable: "BATCH_MAX_RETRIES" });
  });

  it("checks a change without making it", async () => {
    const check = (payload: object) => served.send({ method: "POST", url: "/api/v1/settings/check", payload });
    expect((await check({ batch: { window_seconds: 120 } })).json).toMatchObject({ paths: ["batch.window_seconds"] });
    const wrong = await check({ batch: { window_seconds: 20, max_detections: 0 } });
    expect([wrong.status, paths(wrong)]).toEqual([422, ["batch.max_detections"]]);
    const resulting = await check({ batch: { window_seconds: 20 } });
    expect([resulting.status, paths(resulting)]).toEqual([422, ["batch.window_seconds"]]);
    expect((await check({ batch: { max_retries: 1 } })).status).toBe(409);
    expect((await get())["batch"]).toMatchObject({ window_seconds: 90 });
    expect(existsSync(file())).toBe(false);
  });
});
