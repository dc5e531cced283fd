import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../testing/random.ts";
import { AlertRig } from "./alerts.fixture.ts";
import { backTest } from "./back-test.ts";
import type { RuleBody } from "./rule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const HOUR_TICKS = 240;

let rig: AlertRig;
beforeEach(async () => {
  rig = await AlertRig.open();
});
afterEach(async () => {
  await rig.close();
  expect(rig.faults).toEqual([]);
});

const subjects = (): string[] => rig.heard.map(({ subject }) => subject);

describe("the four rules", () => {
  it.each([
    [100, []],
    [101, ["highErrorRate operation:import"]],
  ])("highErrorRate: %i of 1,000 failed", async (failed, firing) => {
    await rig.only("highErrorRate");
    await rig.ran(1000, failed);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(firing);
    expect(subjects()).toEqual(firing.length === 0 ? [] : ["Alert (high): highErrorRate (operation:import) is 10.1 %: more than 10 %"]);
  });

  it.each([
    [3_600_000, []],
    [3_600_001, ["longProcessingTime operation:import"]],
  ])("longProcessingTime: a batch took %i ms", async (ms, firing) => {
    await rig.only("longProcessingTime");
    await rig.ran(1, 0, ms);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(firing);
  });

  it("longProcessingTime: also of a batch that still runs", async () => {
    await rig.only("longProcessingTime");
    rig.rig.now = rig.now - HOUR + 15_000;
    const batch = await rig.rig.create([["a"]], { batch: { operation: "import" } });
    await rig.rig.claim(batch, 2 * HOUR);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual([]);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["longProcessingTime operation:import"]);
  });

  it.each([
    [12, 0.5, []],
    [12, 0.501, ["lowThroughput"]],
    [11, 0.5, ["lowThroughput"]],
  ])("lowThroughput: %i batches in 24 hours against %f an hour", async (batches, threshold, firing) => {
    await rig.only("lowThroughput");
    await rig.alerts.saveRule("acme", "lowThroughput", { kind: "lowThroughput", threshold });
    await rig.ran(1, 0);
    await rig.ticks(1);
    // Until the first batch is a day old nothing is known.
    expect(await rig.firing()).toEqual([]);
    await rig.clock.skipTo(rig.now + DAY + HOUR);
    for (let i = 0; i < batches; i++) await rig.ran(1, 0);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(firing);
  });

  it("highErrorRate: a muted kind is no news, and a failure all the same", async () => {
    await rig.only("highErrorRate", "newErrorClass");
    await rig.ran(10, 5);
    await rig.ticks(1);
    const both = ["highErrorRate operation:import", "newErrorClass operation:import"];
    expect(await rig.firing()).toEqual(both);
    const { failures } = rig.rig.store;
    const [group] = await failures.classes({ tenant: "acme", from: 0, to: rig.now + 1 }, 1);
    await failures.mute({
      tenant: "acme",
      fingerprint: group!.fingerprint,
      reason: "known",
      by: "me",
      at: rig.now,
      until: null,
      untilChange: false,
    });
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(both.slice(0, 1));
  });

  it("lowThroughput: nothing ended is known also when retention has removed every batch", async () => {
    await rig.only("lowThroughput");
    const remove = (before: number): Promise<number> => rig.rig.store.batches.remove(null, before, { limit: 10, dryRun: false });
    const trim = async (before: number): Promise<void> => {
      while (await rig.rig.store.monitor.trim({ minutes: before, hours: before, days: 0 }));
    };
    await rig.ran(1, 0);
    await rig.clock.skipTo(rig.now + 5 * DAY);
    expect(await remove(rig.now)).toBe(1);
    await trim(rig.now - 2 * DAY);
    // A recount leaves nothing of what is gone.
    rig.opened.tamper("sums", "");
    await rig.rig.store.upkeep.verify({ rebuild: true });
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["lowThroughput"]);
    // One that comes now is not the first.
    await rig.clock.skipTo(rig.now + 2 * DAY);
    await rig.ran(1, 0);
    await rig.ticks(21);
    expect(await rig.firing()).toEqual(["lowThroughput"]);
    for (let i = 0; i < 12; i++) await rig.ran(1, 0);
    await rig.ticks(21);
    expect(await rig.firing()).toEqual([]);
  });

  it("batchFailure: one whole batch", async () => {
    await rig.only("batchFailure");
    await rig.ran(2, 1);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual([]);
    await rig.ran(2, 2);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["batchFailure operation:import"]);
    await rig.ticks(HOUR_TICKS + 8);
    expect(await rig.firing()).toEqual([]);
    expect(subjects().map((subject) => subject.split(" ")[0])).toEqual(["Alert", "Resolved:"]);
  });

  it("a rule that is narrowed to other things ends for what it leaves out", async () => {
    await rig.only("highErrorRate");
    for (const operation of ["import", "export"]) await rig.ran(1, 1, 10, operation);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["highErrorRate operation:export", "highErrorRate operation:import"]);
    await rig.alerts.saveRule("acme", "highErrorRate", { kind: "highErrorRate", keepSeconds: 0, instances: ["operation:export"] });
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["highErrorRate operation:export"]);
    expect(subjects().at(-1)).toMatch(/^Resolved: highErrorRate \(operation:import\)/);
  });

  it("thresholds come from the settings until a rule has its own", async () => {
    await rig.only("highErrorRate");
    rig.current = { ...rig.current, alerts: { errorRate: 50, processingTimeSeconds: 10 } };
    await rig.ran(10, 4);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual([]);
    await rig.alerts.saveRule("acme", "highErrorRate", { kind: "highErrorRate", threshold: 20 });
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["highErrorRate operation:import"]);
  });
});

describe("other rules", () => {
  it.each<[string, () => Promise<void> | void, string]>([
    ["backpressure", () => void (rig.live = { ...rig.live, pressure: { waiting: 80, maxSize: 100 } }), "backpressure"],
    ["workerLost", () => void (rig.live = { ...rig.live, lostWorkers: 1 }), "workerLost"],
    ["batchStalled", stalled, "batchStalled operation:transform"],
    ["newErrorClass", () => rig.ran(3, 1), "newErrorClass operation:import"],
    ["queueWaitHigh", () => waiting(300_001), "queueWaitHigh operation:transform"],
    ["queueStuck", () => waiting(601_000), "queueStuck operation:transform"],
  ])("%s", async (rule, cause, firing) => {
    await rig.only(rule);
    await rig.ticks(1);
    expect(await rig.firing()).toEqual([]);
    await cause();
    await rig.ticks(1);
    expect(await rig.firing()).toEqual([firing]);
  });

  it("noWorkers fires after a minute and speaks for what follows from it", async () => {
    await rig.only("noWorkers", "queueWaitHigh");
    rig.live = { ...rig.live, served: false };
    await waiting(0);
    await rig.ticks(4);
    expect(await rig.firing()).toEqual([]);
    await rig.ticks(30);
    expect(await rig.firing()).toEqual(["noWorkers", "queueWaitHigh operation:transform"]);
    expect(subjects()).toEqual(["Alert (critical): noWorkers is 1: at least 1"]);
    // What it spoke for is told when it still stands without it.
    rig.live = { ...rig.live, served: true };
    await rig.ticks(4);
    expect(subjects().slice(1)).toEqual(["Resolved: noWorkers is 1: at least 1", expect.stringMatching(/^Alert \(high\): queueWaitHigh/)]);
  });

  it("watchdog tells of a time in which nobody looked", async () => {
    await rig.only("watchdog");
    await rig.ticks(2);
    await rig.clock.skipTo(rig.now + 10 * MINUTE);
    await rig.restart();
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["watchdog"]);
    await rig.ticks(6);
    expect(await rig.firing()).toEqual([]);
  });

  it.each([25 * HOUR, -25 * HOUR])("a clock that jumps by %i ms blinds nobody: what fires and what ends is told once", async (jump) => {
    await rig.only("backpressure");
    // Set back: it was ahead before.
    rig.ahead = Math.max(0, -jump);
    rig.live = { ...rig.live, pressure: { waiting: 90, maxSize: 100 } };
    await rig.ticks(2);
    expect(await rig.firing()).toEqual(["backpressure"]);
    rig.ahead = Math.max(0, jump);
    await rig.ticks(2);
    await rig.restart();
    await rig.ticks(2);
    expect([await rig.firing(), subjects()]).toEqual([["backpressure"], ["Alert (high): backpressure is 90 %: at least 80 %"]]);
    rig.live = { ...rig.live, pressure: { waiting: 0, maxSize: 100 } };
    await rig.ticks(8);
    expect([await rig.firing(), subjects().length]).toEqual([[], 2]);
    rig.live = { ...rig.live, pressure: { waiting: 90, maxSize: 100 } };
    await rig.ticks(1);
    expect([await rig.firing(), subjects().length]).toEqual([["backpressure"], 3]);
  });

  async function waiting(ms: number): Promise<void> {
    rig.rig.now = rig.now - ms;
    await rig.rig.create([["a"]]);
  }
  async function stalled(): Promise<void> {
    rig.rig.now = rig.now;
    const batch = await rig.rig.create([["a"]]);
    await rig.rig.claim(batch, 1);
    await rig.rig.store.chunks.reap({ now: rig.now + 2 });
  }
});

describe("silences and suppression", () => {
  it("a silence that ends while it fires tells once; one that outlasts it tells nothing", async () => {
    await rig.only("backpressure");
    const silence = { rule: "backpressure", instance: null, from: rig.now, until: rig.now + 10 * MINUTE, by: "me", comment: null };
    await rig.alerts.silence("acme", silence);
    rig.live = { ...rig.live, pressure: { waiting: 90, maxSize: 100 } };
    await rig.ticks(39);
    expect(await rig.firing()).toEqual(["backpressure"]);
    expect(subjects()).toEqual([]);
    await rig.ticks(20);
    expect(subjects()).toEqual(["Alert (high): backpressure is 90 %: at least 80 %"]);
    rig.live = { ...rig.live, pressure: { waiting: 0, maxSize: 100 } };
    await rig.ticks(10);
    expect(subjects()).toHaveLength(2);

    await rig.alerts.silence("acme", { ...silence, from: rig.now, until: rig.now + HOUR });
    rig.live = { ...rig.live, pressure: { waiting: 90, maxSize: 100 } };
    await rig.ticks(4);
    rig.live = { ...rig.live, pressure: { waiting: 0, maxSize: 100 } };
    await rig.ticks(10);
    expect(await rig.firing()).toEqual([]);
    expect(subjects()).toHaveLength(2);
  });

  it("an alert that comes back within the time of suppression is not told again until that is over", async () => {
    await rig.only("workerLost");
    await rig.alerts.change("acme", { alertSuppression: 30 });
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(1);
    rig.live = { ...rig.live, lostWorkers: 0 };
    await rig.ticks(1);
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(30);
    expect(await rig.firing()).toEqual(["workerLost"]);
    expect(subjects()).toHaveLength(2);
    await rig.ticks(100);
    expect(subjects()).toHaveLength(3);
  });

  it("an alert that someone took on before it was told is not told", async () => {
    await rig.only("workerLost");
    await rig.alerts.silence("acme", { rule: null, instance: null, from: 0, until: rig.now + MINUTE, by: "me", comment: null });
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(1);
    const [episode] = await rig.alerts.episodes("acme", { open: true, before: null, limit: 1 });
    await rig.alerts.acknowledge("acme", episode!.id, "key:ci", "on it");
    await rig.ticks(20);
    expect(subjects()).toEqual([]);
    expect(await rig.alerts.acknowledge("acme", episode!.id, "key:other", null)).toMatchObject({ ackedBy: "key:ci", note: "on it" });
    await expect(rig.alerts.acknowledge("other", episode!.id, "x", null)).rejects.toMatchObject({ code: "alert_not_found" });
    const events = await rig.rig.store.events.read(0, 100, { entity: episode!.id });
    expect(events.map(({ type }) => type)).toEqual(["alert.firing", "alert.acked"]);
  });
});

describe("what goes out", () => {
  it("hourly and daily alerts come in one message at the end of the hour, of the day", async () => {
    await rig.only("longProcessingTime");
    await rig.clock.skipTo(rig.now + 20 * MINUTE);
    await rig.ran(1, 0, 3_600_001, "import");
    await rig.ran(1, 0, 3_600_002, "export");
    await rig.ticks(1);
    expect(await rig.firing()).toHaveLength(2);
    await rig.ticks(158);
    expect(subjects()).toEqual([]);
    await rig.ticks(1);
    expect(subjects()).toEqual(["Alerts (hourly): 2 opened, 0 resolved"]);
    expect(JSON.parse(rig.heard[0]!.body)).toMatchObject({
      type: "alert.digest",
      frequency: "hourly",
      until: "2026-01-10T01:00:00.000Z",
      opened: 2,
      resolved: 0,
      lines: [
        "Alert (medium): longProcessingTime (operation:export) is 3600002 ms: more than 3600000 ms",
        "Alert (medium): longProcessingTime (operation:import) is 3600001 ms: more than 3600000 ms",
      ],
      alerts: [{ value: 3_600_002 }, { value: 3_600_001 }],
    });
    await rig.ticks(2 * HOUR_TICKS);
    expect(subjects().slice(1)).toEqual(["Alerts (hourly): 0 opened, 2 resolved"]);
  });

  it("a channel gets at most 20 messages in 10 minutes, and the rest in one", async () => {
    await rig.only("highErrorRate");
    for (let i = 0; i < 30; i++) await rig.ran(1, 1, 10, `op${i}`);
    await rig.ticks(1);
    expect(rig.heard).toHaveLength(20);
    await rig.ticks(39);
    expect(subjects().slice(20)).toEqual(["Alerts (held back, there were many): 10 opened, 0 resolved"]);
  });

  it("nothing is lost while the receiver is down for an hour, and that is told through another channel", async () => {
    await rig.close();
    rig = await AlertRig.open({ mail: { email: "ops@example.org" } });
    await rig.only("batchFailure", "channelBroken");
    await rig.ran(1, 1);
    // The mail server does not answer: the log hears of it.
    for (let i = 0; i < 8; i++) await rig.ticks(1);
    expect(await rig.firing()).toEqual(["batchFailure operation:import", "channelBroken channel:mail"]);
    expect(subjects()).toEqual(["Alert (high): channelBroken (channel:mail) is 3: at least 3"]);

    await rig.close();
    rig = await AlertRig.open();
    await rig.only("batchFailure");
    rig.down = true;
    await rig.ran(1, 1);
    await rig.ticks(HOUR_TICKS + 20);
    expect(await rig.firing()).toEqual([]);
    expect(rig.heard).toEqual([]);
    rig.down = false;
    await rig.ticks(HOUR_TICKS);
    // The ending waits for its opening, however far its own next try is away.
    expect(subjects().map((subject) => subject.split(" ")[0])).toEqual(["Alert", "Resolved:"]);
  });

  it("an opening that was held back goes out before its ending", async () => {
    await rig.only("highErrorRate", "workerLost");
    for (let i = 0; i < 20; i++) await rig.ran(1, 1, 10, `op${i}`);
    await rig.ticks(1);
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(38);
    rig.live = { ...rig.live, lostWorkers: 0 };
    await rig.ticks(1);
    expect(subjects().slice(20)).toEqual([
      "Alerts (held back, there were many): 1 opened, 0 resolved",
      "Resolved: workerLost is 1: at least 1",
    ]);
  });

  it("a digest is told also when the clock was set back to before it: its time comes again", async () => {
    await rig.only("workerLost");
    await rig.alerts.saveRule("acme", "workerLost", { kind: "workerLost", frequency: "hourly" });
    rig.ahead = 2 * HOUR;
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(HOUR_TICKS);
    rig.ahead = HOUR;
    rig.live = { ...rig.live, lostWorkers: 0 };
    await rig.ticks(HOUR_TICKS);
    expect(subjects()).toEqual(["Alerts (hourly): 1 opened, 0 resolved", "Alerts (hourly): 0 opened, 1 resolved"]);
  });

  it("what waits for a channel that was removed is no broken channel any more", async () => {
    await rig.only("batchFailure", "channelBroken");
    await rig.alerts.channels.save("acme", "slow", { webhook: "http://127.0.0.1:1/" }, rig.now);
    await rig.ran(1, 1);
    for (let i = 0; i < 8; i++) await rig.ticks(1);
    expect(await rig.firing()).toEqual(["batchFailure operation:import", "channelBroken channel:slow"]);
    await rig.alerts.channels.remove("acme", "slow");
    await rig.ticks(8);
    expect(await rig.firing()).toEqual(["batchFailure operation:import"]);
  });

  it("200 restarts at random instants: one opening and one resolving message an episode", async () => {
    const random = seededRandom(7);
    await rig.only("backpressure");
    await rig.alerts.saveRule("acme", "backpressure", { kind: "backpressure", forSeconds: 30, keepSeconds: 45 });
    let restarts = 0;
    while (restarts < 200) {
      if (random() < 0.15) rig.live = { ...rig.live, pressure: { waiting: random() < 0.5 ? 95 : 5, maxSize: 100 } };
      if (random() < 0.4) {
        // Between any two steps: before the look, between the look and the messages, after both.
        const place = Math.floor(random() * 3);
        await rig.clock.skipTo(rig.now + Math.floor(random() * 20_000));
        if (place > 0) await rig.alerts.evaluator.tick();
        if (place > 1) await rig.courier.deliver();
        await rig.restart();
        restarts += 1;
      } else await rig.ticks(1);
    }
    rig.live = { ...rig.live, pressure: { waiting: 5, maxSize: 100 } };
    await rig.ticks(20);
    const episodes = await rig.alerts.episodes("acme", { before: null, limit: 1000 });
    expect(episodes.length).toBeGreaterThan(10);
    expect(rig.heard.map(({ id }) => id).sort()).toEqual(
      episodes.flatMap(({ id }) => [`alert:${id}:opening:log`, `alert:${id}:resolving:log`]).sort(),
    );
    expect(episodes.every(({ resolvedAt }) => resolvedAt !== null)).toBe(true);
  });
});

describe("the back-test", () => {
  it("finds the very episodes that the live evaluator had, whatever happened in between", async () => {
    const random = seededRandom(11);
    await rig.only("backpressure", "highErrorRate");
    const bodies: Record<string, RuleBody> = {
      backpressure: { kind: "backpressure", threshold: 60, forSeconds: 30, keepSeconds: 60 },
      highErrorRate: { kind: "highErrorRate", threshold: 25, forSeconds: 15, keepSeconds: 30 },
    };
    for (const [name, body] of Object.entries(bodies)) await rig.alerts.saveRule("acme", name, body);
    const from = rig.now;
    for (let i = 0; i < 1200; i++) {
      const chance = random();
      if (chance < 0.2) rig.live = { ...rig.live, pressure: { waiting: Math.floor(random() * 101), maxSize: 100 } };
      else if (chance < 0.23) await rig.ran(4, Math.floor(random() * 5), 10, random() < 0.5 ? "import" : "export");
      else if (chance < 0.24) await rig.clock.skipTo(rig.now + Math.floor(random() * 20 * MINUTE));
      else if (chance < 0.26) await rig.restart();
      await rig.ticks(1);
    }
    for (const name of Object.keys(bodies)) {
      const rule = (await rig.alerts.rules("acme")).find((each) => each.name === name)!;
      const tested = await backTest(rig.rig.store.alerts, "acme", rule, { from, to: rig.now });
      const lived = (await rig.alerts.episodes("acme", { before: null, limit: 1000 })).filter((each) => each.rule === name);
      expect(lived.length).toBeGreaterThan(5);
      const key = (each: { instance: string; openedAt: number }): string => `${each.openedAt} ${each.instance}`;
      const shown = <T extends { instance: string; openedAt: number; resolvedAt: number | null; worst: number }>(all: readonly T[]) =>
        all
          .map(({ instance, openedAt, resolvedAt, worst }) => ({ instance, openedAt, resolvedAt, worst }))
          .sort((a, b) => (key(a) < key(b) ? -1 : 1));
      expect(shown(tested.episodes)).toEqual(shown(lived));
    }
  });

  it("tries a changed threshold on what was measured, and changes nothing", async () => {
    await rig.only("backpressure");
    for (const waiting of [10, 50, 10, 70, 10]) {
      rig.live = { ...rig.live, pressure: { waiting, maxSize: 100 } };
      await rig.ticks(8);
    }
    const tried = await rig.alerts.tryRule("acme", "backpressure", { kind: "backpressure", threshold: 40 });
    expect(tried.episodes.map(({ worst, resolvedAt }) => [worst, resolvedAt !== null])).toEqual([
      [50, true],
      [70, true],
    ]);
    expect(tried).toMatchObject({ notifications: 4, coveredMs: 40 * 15_000, covered: { from: rig.now - 39 * 15_000, to: rig.now } });
    expect((await rig.alerts.tryRule("acme", "backpressure", { kind: "backpressure" })).episodes).toEqual([]);
    expect(await rig.firing()).toEqual([]);
    expect(rig.heard).toEqual([]);
  });
});
