import { mkdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { CuttingProxy } from "../cutting-proxy.ts";
import { serve, TOKEN, type Served } from "../served.ts";

export interface StallOptions {
  readers: number;
  /** Empty folder. */
  folder: string;
  say?: (line: string) => void;
}

export interface StallPhase {
  name: string;
  readers: number;
  /** Of events that each reader would have got. */
  megabytes: number;
  rssBefore: number;
  rssPeak: number;
  /** Bytes that waited for one reader in the server's memory, at most; over all phases until this one. */
  mostUnread: number;
  /** Between the first byte that waited there and the last reader's end; null when they read. */
  goneAfterSeconds: number | null;
  dropped: number;
  pushP99: number;
}

interface Statistics {
  connections: Counts;
  sockets: Counts;
}
type Counts = { open: number; dropped: number; unread_bytes: number; most_unread_bytes: number };

const STREAM = "bulky";
const ITEM_BYTES = 20_000;
const ITEMS_AT_ONCE = 4;
const PUSH_EVERY_MS = 60;
const READING_SECONDS = 33;
const GONE_WITHIN_SECONDS = 35;
const PATIENCE_SECONDS = 120;
const MOST_BYTES = 1.1 * 1024 * 1024;

/** Readers that read, then as many that stop: what they cost a server that has much to say, and when they are gone. */
export async function stallCampaign(options: StallOptions): Promise<{ faults: string[]; phases: StallPhase[] }> {
  const { readers, folder, say = () => {} } = options;
  mkdirSync(folder, { recursive: true });
  const served = await serve(folder, { env: { LOG_LEVEL: "error" } });
  const faults: string[] = [];
  const phases: StallPhase[] = [];
  await served.client.streams.put(STREAM, {
    operation: "steady",
    keyField: "key",
    eventPrefix: "bulky",
    windowSeconds: 600,
    idleTimeoutSeconds: 300,
    maxItems: 20,
  });
  const oldest = `${(await epochOf(served)) ?? ""}.0`;

  const phase = async (name: string, kind: "connections" | "sockets", open: () => Promise<Opened>, stalls: boolean): Promise<void> => {
    const before = await statistics(served);
    const opened = await open();
    for (const deadline = performance.now() + 20_000; (await statistics(served))[kind].open < readers;) {
      if (performance.now() > deadline) throw new Error(`${name}: not every reader could connect`);
      await pause(50);
    }
    const rssBefore = rssOf(served.child.pid);
    opened.begin();
    let rssPeak = rssBefore;
    let firstUnread: number | null = null;
    let goneAt: number | null = null;
    let ended = false;
    let bytes = 0;
    const times: number[] = [];
    const pushing = (async () => {
      for (let n = 0; !ended; n += ITEMS_AT_ONCE) {
        const items = Array.from({ length: ITEMS_AT_ONCE }, (_, i) => ({
          id: `${name} ${n + i}`,
          n: 0,
          key: "k",
          text: "x".repeat(ITEM_BYTES),
        }));
        const pushedAt = performance.now();
        await served.client.streams.push(STREAM, items);
        times.push(performance.now() - pushedAt);
        bytes += ITEMS_AT_ONCE * ITEM_BYTES;
        await pause(PUSH_EVERY_MS);
      }
    })();
    for (const startedAt = performance.now(); !ended; await pause(200)) {
      const now = await statistics(served);
      rssPeak = Math.max(rssPeak, rssOf(served.child.pid));
      const seconds = (performance.now() - startedAt) / 1000;
      if (stalls && now[kind].unread_bytes > 0) firstUnread ??= performance.now();
      if (stalls && now[kind].open === 0) goneAt = performance.now();
      ended = stalls ? goneAt !== null || seconds > PATIENCE_SECONDS : seconds > READING_SECONDS;
    }
    await pushing;
    const after = await statistics(served);
    opened.close();
    const goneAfterSeconds = goneAt === null || firstUnread === null ? null : (goneAt - firstUnread) / 1000;
    const dropped = after[kind].dropped - before[kind].dropped;
    const figures: StallPhase = {
      name,
      readers,
      megabytes: bytes / 1024 / 1024,
      rssBefore,
      rssPeak,
      mostUnread: after[kind].most_unread_bytes,
      goneAfterSeconds,
      dropped,
      pushP99: times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN,
    };
    phases.push(figures);
    say(JSON.stringify(figures));
    if (figures.mostUnread > MOST_BYTES) faults.push(`${name}: ${figures.mostUnread} bytes waited for one reader`);
    if (stalls && (goneAfterSeconds === null || goneAfterSeconds > GONE_WITHIN_SECONDS))
      faults.push(`${name}: gone after ${goneAfterSeconds ?? "never"} s`);
    if (dropped !== (stalls ? readers : 0)) faults.push(`${name}: ${dropped} readers were counted as dropped`);
    if (stalls && rssPeak - rssBefore > readers * MOST_BYTES) faults.push(`${name}: RSS rose from ${rssBefore} to ${rssPeak}`);
    for (const deadline = performance.now() + 20_000; (await statistics(served))[kind].open > 0 && performance.now() < deadline;)
      await pause(50);
  };

  const stalling = (since: string | null) => () => sseReaders(served, readers, { since, reads: false });
  await phase("read", "connections", () => sseReaders(served, readers, { since: null, reads: true }), false);
  await phase("stop reading", "connections", stalling(null), true);
  await phase("ask for everything and do not read it", "connections", stalling(oldest), true);
  await phase("use Socket.IO and stop reading", "sockets", () => socketReaders(served, readers), true);
  await phase("read again", "connections", () => sseReaders(served, readers, { since: null, reads: true }), false);
  const { code } = await served.child.end("SIGTERM");
  if (code !== 0) faults.push(`SIGTERM ended the server with ${code}`);
  return { faults, phases };
}

interface Opened {
  /** From now on they stop reading, if that is their kind. */
  begin(): void;
  close(): void;
}

async function sseReaders(served: Served, count: number, kind: { since: string | null; reads: boolean }): Promise<Opened> {
  const open = await Promise.all(
    Array.from({ length: count }, () => {
      const headers = { authorization: `Bearer ${TOKEN}`, ...(kind.since === null ? {} : { "last-event-id": kind.since }) };
      const asked = request(`${served.url}/api/events`, { headers, agent: false });
      asked.on("error", () => undefined);
      asked.end();
      return new Promise<{ resume(): void; destroy(): void }>((resolve) => {
        asked.once("response", (response) => {
          response.on("error", () => undefined);
          if (kind.reads) response.resume();
          else response.pause();
          resolve({ resume: () => response.resume(), destroy: () => asked.destroy() });
        });
      });
    }),
  );
  return {
    begin: () => undefined,
    close: () => {
      for (const each of open) each.destroy();
    },
  };
}

async function socketReaders(served: Served, count: number): Promise<Opened> {
  const proxy = new CuttingProxy(() => Number(new URL(served.url).port));
  await proxy.listen();
  const sockets = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = io(proxy.url, { transports: ["websocket"], auth: { token: TOKEN }, forceNew: true, reconnection: false });
          socket.once("welcome", () => resolve(socket));
          socket.once("connect_error", reject);
        }),
    ),
  );
  return {
    begin: () => proxy.hold(),
    close: () => {
      for (const socket of sockets) socket.disconnect();
      void proxy.close();
    },
  };
}

async function statistics(served: Served): Promise<Statistics> {
  return ((await (await served.send("/api/events/stats")).json()) as { stats: Statistics }).stats;
}

async function epochOf(served: Served): Promise<string | undefined> {
  const answer = await served.send("/api/batch/stats");
  await answer.body?.cancel();
  return answer.headers.get("x-stream-cursor")?.split(".")[0];
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
