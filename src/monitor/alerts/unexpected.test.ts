import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlertRig } from "./alerts.fixture.ts";
import { ALERT_KINDS } from "./catalogue.ts";

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

describe("what nobody expects", () => {
  const pressed = (waiting: number, maxSize = 100): void => void (rig.live = { ...rig.live, pressure: { waiting, maxSize } });
  const told = (): string[] => subjects().map((subject) => subject.split(" ")[0]!);

  it("an alert that opens at the very time of an earlier one, because the clock was set back, is another one and told as such", async () => {
    await rig.only("workerLost");
    rig.ahead = HOUR;
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(1);
    rig.live = { ...rig.live, lostWorkers: 0 };
    await rig.ticks(239);
    rig.ahead = 0;
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(1);
    rig.live = { ...rig.live, lostWorkers: 0 };
    await rig.ticks(1);
    const episodes = await rig.alerts.episodes("acme", { before: null, limit: 9 });
    expect(new Set(episodes.map(({ openedAt }) => openedAt)).size).toBe(1);
    expect([new Set(episodes.map(({ id }) => id)).size, told()]).toEqual([2, ["Alert", "Resolved:", "Alert", "Resolved:"]]);
  });

  it("an alert that ended in what the clock now calls the future does not hold back the next one", async () => {
    await rig.only("workerLost");
    await rig.alerts.change("acme", { alertSuppression: 1 });
    rig.ahead = HOUR;
    for (const lostWorkers of [1, 0]) {
      rig.live = { ...rig.live, lostWorkers };
      await rig.ticks(1);
    }
    rig.ahead = 0;
    await rig.ticks(8);
    rig.live = { ...rig.live, lostWorkers: 1 };
    await rig.ticks(1);
    expect(told()).toEqual(["Alert", "Resolved:", "Alert"]);
  });

  it.each([true, false])("a server that is down for 3 hours tells each end once (the cause still there: %s)", async (holds) => {
    await rig.only("backpressure");
    pressed(90);
    await rig.ticks(2);
    await rig.clock.skipTo(rig.now + 3 * HOUR);
    if (!holds) pressed(0);
    await rig.restart();
    await rig.ticks(8);
    expect([await rig.firing(), told()]).toEqual(holds ? [["backpressure"], ["Alert"]] : [[], ["Alert", "Resolved:"]]);
    expect(await rig.rig.store.alerts.spans("acme", { from: 0, to: rig.now })).toHaveLength(2);
  });

  it("a rule that is edited while it fires ends its alert by the new threshold and may open another", async () => {
    await rig.only("backpressure");
    const edit = (threshold: number): Promise<unknown> =>
      rig.alerts.saveRule("acme", "backpressure", { kind: "backpressure", threshold, keepSeconds: 0 });
    pressed(90);
    await rig.ticks(1);
    await edit(95);
    await rig.ticks(1);
    expect([await rig.firing(), told()]).toEqual([[], ["Alert", "Resolved:"]]);
    await edit(50);
    await rig.ticks(1);
    expect([await rig.firing(), subjects().at(-1)]).toEqual([["backpressure"], "Alert (high): backpressure is 90 %: at least 50 %"]);
    await rig.alerts.saveRule("acme", "backpressure", { kind: "backpressure", threshold: 50, channels: [] });
    pressed(0);
    await rig.ticks(8);
    // Who was told of the opening hears of its end, whoever the rule names now.
    expect(told()).toEqual(["Alert", "Resolved:", "Alert", "Resolved:"]);
  });

  it("a rule that is removed while it fires ends its alert at once, also over a restart, and leaves nothing behind", async () => {
    await rig.only();
    await rig.alerts.saveRule("acme", "mine", { kind: "backpressure", threshold: 10 });
    await rig.alerts.saveRule("acme", "slow", { kind: "backpressure", threshold: 10, forSeconds: 600 });
    pressed(90);
    await rig.ticks(1);
    for (const name of ["mine", "slow"]) await rig.alerts.removeRule("acme", name);
    await rig.restart();
    await rig.ticks(2);
    expect([await rig.firing(), told(), await rig.alerts.states("acme")]).toEqual([[], ["Alert", "Resolved:"], []]);
  });

  it("a channel that is removed while a message waits for it gets nothing; its namesake gets what waits", async () => {
    await rig.only("batchFailure");
    await rig.alerts.channels.save("acme", "hook", { webhook: "http://127.0.0.1:1/" }, rig.now);
    await rig.ran(1, 1);
    await rig.ticks(1);
    await rig.alerts.channels.remove("acme", "hook");
    await rig.ticks(HOUR_TICKS + 8);
    const [{ tries } = { tries: 0 }] = await rig.rig.store.outbox.due(rig.now + DAY, 1);
    expect([tries > 3, await rig.firing(), told()]).toEqual([true, [], []]);
    await expect(rig.alerts.saveRule("acme", "batchFailure", { kind: "batchFailure", channels: ["hook"] })).rejects.toMatchObject({
      code: "unknown_channel",
    });
  });

  it("a silence that began in the past counts from now on; one that is over is refused", async () => {
    await rig.only("backpressure");
    const silence = { rule: null, instance: null, from: rig.now - DAY, until: rig.now - HOUR, by: "me", comment: null };
    await expect(rig.alerts.silence("acme", silence)).rejects.toMatchObject({ code: "validation_failed" });
    await rig.alerts.silence("acme", { ...silence, until: rig.now + MINUTE });
    pressed(90);
    await rig.ticks(3);
    expect(told()).toEqual([]);
    await rig.ticks(3);
    expect(told()).toEqual(["Alert"]);
  });

  it("of very many things those that are furthest are looked at, wherever their names stand", async () => {
    await rig.only("windowNearTimeout");
    await rig.alerts.saveRule("acme", "windowNearTimeout", { kind: "windowNearTimeout", enabled: true, channels: [] });
    const oldestWindows = Array.from({ length: 10_000 }, (_, n) => ({
      stream: `s${String(n).padStart(5, "0")}`,
      openedAt: n >= 9_990 ? rig.now - 95_000 : rig.now - 10_000,
      windowMs: 100_000,
    }));
    rig.live = { ...rig.live, oldestWindows };
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(Array.from({ length: 10 }, (_, n) => `windowNearTimeout stream:s0999${n}`));
  });

  it("a figure that is none (nothing divided by nothing) blinds no rule", async () => {
    await rig.only("backpressure", "windowNearTimeout", "workerLost");
    await rig.alerts.saveRule("acme", "windowNearTimeout", { kind: "windowNearTimeout", enabled: true });
    pressed(0, 0);
    rig.live = { ...rig.live, lostWorkers: 1, oldestWindows: [{ stream: "a", openedAt: rig.now, windowMs: 0 }] };
    await rig.ticks(1);
    expect(await rig.firing()).toEqual(["workerLost"]);
    pressed(5, 0);
    await rig.ticks(2);
    expect([await rig.firing(), told()]).toEqual([["workerLost"], ["Alert"]]);
  });

  it("what speaks for others is spoken for by none", () => {
    const speakers = new Set(Object.values(ALERT_KINDS).flatMap(({ inhibitedBy }) => inhibitedBy));
    expect([...speakers].map((name) => ALERT_KINDS[name].inhibitedBy)).toEqual([...speakers].map(() => []));
  });
});
