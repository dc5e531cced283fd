import { expect } from "vitest";
import { ALERT_TICK_MS, calmAlert, type AlertState } from "../../../src/model/alert.ts";
import type { AlertEpisode, AlertSample, AlertStateRow, AlertStep } from "../../../src/store/alerts.ts";
import { failed, OK, RETRY, type Rig } from "./rig.ts";
import { randomOf } from "./monitoring.ts";
import { section } from "./section.ts";

const HOUR = 3_600_000;

function episode(rig: Rig, id: string, changes: Partial<AlertEpisode> = {}): AlertEpisode {
  return {
    id,
    tenant: "acme",
    rule: "batchFailure",
    instance: id,
    kind: "batchFailure",
    severity: "critical",
    openedAt: rig.now,
    resolvedAt: null,
    threshold: 1,
    value: 1,
    worst: 1,
    message: "one failed",
    channels: null,
    ackedAt: null,
    ackedBy: null,
    note: null,
    ...changes,
  };
}

function state(rig: Rig, instance: string, changes: Partial<AlertState> = {}): AlertStateRow {
  return { rule: "batchFailure", instance, episode: instance, state: { ...calmAlert(), phase: "firing", at: rig.now, ...changes } };
}

function look(rig: Rig, changes: Partial<AlertStep> = {}): AlertStep {
  return {
    tenant: "acme",
    at: rig.now,
    span: "none",
    samples: [],
    states: [],
    episodes: [],
    messages: [],
    lines: [],
    sent: [],
    flushed: [],
    events: [],
    ...changes,
  };
}

const message = (key: string, channel = "log") => ({ channel, dedupeKey: key, subject: key, body: "{}" });
const sample = (instance: string, at: number, number: number): AlertSample => ({ metric: "m", instance, at, shape: "value", number });
const range = (rig: Rig) => ({ since: rig.now - HOUR, now: rig.now });

export const alerts = section("alerts", {
  async "what people said is kept by tenant: rules, preferences"(rig) {
    const { alerts: store } = rig.store;
    await store.saveRule("acme", "mine", { kind: "watchdog" }, rig.now);
    await store.saveRule("acme", "mine", { kind: "watchdog", threshold: 2 }, rig.now);
    expect(await store.rules("acme")).toEqual([{ name: "mine", body: { kind: "watchdog", threshold: 2 } }]);
    expect(await store.rules("other")).toEqual([]);
    expect([
      await store.removeRule("other", "mine"),
      await store.removeRule("acme", "mine"),
      await store.removeRule("acme", "mine"),
    ]).toEqual([false, true, false]);
    expect(await store.preferences("acme")).toEqual({});
    await store.savePreferences("acme", { a: 1 });
    await store.savePreferences("acme", { b: 2 });
    expect([await store.preferences("acme"), await store.preferences("other")]).toEqual([{ b: 2 }, {}]);
  },

  async "says what is open by severity and silence, and how often each rule opened"(rig) {
    const { alerts: store } = rig.store;
    const at = rig.now;
    const episodes = [
      episode(rig, "loud", { openedAt: at - 10, channels: ["log"] }),
      episode(rig, "mute", { openedAt: at - 20 }),
      episode(rig, "mild", { rule: "watchdog", severity: "low", openedAt: at - HOUR }),
      episode(rig, "over", { openedAt: at - HOUR - 1, resolvedAt: at, channels: ["log"] }),
      episode(rig, "foreign", { tenant: "other" }),
    ];
    for (const tenant of ["acme", "other"])
      await store.commit(look(rig, { tenant, episodes: episodes.filter((each) => each.tenant === tenant) }));
    await store.commit(look(rig, { states: [state(rig, "loud"), state(rig, "mute", { silenced: true })] }));
    expect(await store.open("acme")).toEqual([
      { severity: "critical", silenced: false, alerts: 1 },
      { severity: "critical", silenced: true, alerts: 1 },
      { severity: "low", silenced: false, alerts: 1 },
    ]);
    expect(await store.noise("acme", at - HOUR)).toEqual([
      { rule: "batchFailure", episodes: 2, told: 1, lastOpenedAt: at - 10 },
      { rule: "watchdog", episodes: 1, told: 0, lastOpenedAt: at - HOUR },
    ]);
    expect((await store.noise("acme", 0))[0]).toMatchObject({ episodes: 3, told: 2 });
    expect([await store.open("nobody"), await store.noise("nobody", 0)]).toEqual([[], []]);
  },

  async "says of each channel what became of its messages"(rig) {
    const { alerts: store, channels, outbox } = rig.store;
    const none = { last: null, waiting: 0, givenUp: 0 };
    await store.commit(look(rig, { messages: ["a", "b", "c", "d"].map((key) => message(key, "ops")) }));
    await store.commit(look(rig, { messages: [message("e", "log")], tenant: "other" }));
    expect(await channels.deliveries("acme", ["log", "ops"])).toEqual([
      { channel: "log", ...none },
      { channel: "ops", ...none },
    ]);
    const due = (await outbox.due(rig.now, 10)).filter(({ channel }) => channel === "ops");
    await outbox.delivered(due[0]!.id, rig.now + 5);
    const arrived = { createdAt: rig.now, deliveredAt: rig.now + 5, error: null, tries: 1 };
    expect(await channels.deliveries("acme", ["ops"])).toEqual([{ channel: "ops", last: arrived, waiting: 0, givenUp: 0 }]);
    await outbox.failed(due[1]!.id, "refused", rig.now + 10);
    await outbox.failed(due[2]!.id, "gone", null);
    const failure = { createdAt: rig.now, deliveredAt: null, error: "gone", tries: 1 };
    expect(await channels.deliveries("acme", ["ops"])).toEqual([{ channel: "ops", last: failure, waiting: 1, givenUp: 1 }]);
  },

  async "silences are there until they end, or are ended"(rig) {
    const { alerts: store } = rig.store;
    const silence = { tenant: "acme", rule: null, instance: null, from: rig.now + 5, until: rig.now + 10, by: "me", comment: null };
    await store.addSilence({ ...silence, id: "s1" });
    await store.addSilence({ ...silence, id: "s2", rule: "mine", instance: "x", until: rig.now + 20, comment: "c" });
    expect((await store.silences("acme", rig.now)).map(({ id }) => id)).toEqual(["s1", "s2"]);
    expect(await store.silences("acme", rig.now + 10)).toEqual([
      { ...silence, id: "s2", rule: "mine", instance: "x", until: rig.now + 20, comment: "c" },
    ]);
    expect(await store.silences("other", rig.now)).toEqual([]);
    expect(await store.endSilence("other", "s2", rig.now)).toBe(false);
    expect(await store.endSilence("acme", "s2", rig.now)).toBe(true);
    expect(await store.endSilence("acme", "s2", rig.now)).toBe(false);
    expect((await store.silences("acme", rig.now)).map(({ id }) => id)).toEqual(["s1"]);
  },

  async "a look is committed whole, and again after a restart changes nothing"(rig) {
    const event = {
      tenant: "acme",
      type: "alert.firing",
      entity: { kind: "alert", id: "e1" },
      severity: "critical" as const,
      ts: rig.now,
      data: {},
    };
    const line = { channel: "log", dedupeKey: "l1", frequency: "hourly" as const, dueAt: rig.now + 10, subject: "s", body: "{}" };
    const step = look(rig, {
      states: [state(rig, "e1")],
      episodes: [episode(rig, "e1")],
      messages: [message("m1"), message("m1"), message("m2", "ops")],
      lines: [line, line],
      sent: [{ channel: "log", windowAt: 5, messages: 2 }],
      events: [event],
    });
    await rig.store.alerts.commit(step);
    await rig.reopen();
    await rig.store.alerts.commit({ ...step, events: [], sent: [] });
    const { alerts: store, outbox, events } = rig.store;
    expect(await store.states("acme")).toEqual([state(rig, "e1")]);
    expect(await store.states("other")).toEqual([]);
    expect((await outbox.due(rig.now, 10)).map(({ channel, dedupeKey }) => [channel, dedupeKey])).toEqual([
      ["log", "m1"],
      ["ops", "m2"],
    ]);
    expect(await store.dueLines("acme", rig.now + 9)).toEqual([]);
    const due = await store.dueLines("acme", rig.now + 10);
    expect(due).toEqual([{ ...line, id: due[0]!.id }]);
    expect(await store.sent("acme", 5)).toEqual([{ channel: "log", messages: 2 }]);
    expect((await events.read(0, 10)).map(({ type }) => type)).toEqual(["alert.firing"]);
    await store.commit(
      look(rig, {
        flushed: [due[0]!.id],
        states: [state(rig, "e1", { phase: "normal" })],
        sent: [{ channel: "log", windowAt: 5, messages: 1 }],
      }),
    );
    expect([await store.dueLines("acme", rig.now + 10), await store.states("acme")]).toEqual([[], []]);
    expect(await store.sent("acme", 5)).toEqual([{ channel: "log", messages: 3 }]);
  },

  async "a look that cannot be committed leaves nothing behind"(rig) {
    const { alerts: store, outbox } = rig.store;
    await store.commit(look(rig, { episodes: [episode(rig, "e1")] }));
    // A second open episode of one alert.
    const second = look(rig, { episodes: [episode(rig, "e2", { instance: "e1" })], messages: [message("m1")] });
    await expect(
      store.commit({ ...second, messages: [message("m1")], events: [], samples: [sample("x", rig.now, 1)] }),
    ).rejects.toBeInstanceOf(Error);
    expect(await outbox.nextAt()).toBeNull();
    expect(await store.samples("acme", "m", { from: 0, to: rig.now })).toEqual([]);
    expect((await store.episodes("acme", { before: null, limit: 10 })).map(({ id }) => id)).toEqual(["e1"]);
  },

  async "episodes are listed newest first in pages, open and resolved"(rig) {
    const { alerts: store } = rig.store;
    const all = ["a", "b", "c"].map((id, i) => episode(rig, id, { openedAt: rig.now + i, channels: ["log"] }));
    await store.commit(look(rig, { episodes: all }));
    await store.commit(look(rig, { episodes: [{ ...all[1]!, resolvedAt: rig.now + 9, value: 0, worst: 7 }] }));
    const ids = async (page: Parameters<typeof store.episodes>[1]): Promise<string[]> =>
      (await store.episodes("acme", page)).map(({ id }) => id);
    expect(await ids({ before: null, limit: 2 })).toEqual(["c", "b"]);
    expect(await ids({ before: all[1]!, limit: 2 })).toEqual(["a"]);
    expect(await ids({ open: true, before: null, limit: 9 })).toEqual(["c", "a"]);
    expect(await ids({ open: false, before: null, limit: 9 })).toEqual(["b"]);
    expect(await store.episode("acme", "b")).toEqual({ ...all[1]!, resolvedAt: rig.now + 9, value: 0, worst: 7 });
    expect([await store.episode("other", "b"), await store.episodes("other", { before: null, limit: 9 })]).toEqual([null, []]);
  },

  async "who takes an alert on first counts, and a later look does not undo it"(rig) {
    const { alerts: store, events } = rig.store;
    await store.commit(look(rig, { episodes: [episode(rig, "e1")], states: [state(rig, "e1")] }));
    const event = {
      tenant: "acme",
      type: "alert.acked",
      entity: { kind: "alert", id: "e1" },
      severity: "info" as const,
      ts: rig.now,
      data: {},
    };
    expect(await store.acknowledge("other", "e1", { by: "x", note: null, now: 1, event })).toBeNull();
    expect(await store.acknowledge("acme", "e1", { by: "me", note: "n", now: 1, event })).toMatchObject({
      ackedBy: "me",
      ackedAt: 1,
      note: "n",
    });
    expect(await store.acknowledge("acme", "e1", { by: "you", note: null, now: 2, event })).toMatchObject({ ackedBy: "me", ackedAt: 1 });
    expect((await store.states("acme"))[0]!.state.acknowledged).toBe(true);
    await store.commit(look(rig, { episodes: [episode(rig, "e1", { value: 5 })] }));
    expect(await store.episode("acme", "e1")).toMatchObject({ ackedBy: "me", value: 5 });
    expect(await events.lastSeq()).toBe(1);
    await store.commit(look(rig, { episodes: [episode(rig, "e2", { resolvedAt: rig.now })] }));
    expect(await store.acknowledge("acme", "e2", { by: "me", note: null, now: 3, event })).toMatchObject({ ackedBy: null });
  },

  async "spans grow by one tick, and samples hold from the last one before a range"(rig) {
    const { alerts: store } = rig.store;
    const start = rig.now - (rig.now % ALERT_TICK_MS);
    const at = (tick: number): number => start + tick * ALERT_TICK_MS;
    expect(await store.lastLook("acme")).toBeNull();
    for (const [tick, span] of [
      [0, "begins"],
      [1, "continues"],
      [2, "continues"],
      [9, "begins"],
      [20, "continues"],
    ] as const) {
      await store.commit(look(rig, { at: at(tick), span, samples: [sample("x", at(tick), tick)] }));
    }
    await store.commit(look(rig, { at: at(30), span: "none" }));
    expect(await store.spans("acme", { from: at(0), to: at(30) })).toEqual([
      { from: at(0), to: at(2) },
      { from: at(9), to: at(9) },
      { from: at(20), to: at(20) },
    ]);
    expect(await store.spans("acme", { from: at(2), to: at(8) })).toEqual([{ from: at(0), to: at(2) }]);
    expect(await store.lastLook("acme")).toBe(at(20));
    const numbers = async (from: number, to: number): Promise<number[]> =>
      (await store.samples("acme", "m", { from, to })).map(({ number }) => number);
    expect(await numbers(at(2) + 1, at(9))).toEqual([2, 9]);
    expect(await numbers(at(2), at(3))).toEqual([1, 2]);
    expect(await numbers(at(99), at(99))).toEqual([20]);
    expect([await store.samples("other", "m", { from: 0, to: at(99) }), await store.samples("acme", "n", { from: 0, to: at(99) })]).toEqual(
      [[], []],
    );
    await store.trim(at(10));
    expect(await numbers(0, at(99))).toEqual([9, 20]);
    expect(await store.spans("acme", { from: 0, to: at(99) })).toEqual([{ from: at(20), to: at(20) }]);
  },

  async "of the samples around breaches none that counts is left out, and none comes that is not there"(rig) {
    const { alerts: store } = rig.store;
    const random = randomOf(5);
    for (let tick = 0; tick < 120; tick++) {
      const samples = ["x", "y", "z"]
        .filter(() => random(10) < 7)
        .map((instance) => {
          const chance = random(100);
          const shape = chance < 90 ? "value" : chance < 95 ? "nodata" : chance < 98 ? "gone" : "since";
          return { ...sample(instance, tick, random(6)), shape } satisfies AlertSample;
        });
      await store.commit(look(rig, { at: tick, samples }));
    }
    const sides = {
      above: (a: number) => a > 3,
      atLeast: (a: number) => a >= 3,
      below: (a: number) => a < 3,
      atMost: (a: number) => a <= 3,
    };
    for (const [compare, isOver] of Object.entries(sides) as [keyof typeof sides, (a: number) => boolean][]) {
      for (const range of [
        { from: 0, to: 119 },
        { from: 40, to: 90 },
        { from: 200, to: 300 },
      ]) {
        const all = await store.samples("acme", "m", range);
        const before = new Map<string, boolean>();
        const counting = all.filter(({ instance, shape, number }) => {
          const counts = shape !== "value" || isOver(number);
          const follows = before.get(instance) === true;
          before.set(instance, counts);
          return counts || follows;
        });
        const some = await store.samples("acme", "m", range, { compare, threshold: 3 });
        const keys = new Set(some.map((each) => JSON.stringify(each)));
        expect(counting.filter((each) => !keys.has(JSON.stringify(each)))).toEqual([]);
        expect(some).toEqual(all.filter((each) => keys.has(JSON.stringify(each))));
      }
    }
  },

  async "trim keeps what is open"(rig) {
    const { alerts: store } = rig.store;
    await store.commit(look(rig, { episodes: [episode(rig, "a"), episode(rig, "b", { resolvedAt: rig.now + 1 })] }));
    await store.trim(rig.now + 2);
    expect((await store.episodes("acme", { before: null, limit: 9 })).map(({ id }) => id)).toEqual(["a"]);
  },

  async "figures: what waits, runs and ran longest, by operation"(rig) {
    const { alerts: store } = rig.store;
    expect(await store.figures("acme", range(rig))).toMatchObject({ firstBatchAt: null, operations: [], budgets: [], channels: [] });
    const began = rig.now;
    const first = await rig.create([["a"]], { batch: { operation: "import" } });
    const chunk = await rig.claim(first, 2 * HOUR);
    rig.now += 5_000;
    const second = await rig.create([["a"]], { batch: { operation: "import" } });
    expect((await store.figures("acme", range(rig))).operations).toEqual([
      { operation: "import", pending: 1, running: 1, oldestPendingAt: second.createdAt, oldestStartAt: began, longestMs: null },
    ]);
    await rig.commit(chunk, { a: OK });
    const figures = await store.figures("acme", range(rig));
    expect(figures.firstBatchAt).toBe(began - (began % 60_000));
    expect(figures.operations).toMatchObject([{ running: 0, oldestStartAt: null, longestMs: 5_000 }]);
    expect(await store.tenants()).toContain("acme");
    rig.now += 2 * HOUR;
    expect((await store.figures("acme", range(rig))).operations).toMatchObject([{ longestMs: null }]);
    expect((await store.figures("other", range(rig))).operations).toEqual([]);
  },

  async "figures: kinds of errors that were never seen before"(rig) {
    const { alerts: store } = rig.store;
    const fails = async (error: string, operation: string): Promise<void> => {
      const batch = await rig.create([["a"]], { batch: { operation } });
      await rig.commit(await rig.claim(batch), { a: failed(error) });
    };
    await fails("no space", "import");
    await fails("no space", "import");
    await fails("no door", "export");
    expect([await store.noteErrors(2), await store.noteErrors(2), await store.noteErrors(2)]).toEqual([2, 1, 0]);
    expect((await store.figures("acme", range(rig))).newErrorClasses).toEqual([
      { operation: "export", classes: 1 },
      { operation: "import", classes: 1 },
    ]);
    rig.now += 2 * HOUR;
    await fails("no space", "import");
    await store.noteErrors(10);
    expect((await store.figures("acme", range(rig))).newErrorClasses).toEqual([]);
  },

  async "figures: shares of budgets that running batches have spent"(rig) {
    const batch = await rig.create([["a", "b"]], { batch: { operation: "import", options: { budgetUsd: 2 } } });
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: { ok: true, cost: 1.5 }, b: RETRY });
    expect((await rig.store.alerts.figures("acme", range(rig))).budgets).toEqual([{ operation: "import", percent: 75 }]);
  },

  async "figures: channels whose messages do not arrive"(rig) {
    const { alerts: store, outbox } = rig.store;
    await store.commit(look(rig, { messages: [message("m1"), message("m2", "ops")] }));
    const [first, second] = await outbox.due(rig.now, 10);
    for (const tries of [1, 2, 3]) await outbox.failed(first!.id, "refused", rig.now + tries);
    await outbox.failed(second!.id, "refused", rig.now + 1);
    await outbox.delivered(second!.id, rig.now);
    expect((await store.figures("acme", range(rig))).channels).toEqual([{ channel: "log", tries: 3 }]);
    expect((await store.figures("other", range(rig))).channels).toEqual([]);
  },
});
