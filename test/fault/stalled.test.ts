import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { io } from "socket.io-client";
import { FrameParser } from "../../src/client/sse.ts";
import { loadConfig } from "../../src/config.ts";
import { startServer, type RunningServer } from "../../src/server.ts";
import type { EventDraft } from "../../src/model/event.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { folders } from "../support/folder.ts";

/** Real sockets that nobody reads, and time that the test moves. bench/resume.ts has the same with real time and memory. */

const TOKEN = "by_token_of_the_stalled_tests";
const READERS = 100;
const MOST_BYTES = 1.1 * 1024 * 1024;

const newFolder = folders();
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(): Promise<{ server: RunningServer; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const config = loadConfig({
    BATCHYARD_DATA: newFolder(),
    BATCHYARD_PORT: "0",
    BATCHYARD_WORKERS: "0",
    BATCHYARD_TOKEN: TOKEN,
    LOG_LEVEL: "silent",
  });
  const server = await startServer({ config, clock });
  let isUp = true;
  const stop = async (): Promise<void> => {
    if (!isUp) return;
    isUp = false;
    const stopped = server.stop();
    await clock.advance(config.shutdownMs);
    await stopped;
  };
  cleanups.push(stop);
  return { server, clock };
}

let made = 0;
function bulky(type: string, bytes = 20_000): EventDraft {
  made += 1;
  const data = { batch_id: `b${made % 7}`, n: made, text: "x".repeat(bytes) };
  return { tenant: "default", type, entity: { kind: "batch", id: data.batch_id }, severity: "info", ts: 0, data };
}

async function stalledReaders(url: string, count: number, since?: string): Promise<Socket[]> {
  const resumed = since === undefined ? "" : `last-event-id: ${since}\r\n`;
  const sockets = await Promise.all(
    Array.from({ length: count }, () => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`GET /api/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n${resumed}\r\n`);
      return new Promise<Socket>((resolve) => {
        socket.once("data", () => {
          socket.pause();
          resolve(socket);
        });
      });
    }),
  );
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

interface Counts {
  open: number;
  slow: number;
  degraded: number;
  dropped: number;
  unread_bytes: number;
  most_unread_bytes: number;
}

async function statistics(url: string): Promise<{ connections: Counts; sockets: Omit<Counts, "slow" | "degraded"> }> {
  const answer = await fetch(`${url}/api/events/stats`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return ((await answer.json()) as { stats: Awaited<ReturnType<typeof statistics>> }).stats;
}

it(`${READERS} readers that stop are degraded, gone after 30 s and counted; who reads gets everything meanwhile`, async () => {
  const { server, clock } = await start();
  const { url, yard } = server;
  await stalledReaders(url, READERS);
  const got: number[] = [];
  const reading = request(`${url}/api/events?coalesce=off`, { headers: { authorization: `Bearer ${TOKEN}` }, agent: false });
  cleanups.push(async () => reading.destroy());
  const response = await new Promise<IncomingMessage>((resolve) => reading.on("response", resolve).end());
  const parser = new FrameParser();
  response.setEncoding("utf8");
  response.on("error", () => undefined);
  response.on("data", (text: string) => {
    for (const { event, data } of parser.push(text))
      if (event === "someone.elses") got.push((JSON.parse(data) as { data: { n: number } }).data.n);
  });
  while ((await statistics(url)).connections.open < READERS + 1) await turn();

  const first = made + 1;
  for (let rounds = 0; (await statistics(url)).connections.degraded < READERS; rounds++) {
    expect(rounds).toBeLessThan(2_000);
    await yard.store.events.append([bulky("someone.elses")]);
    // A window of a second for those that are slow.
    if (rounds % 10 === 0) await clock.advance(1_000);
    // Only the reader that reads is waited for.
    while (got.length < made - first + 1) await turn();
  }
  expect(got).toEqual(Array.from({ length: made - first + 1 }, (_, at) => first + at));
  const held = (await statistics(url)).connections;
  expect(held.most_unread_bytes).toBeGreaterThan(256 * 1024);
  expect(held.most_unread_bytes).toBeLessThan(MOST_BYTES);

  await clock.advance(35_000);
  const { connections } = await statistics(url);
  expect(connections).toMatchObject({ open: 1, slow: 0, degraded: 0, dropped: READERS });
  expect(connections.unread_bytes).toBeLessThan(64 * 1024);
  expect(connections.most_unread_bytes).toBeLessThan(MOST_BYTES);
});

it("readers that stop among old events, or flooded with what may not be left out, cost as little", async () => {
  const { server, clock } = await start();
  const { url, yard } = server;
  for (let n = 0; n < 60; n++) await yard.store.events.append(Array.from({ length: 10 }, () => bulky("someone.elses")));
  await stalledReaders(url, 20, `${yard.events.epoch()}.0`);
  // What the kernel does not take stays with the server: at most a frame more than 64 KB, whatever is still to come.
  for (let quiet = 0, before = -1; quiet < 20;) {
    await turn();
    const now = (await statistics(url)).connections.unread_bytes;
    quiet = now === before && now > 0 ? quiet + 1 : 0;
    before = now;
  }
  expect((await statistics(url)).connections).toMatchObject({ open: 20, dropped: 0 });
  expect((await statistics(url)).connections.most_unread_bytes).toBeLessThan(MOST_BYTES / 4);
  await clock.advance(35_000);
  expect((await statistics(url)).connections).toMatchObject({ open: 0, dropped: 20, unread_bytes: 0 });

  await stalledReaders(url, 20);
  for (let rounds = 0; (await statistics(url)).connections.dropped < 40; rounds++) {
    expect(rounds).toBeLessThan(2_000);
    await yard.store.events.append([bulky("audit.recorded")]);
  }
  expect((await statistics(url)).connections).toMatchObject({ open: 0, unread_bytes: 0 });
  expect((await statistics(url)).connections.most_unread_bytes).toBeLessThan(MOST_BYTES);
});

it("Socket.IO clients that stop reading are gone after 35 s, or past a megabyte at once", async () => {
  const { server, clock } = await start();
  const { url, yard } = server;
  const proxy = new CuttingProxy(() => Number(new URL(url).port));
  await proxy.listen();
  cleanups.push(() => proxy.close());
  const clients = async (count: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: count }, () => {
        const socket = io(proxy.url, { transports: ["websocket"], auth: { token: TOKEN }, forceNew: true, reconnection: false });
        cleanups.push(async () => socket.disconnect());
        return new Promise((resolve) => socket.once("welcome", resolve));
      }),
    );
    proxy.hold();
  };
  // `batch:failed` carries its text to every client.
  const failed = (bytes: number): EventDraft => ({ ...bulky("batch.failed", 0), data: { batch_id: "b", error: "x".repeat(bytes) } });
  await clients(10);
  // The system takes more for one connection than for another: they get stuck one after another, and each goes in its time.
  for (let gone = 0; gone < 10;) {
    for (let rounds = 0; (await statistics(url)).sockets.unread_bytes < 100_000; rounds++) {
      expect(rounds).toBeLessThan(2_000);
      await yard.store.events.append([failed(40_000)]);
    }
    expect((await statistics(url)).sockets).toMatchObject({ open: 10 - gone, dropped: gone });
    await clock.advance(35_000);
    const { sockets } = await statistics(url);
    expect(sockets.unread_bytes).toBe(0);
    expect(sockets.dropped).toBeGreaterThan(gone);
    gone = sockets.dropped;
  }
  expect((await statistics(url)).sockets).toMatchObject({ open: 0, dropped: 10 });
});
