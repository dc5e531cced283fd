import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { serve, TOKEN, type Served } from "../api/server.fixture.ts";
import { createClient } from "../client/index.ts";
import type { BatchRow } from "../model/batch.ts";
import { defineOperation } from "../operations/define.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";

/** The collector over HTTP, with time that stands still until a test moves it. */

const MINUTE = 60_000;
/** The cron that these tests run by. */
const HOURLY = "0 * * * *";

let clock: VirtualClock;
let served: Served;
let directory: string | null = null;
/** What the model `scripted` was asked, in order. */
let asked: string[] = [];
/** What it does; null = it answers at once. */
let answering: ((item: string) => unknown) | null = null;

const scripted = defineOperation({
  name: "scripted",
  async processItem(item: unknown) {
    asked.push(String(item));
    return { result: answering === null ? `answer to ${String(item)}` : await answering(String(item)) };
  },
});

async function open(settings: Record<string, string> = {}): Promise<void> {
  clock ??= new VirtualClock();
  directory ??= mkdtempSync(join(tmpdir(), "batchyard-requests-"));
  served = await serve({
    clock,
    directory,
    operations: [scripted],
    settings: { BATCH_CREATE_INTERVAL: HOURLY, ...settings },
  });
}

async function restart(settings: Record<string, string> = {}): Promise<void> {
  await served.close();
  await open(settings);
}

afterEach(async () => {
  await served.close();
  rmSync(directory!, { recursive: true, force: true });
  clock = new VirtualClock();
  directory = null;
  asked = [];
  answering = null;
});
clock = new VirtualClock();

interface Wire {
  id: string;
  custom_id: string | null;
  status: string;
  batch_id: string | null;
  response: { status_code: number; body: { choices: { message: { content: string } }[] } } | null;
  error: { code: string; message: string } | null;
}

const ask = (prompt: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  jobType: "tags",
  model: "scripted",
  prompt,
  ...more,
});
const many = (count: number, more: Record<string, unknown> = {}): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, i) => ask(`q${i}`, more));

async function post(payload: unknown, headers: Record<string, string> = {}): Promise<{ status: number; json: Record<string, never> }> {
  return served.send({ method: "POST", url: "/api/requests", payload: payload as object, headers });
}

async function submit(payload: Record<string, unknown>): Promise<Wire> {
  const { status, json } = await post(payload);
  expect([status, json]).toEqual([202, expect.anything()]);
  return (json as unknown as { request: Wire }).request;
}

async function submitAll(payload: readonly Record<string, unknown>[]): Promise<Wire[]> {
  const { status, json } = await post(payload);
  expect([status, json]).toMatchObject([202, { accepted: payload.length, rejected: [] }]);
  return (json as unknown as { requests: Wire[] }).requests;
}

async function get(id: string, query = ""): Promise<Wire> {
  const { status, json } = await served.send({ url: `/api/requests/${id}${query}` });
  expect([status, json]).toEqual([200, expect.anything()]);
  return (json as unknown as { request: Wire }).request;
}

/** Batches of collected requests, oldest first, as `[items, how they closed]`. */
async function batches(): Promise<BatchRow[]> {
  return (await served.yard.store.batches.list({ tenant: "default", stream: "requests" }, { limit: 100 })).batches.reverse();
}
const closures = async (): Promise<[number, string | null][]> => (await batches()).map((batch) => [batch.totalItems, batch.closeReason]);

async function list(query: string): Promise<Wire[]> {
  return ((await served.send({ url: `/api/requests${query}` })).json as unknown as { requests: Wire[] }).requests;
}

async function patch(processing: Record<string, unknown>): Promise<void> {
  const { status, text } = await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { processing } });
  expect([status, text]).toMatchObject([200, expect.anything()]);
  // What a change sets off goes on behind the answer.
  await clock.advance(0);
}

async function ended(id: string): Promise<Wire> {
  return get(id, "?wait=60");
}

async function collector(): Promise<Record<string, unknown>> {
  return ((await served.send({ url: "/api/requests/collector" })).json as unknown as { collector: Record<string, unknown> }).collector;
}

describe("when requests become a batch", () => {
  it("9 that wait for 29 minutes are none; with the tenth they are one of 10", async () => {
    await open({ BATCH_CREATE_INTERVAL: "*/5 * * * *" });
    await clock.advance(MINUTE);
    await submitAll(many(9));
    await clock.advance(29 * MINUTE);
    expect(await batches()).toEqual([]);
    expect(await collector()).toMatchObject({
      status: "collecting",
      waiting: 9,
      windows: [{ jobType: "tags", model: "scripted", requests: 9 }],
    });
    const tenth = await submit(ask("q9"));
    await clock.advance(5 * MINUTE);
    expect(await closures()).toEqual([[10, "min_size"]]);
    expect((await ended(tenth.id)).status).toBe("done");
    expect(await collector()).toMatchObject({ waiting: 0, windows: [] });
  });

  it("10 go with the next run of the schedule", async () => {
    await open({ BATCH_CREATE_INTERVAL: "*/20 * * * *" });
    await submitAll(many(10));
    await clock.advance(20 * MINUTE - 1);
    expect(await batches()).toEqual([]);
    await clock.advance(1);
    expect(await closures()).toEqual([[10, "schedule"]]);
  });

  it("the schedule takes what is enough, whatever its age", async () => {
    await open({ BATCH_CREATE_INTERVAL: "*/5 * * * *" });
    await clock.advance(4 * MINUTE);
    await submitAll(many(12));
    await clock.advance(MINUTE);
    expect(await closures()).toEqual([[12, "schedule"]]);
  });

  it("3 that wait for 30 minutes are one of 3", async () => {
    await open({ BATCH_CREATE_INTERVAL: "*/5 * * * *" });
    await submitAll(many(3));
    await clock.advance(30 * MINUTE - 1);
    expect(await batches()).toEqual([]);
    await clock.advance(1);
    expect(await closures()).toEqual([[3, "timeout"]]);
  });

  it("1001 are 1000, and one that waits on", async () => {
    await open();
    await submitAll(many(1001));
    expect(await closures()).toEqual([[1000, "max_size"]]);
    expect(await list("?status=waiting")).toMatchObject([{ status: "waiting", batch_id: null }]);
    expect(await collector()).toMatchObject({ waiting: 1 });
  });

  it("job types, models and endpoints never share a batch", async () => {
    await open({ BATCH_MIN_SIZE: "1" });
    await submitAll([...many(2), ...many(2, { jobType: "titles" }), ...many(2, { model: "echo" })]);
    await clock.advance(30 * MINUTE);
    const keys = (await batches()).map((batch) => `${batch.streamKey}: ${batch.totalItems}`);
    expect(new Set(keys)).toEqual(new Set(["tags/echo: 2", "tags/scripted: 2", "titles/scripted: 2"]));
  });

  it("settings change open windows at once", async () => {
    directory = mkdtempSync(join(tmpdir(), "batchyard-requests-"));
    served = await serve({ clock, directory, operations: [scripted] });
    await submitAll(many(4));
    await patch({ min_size: 2, create_interval: "*/7 * * * *" });
    await clock.advance(7 * MINUTE);
    expect(await closures()).toEqual([[4, "schedule"]]);
    await patch({ max_requests: 3, min_size: 1 });
    await submitAll(many(3));
    expect((await closures())[1]).toEqual([3, "max_size"]);
  });
});

describe("what becomes of a request", () => {
  it("is shown by its id, at every step, and waited for by event", async () => {
    await open({ BATCH_MAX_REQUESTS: "2" });
    const gate = Promise.withResolvers<void>();
    answering = async (item) => (await gate.promise, `answer to ${item}`);
    const first = await submit(ask("one", { custom_id: "c1" }));
    expect(first).toMatchObject({ id: expect.stringMatching(/^req_[a-z0-9]{24}$/), custom_id: "c1", status: "waiting", batch_id: null });
    const second = await submit(ask('{"fail":true}', { model: "scripted" }));
    const [batch] = await batches();
    await served.event("batch.started", batch!.id);
    expect(await get(first.id)).toMatchObject({ status: "running", batch_id: batch!.id, response: null, error: null });
    const waited = ended(first.id);
    gate.resolve();
    const done = await waited;
    expect(done).toMatchObject({ status: "done", error: null, response: { status_code: 200 } });
    expect(done.response!.body.choices[0]!.message.content).toBe("answer to one");
    expect((await ended(second.id)).status).toBe("done");
    expect(await list("?status=done&jobType=tags")).toHaveLength(2);
    expect(await list("?jobType=other")).toEqual([]);
  });

  it("an answer that is an error fails the request, with the model's words", async () => {
    await open({ BATCH_MAX_REQUESTS: "2" });
    answering = (item) => {
      if (item === "bad") throw Object.assign(new Error("it broke"), { category: "data" });
      return "fine";
    };
    const [bad, good] = await submitAll([ask("bad"), ask("good")]);
    expect(await ended(bad!.id)).toMatchObject({ status: "failed", error: { message: "it broke" }, response: { status_code: 400 } });
    expect((await ended(good!.id)).status).toBe("done");
  });

  it("waiting ends when the time is over, at most 60 s", async () => {
    await open();
    const { id } = await submit(ask("one"));
    const waited = get(id, "?wait=30");
    await clock.advance(30_000);
    expect((await waited).status).toBe("waiting");
    expect((await served.send({ url: `/api/requests/${id}?wait=61` })).status).toBe(400);
  });

  it("can be taken back while it waits, and not later", async () => {
    await open({ BATCH_MIN_SIZE: "1" });
    const [a, b, c] = await submitAll(many(3));
    const cancel = (id: string) => served.send({ method: "DELETE", url: `/api/requests/${id}` });
    expect(await cancel(b!.id)).toMatchObject({ status: 200, json: { request: { status: "cancelled" } } });
    expect(await cancel(b!.id)).toMatchObject({ status: 200 });
    await restart({ BATCH_MIN_SIZE: "1" });
    await clock.advance(30 * MINUTE);
    expect(await closures()).toEqual([[2, "timeout"]]);
    expect((await ended(a!.id)).status).toBe("done");
    expect((await ended(c!.id)).status).toBe("done");
    expect(asked.sort()).toEqual(["q0", "q2"]);
    expect(await get(b!.id)).toMatchObject({ status: "cancelled" });
    expect(await cancel(a!.id)).toMatchObject({ status: 409, json: { code: "request_not_waiting" } });
    const { id } = await submit(ask("alone"));
    await cancel(id);
    expect(await collector()).toMatchObject({ waiting: 0, windows: [] });
    await clock.advance(60 * MINUTE);
    expect(await batches()).toHaveLength(1);
  });

  it("a custom id names one open request of its job type", async () => {
    await open({ BATCH_MIN_SIZE: "1" });
    const same = ask("one", { custom_id: "c" });
    const [first, again] = await Promise.all([submit(same), submit(same)]);
    expect(again.id).toBe(first.id);
    expect(await post(ask("two", { custom_id: "c" }))).toMatchObject({ status: 409, json: { code: "custom_id_in_use" } });
    expect((await submit(ask("two", { custom_id: "c", jobType: "titles" }))).id).not.toBe(first.id);
    await clock.advance(30 * MINUTE);
    await ended(first.id);
    expect((await submit(ask("two", { custom_id: "c" }))).id).not.toBe(first.id);
  });

  it("BATCH_TIMEOUT_HOURS ends a batch as expired, and the requests without an answer with it", async () => {
    await open({ BATCH_MAX_REQUESTS: "2", BATCH_TIMEOUT_HOURS: "1", BATCH_PROCESSING_ENABLED: "false" });
    const [one] = await submitAll([ask("a"), ask("b")]);
    const [batch] = await batches();
    expect(batch!.deadlineAt).toBe(clock.now() + 60 * MINUTE);
    await clock.advance(60 * MINUTE - 1);
    expect((await get(one!.id)).status).toBe("batched");
    await clock.advance(10_000);
    expect(await ended(one!.id)).toMatchObject({ status: "failed", error: { code: "batch_expired" }, response: null });
    expect(asked).toEqual([]);
  });
});

describe("switched off, paused, restarted", () => {
  it("BATCH_PROCESSING_ENABLED=false takes requests and submits none; switched on, all of them go", async () => {
    directory = mkdtempSync(join(tmpdir(), "batchyard-requests-"));
    served = await serve({ clock, directory, operations: [scripted] });
    await patch({ min_size: 1, max_requests: 5, enabled: false });
    const requests = await submitAll(many(7));
    await clock.advance(3 * 60 * MINUTE);
    expect(asked).toEqual([]);
    expect((await batches()).map(({ totalItems, status }) => [totalItems, status])).toEqual([[5, "paused"]]);
    expect(await collector()).toMatchObject({ status: "off", waiting: 2, reason: "BATCH_PROCESSING_ENABLED is false" });
    expect((await get(requests[0]!.id)).status).toBe("batched");
    await patch({ enabled: true });
    for (const { id } of requests) expect((await ended(id)).status).toBe("done");
    expect(asked).toHaveLength(7);
    expect(await collector()).toMatchObject({ status: "collecting", reason: null });
  });

  it("pausing holds what has not started, what somebody paused alone stays paused", async () => {
    await open({ BATCH_MAX_REQUESTS: "1" });
    const to = (url: string) => served.send({ method: "POST", url, payload: {} });
    expect(await to("/api/requests/collector/pause")).toMatchObject({ status: 200, json: { collector: { status: "paused" } } });
    const [held, kept] = [await submit(ask("held")), await submit(ask("kept"))];
    const rows = await batches();
    expect(rows.map((batch) => batch.status)).toEqual(["paused", "paused"]);
    const why = await served.send({ url: `/api/batch/${rows[0]!.id}/why` });
    expect(why.text).toContain("GET /api/requests/collector");
    const keptBatch = (await get(kept.id)).batch_id!;
    await to(`/api/batch/${keptBatch}/resume`);
    expect((await ended(kept.id)).status).toBe("done");
    expect((await get(held.id)).status).toBe("batched");
    await to("/api/requests/collector/resume");
    expect((await ended(held.id)).status).toBe("done");
  });

  it("a restart keeps every request where it was, and goes on", async () => {
    await open({ BATCH_MIN_SIZE: "3" });
    const two = await submitAll(many(2));
    await clock.advance(10 * MINUTE);
    await restart({ BATCH_MIN_SIZE: "3" });
    expect(await collector()).toMatchObject({ waiting: 2 });
    await clock.advance(20 * MINUTE);
    for (const { id } of two) expect((await ended(id)).status).toBe("done");
    expect(await closures()).toEqual([[2, "timeout"]]);
  });

  it("requests whose batch ended while nobody looked are settled at the start", async () => {
    await open({ BATCH_MAX_REQUESTS: "1", BATCH_PROCESSING_ENABLED: "false" });
    const { id } = await submit(ask("one"));
    const [batch] = await batches();
    await served.yard.collector.stop();
    await served.yard.store.batches.end("default", batch!.id, "cancelled", null, clock.now());
    expect((await get(id)).status).not.toBe("cancelled");
    await restart();
    expect(await ended(id)).toMatchObject({ status: "cancelled", error: { code: "batch_cancelled" } });
  });

  it("three batches in a row without one answer pause it; it says so, and goes on when it is resumed", async () => {
    await open({ BATCH_MAX_REQUESTS: "1" });
    answering = () => {
      throw Object.assign(new Error("the provider is down"), { category: "transient" });
    };
    const fail = async (): Promise<void> => {
      expect((await ended((await submit(ask("x"))).id)).status).toBe("failed");
    };
    await fail();
    await fail();
    expect(await collector()).toMatchObject({ status: "collecting" });
    await fail();
    await served.event("stream.paused", "requests");
    expect(await collector()).toMatchObject({ status: "paused", reason: expect.stringContaining("the provider is down") });
    await restart({ BATCH_MAX_REQUESTS: "1" });
    answering = null;
    const { id } = await submit(ask("after"));
    await clock.advance(60 * MINUTE);
    expect((await get(id)).status).toBe("batched");
    await clock.advance(1);
    await served.send({ method: "POST", url: "/api/requests/collector/resume", payload: {} });
    expect((await ended(id)).status).toBe("done");
    expect(await collector()).toMatchObject({ status: "collecting" });
  });
});

describe("the client", () => {
  it("submits, waits, lists, takes back, pauses", async () => {
    await open({ BATCH_MAX_REQUESTS: "2" });
    const client = createClient({ url: await served.listen(), token: TOKEN });
    const first = await client.requests.submit({ jobType: "tags", model: "scripted", prompt: "one" });
    const waited = client.requests.wait(first.id);
    const taken = await client.requests.submitAll([
      { jobType: "tags", model: "scripted", prompt: "two" },
      { jobType: "tags", model: "none", prompt: "x" },
    ]);
    expect(taken).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: "model_not_found" }] });
    expect((await waited).status).toBe("done");
    const { id } = await client.requests.submit({ jobType: "titles", model: "scripted", prompt: "three" });
    expect(await client.requests.list({ jobType: "titles" })).toMatchObject({ requests: [{ id, status: "waiting" }], nextCursor: null });
    expect((await client.requests.cancel(id)).status).toBe("cancelled");
    expect((await client.requests.get(id)).status).toBe("cancelled");
    expect((await client.requests.pause()).status).toBe("paused");
    expect((await client.requests.resume()).status).toBe("collecting");
    expect((await client.requests.collector()).waiting).toBe(0);
    client.close();
  });
});

describe("what is refused", () => {
  it.each([
    [{}, "jobType"],
    [ask("x", { jobType: "a/b" }), "jobType"],
    [{ ...ask("x"), body: { messages: [] } }, "body"],
    [{ jobType: "tags", model: "scripted" }, "body"],
    [ask("x", { model: "none" }), "model"],
    [{ jobType: "tags", model: "scripted", body: { temperature: 1 } }, "body.messages"],
    [{ jobType: "tags", model: "scripted", body: { messages: [], model: "echo" } }, "body.model"],
    [{ jobType: "tags", model: "scripted", body: { messages: [], stream: true } }, "body.stream"],
    [ask("x", { url: "/v1/embeddings" }), "prompt"],
    [ask("x", { custom_id: "" }), "custom_id"],
    [ask("x", { wbhook: "http://example.com" }), "wbhook"],
    [ask("x", { webhook: "https://example.com/hook" }), "webhook"],
  ])("%j names %s", async (body, path) => {
    await open();
    const { status, json } = await post(body);
    expect([status, json]).toMatchObject([400, { code: "validation_failed" }]);
    expect(JSON.stringify(json)).toContain(`"path":"${path}"`);
    expect(await list("")).toEqual([]);
  });

  it("single ones of many are named, the others are taken; NDJSON likewise", async () => {
    await open();
    const { status, json } = await post([ask("a"), { jobType: 1 }, ask("b")]);
    expect([status, json]).toMatchObject([202, { accepted: 2, rejectedCount: 1, rejected: [{ index: 1 }] }]);
    const lines = `${JSON.stringify(ask("c"))}\n\n{"nope"\n`;
    const sent = await served.send({
      method: "POST",
      url: "/api/requests",
      payload: lines,
      headers: { "content-type": "application/x-ndjson" },
    });
    expect([sent.status, sent.json]).toMatchObject([202, { accepted: 1, rejected: [{ index: 1, code: "bad_json" }] }]);
    expect((await post([{ jobType: 1 }])).status).toBe(400);
    expect((await post([])).status).toBe(400);
  });

  it("an Idempotency-Key makes a repeated post the first one", async () => {
    await open();
    const [a, b] = [await post(ask("x"), { "idempotency-key": "k" }), await post(ask("x"), { "idempotency-key": "k" })];
    expect(b.json).toEqual(a.json);
    expect(await collector()).toMatchObject({ waiting: 1 });
  });

  it("the stream itself takes no items and no definition", async () => {
    await open();
    for (const [method, url] of [
      ["POST", "/api/streams/requests/items"],
      ["PUT", "/api/streams/requests"],
      ["DELETE", "/api/streams/requests"],
    ] as const) {
      const answer = await served.send({ method, url, ...(method === "DELETE" ? {} : { payload: { id: "1" } }) });
      expect([url, answer.status, answer.json]).toMatchObject([url, 409, { code: "ready_made_stream" }]);
    }
  });

  it("no tenant sees another's", async () => {
    await open({ BATCH_MIN_SIZE: "1" });
    const { id } = await submit(ask("mine", { custom_id: "c" }));
    const headers = { authorization: `Bearer ${await served.key("admin", "other")}` };
    const other = async (method: "GET" | "DELETE", url: string) => served.send({ method, url, headers });
    expect((await other("GET", `/api/requests/${id}`)).status).toBe(404);
    expect((await other("DELETE", `/api/requests/${id}`)).status).toBe(404);
    expect((await other("GET", "/api/requests")).json).toMatchObject({ requests: [] });
    expect((await other("GET", "/api/requests/collector")).json).toMatchObject({ collector: { waiting: 0 } });
    expect((await post(ask("theirs", { custom_id: "c" }), headers)).status).toBe(202);
    await clock.advance(30 * MINUTE);
    expect(await closures()).toEqual([[1, "timeout"]]);
  });
});
