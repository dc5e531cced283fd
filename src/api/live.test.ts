import { connect } from "node:net";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { io, type Socket } from "socket.io-client";
import { FrameParser, type Frame } from "../client/sse.ts";
import { EVENTS, type EventKind } from "../events/catalogue.ts";
import { StepClock } from "../model/step-clock.fixture.ts";
import { serve, TOKEN, type Served } from "./server.fixture.ts";

let served: Served;
let url: string;
const clock = new StepClock();
beforeAll(async () => {
  served = await serve({ clock });
  url = await served.listen();
});
afterAll(() => served.close());

class Stream {
  readonly frames: Frame[] = [];
  readonly response: IncomingMessage;
  private readonly parser = new FrameParser();
  private waiters: (() => void)[] = [];
  ended = false;

  constructor(response: IncomingMessage) {
    this.response = response;
    const tell = (): void => {
      for (const waiter of this.waiters.splice(0)) waiter();
    };
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      this.frames.push(...this.parser.push(text));
      tell();
    });
    response.on("close", () => {
      this.ended = true;
      tell();
    });
    response.on("error", () => undefined);
  }

  /** Resolves when the frames satisfy the condition; rejects when the stream ends without. */
  async until(condition: (frames: Frame[]) => boolean): Promise<Frame[]> {
    while (!condition(this.frames)) {
      if (this.ended) throw new Error(`the stream ended after ${this.frames.map((frame) => frame.event).join(", ")}`);
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
    return this.frames;
  }

  async end(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  close(): void {
    this.response.destroy();
  }
}

function open(path: string, headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${url}${path}`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } }, (response) =>
      resolve(new Stream(response)),
    );
    sent.on("error", reject);
    sent.end();
  });
}

const has = (event: string) => (frames: Frame[]) => frames.some((frame) => frame.event === event);
const types = (frames: Frame[]) => frames.map((frame) => frame.event);

describe("server-sent events", () => {
  it("says of everything that happens what the registry promises of it", async () => {
    const put = (definition: object) => served.send({ method: "PUT", url: "/api/streams/told", payload: definition });
    await put({ operation: "echo", keyField: "k", windowSeconds: 60 });
    const told = await open("/api/events?coalesce=off");
    await told.until(has("stream.hello"));
    await served.send({ method: "POST", url: "/api/streams/told/items", payload: { k: "a", n: 1 } });
    const id = await served.create({ operation: "echo", name: "told", total_items: 3, filters: { g: 1 }, metadata: { a: "b" } });
    await served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId: "1", success: true } });
    await served.send({ method: "POST", url: `/api/batch/${id}/priority`, payload: { priority: "high" } });
    await served.send({ method: "POST", url: `/api/batch/${id}/finish`, payload: { reason: "enough" } });
    const ended = (frames: Frame[]): boolean =>
      frames.some(({ event, data }) => event === "audit.recorded" && data.includes("batch.finish") && data.includes(id));
    const frames = (await told.until(ended)).map(({ event, data }) => ({ event, data: (JSON.parse(data) as { data: object }).data }));
    told.close();
    const registry = EVENTS as Readonly<Record<string, EventKind | undefined>>;
    const broken = frames.flatMap(
      ({ event, data }) => registry[event]?.data.safeParse(data).error?.issues.map((fault) => ({ event, fault })) ?? [],
    );
    expect(broken).toEqual([]);
    const all = (type: string) =>
      frames.filter(({ event, data }) => event === type && JSON.stringify(data).includes(id)).map(({ data }) => data);
    const batch = ((await served.send({ method: "GET", url: `/api/batch/${id}` })).json as unknown as { batch: Record<string, unknown> })
      .batch;
    // The batch, as it was then.
    const fresh = { status: "pending", progress: 0, processed_items: 0, succeeded_items: 0, failed_items: 0, priority: "normal" };
    const same = ["id", "operation", "created_at", "total_items", "filters", "options", "name", "description", "executor", "epoch"];
    expect(all("batch.created")).toEqual([
      expect.objectContaining({
        ...Object.fromEntries([...same, "metadata", "depends_on", "tags"].map((name) => [name, batch[name]])),
        ...fresh,
      }),
    ]);
    const figures = all("batch.progress");
    expect(figures[0]).toMatchObject({ batch_id: id, progress: 33, processed: 1, failed: 0, rate: expect.any(Number) as number });
    expect(figures[0]).toMatchObject({ eta: expect.stringMatching(/^\d{4}-.*Z$/) as string });
    expect(figures[1]).toMatchObject({ priority: "high", progress: 33 });
    expect(figures.at(-1)).toMatchObject({ progress: 100, status: "completed", eta: null });
    expect(frames.find(({ event }) => event === "window.opened")?.data).toMatchObject({ stream: "told", key: "a", count: 1 });
    expect(frames.find(({ event }) => event === "item.received")?.data).toMatchObject({ stream: "told", count: 1, item: { k: "a", n: 1 } });
    expect(all("audit.recorded")).toContainEqual({
      actor: expect.any(String) as string,
      action: "batch.finish",
      target: id,
      outcome: "SUCCESS",
    });
  });

  it("greets, sends every event of a batch in order with ids, and resumes without gap or overlap", async () => {
    const id = await served.create({ operation: "echo", total_items: 2 });
    const stream = await open(`/api/batch/${id}/events?coalesce=off&since=${served.yard.events.epoch()}.0`);
    expect(stream.response.headers["content-type"]).toContain("text/event-stream");
    expect(stream.response.headers["x-accel-buffering"]).toBe("no");
    expect(stream.response.headers["x-request-id"]).toBeTruthy();
    await served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId: "1", success: true } });
    await served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId: "2", success: true } });
    const frames = [...(await stream.until(has("batch.completed")))];
    stream.close();
    expect(frames[0]!.event).toBe("stream.hello");
    expect(types(frames)).toContain("batch.created");
    const seqs = frames.slice(1).map((frame) => Number(frame.id!.split(".")[1]));
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    const progress = frames
      .filter((frame) => frame.event === "batch.progress")
      .map((frame) => JSON.parse(frame.data) as { type: string; data: { progress: number }; timestamp: string; from: number; to: number });
    expect(progress.at(-1)).toMatchObject({ type: "batch.progress", data: { progress: 100, status: "completed" } });
    const middle = frames[2]!;
    const again = await open(`/api/batch/${id}/events?coalesce=off`, { "last-event-id": middle.id! });
    const resumed = await again.until(has("batch.completed"));
    expect(resumed.slice(1).map((frame) => frame.id)).toEqual(frames.slice(3).map((frame) => frame.id));
    again.close();
  });

  it("joins a snapshot by its cursor without losing what happens in between", async () => {
    const id = await served.create({ operation: "echo", total_items: 1 });
    const snapshot = await served.send({ method: "GET", url: `/api/batch/${id}` });
    await served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId: "1", success: true } });
    const stream = await open(`/api/events?types=batch.*&since=${String(snapshot.headers["x-stream-cursor"])}`);
    const frames = await stream.until((all) => all.some((frame) => frame.event === "batch.completed" && frame.data.includes(id)));
    expect(types(frames)).not.toContain("stream.reset");
    stream.close();
  });

  it("resets when the log no longer has what follows", async () => {
    for (const since of ["zzzzzz.1", `${served.yard.events.epoch()}.999999999`, "nonsense"]) {
      const stream = await open(`/api/events?since=${since}`);
      const frames = await stream.until(has("stream.reset"));
      expect(JSON.parse(frames[1]!.data)).toMatchObject({
        data: { snapshotUrl: "/api/batch/history", cursor: `${served.yard.events.epoch()}.${served.yard.events.lastSeq()}` },
      });
      stream.close();
    }
  });

  it("beats without an id, and ends when its key is revoked", async () => {
    const secret = await served.key("viewer", "beat");
    const stream = await open("/api/events", { authorization: `Bearer ${secret}` });
    await stream.until(has("stream.hello"));
    clock.reach(15_000);
    const frames = await stream.until(has("heartbeat"));
    expect(frames.find((frame) => frame.event === "heartbeat")).toMatchObject({ id: null });
    const [row] = await served.yard.store.access.keys("beat");
    await served.yard.store.access.revokeKey("beat", row!.id, Date.now());
    clock.reach(15_000);
    await stream.until(has("bye"));
    await stream.end();
  });

  it("shows no other tenant's events", async () => {
    const secret = await served.key("viewer", "quiet");
    const stream = await open(`/api/events?since=${served.yard.events.epoch()}.0`, { authorization: `Bearer ${secret}` });
    await stream.until(has("stream.hello"));
    await served.create({ operation: "echo", total_items: 1 });
    clock.reach(15_000);
    expect(types(await stream.until(has("heartbeat")))).toEqual(["stream.hello", "heartbeat"]);
    stream.close();
    const foreign = await served.create({ operation: "echo", total_items: 1 });
    const refused = await open(`/api/batch/${foreign}/events`, { authorization: `Bearer ${secret}` });
    expect(refused.response.statusCode).toBe(404);
    refused.close();
  });

  it("cuts a reader that does not read, and nobody waits for it", async () => {
    const stalled = connect(Number(new URL(url).port), "127.0.0.1");
    stalled.on("error", () => undefined);
    stalled.write(`GET /api/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`);
    await new Promise((resolve) => stalled.once("data", resolve));
    stalled.pause();
    const closed = new Promise((resolve) => stalled.once("close", resolve));
    const before = served.api.liveCounts().sse;
    const text = "x".repeat(60_000);
    for (let i = 0; served.api.liveCounts().sse.dropped === before.dropped && i < 2_000; i++) {
      await served.yard.store.events.append([
        { tenant: "default", type: "audit.recorded", entity: { kind: "audit", id: "b" }, severity: "info", ts: Date.now(), data: { text } },
      ]);
    }
    expect(served.api.liveCounts().sse.dropped).toBe(before.dropped + 1);
    const { json } = await served.send({ method: "GET", url: "/api/events/stats" });
    expect(json).toMatchObject({
      stats: { connections: { dropped: before.dropped + 1, degraded: 0 }, batches_failed: before.dropped + 1 },
    });
    stalled.resume();
    await closed;
  });
});

describe("sockets", () => {
  const sockets: Socket[] = [];
  function connectSocket(options: { token?: string; headers?: Record<string, string> }): Socket {
    const socket = io(url, {
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
      auth: options.token === undefined ? {} : { token: options.token },
      extraHeaders: options.headers ?? {},
    });
    sockets.push(socket);
    return socket;
  }
  const once = (socket: Socket, event: string): Promise<Record<string, unknown>> => new Promise((resolve) => socket.once(event, resolve));
  afterAll(() => {
    for (const socket of sockets) socket.disconnect();
  });

  it("sends the life of a batch in order, items only to its room", async () => {
    const socket = connectSocket({ token: TOKEN });
    const seen: [string, Record<string, unknown>][] = [];
    socket.onAny((event: string, data: Record<string, unknown>) => seen.push([event, data]));
    expect(await once(socket, "welcome")).toMatchObject({ socketId: socket.id });
    const pong = once(socket, "pong");
    socket.emit("ping");
    expect(await pong).toHaveProperty("timestamp");
    const watched = await served.create({ operation: "echo", items: [{ id: "a" }, { id: "b" }], options: { executor: "external" } });
    expect(await socket.emitWithAck("join-room", { room: `batch:${watched}` })).toEqual({ success: true, room: `batch:${watched}` });
    const { json } = await served.send({ method: "POST", url: "/api/external/lease", payload: { worker: "w" } });
    const { chunk, fence } = (json as unknown as { chunks: { chunk: number; fence: number }[] }).chunks[0]!;
    const completed = once(socket, "batch:completed");
    await served.send({
      method: "POST",
      url: "/api/external/results",
      payload: {
        chunk,
        fence,
        results: [
          { key: "a", result: 1 },
          { key: "b", result: 2 },
        ],
      },
    });
    expect(await completed).toEqual({ batchId: watched });
    const mine = seen.filter(([, data]) => data["batchId"] === watched || data["id"] === watched);
    const life = mine.map(([event]) => event).filter((event) => event.startsWith("batch:"));
    expect(life[0]).toBe("batch:created");
    expect(life.at(-1)).toBe("batch:completed");
    expect(mine.find(([event]) => event === "batch:created")![1]).toMatchObject({
      id: watched,
      status: "pending",
      progress: 0,
      total_items: 2,
    });
    expect(mine.findLast(([event]) => event === "batch:progress")![1]).toEqual({ batchId: watched, progress: 100, status: "completed" });
    expect(mine.filter(([event]) => event === "batch:item_completed").map(([, data]) => data["nodeId"])).toEqual(["a", "b"]);
    expect(await socket.emitWithAck("leave-room", { room: `batch:${watched}` })).toMatchObject({ success: true });
    const cancelled = once(socket, "batch:cancelled");
    const other = await served.create({ operation: "echo", total_items: 1 });
    const told = await served.create({ operation: "echo", total_items: 3 });
    await socket.emitWithAck("join-room", { room: `batch:${told}` });
    const item = once(socket, "batch:item_completed");
    await served.send({
      method: "POST",
      url: `/api/batch/${told}/results`,
      payload: [{ nodeId: "x", success: true, result: 7, qualityScore: 0.5 }],
    });
    expect(await item).toMatchObject({ batchId: told, nodeId: "x", success: true, result: 7, qualityScore: 0.5, retries: 0 });
    await served.send({ method: "POST", url: `/api/batch/${other}/cancel` });
    expect(await cancelled).toEqual({ batchId: other });
  });

  it("tells of failures", async () => {
    const socket = connectSocket({ headers: { authorization: `Bearer ${TOKEN}` } });
    await once(socket, "welcome");
    const failed = once(socket, "batch:failed");
    const id = await served.create({ operation: "echo", items: [{ id: "a", fail: "broken" }] });
    expect(await failed).toMatchObject({ batchId: id, error: expect.stringContaining("broken") as string });
  });

  it("refuses strangers, foreign origins and other tenants' rooms", async () => {
    for (const options of [{}, { token: "by_wrong" }]) {
      const socket = connectSocket(options);
      const error = (await once(socket, "connect_error")) as unknown as Error & { data: { code: string } };
      expect(["unauthorized", "invalid_key"]).toContain(error.data.code);
    }
    const foreign = connectSocket({ token: TOKEN, headers: { origin: "https://evil.example" } });
    await once(foreign, "connect_error");
    expect(foreign.connected).toBe(false);
    const stranger = connectSocket({ token: await served.key("viewer", "far") });
    const heard: string[] = [];
    stranger.onAny((event: string) => heard.push(event));
    await once(stranger, "welcome");
    const id = await served.create({ operation: "echo", items: [] });
    await served.event("batch.completed", id);
    expect(await stranger.emitWithAck("join-room", { room: `batch:${id}` })).toMatchObject({ success: false, code: "batch_not_found" });
    expect(await stranger.emitWithAck("join-room", { room: "tenant/default" })).toMatchObject({ success: false, code: "bad_room" });
    expect(heard).toEqual(["welcome", "room-error", "room-error"]);
  });

  it("closes on a frame of two megabytes", async () => {
    const socket = connectSocket({ token: TOKEN });
    await once(socket, "welcome");
    const gone = once(socket, "disconnect");
    socket.emit("ping", "x".repeat(2_000_000));
    await gone;
    expect(socket.connected).toBe(false);
  });
});

describe("bytes on the wire", () => {
  function raw(text: string, options: { end?: boolean } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      let answer = "";
      socket.on("data", (bytes) => (answer += bytes.toString()));
      socket.on("close", () => resolve(answer));
      socket.on("error", reject);
      socket.write(text);
      if (options.end === true) socket.end();
    });
  }
  const head = (line: string, ...headers: string[]) =>
    [line, "host: x", "connection: close", `authorization: Bearer ${TOKEN}`, ...headers].join("\r\n") + "\r\n\r\n";

  it("answers what is no request with the envelope", async () => {
    const large = await raw(head("GET /api/batch/stats HTTP/1.1", `x-large: ${"x".repeat(20_000)}`));
    expect(large).toMatch(/^HTTP\/1\.1 431 /);
    expect(large).toContain('"code":"header_too_large"');
    expect(await raw("nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 4\d\d [\s\S]*"success":false/);
    expect(await raw(head("POST /api/batch/create HTTP/1.1", "content-length: 2", "content-length: 3"))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(head("POST /api/batch/create HTTP/1.1", "content-length: 2", "transfer-encoding: chunked"))).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it("knows the methods of a path", async () => {
    for (const method of ["PUT", "TRACE", "PATCH", "OPTIONS", "PROPFIND"]) {
      const answer = await raw(head(`${method} /api/batch/create HTTP/1.1`));
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer).toMatch(/allow: GET, HEAD, POST\r\n/);
    }
    expect(await raw(head("HEAD /api/batch/stats HTTP/1.1"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(head("HEAD /api/events HTTP/1.1"))).toMatch(/^HTTP\/1\.1 (404|405) /);
  });

  it("leaves nothing of an upload that breaks off", async () => {
    const total = async () =>
      ((await served.send({ method: "GET", url: "/api/batch/history?name=cut" })).json as unknown as { total: number }).total;
    const lines = `{"operation":"echo","name":"cut"}\n${Array.from({ length: 5_000 }, (_, i) => `{"id":"${i}"}`).join("\n")}`;
    await raw(
      `${head("POST /api/batch/create?stream=1 HTTP/1.1", "content-type: application/x-ndjson", `content-length: ${lines.length + 1_000}`)}${lines}`,
      { end: true },
    );
    expect(await total()).toBe(0);
  });

  it("gives up on an upload that does not arrive, whatever its kind", async () => {
    for (const [path, type, start] of [
      ["/api/batch/create", "application/json", '{"operation":'],
      ["/api/batch/create?stream=1", "application/x-ndjson", '{"operation":"echo","name":"slow"}\n{"id":"1"}\n'],
      ["/api/files?filename=slow.txt", "text/plain", "some"],
    ] as const) {
      const waits = clock.awaited(30_000);
      const answer = raw(`${head(`POST ${path} HTTP/1.1`, `content-type: ${type}`, "content-length: 5000")}${start}`);
      await waits;
      // Each piece that arrives begins a new wait; the last of them never ends.
      let text = "";
      void answer.then((all) => (text = all));
      while (text === "") {
        clock.reach(30_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      expect(text).toContain('"code":"upload_too_slow"');
    }
    expect((await served.send({ method: "GET", url: "/api/batch/history?name=slow" })).json).toMatchObject({ total: 0 });
    expect((await served.send({ method: "GET", url: "/api/files" })).json).toMatchObject({ files: [] });
  });

  it("refuses what is too large at once when it is declared, and when it is crossed", async () => {
    const declared = await raw(head("POST /api/batch/create HTTP/1.1", "content-type: application/json", "content-length: 5000000"));
    expect(declared).toMatch(/^HTTP\/1\.1 413 /);
    const piece = `${(100_000).toString(16)}\r\n${" ".repeat(100_000)}\r\n`;
    const crossed = await raw(
      head("POST /api/batch/create HTTP/1.1", "content-type: application/json", "transfer-encoding: chunked") + piece.repeat(11),
    );
    expect(crossed).toMatch(/^HTTP\/1\.1 413 /);
  });
});
