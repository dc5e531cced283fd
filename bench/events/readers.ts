/**
 * The readers of bench/events.ts in a process of their own. A few parse what they get and measure how late it is; the others
 * count bytes, which must be as many as everyone else's.
 */
import { get } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { io, type Socket } from "socket.io-client";
import { FrameParser } from "../../src/client/sse.ts";
import { partType, unmergeData } from "../../src/model/merged-event.ts";
import { percentile } from "../support/report.ts";
import { ByteCounter } from "./byte-counter.ts";
import type { Delays, Figures, ReaderCommand } from "./messages.ts";

type Open = Extract<ReaderCommand, { read: "open" }>;

/** Of each kind; more would make this process the slow one. */
const MEASURED = 5;
/** Connections are opened so many at a time: a backlog is not what is measured. */
const AT_ONCE = 50;
const CRITICAL = /^(chunk\.stalled|batch:error)$/;

class Door {
  private readonly counters: ByteCounter[] = [];
  private readonly events: number[] = [];
  private readonly delays: number[] = [];
  private readonly criticals: number[] = [];
  degraded = 0;

  counter(url: string): ByteCounter {
    const counter = new ByteCounter(new URL(url), (error) => process.stderr.write(`a reader ended: ${error.message}\n`));
    this.counters.push(counter);
    return counter;
  }

  reader(): (name: string, parts: readonly Record<string, unknown>[]) => void {
    const at = this.events.push(0) - 1;
    return (name, parts) => {
      const now = Date.now();
      this.events[at]! += parts.length;
      const list = CRITICAL.test(name) ? this.criticals : this.delays;
      for (const part of parts) list.push(now - madeAt(part));
    };
  }

  begin(): void {
    for (const counter of this.counters) counter.bytes = 0;
    this.events.fill(0);
    this.delays.length = 0;
    this.criticals.length = 0;
    this.degraded = 0;
  }

  figures(): Delays {
    const rank = (list: readonly number[], p: number): number =>
      percentile(
        list.toSorted((a, b) => a - b),
        p,
      );
    const bytes = this.counters.map((counter) => counter.bytes);
    return {
      events: [...this.events],
      degraded: this.degraded,
      p50: rank(this.delays, 0.5),
      p99: rank(this.delays, 0.99),
      criticalP99: rank(this.criticals, 0.99),
      bytes: bytes.reduce((sum, each) => sum + each, 0),
      least: Math.min(...bytes),
      most: Math.max(...bytes),
    };
  }

  close(): void {
    for (const counter of this.counters) counter.close();
  }
}

/** An id says when its event was made: `batch_<ms>_<n>`. */
function madeAt(part: Record<string, unknown>): number {
  return Number(String(part["batch_id"] ?? part["batchId"]).split("_")[1]);
}

let sse = new Door();
let sockets = new Door();
const open: { destroy(): void }[] = [];
const lag = monitorEventLoopDelay({ resolution: 10 });
let cpu = process.cpuUsage();
let since = performance.now();

async function connect(command: Open): Promise<void> {
  sse.close();
  sockets.close();
  for (const each of open.splice(0)) each.destroy();
  [sse, sockets] = [new Door(), new Door()];
  const path = `/api/events?coalesce=${command.coalesce}`.replace("?coalesce=default", "");
  const auth = { token: command.token, coalesce: command.coalesce, merge: command.isMerged };
  await many(command.sse, (at) =>
    at < MEASURED
      ? follow(`${command.url}${path}`, command.token, sse.reader())
      : sse.counter(command.url).followEvents(path, command.token),
  );
  await many(command.sockets, (at) =>
    at < MEASURED ? join(command.url, auth, sockets.reader()) : sockets.counter(command.url).joinSockets(auth),
  );
}

function begin(): void {
  sse.begin();
  sockets.begin();
  lag.reset();
  lag.enable();
  cpu = process.cpuUsage();
  since = performance.now();
}

async function many(count: number, one: (at: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => one(from + at)));
}

function follow(url: string, token: string, take: ReturnType<Door["reader"]>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { authorization: `Bearer ${token}` }, agent: false }, (response) => {
      const parser = new FrameParser();
      response.setEncoding("utf8");
      response.once("data", () => resolve());
      response.on("error", () => undefined);
      response.on("data", (text: string) => {
        for (const frame of parser.push(text)) {
          if (frame.event === "stream.degraded") sse.degraded += 1;
          if (/^(stream\.|heartbeat|bye)/.test(frame.event)) continue;
          const { data } = JSON.parse(frame.data) as { data: Record<string, unknown> };
          take(frame.event, partType(frame.event) === null ? [data] : unmergeData(data));
        }
      });
    });
    open.push(request);
    request.on("error", reject);
  });
}

function join(url: string, auth: Record<string, unknown>, take: ReturnType<Door["reader"]>): Promise<void> {
  const socket: Socket = io(url, { transports: ["websocket"], auth, forceNew: true, reconnection: false });
  open.push({ destroy: () => socket.disconnect() });
  socket.onAny((name: string, data: Record<string, unknown>) => {
    if (name !== "welcome") take(name, Array.isArray(data["events"]) ? unmergeData(data) : [data]);
  });
  return new Promise((resolve, reject) => {
    socket.once("welcome", () => resolve());
    socket.once("connect_error", reject);
  });
}

process.on("message", (command: ReaderCommand) => {
  if (command.read === "open") void connect(command).then(() => process.send?.({ opened: true }));
  else if (command.read === "begin") {
    begin();
    process.send?.({ begun: true });
  } else {
    const { user, system } = process.cpuUsage(cpu);
    const figures: Figures = {
      sse: sse.figures(),
      sockets: sockets.figures(),
      lagP99: lag.percentile(99) / 1e6,
      cpu: (user + system) / 1000 / (performance.now() - since),
    };
    process.send?.(figures);
  }
});
process.send?.({ up: true });
// Nobody is left to answer.
process.on("disconnect", () => process.exit(1));
