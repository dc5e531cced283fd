import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { defineOperation, OperationError } from "batchyard";
import { createTestYard, type TestYard, type TestYardOptions } from "batchyard/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asking } from "../../src/executors/openai-batch/asking.fixture.ts";
import { ALERT_TICK_MS } from "../../src/model/alert.ts";
import { ALERT_KIND_NAMES, ALERT_KINDS, type AlertKindName } from "../../src/monitor/alerts/catalogue.ts";
import type { RuleBody } from "../../src/monitor/alerts/rule.ts";
import { startPeer, type Peer } from "../support/openai-peer/peer.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const me = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;

interface Work {
  /** Virtual milliseconds that it takes. */
  takes?: number;
  /** Fails for good. */
  fails?: string;
  /** Tries that fail before one succeeds. */
  retries?: number;
  cost?: number;
}

let yard: TestYard;
let peer: Peer | null;
let sink: Server;
/** What arrived at the working channel, and how the other one answers. */
let heard: string[];
let answer: number;

const work = (name: string) =>
  defineOperation({
    name,
    concurrency: 1000,
    async processItem({ takes = 0, fails, retries = 0, cost = 0 }: Work, ctx) {
      if (takes > 0) await yard.clock.wait(takes, ctx.signal);
      if (fails !== undefined) throw new OperationError(fails, { code: fails, category: "data" });
      if (ctx.attempt < retries) throw new OperationError("busy", { code: "busy", category: "transient" });
      return { result: 1, cost };
    },
  });

async function open(options: TestYardOptions = {}): Promise<void> {
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  yard = await createTestYard({
    operations: [work("work"), work("other"), asking],
    channels: { ops: { webhook: `${url}/ops` }, shaky: { webhook: `${url}/shaky` } },
    ...options,
  });
}

/** Real time for messages under way: the courier notes each answer in some turn of the event loop. */
async function delivered(): Promise<void> {
  await yard.advance(SECOND);
  while ((await yard.parts.store.outbox.due(yard.clock.now(), 1)).length > 0) await turn();
}

const toTick = (): number => ALERT_TICK_MS - (yard.clock.now() % ALERT_TICK_MS);

/** Moves on to the next whole quarters of a minute, and looks at each. */
async function looks(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await yard.advance(toTick());
    await yard.parts.alerts.evaluator.tick();
  }
}

async function firing(): Promise<string[]> {
  const episodes = await yard.parts.alerts.episodes("default", { open: true, before: null, limit: 100 });
  return episodes.map(({ rule, instance }) => `${rule} ${instance}`.trim()).sort();
}

/** A batch of these items that has ended. */
async function run(items: readonly Work[], operation = "work", options: Record<string, unknown> = {}): Promise<void> {
  const { id } = await yard.createBatch({
    operation,
    items: items.map((item) => ({ ...item })),
    options: { retryAttempts: 5, ...options },
  });
  await yard.runToEnd(id);
}
const items = (count: number, work: Work = {}): Work[] => Array.from({ length: count }, () => work);

/** A batch that workers of outside are to do. */
async function waiting(count = 1): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++)
    ids.push((await yard.createBatch({ operation: "work", items: [{}], options: { executor: "external" } })).id);
  return ids;
}
const outside = () => yard.parts.engine.external;
const lease = async (worker: string) => (await outside().lease(me, { worker, max: 1, leaseMs: 12 * SECOND })).chunks[0]!;
async function cancelAll(): Promise<void> {
  for (const { id } of await yard.getBatchHistory({ limit: 100 })) await yard.cancelBatch(id);
}
const stream = (name: string, definition: Record<string, unknown>) =>
  yard.parts.streams.put(me, name, { operation: "work", ...definition });

interface Scene {
  /** Of which thing; "" = of all together. */
  about: string;
  options?: TestYardOptions;
  /** Only where what the catalogue has takes too long, or is off. */
  rule?: Partial<RuleBody>;
  /** Brings it about as far as nothing is told. */
  below(): Promise<unknown>;
  /** And a little further. */
  above(): Promise<unknown>;
  /** Looks from then on until it fires, at most; the rule's own time comes on top. */
  within?: number;
  end(): Promise<unknown>;
  /** Time after its end until nothing of it is in the figures any more. */
  lasts?: number;
}

const WORK = "operation:work";
const SCENES: Record<AlertKindName, Scene> = {
  highErrorRate: {
    about: WORK,
    below: () => run([...items(100, { fails: "bad" }), ...items(900)]),
    above: () => run([{ fails: "bad" }]),
    end: () => run(items(100)),
  },
  longProcessingTime: {
    about: WORK,
    below: () => run([{ takes: HOUR }], "work", { timeout: 2 * HOUR }),
    above: () => run([{ takes: HOUR + 1 }], "work", { timeout: 2 * HOUR }),
    end: () => Promise.resolve(),
    lasts: HOUR,
  },
  lowThroughput: {
    about: "",
    async below() {
      await run(items(1));
      await yard.advance(DAY + MINUTE);
      await run(items(1));
      await yard.advance(HOUR);
      for (let n = 0; n < 11; n++) await run(items(1));
    },
    above: () => yard.advance(DAY - HOUR + 2 * MINUTE),
    end: () => run(items(1)),
  },
  batchFailure: {
    about: WORK,
    below: () => run([{ fails: "bad" }, {}]),
    above: () => run([{ fails: "bad" }]),
    end: () => Promise.resolve(),
    lasts: HOUR,
  },
  windowNearTimeout: {
    about: "stream:slow",
    rule: { enabled: true },
    async below() {
      await stream("slow", { keyField: "who", windowSeconds: 600, idleTimeoutSeconds: 599, checkIntervalSeconds: 5 });
      await yard.advance(toTick());
      await yard.push("slow", { id: "1", who: "me" });
      await looks(34);
    },
    above: () => Promise.resolve(),
    end: () => yard.advance(2 * MINUTE),
  },
  queueWaitHigh: {
    about: WORK,
    async below() {
      await yard.advance(toTick());
      await waiting();
      await looks(19);
    },
    above: () => Promise.resolve(),
    end: cancelAll,
  },
  queueStuck: {
    about: WORK,
    async below() {
      await yard.advance(toTick());
      await waiting();
      await looks(38);
    },
    above: () => Promise.resolve(),
    end: () => lease("a"),
  },
  queueGrowing: { about: WORK, below: () => waiting(50), above: () => waiting(), end: cancelAll },
  batchStalled: {
    about: WORK,
    async below() {
      await waiting();
      const { chunk, fence } = await lease("a");
      for (let n = 0; n < 4; n++) {
        await yard.advance(9 * SECOND);
        await outside().heartbeat(me, { leases: [{ chunk, fence }], leaseMs: 12 * SECOND });
      }
    },
    above: () => yard.advance(13 * SECOND),
    end: () => Promise.resolve(),
    lasts: 16 * MINUTE,
  },
  noWorkers: {
    about: "",
    async below() {
      yard.parts.engine.draining = true;
      await looks(8);
    },
    above: () => yard.createBatch({ operation: "work", items: [{}] }),
    end: async () => (yard.parts.engine.draining = false),
  },
  workerLost: {
    about: "",
    async below() {
      // One that leaves with nothing in its hands is not lost.
      await outside().lease(me, { worker: "guest", max: 1, leaseMs: 12 * SECOND });
      await yard.advance(6 * MINUTE);
    },
    async above() {
      await waiting();
      await lease("a");
      await yard.advance(13 * SECOND);
    },
    async end() {
      await cancelAll();
      await outside().lease(me, { worker: "a", max: 1, leaseMs: 12 * SECOND });
    },
  },
  deadLetterNew: {
    about: "stream:full",
    async below() {
      await stream("full", { keyField: "who", windowSeconds: 86_400, maxItems: 100, maxOpen: 3, overflow: "dead_letter" });
      for (const id of ["1", "2", "3"]) await yard.push("full", { id, who: "me" });
    },
    above: () => yard.push("full", { id: "4", who: "me" }),
    end: () => Promise.resolve(),
    lasts: HOUR + MINUTE,
  },
  newErrorClass: {
    about: WORK,
    async below() {
      // A kind that is known already: it was seen more than an hour ago.
      await run([{ fails: "old" }, {}]);
      await yard.parts.store.alerts.noteErrors(100);
      await yard.advance(HOUR + MINUTE);
      await run([{ fails: "old" }, {}]);
    },
    above: () => run([{ fails: "brand-new" }, {}]),
    end: () => Promise.resolve(),
    lasts: HOUR + MINUTE,
  },
  retryStorm: {
    about: WORK,
    below: () => run(items(10, { retries: 1 }), "work", { retryBackoffMs: 1 }),
    above: () => run([{ retries: 2 }], "work", { retryBackoffMs: 1 }),
    end: () => run(items(10)),
  },
  backpressure: {
    about: "",
    options: { settings: { QUEUE_MAX_SIZE: "10", QUEUE_BACKPRESSURE_THRESHOLD: "0.8" } },
    below: () => waiting(7),
    above: () => waiting(1),
    end: cancelAll,
  },
  budgetNearLimit: {
    about: WORK,
    below: () =>
      yard
        .createBatch({
          operation: "work",
          items: [{ cost: 0.79 }, { takes: 10 * MINUTE, cost: 0.01 }, { takes: 30 * MINUTE }],
          options: { budgetUsd: 1, batchSize: 1, timeout: HOUR },
        })
        .then(() => yard.advance(5 * MINUTE)),
    above: () => yard.advance(5 * MINUTE + SECOND),
    end: () => yard.advance(20 * MINUTE),
  },
  providerBatchNearExpiry: {
    about: "provider:peer",
    options: { settings: { BATCH_TIMEOUT_HOURS: "24" } },
    async below() {
      const { id } = await yard.createBatch({ operation: "asking", items: [{ id: "i", text: "?" }] });
      const { attempts, alerts } = yard.parts.store;
      while (((await attempts.ofBatch("default", id, 1))[0]?.upstreamId ?? null) === null) await yard.advance(SECOND);
      const [open] = (await alerts.figures("default", { since: 0, now: yard.clock.now() })).providers;
      // To the last look before the hour begins.
      await yard.advance(open!.timeoutAt - HOUR - yard.clock.now() - 2 * ALERT_TICK_MS);
    },
    above: () => yard.advance(2 * ALERT_TICK_MS),
    async end() {
      await peer!.advance(20);
      for (let polls = 0; (await yard.parts.keeper.nextDueAt()) !== null && polls < 200; polls++) await yard.advance(MINUTE);
    },
  },
  sourceSilent: {
    about: "stream:quiet",
    async below() {
      await stream("quiet", { keyField: "who", windowSeconds: 60 });
      await yard.advance(toTick());
      await yard.push("quiet", { id: "1", who: "me" });
      await yard.advance(DAY - ALERT_TICK_MS);
    },
    above: () => Promise.resolve(),
    end: () => yard.push("quiet", { id: "2", who: "me" }),
  },
  watchdog: {
    about: "",
    async below() {
      await looks(1);
      await yard.advance(5 * MINUTE);
    },
    above: () => yard.advance(5 * MINUTE + ALERT_TICK_MS),
    end: () => Promise.resolve(),
  },
  channelBroken: {
    about: "channel:shaky",
    async below() {
      answer = 500;
      await run(items(1), "work", { notifyOnComplete: ["shaky"] });
      for (let tries = 0; tries < 2; tries++) {
        const next = await yard.parts.store.outbox.nextAt();
        await yard.advance(Math.max(SECOND, next! - yard.clock.now()));
        await delivered();
      }
    },
    above: () => yard.advance(20 * SECOND).then(delivered),
    async end() {
      answer = 204;
      await yard.advance(MINUTE);
      await delivered();
    },
  },
  channelOff: {
    about: "channel:shaky",
    async below() {
      answer = 404;
      await run(items(1), "work", { notifyOnComplete: ["shaky"] });
      await delivered();
    },
    async above() {
      answer = 410;
      await yard.advance(MINUTE);
      await delivered();
    },
    async end() {
      answer = 204;
      expect(await yard.parts.alerts.channels.test("default", "shaky", "test", yard.clock.now())).toBeNull();
    },
  },
};

beforeEach(async () => {
  heard = [];
  answer = 204;
  peer = null;
  sink = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { subject } = JSON.parse(Buffer.concat(parts).toString("utf8")) as { subject: string };
      if (request.url === "/ops") heard.push(subject);
      response.writeHead(request.url === "/ops" ? 204 : answer).end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await yard.close();
  await peer?.close();
  sink.closeAllConnections();
  await new Promise((resolve) => sink.close(resolve));
});

describe("every kind of alert, brought about by what really happens", () => {
  it.each(ALERT_KIND_NAMES)("%s: nothing just below, one message when it is passed, one when it is over", async (kind) => {
    const { about, options = {}, rule = {}, below, above, within = 2, end, lasts = 0 } = SCENES[kind];
    if (kind === "providerBatchNearExpiry") {
      peer = await startPeer({
        clock: { now: () => yard.clock.now(), elapsed: () => performance.now(), after: () => () => undefined },
        steps: "manual",
      });
      await open({ ...options, providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true } }, realMs: 2000 });
    } else await open(options);
    const { alerts } = yard.parts;
    for (const { name } of await alerts.rules("default"))
      await alerts.saveRule("default", name, {
        kind: name as AlertKindName,
        enabled: name === kind,
        // What is told later with others says how much of it there was: here each message is to be seen.
        frequency: "immediate",
        channels: ["ops"],
        ...(name === kind ? rule : {}),
      });
    const { forSeconds, keepSeconds } = ALERT_KINDS[kind];
    const ticksOf = (seconds: number): number => Math.ceil((seconds * SECOND) / ALERT_TICK_MS);

    await below();
    await looks(1);
    expect([await firing(), await alerts.states("default")]).toEqual([[], []]);
    await above();
    // The look that sees it first begins the rule's own time; without such a time it is told then.
    await looks(forSeconds === 0 ? 0 : ticksOf(forSeconds));
    expect(await firing()).toEqual([]);
    for (let n = 0; n < within && (await firing()).length === 0; n++) await looks(1);
    expect(await firing()).toEqual([`${kind} ${about}`.trim()]);

    await end();
    await yard.advance(lasts);
    for (let n = 0; n < ticksOf(keepSeconds) + 4 && (await firing()).length > 0; n++) await looks(1);
    expect(await firing()).toEqual([]);
    await looks(4);
    await delivered();
    const named = about === "" ? kind : `${kind} (${about})`;
    expect(heard.map((subject) => subject.split(" is ")[0])).toEqual([
      `Alert (${ALERT_KINDS[kind].severity}): ${named}`,
      `Resolved: ${named}`,
    ]);
  });
});
