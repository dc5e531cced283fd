import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../api/server.fixture.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";

const second = 1_000;
let clock: VirtualClock;
let served: Served;

beforeEach(async () => {
  clock = new VirtualClock();
  served = await serve({ clock });
});
afterEach(() => served.close());

const ask = async (method: "GET" | "POST", url: string, payload?: object, headers: Record<string, string> = {}) => {
  const answer = await served.send({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.status, ...(answer.json as Record<string, unknown>) } as Record<string, unknown> & { status: number };
};
interface Shown {
  id: string;
  kind: string;
  running: number;
  state: string;
}
const workers = async (headers: Record<string, string> = {}) =>
  (await ask("GET", "/api/system/workers", undefined, headers))["workers"] as Shown[];
const outside = async () => (await workers()).filter(({ kind }) => kind === "external");
const lease = (worker: string, max = 1, leaseMs = 10_000) => ask("POST", "/api/external/lease", { worker, max, leaseMs });
const told = async () =>
  (await served.yard.store.events.read(0, 1_000))
    .filter(({ type }) => type.startsWith("worker."))
    .map(({ type, data, tenant }) => [type, data["worker"], tenant]);
const external = (items: number): Promise<string> =>
  served.create({
    operation: "echo",
    items: Array.from({ length: items }, (_, n) => ({ id: `i${n}` })),
    options: { executor: "external", batchSize: 1 },
  });
const self = (): string => served.yard.engine.id;

describe("the worker of the server", () => {
  it("drains: starts nothing, says why, and goes on when it may again", async () => {
    expect(await workers()).toMatchObject([{ id: self(), kind: "local", slots: 2, running: 0, state: "live", status: "idle" }]);
    expect(await ask("POST", `/api/system/workers/${self()}/drain`)).toMatchObject({ status: 200, worker: { state: "draining" } });
    const id = await served.create({ operation: "echo", items: [{ id: "a" }] });
    await clock.advance(60 * second);
    expect(await ask("GET", `/api/batch/${id}`)).toMatchObject({ batch: { status: "pending" } });
    expect(await ask("GET", `/api/batch/${id}/why`)).toMatchObject({
      reasons: [{ code: "no_worker", message: expect.stringContaining("drains") as string }],
    });
    expect(await ask("POST", `/api/system/workers/${self()}/resume`)).toMatchObject({ worker: { state: "live" } });
    await clock.advance(second);
    expect(await ask("GET", `/api/batch/${id}`)).toMatchObject({ batch: { status: "completed" } });
    const acts = (await served.yard.store.audit.list("default", { before: null, limit: 10 })).map(({ action, target }) => [action, target]);
    expect(acts).toEqual([
      ["worker.resume", self()],
      ["worker.drain", self()],
    ]);
  });

  it("tells when it starts and stops; nobody of another tenant holds it", async () => {
    expect(await told()).toEqual([["worker.started", self(), "default"]]);
    const headers = { authorization: `Bearer ${await served.key("admin", "other")}` };
    expect(await ask("POST", `/api/system/workers/${self()}/drain`, undefined, headers)).toMatchObject({ status: 403 });
    expect(await ask("POST", "/api/system/workers/nobody/drain")).toMatchObject({ status: 404, code: "worker_not_found" });
    const { store, engine } = served.yard;
    await engine.stop(0);
    expect((await store.events.read(0, 1_000)).filter(({ type }) => type === "worker.stopped")).toMatchObject([
      { entity: { kind: "worker", id: self() }, data: { worker: self(), kind: "local" } },
    ]);
  });

  it("of an earlier process, that left chunks behind, is told as lost", async () => {
    const { store, engine } = served.yard;
    const id = await external(1);
    const [chunk] = await store.chunks.pending(id, clock.now(), 1, new Set());
    await store.chunks.claim(chunk!.id, { workerId: "local:embedded:1", leaseMs: second, now: clock.now() });
    await clock.advance(3 * second);
    expect(await told()).toEqual([
      ["worker.started", engine.id, "default"],
      ["worker.lost", "local:embedded:1", "default"],
    ]);
  });
});

describe("workers of outside", () => {
  it("are shown with what they hold, from their first call on", async () => {
    await external(5);
    await lease("w1", 2);
    await lease("w2", 1);
    expect(await outside()).toMatchObject([
      {
        id: "external:w1",
        kind: "external",
        slots: null,
        running: 2,
        state: "live",
        status: "busy",
        last_seen: new Date(clock.now()).toISOString(),
      },
      { id: "external:w2", running: 1 },
    ]);
    const headers = { authorization: `Bearer ${await served.key("admin", "other")}` };
    expect((await workers(headers)).map(({ kind }) => kind)).toEqual(["local"]);
    expect(await ask("POST", "/api/system/workers/external:w1/drain", undefined, headers)).toMatchObject({ status: 404 });
  });

  it("drain: the next lease says so and gives nothing, what they have may be settled; resumed they get more", async () => {
    await external(3);
    const first = (await lease("w1"))["chunks"] as { chunk: number; fence: number; items: { key: string }[] }[];
    expect(await ask("POST", "/api/system/workers/external:w1/drain")).toMatchObject({
      status: 200,
      worker: { state: "draining", running: 1 },
    });
    expect(await lease("w1")).toMatchObject({ chunks: [], draining: true });
    expect(await lease("w2")).toMatchObject({ chunks: [{}], draining: false });
    const { chunk, fence, items } = first[0]!;
    expect(await ask("POST", "/api/external/results", { chunk, fence, results: [{ key: items[0]!.key, result: 1 }] })).toMatchObject({
      status: 200,
      accepted: 1,
    });
    expect(await outside()).toMatchObject([{ state: "draining", running: 0 }, { state: "live" }]);
    await ask("POST", "/api/system/workers/external:w1/resume");
    expect(await lease("w1")).toMatchObject({ chunks: [{}], draining: false });
  });

  it("are lost when a lease runs out, back with their next call, and gone after five silent minutes without a lease", async () => {
    await external(2);
    await lease("w1");
    await clock.advance(12 * second);
    expect(await outside()).toMatchObject([{ id: "external:w1", state: "lost", running: 0 }]);
    expect(await lease("w1")).toMatchObject({ chunks: [{}] });
    expect(await outside()).toMatchObject([{ state: "live", running: 1 }]);
    await lease("idle", 1, 600_000);
    await lease("idler");
    await clock.advance(301 * second);
    expect((await outside()).map(({ id, state }) => [id, state])).toEqual([
      ["external:idle", "live"],
      ["external:w1", "lost"],
    ]);
    expect((await told()).slice(1)).toEqual([
      ["worker.started", "external:w1", "default"],
      ["worker.lost", "external:w1", "default"],
      ["worker.started", "external:w1", "default"],
      ["worker.started", "external:idle", "default"],
      ["worker.started", "external:idler", "default"],
      ["worker.lost", "external:w1", "default"],
      ["worker.stopped", "external:idler", "default"],
    ]);
  });
});
