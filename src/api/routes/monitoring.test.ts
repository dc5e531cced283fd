import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPeer } from "../../../test/support/openai-peer/peer.ts";
import { asking } from "../../executors/openai-batch/asking.fixture.ts";
import { joinLines } from "../../model/item.ts";
import { newBatch } from "../../store/new-batch.fixture.ts";
import type { NewBatch } from "../../store/port.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

const HOUR = 3_600_000;
const PATH = "/api/admin/batch-monitoring";
const NOW = Date.UTC(2026, 5, 1, 12, 34, 56, 789);

let served: Served;
beforeEach(async () => {
  served = await serve({ clock: new VirtualClock({ startsAt: NOW }) });
});
afterEach(() => served.close());

let count = 0;

/** A pending batch of an operation that no worker knows, so that it stays as it is. */
async function batch(createdAt: number, items: number, more: Partial<NewBatch> = {}): Promise<string> {
  const id = `batch_${createdAt}_${String(++count).padStart(9, "0")}`;
  const keys = Array.from({ length: items }, (_, n) => `k${n}`);
  const chunk = { position: 0, keys, body: joinLines(keys.map(() => "{}")), attempt: 0, availableAt: createdAt, crashes: 0 };
  const row = newBatch({ id, tenant: "default", operation: "unknown-here", createdAt, ...more });
  const seal = { tenant: row.tenant, batchId: id, now: createdAt, maxFailures: null, announcedItems: 0 };
  await served.yard.store.batches.create(row, items === 0 ? [] : [chunk], seal);
  return id;
}

interface Data {
  summary: Record<string, number>;
  performance: { throughput: Record<string, number>; efficiency: Record<string, number> };
  jobs: Record<string, unknown>[];
  historical: { timestamp: string; jobs: number }[];
  pagination: { page: number; limit: number; total: number; pages: number };
}
interface Job {
  id: string;
  batchId: string | null;
  status: string;
  details: { tokens: { input: number; output: number }; upstream: { batchId: string; inputFileId: string; outputFileId: string }[] };
}
async function ask(query = ""): Promise<Data> {
  const answer = await served.send({ method: "GET", url: PATH + query });
  expect(answer.status).toBe(200);
  return (answer.json as unknown as { data: Data }).data;
}

describe("GET /api/admin/batch-monitoring", () => {
  it("156 jobs of 100 requests in 24 hours are 650 requests and 6.5 jobs an hour, 100 a batch", async () => {
    for (let n = 0; n < 156; n++) await batch(NOW - n * 553_000, 100);
    const { summary, performance } = await ask();
    expect(summary).toMatchObject({ totalJobs: 156, totalRequests: 15_600, pendingJobs: 156 });
    expect(performance.throughput).toEqual({ requestsPerHour: 650, jobsPerHour: 6.5, averageBatchSize: 100 });
  });

  it("has numbers and arrays also where nothing is", async () => {
    const { summary, performance, jobs, historical } = await ask();
    const { costSavings, ...rest } = summary as Record<string, unknown>;
    const figures = [rest, costSavings, performance.throughput, performance.efficiency].flatMap((group) => Object.values(group as object));
    expect(figures.filter((value) => !Number.isFinite(value))).toEqual([]);
    expect(summary).toMatchObject({ totalJobs: 0, successRate: 100, averageProcessingTime: 0 });
    expect(jobs).toEqual([]);
    expect(historical.every((point) => point.jobs === 0)).toBe(true);
  });

  it("begins exactly 24 hours ago: a batch of that millisecond is in, one before it is not", async () => {
    const inside = await batch(NOW - 24 * HOUR, 1);
    await batch(NOW - 24 * HOUR - 1, 1);
    const now = await batch(NOW, 1);
    const data = await ask();
    expect(data.jobs.map((job) => job["id"])).toEqual([now, inside]);
    expect(data.summary["totalJobs"]).toBe(2);
    expect((await ask("?timeRange=7d")).summary["totalJobs"]).toBe(3);
  });

  it("pages newest first, ties by id; past the end is an empty page; more than 100 is clamped", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 130; n++) ids.push(await batch(NOW - 1000 * Math.floor(n / 3), 1));
    const wanted = [...ids].sort((a, b) => (a < b ? 1 : -1));
    const first = await ask("?limit=1000");
    expect(first.jobs.map((job) => job["id"])).toEqual(wanted.slice(0, 100));
    expect(first.pagination).toEqual({ page: 1, limit: 100, total: 130, pages: 2 });
    expect((await ask("?limit=1000&page=2")).jobs.map((job) => job["id"])).toEqual(wanted.slice(100));
    expect((await ask("?page=99")).jobs).toEqual([]);
  });

  it("refuses bad values, names them, and tells nobody but admins", async () => {
    for (const query of ["?timeRange=2h", "?status=done", "?page=0", "?limit=0", "?limit=ten", "?format=xml", "?colour=red"]) {
      const answer = await served.send({ method: "GET", url: PATH + query });
      expect(answer.status).toBe(400);
      expect((answer.json as unknown as { details: { errors: { path: string }[] } }).details.errors[0]!.path).toBe(
        query.slice(1).split("=")[0],
      );
    }
    const operator = { authorization: `Bearer ${await served.key("operator")}` };
    expect((await served.send({ method: "GET", url: PATH, headers: operator })).status).toBe(403);
  });

  it("answers 60 requests a minute and user, then 429 with Retry-After; each read is in the audit", async () => {
    const authorization = `Bearer ${await served.key("admin")}`;
    for (let n = 0; n < 60; n++) expect((await served.send({ method: "GET", url: PATH, headers: { authorization } })).status).toBe(200);
    const refused = await served.send({ method: "GET", url: `${PATH}/analysis/slow`, headers: { authorization } });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    const reads = (await served.yard.store.audit.list("default", { before: null, limit: 500 })).filter(
      (entry) => entry.action === "batch_monitoring_access",
    );
    expect(reads).toHaveLength(60);
    // Another user has a limit of their own.
    expect((await ask()).jobs).toEqual([]);
  });

  it("as CSV has a row a job, with formulas defused", async () => {
    await batch(NOW, 2, { operation: "=cmd()" });
    const answer = await served.send({ method: "GET", url: `${PATH}?format=csv` });
    expect(String(answer.headers["content-type"])).toContain("text/csv");
    const [head, row] = answer.text.trim().split("\r\n");
    expect(head).toBe(
      "id,batchId,status,jobType,requestCount,completedCount,failedCount,createdAt,startedAt,completedAt,processingTimeMs,costEstimate,errorSummary",
    );
    expect(row).toContain("'=cmd()");
  });
});

describe("details of a job", () => {
  it("are there when they are asked for, with what the provider calls it", async () => {
    const clock = new VirtualClock({ startsAt: NOW });
    const peer = await startPeer({
      clock: { now: () => clock.now(), elapsed: () => performance.now(), after: () => () => undefined },
      steps: "manual",
    });
    await served.close();
    served = await serve({ clock, operations: [asking], providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true } } });
    try {
      const id = await served.create({
        operation: "asking",
        items: [
          { id: "a", text: "?" },
          { id: "b", text: "!" },
        ],
      });
      const plain = await served.create({ operation: "echo", items: [{ id: "a" }, { id: "b", fail: "no" }] });
      await served.event("batch.completed", plain);
      const job = async (wanted: string) =>
        (await ask("?includeDetails=true")).jobs.find((each) => each["id"] === wanted) as unknown as Job;
      const until = async (reached: (job: Job) => boolean): Promise<Job> => {
        for (;;) {
          const found = await job(id);
          if (reached(found)) return found;
          // What is real takes as long as it does, and the clock stands still meanwhile.
          if (served.yard.keeper.working === 0) await clock.advance(60_000);
          await turn();
        }
      };
      const sent = await until(({ batchId }) => batchId !== null);
      expect(sent.details).toMatchObject({
        tokens: { input: 0, output: 0 },
        timeline: [],
        upstream: [{ provider: "peer", requests: 2, outputFileId: null }],
      });
      await peer.advance(20);
      const done = await until(({ status }) => status === "completed");
      const { batches } = await peer.record();
      expect(done.batchId).toBe(batches[0]!.id);
      expect(done.details.upstream).toMatchObject([{ batchId: done.batchId, status: "completed", model: "gpt-4o-mini", requests: 2 }]);
      expect(done.details.upstream[0]!.inputFileId).toMatch(/^file-/);
      expect(done.details.upstream[0]!.outputFileId).toMatch(/^file-/);
      expect(done.details.tokens.input).toBeGreaterThan(0);
      expect(done.details.tokens.output).toBeGreaterThan(0);
      expect(await job(plain)).toMatchObject({
        batchId: null,
        requestCount: 2,
        errorSummary: [{ error: "no", count: 1, percentage: 50 }],
        details: { upstream: [], retries: 0, chunks: { open: 0, leased: 0 }, tokens: { input: 0, output: 0 } },
      });
      expect((await ask()).jobs.every((each) => !("details" in each))).toBe(true);
    } finally {
      await peer.close();
    }
  });
});

describe("acts", () => {
  it("retry: completed 409, unknown 404, twice the same answer", async () => {
    const post = (id: string, act: string, payload?: object) =>
      served.send({ method: "POST", url: `${PATH}/${id}/${act}`, ...(payload === undefined ? {} : { payload }) });
    const empty = await batch(NOW, 0);
    expect((await post(empty, "retry")).status).toBe(409);
    expect((await post("batch_1_nobody", "retry")).status).toBe(404);
    const open = await batch(NOW, 2);
    expect((await post(open, "retry")).status).toBe(409);
    expect((await post(open, "pause")).json).toMatchObject({ data: { id: open, status: "paused" } });
    expect((await post(open, "resume")).json).toMatchObject({ data: { status: "pending" } });
    expect((await post(open, "priority", { priority: "high" })).status).toBe(200);
    expect((await post(open, "cancel")).json).toMatchObject({ data: { status: "cancelled" } });
    expect(await post(open, "cancel")).toMatchObject({ status: 409, json: { code: "invalid_state" } });
    expect(await post("batch_1_nobody", "cancel")).toMatchObject({ status: 404, json: { code: "batch_not_found" } });
    const first = await post(open, "retry");
    expect(first.status).toBe(200);
    expect((await post(open, "retry")).json).toEqual(first.json);
    expect((await served.yard.store.batches.get("default", open))!.epoch).toBe(2);
  });
});
