import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { ClientError, createClient, type Client } from "./index.ts";

/** A server of a few routes, to see what the client sends and how it takes what comes; the real one is met in the CLI's tests. */
type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(routes: Record<string, Route>, waits: number[] = []): Promise<Client> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const route = routes[`${request.method} ${path}`];
    if (route === undefined)
      return answer(response, 404, { success: false, error: "Batch not found", code: "batch_not_found", requestId: "r1" });
    void route(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const wait = async (ms: number): Promise<void> => void waits.push(ms);
  const client = createClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: "by_test_token_0123456789",
    wait,
  });
  cleanups.push(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return client;
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function batch(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "b1",
    operation: "validate",
    status: "running",
    progress: 0,
    created_at: "2026-01-01T00:00:00.000Z",
    total_items: 10,
    processed_items: 0,
    succeeded_items: 0,
    failed_items: 0,
    ...over,
  };
}

function frame(event: string, data: unknown, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify({ type: event, data, timestamp: "2026-01-01T00:00:00.000Z" })}\n\n`;
}

function sse(response: ServerResponse, ...frames: string[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(frame("stream.hello", {}) + frames.join(""));
}

describe("requests", () => {
  it("send the credential and throw the envelope of a refusal", async () => {
    let credential: string | undefined;
    const client = await serve({
      "POST /api/batch/create": (request, response) => {
        credential = request.headers.authorization;
        answer(response, 400, {
          success: false,
          error: "The request is not valid: x",
          code: "validation_failed",
          details: { errors: [{ path: "options.batchSize", message: "too big", code: "too_big" }] },
          requestId: "r2",
        });
      },
    });
    const error = await client.create({ operation: "validate" }, []).catch((cause: unknown) => cause);
    expect(credential).toBe("Bearer by_test_token_0123456789");
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({
      code: "validation_failed",
      status: 400,
      details: [{ path: "options.batchSize", message: "too big", code: "too_big" }],
    });
  });

  it("say that a server cannot be reached, and which", async () => {
    const error = await createClient({ url: "http://127.0.0.1:1" })
      .stats()
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "unreachable", status: 0 });
    expect(String(error)).toMatch(/Cannot reach http:\/\/127\.0\.0\.1:1/);
  });

  it("wait as long as a shedding server asks, then try again", async () => {
    const waits: number[] = [];
    let tries = 0;
    const client = await serve(
      {
        "GET /api/batch/stats": (_request, response) =>
          (tries += 1) === 1
            ? answer(response, 503, { error: "busy", code: "unavailable" }, { "retry-after": "7" })
            : answer(response, 200, { stats: { total: 3 } }),
      },
      waits,
    );
    expect(await client.stats()).toEqual({ total: 3 });
    expect(waits).toEqual([7000]);
  });
});

describe("streams of items and results", () => {
  it("upload an async iterable as NDJSON, the request first", async () => {
    let body = "";
    const client = await serve({
      "POST /api/batch/create": async (request, response) => {
        expect(request.url).toBe("/api/batch/create?stream=1");
        expect(request.headers["content-type"]).toBe("application/x-ndjson");
        body = await text(request);
        answer(response, 201, { success: true, batch: batch({ status: "pending" }) });
      },
    });
    const created = await client.create({ operation: "validate" }, numbers(5_000));
    expect(created.id).toBe("b1");
    const lines = body.trimEnd().split("\n");
    expect(lines).toHaveLength(5_001);
    expect(JSON.parse(lines[0]!)).toEqual({ operation: "validate" });
    expect(JSON.parse(lines[5_000]!)).toEqual({ n: 4_999 });
  });

  it("give the error of a source that breaks off, not the one of the network", async () => {
    const client = await serve({ "POST /api/batch/create": (request) => void request.resume() });
    await expect(client.create({ operation: "validate" }, breaking())).rejects.toThrow("the disk is gone");
  });

  it("read results line by line", async () => {
    const client = await serve({
      "GET /api/batch/b1/results": (request, response) => {
        expect(request.headers.accept).toBe("application/x-ndjson");
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        response.write('{"nodeId":"a","success":true}\n{"nodeId":"b",');
        response.end('"success":false}\n');
      },
    });
    const keys: string[] = [];
    for await (const result of client.results("b1")) keys.push(result.nodeId);
    expect(keys).toEqual(["a", "b"]);
  });
});

describe("on", () => {
  it("turns events of the log into batch events, merged ones too", async () => {
    const client = await serve({
      "GET /api/batch/b1": (_request, response) => answer(response, 200, { success: true, batch: batch() }),
      "GET /api/events": (_request, response) =>
        sse(
          response,
          frame("batch.created", { batch_id: "b1", total: 10, name: null }, "e.1"),
          frame(
            "batches.progress",
            {
              events: [
                { batch_id: "b1", progress: 20, status: "running", processed: 2, failed: 0, rate: 4, eta: null },
                { batch_id: "b2", total: 10, succeeded: 3, failed: 1, status: "running" },
              ],
            },
            "e.3",
          ),
          frame("batch.completed", { batch_id: "b1", status: "completed" }, "e.4"),
        ),
    });
    const seen: string[] = [];
    client.on("batch:created", (created) => seen.push(`created ${created.id}`));
    client.on("batch:progress", (progress) => seen.push(`${progress.batchId} ${progress.progress} ${progress.status}`));
    await new Promise<void>((resolve) => client.on("batch:completed", ({ batchId }) => resolve(void seen.push(`completed ${batchId}`))));
    expect(seen).toEqual(["created b1", "b1 20 running", "b2 40 running", "b1 100 completed", "completed b1"]);
  });

  it("reconnects after 1, 2, 4 … 30 s and resumes by cursor", async () => {
    const waits: number[] = [];
    const cursors: (string | undefined)[] = [];
    const client = await serve(
      {
        "GET /api/events": (request, response) => {
          cursors.push(request.headers["last-event-id"] as string | undefined);
          if (cursors.length === 1) {
            sse(response, frame("batch.progress", { batch_id: "b1", progress: 5, status: "running" }, "e.7"));
            response.end();
          } else if (cursors.length < 9) answer(response, 500, { error: "restarting", code: "internal" });
          else sse(response, frame("batch.completed", { batch_id: "b1" }, "e.8"));
        },
      },
      waits,
    );
    await new Promise<void>((resolve) => client.on("batch:completed", () => resolve()));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(cursors).toEqual([undefined, ...Array<string>(8).fill("e.7")]);
  });

  it("brings batches it has seen up to date after a reset", async () => {
    let opened = 0;
    const client = await serve({
      "GET /api/batch/b1": (_request, response) =>
        answer(response, 200, { success: true, batch: batch({ status: "failed", progress: 100, error: "all failed" }) }),
      "GET /api/events": (_request, response) => {
        opened += 1;
        if (opened > 1) return sse(response, frame("stream.reset", { snapshotUrl: "/api/batch/history", cursor: "f.100" }));
        sse(response, frame("batch.progress", { batch_id: "b1", progress: 5, status: "running" }, "e.7"));
        response.end();
      },
    });
    const failed = await new Promise((resolve) => client.on("batch:failed", resolve));
    expect(failed).toEqual({ batchId: "b1", error: "all failed" });
  });

  it("tells what a reset loaded once, and nothing older after it; a retry begins anew", async () => {
    const loaded = batch({ status: "completed", progress: 100, processed_items: 10, epoch: 1 });
    let opened = 0;
    const client = await serve({
      "GET /api/batch/b1": (_request, response) => answer(response, 200, { success: true, batch: loaded }),
      "GET /api/events": (_request, response) => {
        opened += 1;
        const part = { batch_id: "b1", epoch: 1, status: "running" };
        if (opened === 1) {
          sse(response, frame("batch.progress", { ...part, progress: 5, processed: 0 }, "e.7"));
          return void response.end();
        }
        sse(
          response,
          frame("stream.reset", { snapshotUrl: "/api/batch/history", cursor: "e.9" }),
          frame("batch.progress", { ...part, progress: 60, processed: 6 }, "e.10"),
          frame("batch.completed", { ...part, status: "completed", processed: 10 }, "e.11"),
          frame("batch.resumed", { ...part, epoch: 2, processed: 9, total: 10, succeeded: 9 }, "e.12"),
        );
      },
    });
    const seen: string[] = [];
    const retried = new Promise<void>((resolve) => {
      client.on("batch:progress", ({ status, processed }) => {
        seen.push(`${status} ${processed}`);
        if (processed === 9) resolve();
      });
    });
    client.on("batch:completed", () => seen.push("completed"));
    await retried;
    expect(seen).toEqual(["running 0", "completed 10", "completed", "running 9"]);
  });

  it("loads a created batch again when the connection breaks within the answer", async () => {
    let asked = 0;
    const client = await serve({
      "GET /api/batch/b1": (_request, response) => {
        asked += 1;
        if (asked > 2) return answer(response, 200, { success: true, batch: batch({ processed_items: 3 }) });
        if (asked === 1) return answer(response, 500, { error: "restarting", code: "internal" });
        response.writeHead(200, { "content-type": "application/json" }).write('{"success":true,"batch":{"id":"b');
        return void setImmediate(() => response.destroy());
      },
      "GET /api/events": (_request, response) => sse(response, frame("batch.created", { batch_id: "b1", total: 10, epoch: 1 }, "e.1")),
    });
    const seen: string[] = [];
    client.on("batch:error", (error) => seen.push(error.message));
    client.on("batch:created", ({ id }) => seen.push(`created ${id}`));
    await new Promise<void>((resolve) => client.on("batch:progress", ({ processed }) => resolve(void seen.push(`processed ${processed}`))));
    expect(seen).toEqual(["created b1", "processed 3"]);
    expect(asked).toBe(3);
  });

  it("hears nothing more once it is closed, not even what was on its way", async () => {
    let isLoading = (): void => undefined;
    const loading = new Promise<void>((resolve) => (isLoading = resolve));
    let giveAnswer: (() => void) | null = null;
    const client = await serve({
      "GET /api/batch/b1": (_request, response) => {
        giveAnswer = () => answer(response, 200, { success: true, batch: batch() });
        isLoading();
      },
      "GET /api/events": (_request, response) =>
        sse(response, frame("batch.created", { batch_id: "b1" }, "e.1"), frame("batch.completed", { batch_id: "b1" }, "e.2")),
    });
    const seen: string[] = [];
    client.on("batch:created", () => seen.push("created"));
    client.on("batch:completed", () => seen.push("completed"));
    await loading;
    client.close();
    giveAnswer!();
    await client.get("b2").catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);
  });

  it("says so, and stops, when the credential is refused", async () => {
    const client = await serve({
      "GET /api/events": (_request, response) =>
        answer(response, 401, { error: "The credential is unknown, revoked or expired", code: "invalid_key" }),
    });
    const error = await new Promise((resolve) => client.on("batch:error", resolve));
    expect(error).toMatchObject({ code: "invalid_key", status: 401 });
  });
});

describe("follow", () => {
  it("hands on every event of the log, a stream's too, and keeps the frames of the connection to itself", async () => {
    const client = await serve({
      "GET /api/events": (_request, response) =>
        sse(
          response,
          frame("stream.hello", { data: { cursor: "e.1", heartbeatSeconds: 15 } }, "e.1"),
          frame("stream.paused", { data: { stream: "orders", paused: true } }, "e.2"),
          frame("heartbeat", { data: {} }),
          frame("batch.created", { data: { batch_id: "b1" } }, "e.3"),
        ),
    });
    const done = new AbortController();
    const seen: [string, string | null][] = [];
    const event = ({ type, cursor }: { type: string; cursor: string | null }): void => {
      seen.push([type, cursor]);
      if (type === "batch.created") done.abort();
    };
    await client.follow({ types: ["stream.*", "batch.*"] }, { event }, done.signal);
    expect(seen).toEqual([
      ["stream.paused", "e.2"],
      ["batch.created", "e.3"],
    ]);
  });
});

describe("watch", () => {
  it("yields the snapshot, moves from its cursor on, and the final batch", async () => {
    let ended = false;
    let since: string | undefined;
    const client = await serve({
      "GET /api/batch/b1": (_request, response) =>
        answer(
          response,
          200,
          { success: true, batch: ended ? batch({ status: "completed", progress: 100, processed_items: 10 }) : batch() },
          { "x-stream-cursor": "e.3" },
        ),
      "GET /api/batch/b1/events": (request, response) => {
        since = request.headers["last-event-id"] as string | undefined;
        sse(response, frame("batch.progress", { batch_id: "b1", progress: 40, processed: 4, failed: 1, rate: 2 }, "e.4"));
        ended = true;
        response.write(frame("batch.completed", { batch_id: "b1" }, "e.5"));
      },
    });
    const seen: [string, number][] = [];
    for await (const progress of client.watch("b1")) seen.push([progress.status, progress.processed]);
    expect(since).toBe("e.3");
    expect(seen[0]).toEqual(["running", 0]);
    expect(seen.at(-1)).toEqual(["completed", 10]);
  });

  it("reads the end again when the first look at it fails", async () => {
    let asked = 0;
    const client = await serve({
      "GET /api/batch/b1": (_request, response) => {
        asked += 1;
        if (asked === 2 || asked === 3) return answer(response, 500, { error: "restarting", code: "internal" });
        const over = asked === 1 ? {} : { status: "completed", progress: 100, processed_items: 10 };
        return answer(response, 200, { success: true, batch: batch(over) }, { "x-stream-cursor": "e.3" });
      },
      // Nothing comes after the end.
      "GET /api/batch/b1/events": (_request, response) => sse(response, frame("batch.completed", { batch_id: "b1" }, "e.5")),
    });
    const seen: [string, number][] = [];
    for await (const progress of client.watch("b1")) seen.push([progress.status, progress.processed]);
    expect(seen).toEqual([
      ["running", 0],
      ["completed", 10],
    ]);
  });

  it("throws for an unknown batch", async () => {
    const client = await serve({});
    await expect(client.watch("nope").next()).rejects.toMatchObject({ code: "batch_not_found", status: 404 });
  });
});

async function* numbers(count: number): AsyncGenerator<Record<string, unknown>, void, undefined> {
  for (let n = 0; n < count; n += 1) yield { n };
}

async function* breaking(): AsyncGenerator<Record<string, unknown>, void, undefined> {
  yield { n: 1 };
  throw new Error("the disk is gone");
}
