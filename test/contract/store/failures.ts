import { expect } from "vitest";
import { failed, OK, type Rig } from "./rig.ts";
import { section } from "./section.ts";

const HOUR = 3_600_000;
const whole = (rig: Rig) => ({ tenant: "acme", from: rig.now - 10 * HOUR, to: rig.now + HOUR });
const broken = (code: string, error = "it broke") => failed(error, code);

/** What src/store/failures.ts says of FailureStore. */
export const failures = section("failures by kind", {
  "count by hour and kind over all batches, with the newest as example; a retry takes nothing off": async (rig) => {
    const start = rig.now - (rig.now % HOUR) + 10;
    rig.now = start;
    const first = await rig.create([["a", "b", "c"]]);
    await rig.drain(first, { a: broken("one", "item 1 broke"), b: broken("one", "item 2 broke"), c: broken("two") });
    rig.now = start + HOUR;
    const second = await rig.create([["d", "e"]]);
    await rig.drain(second, { d: broken("one", "item 3 broke"), e: OK });

    const classes = await rig.store.failures.classes(whole(rig), 10);
    expect(classes.map(({ code, failures: count }) => [code, count])).toEqual([
      ["one", 3],
      ["two", 1],
    ]);
    expect(classes[0]).toMatchObject({
      error: "item 3 broke",
      firstSeen: start,
      lastSeen: start + HOUR,
      firstEver: null,
      batchId: second.id,
      nodeId: "d",
      operations: [{ name: "transform", failures: 3 }],
      streams: [],
      hours: [
        { at: start - 10, failures: 2 },
        { at: start - 10 + HOUR, failures: 1 },
      ],
    });
    expect(await rig.store.failures.sums(whole(rig))).toMatchObject({ classes: 2, failures: 4 });
    expect(await rig.store.failures.classes(whole(rig), 1)).toHaveLength(1);

    await rig.store.alerts.noteErrors(100);
    expect((await rig.store.failures.classes(whole(rig), 1))[0]!.firstEver).toBe(start);
    await rig.store.batches.retry("acme", first.id, {}, rig.now);
    await rig.drain(first, { a: broken("one"), b: OK, c: OK });
    expect((await rig.store.failures.sums(whole(rig))).failures).toBe(5);
    expect(await rig.findings()).toEqual([]);
  },

  "a time, an operation, a tenant narrow it; old hours are removed": async (rig) => {
    const batch = await rig.create([["a"]]);
    await rig.drain(batch, { a: broken("one") });
    const { now } = rig;
    const count = async (filter: { tenant?: string; from?: number; to?: number; operation?: string }): Promise<number> =>
      (await rig.store.failures.sums({ ...whole(rig), ...filter })).failures;
    expect(await count({})).toBe(1);
    expect(await count({ tenant: "other" })).toBe(0);
    expect(await count({ operation: "transform" })).toBe(1);
    expect(await count({ operation: "export" })).toBe(0);
    expect(await count({ from: now + HOUR, to: now + 2 * HOUR })).toBe(0);
    expect(await count({ to: now - HOUR })).toBe(0);
    await rig.store.failures.trim(now);
    expect(await count({})).toBe(1);
    await rig.store.failures.trim(now + 2 * HOUR);
    expect(await count({})).toBe(0);
  },

  "a muted kind is listed apart and is no new kind; the mute ends by hand, by time, or where the kind is new": async (rig) => {
    const { failures: store, alerts } = rig.store;
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: broken("one"), b: broken("one"), c: broken("two") });
    const [one] = await store.classes(whole(rig), 1);
    const { fingerprint } = one!;
    const mute = { tenant: "acme", fingerprint, reason: "known", by: "ann", at: rig.now, until: rig.now + HOUR, untilChange: false };
    const kinds = async (only: boolean): Promise<string[]> =>
      (await store.classes({ ...whole(rig), muted: { only, now: rig.now } }, 10)).map(({ code }) => code);
    const news = async (): Promise<number> =>
      (await alerts.figures("acme", { since: rig.now - HOUR, now: rig.now })).newErrorClasses.reduce((sum, each) => sum + each.classes, 0);

    expect(await store.mute({ ...mute, fingerprint: "0".repeat(12) })).toBeNull();
    expect(await store.mute({ ...mute, tenant: "other" })).toBeNull();
    // Noted only after it was muted: that is no change.
    await store.mute({ ...mute, untilChange: true });
    await alerts.noteErrors(100);
    expect([await kinds(true), await news()]).toEqual([["one"], 1]);
    expect(await store.unmute("acme", fingerprint, rig.now)).toMatchObject({ untilChange: true });
    expect([await kinds(true), await news()]).toEqual([[], 2]);
    const known = { ...mute, error: "it broke", code: "one" };
    expect(await store.mute(mute)).toEqual({ before: null, after: known });
    expect([await kinds(true), await kinds(false), await news()]).toEqual([["one"], ["two"], 1]);
    expect(await store.sums({ ...whole(rig), muted: { only: true, now: rig.now } })).toMatchObject({ classes: 1, failures: 2 });
    expect(await store.mutes(whole(rig), rig.now, 10)).toEqual([{ ...known, failures: 2, lastSeen: rig.now }]);
    expect(await store.mutes({ ...whole(rig), operation: "export" }, rig.now, 10)).toMatchObject([{ failures: 0, lastSeen: null }]);
    expect(await store.mutes({ ...whole(rig), tenant: "other" }, rig.now, 10)).toEqual([]);

    expect(await store.mutes(whole(rig), mute.until, 10)).toEqual([]);
    expect(await store.unmute("acme", fingerprint, mute.until)).toBeNull();
    expect(await store.unmute("other", fingerprint, rig.now)).toBeNull();
    expect(await store.unmute("acme", fingerprint, rig.now)).toEqual(known);
    expect([await kinds(true), await news()]).toEqual([[], 2]);

    const standing = { ...mute, until: null, untilChange: true };
    await store.mute(standing);
    expect((await store.mute({ ...standing, reason: "still" }))!.before).toMatchObject({ reason: "known" });
    await rig.drain(await rig.create([["d"]]), { d: broken("one") });
    await alerts.noteErrors(100);
    expect(await kinds(true)).toEqual(["one"]);
    await rig.drain(await rig.create([["e"]], { batch: { operation: "export" } }), { e: broken("one") });
    await alerts.noteErrors(100);
    expect([await kinds(true), await news()]).toEqual([[], 3]);
  },

  "kinds beyond 500 an hour count together": async (rig) => {
    const keys = Array.from({ length: 503 }, (_, i) => `k${i}`);
    const batch = await rig.create([keys]);
    await rig.drain(batch, Object.fromEntries(keys.map((key) => [key, broken(`code_${key}`)])));
    expect(await rig.store.failures.sums(whole(rig))).toMatchObject({ classes: 501, failures: 503 });
    expect((await rig.store.failures.classes(whole(rig), 1))[0]).toMatchObject({ fingerprint: "", failures: 3 });
  },
});
