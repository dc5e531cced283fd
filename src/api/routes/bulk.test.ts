import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { OperationError } from "../../model/failure.ts";
import { defineOperation } from "../../operations/define.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

const BASE = "/api/admin/batch-monitoring/bulk";
interface Job {
  id: string;
  status: string;
  total: number;
  done: number;
  failed: number;
  skipped: number;
}

/** Asks for an hour before the next try. */
const busy = defineOperation({
  name: "busy",
  options: z.strictObject({}),
  processItem() {
    throw new OperationError("Busy", { category: "transient", retryAfterMs: 3_600_000 });
  },
});

let served: Served;
let clock: VirtualClock;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-bulk-"));
  clock = new VirtualClock();
  served = await serve({ clock, directory });
});
afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true, force: true });
});

async function close(): Promise<void> {
  const closing = served.close();
  for (let turns = 0; turns < 20; turns++) await clock.advance(1_000);
  await closing;
}

async function ask(method: "GET" | "POST", path = "", body?: unknown, key = "") {
  const { status, json } = await served.send({
    method,
    url: `${BASE}${path}`,
    headers: {
      ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status, json: json as unknown as { bulk: Job; bulks: Job[]; count: number; code: string } };
}
const state = async (id: string): Promise<Job> => (await ask("GET", `/${id}`)).json.bulk;
async function ended(id: string): Promise<Job> {
  for (let n = 0; n < 400; n++) {
    const job = await served.yard.store.bulk.get("default", id);
    if (job?.status !== "running") return state(id);
    await clock.advance(250);
  }
  throw new Error("the job does not end");
}
const waiting = (): Promise<string> => served.create({ operation: "echo", total_items: 2, options: { executor: "external" } });
async function broken(items: readonly Record<string, unknown>[]): Promise<string> {
  const id = await served.create({ operation: "echo", items });
  for (let n = 0; n < 50 && (await row(id)).completedAt === null; n++) await clock.advance(100);
  return id;
}
const row = async (id: string) => (await served.yard.store.batches.get("default", id))!;
const told = async () =>
  (await served.yard.store.events.read(0, 100_000, {}))
    .filter(({ type }) => type === "bulk.progress")
    .map(({ ts, data }) => ({ ts, ...data }));

describe("an act on many batches", () => {
  it("is counted exactly, done at its rate, told at most four times a second, and audited", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 23; n++) ids.push(await waiting());
    const body = { action: "cancel", filter: { status: "pending" }, ratePerSecond: 8 };
    expect(await ask("POST", "", { ...body, dryRun: true })).toMatchObject({ status: 200, json: { count: 23 } });
    expect((await ask("GET")).json.bulks).toEqual([]);

    const startedAt = clock.now();
    const { status, json } = await ask("POST", "", body);
    expect([status, json.bulk.total, json.bulk.status]).toEqual([202, 23, "running"]);
    await clock.advance(1_000);
    expect((await state(json.bulk.id)).done).toBe(8);
    expect(await ended(json.bulk.id)).toMatchObject({ status: "completed", total: 23, done: 23, failed: 0, skipped: 0 });
    expect(clock.now() - startedAt).toBe(3_000);
    for (const id of ids) expect((await row(id)).status).toBe("cancelled");

    const events = await told();
    expect(events.at(-1)).toMatchObject({ bulk_id: json.bulk.id, done: 23, total: 23, failed: 0, status: "completed" });
    expect(events.slice(1).every(({ ts }, n) => ts - events[n]!.ts >= 250)).toBe(true);
    const actions = (await served.yard.store.audit.list("default", { before: null, limit: 100 })).map(({ action }) => action);
    expect([
      actions.filter((action) => action === "bulk.start").length,
      actions.filter((action) => action === "batch.cancel").length,
    ]).toEqual([1, 23]);
  });

  it("can be cancelled; what is done stays done", async () => {
    for (let n = 0; n < 10; n++) await waiting();
    const { bulk } = (await ask("POST", "", { action: "pause", filter: {}, ratePerSecond: 4 })).json;
    await clock.advance(750);
    expect((await ask("POST", `/${bulk.id}/cancel`, {})).json.bulk).toMatchObject({ status: "cancelled", done: 3, total: 10 });
    await clock.advance(5_000);
    expect((await ask("POST", `/${bulk.id}/cancel`, {})).json.bulk).toMatchObject({ status: "cancelled", done: 3 });
    expect((await served.yard.store.batches.counts("default")).byOperation["echo"]).toEqual({ pending: 7, paused: 3 });
    const resumed = (await ask("POST", "", { action: "resume", filter: {} })).json.bulk;
    expect(await ended(resumed.id)).toMatchObject({ done: 3, total: 3 });
  });

  it("goes on after a restart, and retries no batch twice", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(await broken([{ id: "a", fail: "no" }]));
    expect((await row(ids[0]!)).status).toBe("failed");
    await clock.advance(1_000);
    const { bulk } = (await ask("POST", "", { action: "retry", filter: { status: "failed" }, ratePerSecond: 4 })).json;
    await clock.advance(750);
    const { done } = await state(bulk.id);
    expect(done).toBe(3);
    // As when nothing of it had been written down when the process died.
    const job = (await served.yard.store.bulk.get("default", bulk.id))!;
    await served.yard.store.bulk.advance(bulk.id, { ...job, done: 0, after: null }, null, null);
    await close();
    served = await serve({ clock, directory });
    // Their batches have failed again, are met again, and are left alone.
    expect(await ended(bulk.id)).toMatchObject({ status: "completed", total: 6, done: 3, skipped: 3, failed: 0 });
    for (const id of ids) expect((await row(id)).epoch).toBe(2);
  });

  it("finds the one batch that cannot be acted on, and acts on all others once", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push(await broken([{ id: "a", fail: "no" }]));
    await clock.advance(1_000);
    const db = new DatabaseSync(join(directory, "batchyard.db"), { timeout: 10_000 });
    db.prepare("DELETE FROM payloads WHERE batch_id = ?").run(ids[3]!);
    db.close();
    const { bulk } = (await ask("POST", "", { action: "retry", filter: { status: "failed" } })).json;
    expect(await ended(bulk.id)).toMatchObject({ status: "completed", total: 7, done: 6, failed: 1, skipped: 0 });
    for (const [n, id] of ids.entries()) expect((await row(id)).epoch).toBe(n === 3 ? 1 : 2);
    const filter = { action: "batch.retry" };
    const entries = await served.yard.store.audit.list("default", { before: null, limit: 100, filter });
    expect(entries.map(({ target }) => target).sort()).toEqual(ids.filter((_, n) => n !== 3).sort());
  });

  it("retries one kind of error, and leaves the others", async () => {
    const both = await broken([{ id: "a", fail: "one thing" }, { id: "b", fail: "something else" }, { id: "c" }]);
    await broken([{ id: "d", fail: "something else" }]);
    await clock.advance(1_000);
    const group = (await served.yard.store.results.groups("default", both)).find(({ error }) => error === "one thing")!;
    const filter = { errorFingerprint: group.fingerprint };
    expect((await ask("POST", "", { action: "retry", filter, dryRun: true })).json.count).toBe(1);
    const { bulk } = (await ask("POST", "", { action: "retry", filter })).json;
    await clock.advance(250);
    expect(await row(both)).toMatchObject({ epoch: 2, totalItems: 3 });
    expect(await ended(bulk.id)).toMatchObject({ done: 1, total: 1 });
    expect((await ask("POST", "", { action: "retry", filter: { errorCode: group.code }, dryRun: true })).json.count).toBeGreaterThan(0);
  });

  it("sets a priority, by operation and time", async () => {
    const early = await waiting();
    await clock.advance(60_000);
    const late = await waiting();
    const filter = { jobType: "echo", createdAfter: new Date(clock.now()).toISOString() };
    const { bulk } = (await ask("POST", "", { action: "priority", priority: "critical", filter })).json;
    expect(await ended(bulk.id)).toMatchObject({ done: 1, total: 1 });
    expect([(await row(early)).priority, (await row(late)).priority]).toEqual([1, 3]);
  });

  it.each([
    [{ action: "explode", filter: {} }],
    [{ action: "cancel" }],
    [{ action: "priority", filter: {} }],
    [{ action: "cancel", priority: "high", filter: {} }],
    [{ action: "cancel", filter: { status: "completed" } }],
    [{ action: "retry", filter: { status: "completed" } }],
    [{ action: "cancel", filter: { timeRange: "24h", createdAfter: "2026-01-01" } }],
    [{ action: "cancel", filter: { createdAfter: "yesterday" } }],
    [{ action: "cancel", filter: {}, ratePerSecond: 0 }],
    [{ action: "cancel", filter: { jobTyp: "echo" } }],
  ])("%j is refused", async (body) => {
    expect(await ask("POST", "", body)).toMatchObject({ status: 400, json: { code: "validation_failed" } });
    expect((await ask("GET")).json.bulks).toEqual([]);
  });

  it("is an operator's too, at a door of its own; a viewer's at none", async () => {
    const id = await waiting();
    const as = async (role: "viewer" | "operator", method: "GET" | "POST", url: string, body?: unknown) => {
      const headers = { authorization: `Bearer ${await served.key(role)}`, "content-type": "application/json" };
      const { status, json } = await served.send({
        method,
        url,
        headers,
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
      return { status, bulk: (json as unknown as { bulk: Job }).bulk };
    };
    const body = { action: "pause", filter: {}, delaySeconds: 10 };
    const { status, bulk } = await as("operator", "POST", "/api/batch/bulk", body);
    expect([status, bulk.total]).toEqual([202, 1]);
    expect((await as("operator", "GET", `/api/batch/bulk/${bulk.id}`)).bulk.status).toBe("running");
    expect((await as("operator", "POST", `/api/batch/bulk/${bulk.id}/cancel`, {})).bulk.status).toBe("cancelled");
    await clock.advance(15_000);
    expect((await row(id)).status).toBe("pending");
    for (const [role, url] of [
      ["viewer", "/api/batch/bulk"],
      ["operator", BASE],
    ] as const)
      expect([(await as(role, "POST", url, body)).status, (await as(role, "GET", url)).status]).toEqual([403, 403]);
  });

  it("is its tenant's own", async () => {
    await waiting();
    const { bulk } = (await ask("POST", "", { action: "cancel", filter: {}, ratePerSecond: 1 })).json;
    const other = await served.key("admin", "other");
    expect((await ask("GET", `/${bulk.id}`, undefined, other)).status).toBe(404);
    expect(await ask("POST", `/${bulk.id}/cancel`, {}, other)).toMatchObject({ status: 404, json: { code: "bulk_not_found" } });
    expect((await ask("GET", "", undefined, other)).json.bulks).toEqual([]);
    expect((await ask("POST", "", { action: "cancel", filter: {}, dryRun: true }, other)).json.count).toBe(0);
  });
});

describe("an act that waits", () => {
  it("does nothing before its time, and a cancel until then undoes it", async () => {
    const id = await waiting();
    const body = { action: "cancel", filter: { states: ["pending"] }, delaySeconds: 10 };
    const undone = (await ask("POST", "", body)).json.bulk;
    expect(Date.parse((undone as Job & { startsAt: string }).startsAt)).toBe(clock.now() + 10_000);
    await clock.advance(9_900);
    expect((await ask("POST", `/${undone.id}/cancel`, {})).json.bulk).toMatchObject({ status: "cancelled", done: 0 });
    await clock.advance(5_000);
    expect((await row(id)).status).toBe("pending");

    const done = (await ask("POST", "", body)).json.bulk;
    await clock.advance(9_900);
    expect((await row(id)).status).toBe("pending");
    expect(await ended(done.id)).toMatchObject({ done: 1 });
    expect((await row(id)).status).toBe("cancelled");
  });
});

describe("closing now and giving up", () => {
  it("settles what is open as failed, with the reason, and says whose act it was", async () => {
    const ids = [await waiting(), await waiting()];
    const body = { action: "finish", filter: { ids }, reason: "The supplier is gone" };
    expect((await ask("POST", "", { ...body, reason: undefined, dryRun: true })).json.count).toBe(2);
    expect(await ask("POST", "", { ...body, reason: undefined })).toMatchObject({ status: 400, json: { code: "validation_failed" } });
    expect((await ask("POST", "", { action: "cancel", filter: { ids }, reason: "why not" })).status).toBe(400);
    const { bulk } = (await ask("POST", "", body)).json;
    expect(await ended(bulk.id)).toMatchObject({ done: 2, skipped: 0, reason: "The supplier is gone", by: "key:environment" });
    for (const id of ids)
      expect(await row(id)).toMatchObject({
        status: "failed",
        failed: 2,
        error: expect.stringContaining("The supplier is gone") as string,
      });
    const entries = await served.yard.store.audit.list("default", { before: null, limit: 10 });
    expect(entries.filter(({ action }) => action === "batch.finish").map(({ after }) => (after as { reason: string }).reason)).toEqual([
      "The supplier is gone",
      "The supplier is gone",
    ]);
    const dead = (await served.send({ method: "GET", url: "/api/dlq/stats" })).json as { queues?: { name: string; count: number }[] };
    expect(dead.queues?.find(({ name }) => name === "echo")?.count).toBe(4);
  });

  it("gives up items that wait for another try, and leaves batches alone in which none does", async () => {
    await close();
    served = await serve({ clock, directory, operations: [busy], settings: { BATCH_MAX_RETRIES: "5" } });
    const retrying = await served.create({ operation: "busy", items: [{ id: "a" }, { id: "b" }] });
    const untouched = await waiting();
    const isTried = async () =>
      (await served.yard.store.chunks.list("default", retrying, { after: 0, limit: 10 })).some(({ attempt }) => attempt > 0);
    for (let n = 0; n < 50 && !(await isTried()); n++) await clock.advance(10);
    const { bulk } = (await ask("POST", "", { action: "dead_letter", filter: {}, reason: "It will not come back", ratePerSecond: 10_000 }))
      .json;
    expect(await ended(bulk.id)).toMatchObject({ total: 2, done: 1, skipped: 1 });
    expect(await row(untouched)).toMatchObject({ status: "pending", failed: 0 });
    expect(await row(retrying)).toMatchObject({
      status: "failed",
      failed: 2,
      error: expect.stringContaining("Given up by hand") as string,
    });
  });
});

describe("a filter", () => {
  it("takes what a list takes: names, tags, streams, states, single batches and all but some", async () => {
    const made: string[] = [];
    for (const [name, tag] of [
      ["Night run", "a"],
      ["Day run", "b"],
      ["Other", "a"],
    ] as const)
      made.push(await served.create({ operation: "echo", name, tags: [tag], total_items: 1, options: { executor: "external" } }));
    const count = async (filter: Record<string, unknown>): Promise<number> =>
      (await ask("POST", "", { action: "cancel", filter, dryRun: true })).json.count;
    expect(await count({ name: "run" })).toBe(2);
    expect(await count({ tag: "a" })).toBe(2);
    expect(await count({ name: "run", tag: "a" })).toBe(1);
    expect(await count({ stream: "detections" })).toBe(0);
    expect(await count({ states: ["paused", "running"] })).toBe(0);
    expect(await count({ ids: made.slice(1) })).toBe(2);
    expect(await count({ except: made.slice(1) })).toBe(1);
    expect([await count({ minItems: 1, maxItems: 1 }), await count({ minItems: 2 })]).toEqual([3, 0]);
    expect((await ask("POST", "", { action: "cancel", filter: { states: ["completed"] }, dryRun: true })).status).toBe(400);
  });
});
