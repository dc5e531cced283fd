import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../model/clock.ts";
import type { EventDraft } from "../../model/event.ts";
import { partType, unmergeData } from "../../model/merged-event.ts";
import type { Store } from "../../store/port.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { isFinalType } from "../catalogue.ts";
import { noGauges } from "../rates/gauges.fixture.ts";
import { LogTail } from "../log.ts";
import { policyOf } from "../frames/policy.ts";
import { attachSockets, type SocketService } from "./sockets.ts";

/** Real sockets over a real log. */
let store: Store;
let directory: string;
let log: LogTail;
let server: Server;
let sockets: SocketService;
let url: string;
const clients: Socket[] = [];
type Body = Record<string, unknown>;
/** Items of a commit, as the engine hands them over. */
let settle: (batchId: string, tenant: string, lines: string[]) => void;
let progressed: (batchId: string, tenant: string, key: string, share: number) => void;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-sockets-"));
  store = openSqliteStore({ directory, synchronous: "NORMAL" });
  log = new LogTail(store.events, systemClock, () => undefined);
  await log.start();
  server = createServer();
  sockets = attachSockets(server, {
    log,
    clock: systemClock,
    gauges: noGauges(),
    settled: {
      onSettled(listener, wanted) {
        settle = (batchId, tenant, lines) => {
          if (wanted(batchId)) listener(batchId, tenant, lines);
        };
        return () => undefined;
      },
      onItemProgress(listener) {
        progressed = listener;
        return () => undefined;
      },
    },
    door: {
      admit: async ({ token }) => (token === undefined ? null : { tenant: token }),
      isOwnOrigin: () => true,
      policyOf: (coalesce) => policyOf({ coalesce, windowMs: undefined }, { batchTimeoutMs: 25, batchSize: 10 }),
      // A look-up takes its time: what follows must not overtake it.
      createdBatch: async (_tenant, id) => {
        await turn();
        return { batchId: id, status: "pending" };
      },
      analysedBatch: async () => null,
      hasBatch: async () => true,
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await sockets.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await log.stop();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Reader {
  readonly socket: Socket;
  readonly got: [string, Body][];
  /** Resolves with the first packet of that name. */
  first(name: string): Promise<Body>;
}

async function reader(wish: object = {}, transport: "websocket" | "polling" = "websocket", tenant = "t"): Promise<Reader> {
  const socket = io(url, { transports: [transport], auth: { token: tenant, ...wish }, forceNew: true, reconnection: false });
  clients.push(socket);
  const got: [string, Body][] = [];
  const first = (name: string): Promise<Body> =>
    new Promise((resolve) => {
      const there = got.find(([known]) => known === name);
      if (there !== undefined) return resolve(there[1]);
      socket.once(name, resolve);
    });
  socket.onAny((name: string, body: Body) => {
    if (name !== "welcome" && name !== "room-joined") got.push([name, body]);
  });
  await new Promise((resolve, reject) => {
    socket.once("welcome", resolve);
    socket.once("connect_error", reject);
  });
  return { socket, got, first };
}

/** Of a moment ago, however quick the machine is: there is a delay to tell. */
function draft(type: string, id: string, data: Body = {}, tenant = "t"): EventDraft {
  return { tenant, type, entity: { kind: "batch", id }, severity: "info", ts: Date.now() - 5, data: { batch_id: id, ...data } };
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What the engine writes at once: figures go before the step that ends the batch. */
function happening(random: () => number): EventDraft[] {
  const id = `b${Math.floor(random() * 6)}`;
  const progress = draft("batch.progress", id, { progress: Math.floor(random() * 100), status: "running" });
  const steps = ["batch.created", "batch.started", "batch.paused", "batch.resumed", "chunk.stalled", "settings.changed"];
  const chance = random();
  if (chance < 0.55) return [progress];
  if (chance < 0.85) return [draft(steps[Math.floor(random() * steps.length)]!, id)];
  const [type, status] = [
    ["batch.completed", "completed"],
    ["batch.failed", "failed"],
    ["batch.cancelled", "cancelled"],
    ["batch.expired", "expired"],
  ][Math.floor(random() * 4)] as [string, string];
  return [progress, draft("batch.progress", id, { progress: 100, status }), draft(type, id, { error: `e${Math.floor(random() * 9)}` })];
}

/** The steps of each batch in order, those that end it with the figures its reader had then; and the last figures. */
function fold(packets: readonly [string, Body][]): object {
  const state: Record<string, { steps: Body[]; figures: Body | null }> = {};
  for (const [name, given] of packets) {
    const part = partType(name.replace(":", "."));
    for (const { batchId, ...body } of part === null ? [given] : unmergeData(given)) {
      const type = part ?? name.replace(":", ".");
      const known = (state[String(batchId)] ??= { steps: [], figures: null });
      if (type === "batch.progress") known.figures = body;
      else known.steps.push({ type, ...body, ...(isFinalType(type) ? { figures: known.figures } : {}) });
    }
  }
  return state;
}

it("tells those in the room of a batch how far its items are", async () => {
  const { socket, got, first } = await reader({ coalesce: "off" });
  progressed("end", "t", "1", 0.25);
  await socket.emitWithAck("join-room", { room: "batch:end" });
  const heard = first("batch:item_progress");
  progressed("end", "t", "1", 0.5);
  progressed("other", "t", "1", 0.75);
  await heard;
  expect(got.filter(([name]) => name === "batch:item_progress")).toEqual([
    ["batch:item_progress", { batchId: "end", nodeId: "1", progress: 0.5 }],
  ]);
});

describe("folding what a Socket.IO client gets", () => {
  it("gives the same state under every policy, merged or not, over every transport", async () => {
    const readers = {
      off: await reader({ coalesce: "off" }),
      default: await reader(),
      polling: await reader({}, "polling"),
      merged: await reader({ merge: true }),
      classic: await reader({ coalesce: "classic" }),
      "classic, merged": await reader({ coalesce: "20ms,10", merge: true }),
    };
    const ended = Object.values(readers).map(({ first }) => first("batch:item_completed"));
    for (const { socket } of Object.values(readers)) await socket.emitWithAck("join-room", { room: "batch:end" });
    const random = randomOf(11);
    const raw: EventDraft[] = [];
    for (let round = 0; round < 300; round++) {
      const drafts = Array.from({ length: 1 + Math.floor(random() * 4) }, () => happening(random)).flat();
      raw.push(...drafts);
      await store.events.append(drafts);
      await turn();
    }
    // Items come after what was there before them, and before the end that is told in their commit.
    await store.events.append([draft("batch.started", "end")]);
    while (log.lastSeq() < raw.length + 1) await turn();
    await turn();
    settle("end", "t", ['{"nodeId":"1"}']);
    await Promise.all(ended);
    const expected = fold(readers.off.got);
    const finals = raw.filter(({ type }) => isFinalType(type)).length;
    expect(readers.off.got.filter(([, body]) => body["progress"] === 100)).toHaveLength(finals);
    for (const [name, { got }] of Object.entries(readers)) {
      expect({ name, state: fold(got) }).toEqual({ name, state: expected });
      expect(JSON.stringify(got)).not.toContain("null");
      expect(got.slice(-2).map(([last]) => last)).toEqual(["batch:started", "batch:item_completed"]);
    }
    // Names and shapes stay as they are unless merging was asked for.
    expect(new Set(readers.default.got.map(([name]) => name))).toEqual(new Set(readers.off.got.map(([name]) => name)));
    expect(readers.default.got.length).toBeLessThan(readers.off.got.length);
    expect(readers.merged.got.length).toBeLessThan(readers.default.got.length);
    expect(readers.merged.got.map(([name]) => name)).toContain("batches:paused");
    const { open, channels, packets, packets_saved: saved, packets_written: written } = sockets.statistics();
    // Whatever the transport: the same wish is served once.
    expect({ open, channels }).toEqual({ open: 6, channels: 5 });
    expect(saved).toBeGreaterThan(0);
    expect(written).toBe(Object.values(readers).reduce((sum, { got }) => sum + got.length, 0));
    expect(packets).toBe(written - readers.polling.got.length - 5);
  });
});

describe("a connection", () => {
  it("gets the first event at once, the last figures and the end of a batch under their own names", async () => {
    const { got, first } = await reader();
    await store.events.append([
      draft("batch.progress", "a", { progress: 10, status: "running" }),
      draft("batch.progress", "a", { progress: 90, status: "running" }),
      draft("batch.progress", "a", { progress: 100, status: "completed" }),
      draft("batch.completed", "a"),
      draft("batch.progress", "b", { total: 4, succeeded: 1 }),
      draft("batch.completed", "c"),
    ]);
    await first("batch:completed");
    await turn();
    expect(got).toEqual([
      ["batch:progress", { batchId: "a", progress: 100, status: "completed" }],
      ["batch:completed", { batchId: "a" }],
      ["batch:progress", { batchId: "b", progress: 25, status: "running" }],
      ["batch:completed", { batchId: "c" }],
    ]);
    expect(sockets.statistics()).toMatchObject({ channels: 1, events: 6, packets: 4, packets_saved: 2, packets_written: 4 });
    expect(sockets.statistics().delivery_ms.p99).toBeGreaterThan(0);
  });

  it("gets packets of any length, and only its tenant's", async () => {
    const [mine, other] = [await reader(), await reader({}, "websocket", "u")];
    const errors = ["short", "m".repeat(300), "l".repeat(70_000), "ü😀".repeat(100)];
    await store.events.append([
      ...errors.map((error, at) => draft("batch.failed", `b${at}`, { error })),
      draft("batch.cancelled", "end"),
      draft("batch.paused", "theirs", {}, "u"),
    ]);
    await Promise.all([mine.first("batch:cancelled"), other.first("batch:paused")]);
    expect(mine.got.slice(0, -1)).toEqual(errors.map((error, at) => ["batch:failed", { batchId: `b${at}`, error }]));
    expect(other.got).toEqual([["batch:paused", { batchId: "theirs" }]]);
  });

  it.each([
    [{ coalesce: "often" }, "coalesce"],
    [{ coalesce: 7 }, "auth.coalesce"],
    [{ merge: "yes" }, "auth.merge"],
  ])("that asks for %j is refused and told why", async (wish, path) => {
    const refused = await reader(wish).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ data: { code: "validation_failed" }, message: expect.stringContaining(path) as string });
    expect(sockets.statistics()).toMatchObject({ open: 0, channels: 0 });
  });

  it("that reads nothing is cut, and costs the others nothing", async () => {
    const { got } = await reader();
    const { port } = new URL(url);
    const stalled = connect(Number(port), "127.0.0.1");
    stalled.on("error", () => undefined);
    const gone = new Promise((resolve) => stalled.on("close", resolve));
    const heard = (text: string): Promise<void> =>
      new Promise((resolve) => {
        const listen = (bytes: Buffer): void => {
          if (!bytes.toString("latin1").includes(text)) return;
          stalled.off("data", listen);
          resolve();
        };
        stalled.on("data", listen);
      });
    stalled.write(
      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await heard('0{"sid"');
    const auth = Buffer.from('40{"token":"t"}');
    stalled.write(Buffer.concat([Buffer.from([0x81, 0x80 | auth.length, 0, 0, 0, 0]), auth]));
    await heard('"welcome"');
    stalled.pause();
    const error = "x".repeat(40_000);
    let made = 0;
    for (; sockets.counts.dropped === 0; made++) {
      await store.events.append([draft("batch.failed", `b${made}`, { error })]);
      await turn();
    }
    stalled.resume();
    await gone;
    while (got.length < made) await turn();
    expect(sockets.counts).toEqual({ open: 1, dropped: 1 });
    expect(got.map(([, { batchId }]) => batchId)).toEqual(Array.from({ length: made }, (_, at) => `b${at}`));
  });
});
