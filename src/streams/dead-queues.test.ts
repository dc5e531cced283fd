import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../api/server.fixture.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";

const second = 1_000;
let clock: VirtualClock;
let served: Served;
let directory: string;

beforeEach(async () => {
  clock = new VirtualClock();
  directory = mkdtempSync(join(tmpdir(), "batchyard-dead-"));
  served = await serve({ clock, directory });
});
afterEach(async () => {
  await served.close();
  rmSync(directory, { recursive: true, force: true });
});

type Method = "GET" | "POST" | "PUT" | "DELETE";
const ask = async (method: Method, url: string, payload?: object) => {
  const answer = await served.send({ method, url, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.status, ...(answer.json as Record<string, unknown>) } as Record<string, unknown> & { status: number };
};
const stats = () => ask("GET", "/api/dlq/stats");
interface Job {
  id: number;
  item_key: string;
  reason: string;
  batch_id?: string;
}
const jobs = async (queue: string) => (await ask("GET", `/api/dlq/jobs/${queue}`))["jobs"] as Job[];
const keys = async (queue: string) => (await jobs(queue)).map((job) => job.item_key);
const audited = async () =>
  (await served.yard.store.audit.list("default", { before: null, limit: 100 })).map(({ action, target, after }) => [action, target, after]);

/** A stream that takes two items a window, and the rest of these as dead letters. */
async function overflowing(name: string, items: number): Promise<void> {
  await ask("PUT", `/api/streams/${name}`, { operation: "echo", windowSeconds: 10, maxOpen: 2, overflow: "dead_letter" });
  await ask(
    "POST",
    `/api/streams/${name}/items`,
    Array.from({ length: items }, (_, n) => ({ id: `${n + 1}` })),
  );
}

async function failing(name: string, items: object[]): Promise<string> {
  const id = await served.create({ operation: "echo", name, items });
  await clock.advance(second);
  return id;
}

describe("finally failed items, by operation", () => {
  it("are counted by reason with the oldest and the newest, listed in pages, requeued and dismissed", async () => {
    expect(await stats()).toMatchObject({ status: 200, total: 0, queues: [] });
    const start = clock.now();
    const first = await failing("first", [{ id: "a", fail: "broken" }, { id: "b" }, { id: "c", fail: "broken" }]);
    const second_ = await failing("second", [{ id: "d", fail: "no" }]);
    const { queues, total } = await stats();
    expect(total).toBe(3);
    expect(queues).toMatchObject([{ name: "echo", kind: "operation", count: 3, reasons: [{ count: 3 }] }]);
    const [queue] = queues as { oldest: string; newest: string; reasons: { reason: string }[] }[];
    expect([Date.parse(queue!.oldest) >= start, queue!.oldest < queue!.newest]).toEqual([true, true]);

    const page = await ask("GET", "/api/dlq/jobs/echo?limit=2");
    expect(page).toMatchObject({
      queue: "echo",
      kind: "operation",
      total: 3,
      jobs: [
        { item_key: "a", batch_id: first, error: "broken", kind: "operation" },
        { item_key: "c", batch_id: first },
      ],
    });
    const rest = await ask("GET", `/api/dlq/jobs/echo?limit=2&cursor=${String(page["nextCursor"])}`);
    expect(rest).toMatchObject({ jobs: [{ item_key: "d", batch_id: second_ }], nextCursor: null });
    expect(await ask("GET", `/api/dlq/jobs/echo?reason=nothing`)).toMatchObject({ jobs: [], total: 0 });

    // One by its id: its batch runs again with it alone, and fails again.
    const [a] = await jobs("echo");
    expect(await ask("POST", "/api/dlq/requeue/echo", { ids: [a!.id] })).toMatchObject({
      status: 202,
      requeued: 1,
      batches: [first],
      left: [],
    });
    await clock.advance(second);
    expect(await keys("echo")).toEqual(["c", "a", "d"]);
    expect(await ask("GET", `/api/batch/${first}`)).toMatchObject({ batch: { epoch: 2, status: "completed", failed_items: 2 } });

    // All: one retry a batch.
    expect(await ask("POST", "/api/dlq/requeue/echo")).toMatchObject({ requeued: 3, batches: [first, second_], scheduled: 0 });
    await clock.advance(second);
    expect(await ask("DELETE", "/api/dlq/echo", { reason: "nothing" })).toMatchObject({ deleted: 0 });
    expect(await ask("DELETE", "/api/dlq/echo")).toMatchObject({ status: 200, deleted: 3, queue: "echo" });
    expect(await stats()).toMatchObject({ total: 0, queues: [] });
    expect(await ask("GET", `/api/batch/${first}`)).toMatchObject({ batch: { failed_items: 2 } });
    expect((await audited()).filter(([action]) => String(action).startsWith("dlq."))).toEqual([
      ["dlq.dismiss", "echo", { dismissed: 3 }],
      ["dlq.dismiss", "echo", { reason: "nothing", dismissed: 0 }],
      ["dlq.requeue", "echo", { limit: 1000, requeued: 3, batches: 2 }],
      ["dlq.requeue", "echo", { limit: 1000, ids: [a!.id], requeued: 1, batches: 1 }],
    ]);
  });

  it("a limit takes the oldest; a batch of many goes in one retry", async () => {
    await failing(
      "many",
      Array.from({ length: 1_500 }, (_, n) => ({ id: `k${n}`, fail: "broken" })),
    );
    const last = await failing("last", [{ id: "z", fail: "broken" }]);
    expect(await ask("POST", "/api/dlq/requeue/echo", { limit: 1_500 })).toMatchObject({ requeued: 1_500, left: [] });
    expect(await jobs("echo")).toMatchObject([{ item_key: "z", batch_id: last }]);
    await clock.advance(5 * second);
    expect(await stats()).toMatchObject({ total: 1_501 });
  });
});

describe("dead letters of streams", () => {
  it("are in the same view: counted, listed, requeued by id, deleted for good", async () => {
    await overflowing("orders", 6);
    expect(await stats()).toMatchObject({
      total: 4,
      queues: [{ name: "orders", kind: "stream", reasons: [{ reason: "overflow", count: 4 }] }],
    });
    const page = await ask("GET", "/api/dlq/jobs/orders?limit=3");
    expect(page).toMatchObject({
      kind: "stream",
      total: 4,
      jobs: [{ item_key: "3", item: { id: "3" }, reason: "overflow" }, { item_key: "4" }, { item_key: "5" }],
    });
    expect((await ask("GET", `/api/dlq/jobs/orders?limit=3&cursor=${String(page["nextCursor"])}`))["jobs"]).toMatchObject([
      { item_key: "6" },
    ]);
    const full = await ask("POST", "/api/dlq/requeue/orders", { limit: 1 });
    expect(full).toMatchObject({ requeued: 0, left: [{ code: "stream_full" }] });
    await clock.advance(10 * second);
    const [, four] = await jobs("orders");
    expect(await ask("POST", "/api/dlq/requeue/orders", { ids: [four!.id] })).toMatchObject({ requeued: 1, left: [] });
    expect(await keys("orders")).toEqual(["3", "5", "6"]);
    const [three] = await jobs("orders");
    expect(await ask("DELETE", "/api/dlq/orders", { ids: [three!.id] })).toMatchObject({ deleted: 1 });
    expect(await ask("DELETE", "/api/dlq/orders?reason=other")).toMatchObject({ deleted: 0 });
    expect(await ask("DELETE", "/api/dlq/orders")).toMatchObject({ deleted: 2 });
    expect(await stats()).toMatchObject({ total: 0, queues: [] });
  });

  it("two requeues at once bring each letter back once", async () => {
    await overflowing("orders", 6);
    await clock.advance(10 * second);
    await ask("PUT", "/api/streams/orders", { operation: "echo", windowSeconds: 10, overflow: "dead_letter" });
    const answers = await Promise.all([1, 2, 3].map(() => ask("POST", "/api/dlq/requeue/orders")));
    expect(answers.map((answer) => answer["requeued"])).toEqual([4, 0, 0]);
    expect((await ask("GET", "/api/streams/orders/windows"))["windows"]).toMatchObject([{ items: 4 }]);
  });

  it("a paced requeue goes on after a restart, and only with what is left", async () => {
    await overflowing("orders", 8);
    await clock.advance(10 * second);
    await ask("PUT", "/api/streams/orders", { operation: "echo", windowSeconds: 600, overflow: "dead_letter" });
    expect(await ask("POST", "/api/dlq/requeue/orders", { limit: 5, rate: 2 })).toMatchObject({ requeued: 2, scheduled: 3 });
    await clock.advance(second);
    expect(await keys("orders")).toEqual(["7", "8"]);
    await served.close();
    served = await serve({ clock, directory });
    expect(await keys("orders")).toEqual(["7", "8"]);
    await clock.advance(second);
    expect(await keys("orders")).toEqual(["8"]);
    await clock.advance(10 * second);
    expect(await keys("orders")).toEqual(["8"]);
    expect(await served.yard.store.streams.pacedRequeues()).toEqual([]);
    expect((await ask("GET", "/api/streams/orders/windows"))["windows"]).toMatchObject([{ items: 5 }]);
  });

  it("a requeue takes the place of one that still goes on", async () => {
    await overflowing("orders", 8);
    await clock.advance(10 * second);
    await ask("PUT", "/api/streams/orders", { operation: "echo", windowSeconds: 600, overflow: "dead_letter" });
    await ask("POST", "/api/dlq/requeue/orders", { rate: 1 });
    expect(await ask("POST", "/api/dlq/requeue/orders", { limit: 1 })).toMatchObject({ requeued: 1, scheduled: 0 });
    await clock.advance(10 * second);
    expect(await keys("orders")).toEqual(["5", "6", "7", "8"]);
  });
});

describe("names of queues", () => {
  it("unknown ones are 404; one that is a stream and an operation has to say which", async () => {
    expect(await ask("GET", "/api/dlq/jobs/nobody")).toMatchObject({ status: 404, code: "queue_not_found" });
    expect(await ask("POST", "/api/dlq/requeue/nobody")).toMatchObject({ status: 404 });
    expect(await ask("DELETE", "/api/dlq/nobody")).toMatchObject({ status: 404 });
    expect(await ask("GET", "/api/dlq/jobs/detections")).toMatchObject({ status: 200, kind: "stream", jobs: [], total: 0 });
    await overflowing("echo", 3);
    await failing("x", [{ id: "a", fail: "broken" }]);
    expect(await ask("GET", "/api/dlq/jobs/echo")).toMatchObject({ status: 400, code: "ambiguous_queue" });
    expect(await ask("DELETE", "/api/dlq/echo")).toMatchObject({ status: 400 });
    expect(await ask("GET", "/api/dlq/jobs/echo?kind=stream")).toMatchObject({ jobs: [{ item_key: "3" }] });
    expect(await ask("GET", "/api/dlq/jobs/echo?kind=operation")).toMatchObject({ jobs: [{ item_key: "a" }] });
    expect(await ask("DELETE", "/api/dlq/echo", { kind: "operation" })).toMatchObject({ deleted: 1 });
    expect(await stats()).toMatchObject({ total: 1, queues: [{ kind: "stream" }] });
  });

  it("rate is for streams, and a cursor for its own list", async () => {
    expect(await ask("POST", "/api/dlq/requeue/echo", { rate: 5 })).toMatchObject({ status: 400, code: "validation_failed" });
    await overflowing("orders", 5);
    const { nextCursor } = await ask("GET", "/api/dlq/jobs/orders?limit=1");
    expect(await ask("GET", `/api/dlq/jobs/echo?cursor=${String(nextCursor)}`)).toMatchObject({ status: 400, code: "invalid_cursor" });
  });

  it("nobody sees or touches another tenant's", async () => {
    await overflowing("orders", 4);
    await failing("x", [{ id: "a", fail: "broken" }]);
    const headers = { authorization: `Bearer ${await served.key("admin", "other")}` };
    expect((await served.send({ url: "/api/dlq/stats", headers })).json).toMatchObject({ total: 0, queues: [] });
    expect((await served.send({ url: "/api/dlq/jobs/echo", headers })).json).toMatchObject({ jobs: [], total: 0 });
    expect((await served.send({ method: "DELETE", url: "/api/dlq/echo", headers })).json).toMatchObject({ deleted: 0 });
    expect((await served.send({ method: "POST", url: "/api/dlq/requeue/echo", headers })).json).toMatchObject({ requeued: 0 });
    expect((await served.send({ method: "DELETE", url: "/api/dlq/orders", headers })).status).toBe(404);
    expect(await stats()).toMatchObject({ total: 3 });
  });
});
