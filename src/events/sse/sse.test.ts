import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FrameParser, type Frame } from "../../client/sse.ts";
import { systemClock } from "../../model/clock.ts";
import type { EventDraft } from "../../model/event.ts";
import { partType, unmergeData } from "../../model/merged-event.ts";
import type { Store } from "../../store/port.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { classOf, isFinalType } from "../catalogue.ts";
import { DEFAULT_POLICY, type CoalescePolicy } from "../frames/coalescer.ts";
import { noGauges } from "../rates/gauges.fixture.ts";
import { LogTail } from "../log.ts";
import { EventStreams } from "./sse.ts";

/** The stream over a real log and real sockets; `restart` is a new process over the same store. */
let store: Store;
let directory: string;
let log: LogTail;
let streams: EventStreams;
let server: Server;
let policy: CoalescePolicy;

const QUICK: CoalescePolicy = { ...DEFAULT_POLICY, windowMs: 15 };
const CLASSIC: CoalescePolicy = { kind: "classic", windowMs: 25, maxEvents: 10 };
const OFF: CoalescePolicy = { kind: "off", windowMs: 25, maxEvents: 1 };

async function start(): Promise<void> {
  log = new LogTail(store.events, systemClock, () => undefined);
  await log.start();
  streams = new EventStreams({ log, clock: systemClock, gauges: noGauges() });
}

async function restart(): Promise<void> {
  streams.close();
  await log.stop();
  await start();
}

beforeEach(async () => {
  policy = QUICK;
  directory = mkdtempSync(join(tmpdir(), "batchyard-sse-"));
  store = openSqliteStore({ directory, synchronous: "NORMAL" });
  await start();
  server = createServer((asked, response) => {
    const since = asked.headers["last-event-id"];
    streams.open(response, {
      tenant: "t",
      batchId: null,
      stream: null,
      types: null,
      policy,
      followsClassic: policy.kind === "classic",
      dialect: "core",
      since: typeof since === "string" ? since : null,
      snapshotUrl: "/snapshot",
      headers: {},
      stillHolds: () => Promise.resolve(true),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  streams.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await log.stop();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Reads frames one after the other until `more` says no, then drops the connection and whatever had come besides. */
function read(since: string | null, more: (frame: Frame) => boolean): Promise<void> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    let enough = false;
    const asked = request({ port, host: "127.0.0.1", headers: since === null ? {} : { "last-event-id": since } }, (response) => {
      const parser = new FrameParser();
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        for (const frame of parser.push(text)) {
          if (enough) return;
          enough = !more(frame);
          if (enough) asked.destroy();
        }
      });
      response.on("error", () => undefined);
      response.on("close", resolve);
    });
    asked.on("error", () => resolve());
    asked.end();
  });
}

type Seen = { n: number; type: string; entity: string };

function eventsOf(frame: Frame): Seen[] {
  const { data } = JSON.parse(frame.data) as { data: Record<string, unknown> };
  const part = partType(frame.event);
  const parts = part === null ? [data] : unmergeData(data);
  return parts.map((each) => ({ n: each["n"] as number, type: part ?? frame.event, entity: each["batch_id"] as string }));
}

/** The steps of each entity in order, and its last figures. */
function fold(events: readonly Seen[]): object {
  const state: Record<string, { steps: number[]; figures: Record<string, number> }> = {};
  for (const { n, type, entity } of events) {
    const known = (state[entity] ??= { steps: [], figures: {} });
    if (classOf(type) === "latest") known.figures[type] = n;
    else known.steps.push(n);
    if (isFinalType(type)) known.figures = {};
  }
  return state;
}

const TYPES = [
  "batch.started",
  "batch.progress",
  "batch.progress",
  "batch.progress",
  "batch.paused",
  "batch.resumed",
  "batch.completed",
  "chunk.stalled",
  "settings.changed",
];

function draft(n: number, random: () => number): EventDraft {
  const type = TYPES[Math.floor(random() * TYPES.length)]!;
  const entity = `b${Math.floor(random() * 5)}`;
  return { tenant: "t", type, entity: { kind: "batch", id: entity }, severity: "info", ts: n, data: { batch_id: entity, n } };
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it("a reader by the classic constants goes on by new ones, without gap or overlap", async () => {
  policy = { kind: "classic", windowMs: 60_000, maxEvents: 1_000 };
  const events = (from: number, count: number): EventDraft[] =>
    Array.from({ length: count }, (_, i) => ({
      tenant: "t",
      type: "batch.started",
      entity: { kind: "batch", id: `b${from + i}` },
      severity: "info",
      ts: 0,
      data: { n: from + i, batch_id: `b${from + i}` },
    }));
  const seen: number[][] = [];
  let greeted = (): void => undefined;
  const open = new Promise<void>((resolve) => (greeted = resolve));
  const done = read(null, (frame) => {
    if (frame.event === "stream.hello") greeted();
    else seen.push(eventsOf(frame).map(({ n }) => n));
    return seen.flat().length < 8;
  });
  await open;
  await store.events.append(events(0, 2));
  while (log.lastSeq() < 2) await turn();
  streams.classicChanged({ kind: "classic", windowMs: 60_000, maxEvents: 3 });
  await store.events.append(events(2, 6));
  await done;
  expect(seen).toEqual([
    [0, 1],
    [2, 3, 4],
    [5, 6, 7],
  ]);
});

describe("resume", () => {
  it.each([QUICK, CLASSIC, OFF])(
    "after any frame, over disconnects and restarts, gives every event exactly once and in order: $kind",
    async (chosen) => {
      policy = chosen;
      const random = randomOf(7);
      const raw: Seen[] = [];
      let produced = false;
      const produce = async (): Promise<void> => {
        for (let round = 0; round < 250; round++) {
          const drafts = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, at) => draft(raw.length + at, random));
          for (const { type, data, entity } of drafts) raw.push({ n: data["n"] as number, type, entity: entity.id });
          await store.events.append(drafts);
          await turn();
          if (round % 60 === 59) await restart();
        }
        produced = true;
        const n = raw.length;
        await store.events.append([
          {
            tenant: "t",
            type: "batch.created",
            entity: { kind: "batch", id: "end" },
            severity: "info",
            ts: n,
            data: { batch_id: "end", n },
          },
        ]);
        raw.push({ n, type: "batch.created", entity: "end" });
      };
      const follow = async (seed: number): Promise<{ got: Seen[]; disconnects: number }> => {
        const chance = randomOf(seed);
        const got: Seen[] = [];
        let cursor: string | null = `${log.epoch()}.0`;
        let ended = false;
        let disconnects = -1;
        while (!ended) {
          // Also a reader that is behind is cut often enough.
          let left = produced && disconnects > 5 ? 1_000 : 1 + Math.floor(chance() * 6);
          await read(cursor, (frame) => {
            if (frame.event === "stream.reset") throw new Error("reset");
            if (frame.event === "bye") return true;
            cursor = frame.id ?? cursor;
            if (frame.event === "stream.hello") return true;
            got.push(...eventsOf(frame));
            ended = frame.event === "batch.created";
            left -= 1;
            return !ended && left > 0;
          });
          disconnects += 1;
        }
        return { got, disconnects };
      };
      const [, ...readers] = await Promise.all([produce(), follow(1), follow(2), follow(3)]);
      for (const { got, disconnects } of readers) {
        expect(fold(got)).toEqual(fold(raw));
        expect(new Set(got.map(({ n }) => n)).size).toBe(got.length);
        expect(disconnects).toBeGreaterThan(5);
      }
    },
  );

  it("within a flush whose frames interleave goes on with the frames that are missing", async () => {
    policy = CLASSIC;
    const types = ["batch.started", "batch.paused", "batch.started", "batch.paused"];
    await store.events.append(
      types.map((type, n) => ({
        tenant: "t",
        type,
        entity: { kind: "batch", id: `b${n}` },
        severity: "info",
        ts: n,
        data: { batch_id: `b${n}`, n },
      })),
    );
    const frames: Frame[] = [];
    const collect =
      (until: number) =>
      (frame: Frame): boolean => {
        if (!frame.event.startsWith("stream.")) frames.push(frame);
        return frames.length < until;
      };
    await read(`${log.epoch()}.0`, collect(1));
    expect(frames[0]).toMatchObject({ event: "batches.started" });
    await read(frames[0]!.id, collect(2));
    expect(frames.map((frame) => [frame.event, eventsOf(frame).map(({ n }) => n)])).toEqual([
      ["batches.started", [0, 2]],
      ["batches.paused", [1, 3]],
    ]);
    expect(frames[1]!.id).toBe(`${log.epoch()}.4`);
    // Who asks for other frames gets the whole flush again: nothing is lost.
    policy = OFF;
    const again: number[] = [];
    await read(frames[0]!.id, (frame) => {
      if (!frame.event.startsWith("stream.")) again.push(...eventsOf(frame).map(({ n }) => n));
      return again.length < 4;
    });
    expect(again).toEqual([0, 1, 2, 3]);
  });
});

describe("sharing", () => {
  it("a hundred readers of the same cost one coalescer", async () => {
    const counts = { ready: 0, got: 0 };
    let allReady = (): void => undefined;
    const ready = new Promise<void>((resolve) => (allReady = resolve));
    const readers = Array.from({ length: 100 }, () =>
      read(null, (frame) => {
        if (frame.event === "stream.hello" && (counts.ready += 1) === 100) allReady();
        counts.got += partType(frame.event) === null ? 0 : eventsOf(frame).length;
        return !frame.event.endsWith("created");
      }),
    );
    await ready;
    await turn();
    const started = (n: number, type = "batch.started"): EventDraft => ({
      tenant: "t",
      type,
      entity: { kind: "batch", id: `b${n}` },
      severity: "info",
      ts: n,
      data: { batch_id: `b${n}`, n },
    });
    await store.events.append([started(0), started(1), started(2), started(3, "batch.created")]);
    const {
      channels,
      connections,
      frames,
      events,
      frames_written: written,
      events_saved: saved,
      batcher_events_saved: prefixed,
    } = streams.statistics();
    await Promise.all(readers);
    while (streams.counts.open > 0) await turn();
    expect(counts.got).toBe(300);
    expect({ channels, open: connections.open, frames, events, saved, prefixed }).toEqual({
      channels: 1,
      open: 100,
      frames: 2,
      events: 4,
      saved: 2,
      prefixed: 2,
    });
    expect(written).toBe(100);
    expect(streams.statistics()).toMatchObject({ channels: 0, connections: { open: 0, dropped: 0 }, pending_events: 0 });
  });
});

it("tells how many event frames a second its readers get, and how late", async () => {
  let now = Date.UTC(2026, 0, 1);
  streams = new EventStreams({ log, gauges: noGauges(), clock: { ...systemClock, now: () => now } });
  let ready = 0;
  const readers = Array.from({ length: 3 }, () =>
    read(null, (frame) => {
      if (frame.event === "stream.hello" && (ready += 1) === 3) void happen();
      return frame.event !== "batch.created";
    }),
  );
  const happen = (): Promise<void> =>
    store.events.append(
      ["batch.started", "batch.started", "batch.paused", "batch.created"].map((type, n) => ({
        tenant: "t",
        type,
        entity: { kind: "batch", id: `b${n}` },
        severity: "info",
        ts: now - 40,
        data: { batch_id: `b${n}`, n },
      })),
    );
  await Promise.all(readers);
  // Whole seconds count, so the present one must be over.
  now += 2_000;
  const { sse_events_per_second: rate, delivery_ms: late, frames } = streams.statistics();
  expect({ rate, frames }).toEqual({ rate: 0.9, frames: 3 });
  // Within the 1 % of the sketch.
  expect([late.p50! / 40, late.p99! / 40]).toEqual([expect.closeTo(1, 1), expect.closeTo(1, 1)]);
});

it("a reader that becomes slow within a write moves after it: nobody misses an event or sees one too early", async () => {
  // Writing takes ten milliseconds of this clock, so the writer rests; its timers fire when the test says.
  let time = 0;
  const timers: { ms: number; fire: () => void }[] = [];
  const clock = { ...systemClock, elapsed: () => time, after: (ms: number, fire: () => void) => afterwards({ ms, fire }) };
  const afterwards = (timer: (typeof timers)[number]): (() => void) => {
    timers.push(timer);
    return () => void timers.splice(timers.indexOf(timer) >>> 0, 1);
  };
  class Unread extends EventEmitter {
    writableLength = 0;
    text = "";
    writeHead(): void {}
    end(): void {}
    destroy(): void {}
    write(bytes: string | Buffer): boolean {
      time += 10;
      this.text += String(bytes);
      return this.writableLength === 0;
    }
    get order(): number[] {
      return new FrameParser()
        .push(this.text)
        .flatMap((frame) => (frame.event.startsWith("stream.") ? [] : eventsOf(frame).map(({ n }) => n)));
    }
  }
  streams = new EventStreams({ log, gauges: noGauges(), clock });
  const readers = [new Unread(), new Unread(), new Unread()];
  for (const response of readers) {
    streams.open(response as unknown as ServerResponse, {
      tenant: "t",
      batchId: null,
      stream: null,
      types: null,
      policy: { kind: "classic", windowMs: 500, maxEvents: 2 },
      followsClassic: false,
      dialect: "core",
      since: null,
      snapshotUrl: "/snapshot",
      headers: {},
      stillHolds: () => Promise.resolve(true),
    });
  }
  while (streams.statistics().channels === 0 || readers.some(({ text }) => !text.includes("stream.hello"))) await turn();
  await turn();
  const happen = async (...numbers: number[]): Promise<void> => {
    await store.events.append(
      numbers.map((n) => ({
        tenant: "t",
        type: "batch.started",
        entity: { kind: "batch", id: `b${n}` },
        severity: "info",
        ts: n,
        data: { batch_id: `b${n}`, n },
      })),
    );
    while (log.lastSeq() < numbers.at(-1)!) await turn();
  };
  await happen(1, 2);
  await happen(3, 4, 5);
  expect(readers.map(({ order }) => order)).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  readers[1]!.writableLength = 100_000;
  const rest = timers.find(({ ms }) => ms === 60)!;
  time += rest.ms;
  rest.fire();
  expect(streams.statistics().connections).toMatchObject({ slow: 1 });
  // The one that moved has all up to now; those that stay have it, too, because moving flushes.
  for (const { order } of readers) expect(order).toEqual([1, 2, 3, 4, 5]);
});

describe("a slow reader", () => {
  it("gets less, is told so, and is reset when it has caught up; others notice nothing", async () => {
    const { port } = server.address() as AddressInfo;
    const frames: Frame[] = [];
    let told = (): void => undefined;
    const degradedThenReset = new Promise<void>((resolve) => (told = resolve));
    const parser = new FrameParser();
    const asked = request({ port, host: "127.0.0.1" }, (response) => {
      response.setEncoding("utf8");
      response.on("error", () => undefined);
      response.on("data", (text: string) => {
        frames.push(...parser.push(text));
        if (frames.some(({ event }) => event === "stream.reset")) told();
      });
      response.once("data", () => {
        response.pause();
        void flood(() => response.resume());
      });
    });
    asked.on("error", () => undefined);
    asked.end();

    // State events of 20 kB until the connection is degraded; then it reads again.
    async function flood(resume: () => void): Promise<void> {
      for (let n = 0; streams.statistics().connections.degraded === 0; n++) {
        await store.events.append([
          {
            tenant: "t",
            type: "someone.elses",
            entity: { kind: "batch", id: "b" },
            severity: "info",
            ts: n,
            data: { batch_id: "b", n, text: "x".repeat(20_000) },
          },
        ]);
        await turn();
      }
      resume();
    }

    await degradedThenReset;
    asked.destroy();
    const names = frames.map(({ event }) => event);
    expect(names.indexOf("stream.degraded")).toBeGreaterThan(0);
    expect(names.indexOf("stream.reset")).toBeGreaterThan(names.indexOf("stream.degraded"));
    const reset = frames.find(({ event }) => event === "stream.reset")!;
    expect(JSON.parse(reset.data)).toMatchObject({ data: { snapshotUrl: "/snapshot", cursor: reset.id } });
    // What came while it was degraded has no id: a reader that is cut then resumes from before.
    expect(frames.slice(names.indexOf("stream.degraded"), names.indexOf("stream.reset")).map(({ id }) => id)).toEqual(
      expect.not.arrayContaining([expect.any(String)]),
    );
    expect(streams.statistics().connections.dropped).toBe(0);
  });
});
