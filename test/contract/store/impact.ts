import { expect } from "vitest";
import { ArrivalColumns, type Arrival } from "../../../src/model/arrival-block.ts";
import type { ClosedWindow, NewArrivals } from "../../../src/store/port.ts";
import { adding, closing, onlyClosing, windowRow } from "./streams.ts";
import type { Rig } from "./rig.ts";
import { section } from "./section.ts";

const ALL = { from: 0, to: Number.MAX_SAFE_INTEGER };
const came = (key: string, bytes = 10): Arrival => ({ key, bytes, start: "joined" });

const log = (rig: Rig, arrivals: Arrival[], more: Partial<NewArrivals> = {}): Promise<boolean[]> =>
  rig.store.streams.commit({
    changes: [],
    deadLetters: [],
    arrivals: [{ tenant: "acme", stream: "orders", arrivals, ...more }],
    now: rig.now,
  });

async function logged(rig: Rig, range = ALL, tenant = "acme", stream = "orders"): Promise<(readonly [number, string, number])[]> {
  const columns = new ArrivalColumns();
  for await (const block of rig.store.impact.blocks(tenant, stream, range)) columns.read(block, range);
  return Array.from({ length: columns.length }, (_, i) => [columns.at[i]!, columns.keys[columns.key[i]!]!, columns.bytes[i]!] as const);
}

async function closedOf(rig: Rig, range = ALL, tenant = "acme", stream = "orders"): Promise<ClosedWindow[]> {
  const found: ClosedWindow[] = [];
  for await (const page of rig.store.impact.closed(tenant, stream, range)) found.push(...page);
  return found;
}

/** What src/store/port.ts says of ImpactStore, and of the arrivals of a commit. */
export const impact = section("impact", {
  "what was previewed is known by tenant, stream and rules, after a restart too, until it is forgotten": async (rig) => {
    const { impact: store } = rig.store;
    await store.addPreview({ tenant: "acme", stream: "orders", rules: "[1]", at: 10 }, 0);
    await store.addPreview({ tenant: "acme", stream: "orders", rules: "[2]", at: 20 }, 0);
    await store.addPreview({ tenant: "acme", stream: "orders", rules: "[2]", at: 30 }, 0);
    await rig.reopen();
    const at = (rules: string, tenant = "acme", stream = "orders") => rig.store.impact.previewedAt(tenant, stream, rules);
    expect([await at("[1]"), await at("[2]"), await at("[3]"), await at("[1]", "other"), await at("[1]", "acme", "clicks")]).toEqual([
      10,
      30,
      null,
      null,
      null,
    ]);
    await rig.store.impact.addPreview({ tenant: "other", stream: "orders", rules: "[1]", at: 40 }, 20);
    expect([await at("[1]"), await at("[2]"), await at("[1]", "other")]).toEqual([null, 30, 40]);
  },

  "arrivals are logged by the commit that brings them, in order, and go on after a restart": async (rig) => {
    const start = rig.now;
    await log(rig, [came("a"), came("b", 20)]);
    rig.now += 5;
    await log(rig, [came("a", 30)]);
    await rig.reopen();
    rig.now += 5;
    await log(rig, [came("c", 40)]);
    const all = [
      [start, "a", 10],
      [start, "b", 20],
      [start + 5, "a", 30],
      [start + 10, "c", 40],
    ];
    expect(await logged(rig)).toEqual(all);
    expect(await logged(rig, { from: start + 1, to: start + 10 })).toEqual(all.slice(2, 3));
  },

  "arrivals are a tenant's and a stream's own, and go with the stream": async (rig) => {
    await rig.store.streams.save({ tenant: "acme", name: "orders", definition: {}, paused: false, createdAt: 1, updatedAt: 1 });
    await log(rig, [came("a")]);
    await log(rig, [came("theirs")], { tenant: "other" });
    await log(rig, [came("elsewhere")], { stream: "returns" });
    expect((await logged(rig)).map(([, key]) => key)).toEqual(["a"]);
    await rig.store.streams.remove("acme", "orders");
    expect(await logged(rig)).toEqual([]);
    expect(await logged(rig, ALL, "other")).toHaveLength(1);
    expect(await logged(rig, ALL, "acme", "returns")).toHaveLength(1);
    await log(rig, [came("again")]);
    expect((await logged(rig)).map(([, key]) => key)).toEqual(["again"]);
  },

  "a commit that is refused logs nothing; the next one does": async (rig) => {
    await log(rig, [came("before")]);
    const first = adding(rig, windowRow(rig), ["1"]);
    const lost = { ...adding(rig, first.window, ["2"]), opens: false };
    const arrivals = [{ tenant: "acme", stream: "orders", arrivals: [came("never")] }];
    await expect(rig.store.streams.commit({ changes: [lost], deadLetters: [], arrivals, now: rig.now })).rejects.toThrow("closed");
    await log(rig, [came("after")]);
    expect((await logged(rig)).map(([, key]) => key)).toEqual(["before", "after"]);
  },

  "the log is trimmed by age and by count, per stream, whole blocks at a time, and is written on": async (rig) => {
    const many = Array.from({ length: 1_500 }, (_, n) => came(`key-${n}`));
    await log(rig, many);
    await log(rig, [came("x")], { stream: "returns" });
    rig.now += 1_000;
    await log(rig, many);
    rig.now += 1_000;
    await log(rig, [came("last")]);
    expect(await rig.store.impact.trim({ before: 0, keep: 10_000 })).toBe(0);
    expect(await rig.store.impact.trim({ before: 0, keep: 1_000 })).toBe(1);
    expect(await logged(rig)).toHaveLength(1_501);
    expect(await logged(rig, ALL, "acme", "returns")).toHaveLength(1);
    await rig.store.impact.trim({ before: rig.now + 1, keep: 10_000 });
    expect(await logged(rig)).toEqual([]);
    await log(rig, [came("goes on")]);
    expect(await logged(rig)).toEqual([[rig.now, "goes on", 10]]);
  },

  "windows that closed, in order, with their true reason; gone with their batch": async (rig) => {
    const openedAt = rig.now;
    const first = adding(rig, windowRow(rig, { key: "a" }), ["1", "2"]);
    const second = adding(rig, windowRow(rig, { key: "b" }), ["1"], { closes: closing(rig, { reason: "max_size" }) });
    await rig.store.streams.commit({ changes: [first, second], deadLetters: [], arrivals: [], now: rig.now });
    rig.now += 7_000;
    await rig.store.streams.commit({
      changes: [onlyClosing(rig, first.window, { reason: "idle" })],
      deadLetters: [],
      arrivals: [],
      now: rig.now,
    });
    const b = { id: second.window.id, key: "b", openedAt, closedAt: openedAt, items: 1, bytes: 10, reason: "max_size" };
    const a = { id: first.window.id, key: "a", openedAt, closedAt: rig.now, items: 2, bytes: 20, reason: "idle" };
    expect(await closedOf(rig)).toEqual([b, a]);
    expect(await closedOf(rig, { from: openedAt, to: rig.now })).toEqual([b]);
    expect(await closedOf(rig, ALL, "other")).toEqual([]);
    expect(await closedOf(rig, ALL, "acme", "returns")).toEqual([]);
    await rig.drain({ id: a.id });
    await rig.store.batches.remove("acme", rig.now + 1, { limit: 10, dryRun: false });
    expect(await closedOf(rig)).toEqual([b]);
  },

  "service times of batches that ran to their end, of one operation, newest first": async (rig) => {
    for (const [ms, keys] of [
      [300, ["1", "2"]],
      [900, ["1"]],
    ] as const) {
      const batch = await rig.create([keys]);
      const chunk = await rig.claim(batch);
      rig.now += ms;
      await rig.commit(chunk, Object.fromEntries(keys.map((key) => [key, { ok: true }])));
    }
    await rig.create([["open"]]);
    expect(await rig.store.impact.services("acme", "transform", 10)).toEqual([
      { items: 1, ms: 900 },
      { items: 2, ms: 300 },
    ]);
    expect(await rig.store.impact.services("acme", "transform", 1)).toHaveLength(1);
    expect(await rig.store.impact.services("acme", "export", 10)).toEqual([]);
    expect(await rig.store.impact.services("other", "transform", 10)).toEqual([]);
  },

  "rules of a stream over time, with what was predicted and what came; each is settled once": async (rig) => {
    const of = { tenant: "acme", stream: "orders" };
    await rig.store.impact.addRules({ ...of, at: 1, before: null, after: { maxItems: 5 } });
    await rig.store.impact.addRules({ ...of, at: 2, before: { maxItems: 5 }, after: { maxItems: 9 } });
    await rig.store.impact.addRules({ ...of, tenant: "other", at: 3, before: {}, after: {} });
    const [change, first] = await rig.store.impact.rules("acme", "orders", 10);
    expect(first).toMatchObject({ at: 1, before: null, after: { maxItems: 5 }, predicted: null, actual: null });
    expect(await rig.store.impact.rules("acme", "orders", 1)).toEqual([change]);
    expect((await rig.store.impact.unsettledRules(10)).map(({ at }) => at)).toEqual([2, 3]);
    await rig.store.impact.settleRules(change!.id, { predicted: { batches: 4 } });
    expect((await rig.store.impact.unsettledRules(1)).map(({ at }) => at)).toEqual([2]);
    await rig.store.impact.settleRules(change!.id, { predicted: { batches: 99 }, actual: { batches: 5 } });
    await rig.reopen();
    expect(await rig.store.impact.rules("acme", "orders", 1)).toEqual([{ ...change, predicted: { batches: 4 }, actual: { batches: 5 } }]);
    expect((await rig.store.impact.unsettledRules(10)).map(({ at }) => at)).toEqual([3]);
    await rig.store.streams.remove("acme", "orders");
    expect(await rig.store.impact.rules("acme", "orders", 10)).toEqual([]);
  },
});
