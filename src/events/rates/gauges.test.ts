import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { io } from "socket.io-client";
import { serve, TOKEN, type Served } from "../../api/server.fixture.ts";
import { defineOperation } from "../../operations/define.ts";
import { FrameParser, type Frame } from "../../client/sse.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Gauges, gaugesAmong, type Gauge, type GaugeType, type Meter } from "./gauges.ts";

const second = 1_000;

describe("gauges", () => {
  const measured: string[] = [];
  let figure = 0;
  let watched: boolean[] = [];
  const meter = (type: GaugeType): Meter => ({
    measure(tenant): Promise<Gauge[]> {
      measured.push(`${tenant} ${type}`);
      return Promise.resolve([{ type, entity: { kind: "x", id: tenant }, data: { figure } }]);
    },
    watch: (on) => watched.push(on),
  });

  it("are measured once a second for all who look, told when they change, and not at all without anybody", async () => {
    const clock = new VirtualClock();
    const meters = {
      "queue.status": meter("queue.status"),
      "pipeline.throughput": meter("pipeline.throughput"),
      "worker.stats": meter("worker.stats"),
    };
    const gauges = new Gauges({ clock, meters, failed: () => undefined });
    const still = clock.changes;
    await clock.advance(10 * second);
    expect([measured, clock.changes]).toEqual([[], still]);
    const seen: unknown[] = [];
    const one = gauges.watch("a", ["queue.status"], ({ data }) => seen.push(["one", data["figure"]]));
    const two = gauges.watch("a", ["queue.status"], ({ data }) => seen.push(["two", data["figure"]]));
    await clock.advance(second);
    expect(measured.splice(0)).toEqual(["a queue.status"]);
    await clock.advance(second);
    figure = 7;
    await clock.advance(second);
    expect(seen).toEqual([
      ["one", 0],
      ["two", 0],
      ["one", 7],
      ["two", 7],
    ]);
    one();
    two();
    two();
    measured.length = 0;
    await clock.advance(10 * second);
    expect([measured, gauges.watched]).toEqual([[], 0]);
    expect(watched).toEqual([true, true, true, false, false, false]);
    watched = [];
  });

  it("are asked for by name or noun; everything is everything of the log", () => {
    expect(gaugesAmong(null)).toEqual([]);
    expect(gaugesAmong(["batch.*", "queue.*"])).toEqual(["queue.status"]);
    expect(gaugesAmong(["worker.*", "pipeline.throughput"])).toEqual(["pipeline.throughput", "worker.stats"]);
  });
});

describe("over the two live doors", () => {
  let clock: VirtualClock;
  let served: Served;
  let url: string;
  beforeEach(async () => {
    clock = new VirtualClock();
    served = await serve({ clock });
    url = await served.listen();
  });
  afterEach(() => served.close());

  interface Reader {
    /** Moves the clock until a frame of this type is there, and returns its data. */
    next(type: string): Promise<{ frame: Frame; data: Record<string, unknown> }>;
    close(): Promise<void>;
  }

  async function read(query: string, key = TOKEN): Promise<Reader> {
    const response = await fetch(`${url}/api/events?${query}`, { headers: { authorization: `Bearer ${key}` } });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new FrameParser();
    const frames: Frame[] = [];
    const take = async (): Promise<void> => void frames.push(...parser.push((await reader.read()).value!));
    await take();
    return {
      async next(type) {
        const arrives = (): number => frames.findIndex(({ event }) => event === type);
        await clock.advance(second);
        while (arrives() < 0) await take();
        const [frame] = frames.splice(arrives(), 1);
        return { frame: frame!, data: (JSON.parse(frame!.data) as { data: Record<string, unknown> }).data };
      },
      close: () => reader.cancel(),
    };
  }

  it("frames without an id, with the figures of now; the log gets none of them", async () => {
    const before = await served.yard.store.events.lastSeq();
    const figures = await read("types=queue.status,worker.stats,pipeline.throughput");
    const { frame, data } = await figures.next("worker.stats");
    expect(frame.id).toBe(null);
    expect(data).toEqual({ worker: served.yard.engine.id, kind: "local", running: 0, slots: 2 });
    await served.create({ operation: "echo", items: [{ id: "1" }, { id: "2" }], options: { executor: "external" } });
    expect((await figures.next("queue.status")).data).toMatchObject({ queues: [], summary: { overall_status: "healthy" } });
    expect((await figures.next("queue.status")).data).toMatchObject({
      queues: [{ name: "echo", depth: 1, running: 0, workers: 2, status: "healthy" }],
    });
    await figures.close();
    const stored = await served.yard.store.events.read(before, 1_000);
    expect(stored.filter(({ type }) => /^(queue|pipeline)\.|worker\.stats/.test(type))).toEqual([]);
  });

  it("throughput: items and batches that ended, of all and of each stream, as a mean of ten seconds", async () => {
    const figures = await read("types=pipeline.throughput&stream=orders");
    await served.send({ method: "PUT", url: "/api/streams/orders", payload: { operation: "echo", windowSeconds: 60 } });
    await served.send({
      method: "POST",
      url: "/api/streams/orders/items",
      payload: Array.from({ length: 20 }, (_, n) => ({ id: `${n}` })),
    });
    await served.send({ method: "POST", url: "/api/streams/orders/flush" });
    await clock.advance(2 * second);
    expect((await figures.next("pipeline.throughput")).data).toEqual({ stream: "orders", items_per_second: 2, batches_per_minute: 6 });
    await clock.advance(10 * second);
    expect((await figures.next("pipeline.throughput")).data).toEqual({ stream: "orders", items_per_second: 0, batches_per_minute: 0 });
    await figures.close();
  });

  it("the room metrics has them while somebody is in it", async () => {
    const socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true, auth: { token: TOKEN } });
    await new Promise((resolve) => socket.once("welcome", resolve));
    const heard = new Promise<Record<string, unknown>>((resolve) => socket.once("worker:stats", resolve));
    await socket.emitWithAck("join-room", { room: "metrics" });
    await clock.advance(second);
    expect(await heard).toMatchObject({ kind: "local", slots: 2 });
    await socket.emitWithAck("leave-room", { room: "metrics" });
    const late: string[] = [];
    socket.onAny((event: string) => late.push(event));
    await served.create({ operation: "echo", items: [{ id: "1" }], options: { executor: "external" } });
    await clock.advance(5 * second);
    await socket.emitWithAck("leave-room", { room: "metrics" });
    expect(late.filter((event) => /^(queue|worker|pipeline):/.test(event))).toEqual([]);
    socket.disconnect();
  });

  it("each tenant has its own figures at both doors, whoever looks besides", async () => {
    const gate = Promise.withResolvers<void>();
    await served.close();
    served = await serve({
      clock,
      operations: [defineOperation({ name: "held", processItem: () => gate.promise.then(() => ({ result: 1 })) })],
    });
    url = await served.listen();
    const keys = { default: TOKEN, other: await served.key("operator", "other") };
    const create = async (key: string, executor?: string): Promise<void> => {
      const payload = { operation: "held", items: [{ id: "1" }], ...(executor === undefined ? {} : { options: { executor } }) };
      const { status } = await served.send({
        method: "POST",
        url: "/api/batch/create",
        headers: { authorization: `Bearer ${key}` },
        payload,
      });
      expect(status).toBe(201);
    };
    await create(keys.other);
    for (let n = 0; n < 3; n++) await create(keys.other, "external");
    while (served.yard.engine.runs().length < 1) await clock.advance(second);

    const query = "types=queue.status,worker.stats,pipeline.throughput";
    for (const [tenant, running, depth] of [
      ["default", 1, undefined],
      ["other", 1, 3],
      ["third", 0, undefined],
    ] as const) {
      const key = tenant === "third" ? await served.key("viewer", "third") : keys[tenant];
      const figures = await read(query, key);
      const socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true, auth: { token: key } });
      await new Promise((resolve) => socket.once("welcome", resolve));
      const heard = new Map<string, Record<string, unknown>>();
      socket.onAny((event: string, data: Record<string, unknown>) => heard.set(event, data));
      await socket.emitWithAck("join-room", { room: "metrics" });
      const bySse = (await figures.next("worker.stats")).data;
      const queues = (await figures.next("queue.status")).data;
      while (!heard.has("queue:status") || !heard.has("worker:stats")) await clock.advance(second);
      expect([bySse["running"], (queues["queues"] as { depth: number }[])[0]?.depth]).toEqual([running, depth]);
      expect([heard.get("worker:stats")!["running"], heard.get("queue:status")]).toEqual([running, queues]);
      socket.disconnect();
      await figures.close();
    }
    gate.resolve();
  });
});
