import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../api/server.fixture.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";

/** The window cases over HTTP, with time that stands still until a test moves it. */

let clock: VirtualClock;
let served: Served;
let directory: string | null = null;

async function open(): Promise<void> {
  clock = new VirtualClock();
  directory = mkdtempSync(join(tmpdir(), "batchyard-streams-"));
  served = await serve({ clock, directory });
}

async function restart(): Promise<void> {
  await served.close();
  served = await serve({ clock, directory: directory! });
}

afterEach(async () => {
  await served.close();
  rmSync(directory!, { recursive: true, force: true });
});

let next = 0;
const detection = (camera: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  camera_id: camera,
  detection_id: ++next,
  label: "car",
  confidence: 0.5,
  ...more,
});

interface Answer {
  accepted: number;
  rejected: { index: number; code: string; message: string }[];
  items: { id: string; batchId: string; fastPath: boolean }[];
}

async function post(url: string, payload: unknown): Promise<Answer> {
  const answer = await served.send({ method: "POST", url, payload: payload as object });
  if (answer.status !== 202) throw new Error(`${url} answered ${answer.status}: ${answer.text}`);
  return answer.json as unknown as Answer;
}

async function put(name: string, definition: Record<string, unknown>): Promise<void> {
  const answer = await served.send({ method: "PUT", url: `/api/streams/${name}`, payload: { operation: "echo", ...definition } });
  if (answer.status !== 201 && answer.status !== 200) throw new Error(answer.text);
}

interface Closed {
  id: string;
  key: string;
  close_reason: string;
  total_items: number;
  created_at: string;
}

async function closed(stream: string): Promise<Closed[]> {
  const answer = await served.send({ url: `/api/batch/history?stream=${stream}` });
  return (answer.json as unknown as { batches: Closed[] }).batches;
}

async function windows(stream: string): Promise<{ batch_id: string; key: string; items: number; opened_at: string; held: boolean }[]> {
  const answer = await served.send({ url: `/api/streams/${stream}/windows` });
  return (answer.json as unknown as { windows: { batch_id: string; key: string; items: number; opened_at: string; held: boolean }[] })
    .windows;
}

const second = 1_000;

describe("detections", () => {
  it("40 s after its start, 35 s after its last item: idle; before that it stays", async () => {
    await open();
    const first = await post("/api/detections", detection("gate"));
    await clock.advance(5 * second);
    await post("/api/detections", detection("gate"));
    await clock.advance(29_999);
    expect(await closed("detections")).toEqual([]);
    expect(await windows("detections")).toMatchObject([{ key: "gate", items: 2, batch_id: first.items[0]!.batchId }]);
    await clock.advance(1);
    expect(await closed("detections")).toMatchObject([{ id: first.items[0]!.batchId, key: "gate", close_reason: "idle", total_items: 2 }]);
    expect(await windows("detections")).toEqual([]);
    const one = (await served.send({ url: `/api/batch/${first.items[0]!.batchId}` })).json as { window?: Record<string, unknown> };
    expect(one.window).toMatchObject({ reason: "idle", lag_seconds: 0, rules_since: expect.any(String) as string });
    expect(Date.parse(String(one.window!["closed_at"])) - Date.parse(String(one.window!["opened_at"]))).toBe(35 * second);
  });

  it("with activity a window ends at exactly 90 s, not at 89.99: timeout", async () => {
    await open();
    for (let at = 0; at < 90; at += 10) {
      await post("/api/detections", detection("gate"));
      await clock.advance(10 * second - (at === 80 ? 10 : 0));
    }
    expect(await closed("detections")).toEqual([]);
    await clock.advance(10);
    expect(await closed("detections")).toMatchObject([{ close_reason: "timeout", total_items: 9 }]);
  });

  it("both true at once, after a sleep of the machine: timeout", async () => {
    await open();
    await post("/api/detections", detection("gate"));
    await clock.skipTo(clock.now() + 95 * second);
    expect(await closed("detections")).toMatchObject([{ close_reason: "timeout" }]);
  });

  it("of an expired, an idle and a healthy window two close", async () => {
    await open();
    await post("/api/detections", detection("expired"));
    await clock.advance(25 * second);
    await post("/api/detections", detection("expired"));
    await clock.advance(25 * second);
    await post("/api/detections", detection("expired"));
    await clock.advance(10 * second);
    await post("/api/detections", [detection("idle"), detection("expired")]);
    await clock.advance(20 * second);
    await post("/api/detections", [detection("healthy"), detection("expired")]);
    await clock.skipTo(clock.now() + 10 * second);
    const reasons = Object.fromEntries((await closed("detections")).map((batch) => [batch.key, batch.close_reason]));
    expect(reasons).toEqual({ expired: "timeout", idle: "idle" });
    expect(await windows("detections")).toMatchObject([{ key: "healthy" }]);
  });

  it("a changed definition measures open windows anew", async () => {
    await open();
    await put("lively", { keyField: "k", windowSeconds: 120 });
    await post("/api/streams/lively/items", { k: "a", id: "1" });
    await clock.advance(60 * second);
    await put("lively", { keyField: "k", windowSeconds: 60 });
    await clock.advance(0);
    expect(await closed("lively")).toMatchObject([{ close_reason: "timeout", total_items: 1 }]);
  });

  it("a changed setting measures open windows of detections anew", async () => {
    await open();
    await post("/api/detections", detection("door"));
    await clock.advance(20 * second);
    expect(await closed("detections")).toEqual([]);
    const answer = await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { batch: { idle_timeout_seconds: 10 } } });
    expect(answer.status).toBe(200);
    await clock.advance(0);
    expect(await closed("detections")).toMatchObject([{ key: "door", close_reason: "idle", total_items: 1 }]);
    const { stream } = (await served.send({ url: "/api/streams/detections" })).json as unknown as { stream: { definition: unknown } };
    expect(stream.definition).toMatchObject({ idleTimeoutSeconds: 10, windowSeconds: 90 });
  });

  it("urgent ones go alone", async () => {
    await open();
    const cases: [confidence: unknown, label: unknown, fast: boolean][] = [
      [0.95, "person", true],
      [0.9, "person", true],
      [0.95, "PERSON", true],
      [0.89, "person", false],
      [0.95, "car", false],
      [null, "person", false],
      [0.95, null, false],
    ];
    for (const [i, [confidence, label, fast]] of cases.entries()) {
      const answer = await post("/api/detections", { camera_id: `cam${i}`, detection_id: 123 + i, confidence, label });
      expect(answer.items[0]).toMatchObject({ id: fast ? `fast_path_${123 + i}` : String(123 + i), fastPath: fast });
    }
    expect((await windows("detections")).map(({ key }) => key)).toEqual(["cam3", "cam4", "cam5", "cam6"]);
    const reasons = Object.fromEntries((await closed("detections")).map((batch) => [batch.key, batch.close_reason]));
    expect(reasons).toEqual({ cam0: "fast_path", cam1: "fast_path", cam2: "fast_path" });
  });

  it("ids must be whole numbers, and each camera takes an id once a window", async () => {
    await open();
    for (const id of ["abc", 1.5, null, undefined]) {
      const answer = await served.send({ method: "POST", url: "/api/detections", payload: { camera_id: "gate", detection_id: id } });
      expect([answer.status, answer.json["error"]]).toEqual([400, "Detection IDs must be numeric"]);
    }
    const missing = await served.send({ method: "POST", url: "/api/detections", payload: { detection_id: 1 } });
    expect([missing.status, missing.json["code"]]).toEqual([400, "item_refused"]);
    const mixed = await post("/api/detections", [
      { camera_id: "gate", detection_id: 7 },
      { camera_id: "gate", detection_id: "x" },
      { camera_id: "gate", detection_id: "7" },
      { camera_id: "door", detection_id: 7 },
    ]);
    expect(mixed).toMatchObject({
      accepted: 2,
      rejected: [
        { index: 1, code: "ids_not_numeric" },
        { index: 2, code: "duplicate_key" },
      ],
    });
  });

  it("are ready-made: limits belong to the settings, the stream cannot be removed", async () => {
    await open();
    const limit = await served.send({ method: "PUT", url: "/api/streams/detections", payload: { windowSeconds: 5 } });
    expect([limit.status, limit.json["code"]]).toEqual([409, "ready_made_stream"]);
    const removed = await served.send({ method: "DELETE", url: "/api/streams/detections" });
    expect(removed.status).toBe(409);
    const changed = await served.send({ method: "PUT", url: "/api/streams/detections", payload: { operation: "echo", maxOpen: 5 } });
    expect(changed.json["stream"]).toMatchObject({ definition: { operation: "echo", maxOpen: 5, windowSeconds: 90 } });
  });

  it("a change with a reason has it in the audit, and not in the definition", async () => {
    await open();
    const url = "/api/streams/detections?reason=rush%20hour";
    const changed = await served.send({ method: "PUT", url, payload: { operation: "echo", maxOpen: 7 } });
    expect(changed.json["stream"]).toMatchObject({ definition: { maxOpen: 7 } });
    expect(JSON.stringify(changed.json)).not.toContain("rush hour");
    const [row] = await served.yard.store.audit.list("default", { before: null, limit: 1 });
    expect(row).toMatchObject({ action: "stream.put", target: "detections", after: { maxOpen: 7, reason: "rush hour" } });
  });

  it("are analysed in one call a window, every item with the verdict", async () => {
    await open();
    const { items } = await post("/api/detections", [
      detection("gate", { label: "person", confidence: 0.8 }),
      detection("gate", { label: "dog", confidence: 0.9 }),
    ]);
    await served.send({ method: "POST", url: "/api/streams/detections/flush", payload: { key: "gate" } });
    await clock.advance(2 * second);
    const { json } = await served.send({ url: `/api/batch/${items[0]!.batchId}/results` });
    const verdict = { risk_score: 48, risk_level: "medium", summary: "2 detections: 1 dog, 1 person; strongest: person at 0.8" };
    expect(json["batch"]).toMatchObject({
      status: "completed",
      close_reason: "manual",
      results: [{ result: verdict }, { result: verdict }],
    });
  });
});

describe("streams", () => {
  it("max 3 with 7 items: [1,2,3] [4,5,6] closed in order, 7 open", async () => {
    await open();
    await put("orders", { maxItems: 3, windowSeconds: 60 });
    const { items } = await post(
      "/api/streams/orders/items",
      [1, 2, 3, 4, 5, 6, 7].map((id) => ({ id })),
    );
    const groups = Object.values(Object.groupBy(items, ({ batchId }) => batchId)).map((group) => group!.map(({ id }) => id));
    expect(groups).toEqual([["1", "2", "3"], ["4", "5", "6"], ["7"]]);
    expect((await closed("orders")).map(({ close_reason, total_items }) => [close_reason, total_items])).toEqual([
      ["max_size", 3],
      ["max_size", 3],
    ]);
    expect(await windows("orders")).toMatchObject([{ items: 1 }]);
  });

  it("bytes close with the item that reaches them", async () => {
    await open();
    await put("fat", { maxBytes: 30 });
    const { items } = await post("/api/streams/fat/items", [{ id: "a", x: "12345678" }, { id: "b", x: "1" }, { id: "c" }]);
    expect(items[0]!.batchId).toBe(items[1]!.batchId);
    expect(items[2]!.batchId).not.toBe(items[0]!.batchId);
    expect(await closed("fat")).toMatchObject([{ close_reason: "max_bytes", total_items: 2 }]);
  });

  it("too few are held past their age, and close complete (min_size) or after the longest wait (timeout)", async () => {
    await open();
    await put("held", { keyField: "k", windowSeconds: 10, minItems: 2, maxWaitSeconds: 30 });
    await post("/api/streams/held/items", [{ k: "late" }, { k: "completed" }]);
    await clock.advance(15 * second);
    expect(await closed("held")).toEqual([]);
    await post("/api/streams/held/items", { k: "completed" });
    expect(await closed("held")).toMatchObject([{ key: "completed", close_reason: "min_size", total_items: 2 }]);
    await clock.advance(15 * second);
    expect((await closed("held")).map(({ key, close_reason }) => [key, close_reason])).toContainEqual(["late", "timeout"]);
  });

  it("a schedule closes what is open then", async () => {
    await open();
    await put("hourly", { schedule: "0 * * * *" });
    await post("/api/streams/hourly/items", { id: "a" });
    await clock.advance(3_600 * second - 1);
    expect(await closed("hourly")).toEqual([]);
    await clock.advance(1);
    expect(await closed("hourly")).toMatchObject([{ close_reason: "schedule" }]);
  });

  it("paused: windows fill and close by size only; resume closes what is overdue", async () => {
    await open();
    await put("calm", { keyField: "k", windowSeconds: 10, maxItems: 2 });
    await served.send({ method: "POST", url: "/api/streams/calm/pause" });
    await post("/api/streams/calm/items", [{ k: "a" }, { k: "b" }, { k: "b" }]);
    await clock.advance(60 * second);
    expect(await closed("calm")).toMatchObject([{ key: "b", close_reason: "max_size" }]);
    await restart();
    await clock.advance(60 * second);
    expect(await windows("calm")).toMatchObject([{ key: "a" }]);
    await served.send({ method: "POST", url: "/api/streams/calm/resume" });
    await clock.advance(0);
    expect((await closed("calm")).map(({ key, close_reason }) => [key, close_reason])).toContainEqual(["a", "timeout"]);
  });

  it("overflow: rejected with 503, kept as dead letters and requeued, or the oldest dropped", async () => {
    await open();
    await put("narrow", { windowSeconds: 10, maxOpen: 2 });
    const some = await post("/api/streams/narrow/items", [{ id: "1" }, { id: "2" }, { id: "3" }]);
    expect(some).toMatchObject({ accepted: 2, rejected: [{ index: 2, code: "stream_full" }] });
    const full = await served.send({ method: "POST", url: "/api/streams/narrow/items", payload: { id: "3" } });
    expect([full.status, full.json["code"], full.headers["retry-after"]]).toEqual([503, "stream_full", "5"]);

    await put("careful", { windowSeconds: 10, maxOpen: 2, overflow: "dead_letter" });
    const kept = await post(
      "/api/streams/careful/items",
      [1, 2, 3, 4, 5].map((id) => ({ id })),
    );
    expect(kept).toMatchObject({
      accepted: 2,
      rejected: [{ code: "dead_lettered" }, { code: "dead_lettered" }, { code: "dead_lettered" }],
    });
    const letters = await served.send({ url: "/api/streams/careful/dead-letters?limit=2" });
    expect(letters.json).toMatchObject({
      total: 3,
      dead_letters: [{ item_key: "3", item: { id: 3 }, reason: "overflow" }, { item_key: "4" }],
    });
    const early = await served.send({ method: "POST", url: "/api/streams/careful/dead-letters/requeue", payload: { limit: 1 } });
    expect(early.json).toMatchObject({ requeued: 0, left: [{ code: "stream_full" }] });
    await clock.advance(10 * second);
    const paced = await served.send({ method: "POST", url: "/api/streams/careful/dead-letters/requeue", payload: { limit: 2, rate: 1 } });
    expect(paced.json).toMatchObject({ requeued: 1, scheduled: 1 });
    await clock.advance(second);
    expect((await served.send({ url: "/api/streams/careful/dead-letters" })).json).toMatchObject({
      total: 1,
      dead_letters: [{ item_key: "5" }],
    });
    expect(await windows("careful")).toMatchObject([{ items: 2 }]);

    await put("fresh", { keyField: "k", windowSeconds: 10, maxOpen: 3, overflow: "drop_oldest" });
    await post("/api/streams/fresh/items", [
      { k: "a", id: 1 },
      { k: "b", id: 2 },
    ]);
    await post(
      "/api/streams/fresh/items",
      [3, 4, 5].map((id) => ({ k: "b", id })),
    );
    expect(await windows("fresh")).toMatchObject([{ key: "b", items: 3 }]);
    await clock.advance(10 * second);
    const [batch] = await closed("fresh");
    const { json } = await served.send({ url: `/api/batch/${batch!.id}/results` });
    expect((json["batch"] as unknown as { results: { nodeId: string }[] }).results.map(({ nodeId }) => nodeId)).toEqual(["3", "4", "5"]);
  });

  it("a restart keeps windows with their true start", async () => {
    await open();
    await put("steady", { keyField: "k", windowSeconds: 60 });
    await post("/api/streams/steady/items", { k: "a", id: "1" });
    await clock.advance(40 * second);
    const [before] = await windows("steady");
    await restart();
    expect(await windows("steady")).toEqual([{ ...before }]);
    expect(
      await post("/api/streams/steady/items", [
        { k: "a", id: "1" },
        { k: "a", id: "2" },
      ]),
    ).toMatchObject({ accepted: 1, rejected: [{ code: "duplicate_key" }] });
    await clock.advance(20 * second);
    expect(await closed("steady")).toMatchObject([{ id: before!.batch_id, close_reason: "timeout", total_items: 2 }]);
  });

  it("concurrent flushes close a window once, an empty stream not at all; unknown ones are 404", async () => {
    await open();
    await put("orders", { windowSeconds: 60 });
    await post("/api/streams/orders/items", [{ id: "a" }]);
    const flush = () => served.send({ method: "POST", url: "/api/streams/orders/flush" });
    const counts = (await Promise.all([flush(), flush(), flush()])).map(({ json }) => json["flushed"] as unknown as number);
    expect(counts.toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
    expect(await closed("orders")).toHaveLength(1);
    for (const [method, url] of [
      ["GET", "/api/streams/nobody"],
      ["GET", "/api/streams/nobody/windows"],
      ["POST", "/api/streams/nobody/flush"],
      ["POST", "/api/streams/nobody/pause"],
      ["DELETE", "/api/streams/nobody"],
      ["GET", "/api/streams/nobody/dead-letters"],
    ] as const) {
      const answer = await served.send({ method, url });
      expect([url, answer.status, answer.json["code"]]).toEqual([url, 404, "stream_not_found"]);
    }
    const items = await served.send({ method: "POST", url: "/api/streams/nobody/items", payload: { id: "a" } });
    expect(items.status).toBe(404);
  });

  it("two tenants share nothing, not even a name", async () => {
    await open();
    const other = { authorization: `Bearer ${await served.key("admin", "other")}` };
    await put("orders", { windowSeconds: 60 });
    expect((await served.send({ url: "/api/streams/orders", headers: other })).status).toBe(404);
    await served.send({ method: "PUT", url: "/api/streams/orders", payload: { operation: "echo", windowSeconds: 5 }, headers: other });
    await post("/api/streams/orders/items", { id: "a" });
    await served.send({ method: "POST", url: "/api/streams/orders/items", payload: { id: "a" }, headers: other });
    expect((await served.send({ url: "/api/streams/orders/windows", headers: other })).json["total"]).toBe(1);
    expect((await served.send({ method: "POST", url: "/api/streams/orders/flush", headers: other })).json["flushed"]).toBe(1);
    expect(await windows("orders")).toHaveLength(1);
    expect(await closed("orders")).toEqual([]);
  });

  it("removing a stream drains it; a definition is refused with every fault", async () => {
    await open();
    await put("orders", { windowSeconds: 60 });
    await post("/api/streams/orders/items", { id: "a" });
    expect((await served.send({ method: "DELETE", url: "/api/streams/orders" })).json["batches"]).toHaveLength(1);
    expect(await closed("orders")).toMatchObject([{ close_reason: "drain" }]);
    expect((await served.send({ url: "/api/streams/orders" })).status).toBe(404);
    const bad = await served.send({
      method: "PUT",
      url: "/api/streams/bad",
      payload: { operation: "echo", windowSeconds: 30, idleTimeoutSeconds: 30, overflow: "explode", schedule: "never" },
    });
    expect(bad.status).toBe(400);
    const never = await served.send({ method: "PUT", url: "/api/streams/bad", payload: { operation: "echo" } });
    expect(never.text).toContain("no rule closes a window");
    const unknown = await served.send({ method: "PUT", url: "/api/streams/bad", payload: { operation: "nothing", windowSeconds: 30 } });
    expect([unknown.status, unknown.json["code"]]).toEqual([400, "unknown_operation"]);
  });

  it("NDJSON: each line an item, bad lines are refused by their index", async () => {
    await open();
    await put("lines", { windowSeconds: 60 });
    const payload = Array.from({ length: 3_000 }, (_, n) => (n === 7 ? "{oops" : JSON.stringify({ id: n }))).join("\n");
    const answer = await served.send({
      method: "POST",
      url: "/api/streams/lines/items",
      payload,
      headers: { "content-type": "application/x-ndjson" },
    });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({ accepted: 2_999, rejected: [{ index: 7, code: "bad_json" }], rejectedCount: 1 });
    expect(await windows("lines")).toMatchObject([{ items: 2_999 }]);
  });
});

describe("the pipeline", () => {
  it("shows open windows in the units of the contract, queues and latencies out of stored rows", async () => {
    await open();
    await post("/api/detections", detection("gate"));
    await clock.advance(12_340);
    const pipeline = await served.send({ url: "/api/system/pipeline" });
    expect(pipeline.json["batch_aggregator"]).toMatchObject({
      active_batches: 1,
      batches: [
        {
          camera_id: "gate",
          detection_count: 1,
          started_at: (clock.now() - 12_340) / 1000,
          age_seconds: 12.3,
          last_activity_seconds: 12.3,
        },
      ],
      batch_window_seconds: 90,
      idle_timeout_seconds: 30,
      batch_check_interval_seconds: 5,
      batch_max_detections: 500,
    });
    expect(pipeline.json["degradation"]).toMatchObject({ mode: "normal", is_degraded: false });
    await clock.advance(20 * second);
    const latency = await served.send({ url: "/api/system/pipeline-latency" });
    expect(latency.json).toMatchObject({
      watch_to_detect: null,
      detect_to_batch: { avg_ms: 30_000, p99_ms: 30_000, sample_count: 1 },
      total_pipeline: { sample_count: 1 },
    });
    const history = await served.send({ url: "/api/system/pipeline-latency/history?since=5&bucket_seconds=60" });
    expect(history.json["snapshots"]).toHaveLength(1);
    const queues = await served.send({ url: "/api/queues/status" });
    expect(queues.json).toMatchObject({
      queues: [{ name: "analyze", status: "healthy", depth: 0 }],
      summary: { total_workers: 2, overall_status: "healthy" },
    });
    expect((await served.send({ url: "/api/system/workers" })).json["workers"]).toMatchObject([{ kind: "local", slots: 2 }]);
    expect((await served.send({ url: "/api/system/breakers" })).json["breakers"]).toEqual([]);
    expect((await served.send({ method: "POST", url: "/api/system/breakers/nothing/reset" })).status).toBe(404);
  });
});
