import { expect } from "vitest";
import type { BulkFilter, BulkJob, BulkPlace, BulkSlice } from "../../../src/store/bulk.ts";
import type { BatchRow, BatchStanding } from "../../../src/model/batch.ts";
import { history, randomOf } from "./monitoring.ts";
import { failed, OK, RETRY, type Rig } from "./rig.ts";
import { section } from "./section.ts";

function job(rig: Rig, id: string, changes: Partial<BulkJob> = {}): BulkJob {
  return {
    id,
    tenant: "acme",
    action: "cancel",
    priority: null,
    reason: null,
    filter: { statuses: ["pending"], from: 0, to: rig.now },
    rate: 10,
    total: 5,
    done: 0,
    failed: 0,
    skipped: 0,
    status: "running",
    createdAt: rig.now,
    startsAt: rig.now,
    endedAt: null,
    after: null,
    error: null,
    actor: "key:ci",
    credential: "key_1",
    address: "127.0.0.1",
    ...changes,
  };
}

/** Everything `targets` gives, a few at a time. */
async function walked(rig: Rig, filter: BulkFilter, looks: number): Promise<string[]> {
  const ids: string[] = [];
  let after: BulkPlace | null = null;
  do {
    const found: { batches: BulkPlace[]; after: BulkPlace | null } = await rig.store.bulk.targets("acme", filter, after, looks);
    ids.push(...found.batches.map(({ id }) => id));
    expect(found.batches.length).toBeLessThanOrEqual(looks * filter.statuses.length);
    after = found.after;
  } while (after !== null);
  return ids;
}

/** What a slice writes down. */
function written(rig: Rig): Pick<BulkSlice, "now" | "failure" | "entry" | "event"> {
  const [tenant, ts] = ["acme", rig.now];
  return {
    now: rig.now,
    failure: { error: "by hand", code: "by_hand" },
    entry: (before, after) => ({
      tenant,
      at: ts,
      actor: "key:ci",
      credential: null,
      address: null,
      action: "act",
      target: after.id,
      before: { status: before.status },
      after: { status: after.status },
      outcome: "SUCCESS",
    }),
    event: ({ done, skipped }) => ({
      tenant,
      type: "bulk.progress",
      entity: { kind: "bulk", id: "bulk_1" },
      severity: "info",
      ts,
      data: { done, skipped },
    }),
  };
}

async function groupsOf(rig: Rig, batch: BatchRow): Promise<{ code: string; fingerprint: string }[]> {
  return rig.store.results.groups("acme", batch.id);
}

export const bulk = section("bulk", {
  async "counts and walks exactly the batches that match, newest first, whatever the step"(rig) {
    await history(rig, randomOf(7));
    const batches = (await rig.store.batches.list({ tenant: "acme" }, { limit: 1_000 })).batches;
    await rig.create([["z"]], { tenant: "other" });
    const [from, to] = [rig.now - 3 * 86_400_000 - 17, rig.now - 12_345];
    const filters: Omit<BulkFilter, "from" | "to">[] = [
      { statuses: ["pending"] },
      { statuses: ["failed", "expired", "cancelled", "completed"] },
      { statuses: ["pending", "running", "paused"], operation: "annotate" },
      { statuses: ["completed", "failed"], code: "broken" },
      { statuses: ["completed"], code: "none" },
      { statuses: ["completed", "pending"], ids: [batches[0]!.id, batches[3]!.id, "batch_none"] },
      { statuses: ["completed", "pending"], except: [batches[0]!.id] },
      { statuses: ["completed"], name: "nothing has this" },
      { statuses: ["completed"], stream: "none" },
      { statuses: ["completed"], tag: "none" },
    ];
    for (const each of filters) {
      const filter = { ...each, from, to };
      const wanted: string[] = [];
      for (const batch of batches) {
        const fits =
          batch.createdAt >= from &&
          batch.createdAt < to &&
          each.statuses.includes(batch.status) &&
          (each.operation === undefined || each.operation === batch.operation) &&
          (each.ids === undefined || each.ids.includes(batch.id)) &&
          each.except?.includes(batch.id) !== true &&
          each.name === undefined &&
          each.stream === undefined &&
          each.tag === undefined &&
          (each.code === undefined || (await groupsOf(rig, batch)).some(({ code }) => code === each.code));
        if (fits) wanted.push(batch.id);
      }
      expect(await rig.store.bulk.count("acme", filter)).toBe(wanted.length);
      for (const looks of [1, 3, 1_000]) expect(await walked(rig, filter, looks)).toEqual(wanted);
    }
  },

  async "a group of errors is found by its fingerprint while it stands"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.drain(batch, { a: failed("x", "one"), b: failed("y", "two") });
    const one = (await groupsOf(rig, batch)).find(({ code }) => code === "one")!;
    const filter: BulkFilter = { statuses: ["completed", "failed"], from: 0, to: rig.now + 1, fingerprint: one.fingerprint };
    expect(await rig.store.bulk.count("acme", filter)).toBe(1);
    await rig.store.batches.retry("acme", batch.id, { fingerprint: one.fingerprint }, rig.now);
    await rig.drain(batch, { a: OK });
    expect(await rig.store.bulk.count("acme", filter)).toBe(0);
  },

  async "retry by code takes every group with that code, and no other"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    await rig.drain(batch, { a: failed("x", "one"), b: failed("quite another", "one"), c: failed("y", "two") });
    expect((await rig.store.batches.retry("acme", batch.id, { code: "one" }, rig.now))?.items).toBe(2);
    expect((await rig.claim(batch)).keys).toEqual(["a", "b"]);
    expect(await rig.get(batch)).toMatchObject({ failed: 1 });
    expect(await rig.findings()).toEqual([]);
  },

  async "a slice is one commit: the acts, an audit entry for each, the progress and its event"(rig) {
    const created: BatchRow[] = [];
    for (let n = 0; n < 4; n++) {
      created.push(await rig.create([["a"]]));
      rig.now += 1;
    }
    const [oldest, third, second, newest] = created as [BatchRow, BatchRow, BatchRow, BatchRow];
    await rig.store.batches.end("acme", second.id, "cancelled", null, rig.now);
    const foreign = await rig.create([["a"]], { tenant: "other" });
    const running = job(rig, "bulk_1", { total: 5 });
    await rig.store.bulk.add(running);
    const places = [newest, foreign, second, third].map(({ createdAt, id }) => ({ createdAt, id }));
    const act = (from: BulkJob, batches: BulkPlace[], withinMs = Infinity) =>
      rig.store.bulk.act({ ...written(rig), job: from, batches, withinMs });

    expect(await act(running, places)).toEqual({
      progress: { total: 5, done: 2, failed: 0, skipped: 2, after: places.at(-1), error: null },
      acted: [newest, third].map(({ id }) => ({ id, status: "cancelled", priority: 1, epoch: 1 })),
    });
    expect([(await rig.get(newest)).status, (await rig.get(oldest)).status]).toEqual(["cancelled", "pending"]);
    expect((await rig.store.batches.get("other", foreign.id))!.status).toBe("pending");
    const entries = await rig.store.audit.list("acme", { before: null, limit: 10 });
    expect(entries.map(({ target, before, after }) => [target, before, after])).toEqual(
      [third, newest].map(({ id }) => [id, { status: "pending" }, { status: "cancelled" }]),
    );
    expect(await rig.store.audit.verify()).toMatchObject({ ok: true, entries: 2 });
    const told = (await rig.store.events.read(0, 1_000, {})).filter(({ type }) => type === "bulk.progress");
    expect(told.map(({ data }) => data)).toEqual([{ done: 2, skipped: 2 }]);
    await rig.reopen();
    const kept = (await rig.store.bulk.get("acme", "bulk_1"))!;
    expect(kept).toMatchObject({ done: 2, skipped: 2, after: places.at(-1) });

    const [one, ...rest] = await Promise.all([1, 2, 3].map(() => rig.create([["a"]])));
    const more = [one!, ...rest].map(({ createdAt, id }) => ({ createdAt, id }));
    expect(await act(kept, more, 0)).toMatchObject({ progress: { done: 3, after: more[0] }, acted: [{ id: one!.id }] });
    await rig.store.bulk.cancel("acme", "bulk_1", rig.now);
    expect(await act(kept, more)).toBeNull();
    expect((await rig.get(rest[0]!)).status).toBe("pending");
    expect(await rig.findings()).toEqual([]);
  },

  async "of a slice that fails nothing is there, and the sums are as if it had not been tried"(rig) {
    const batches = [await rig.create([["a"]]), await rig.create([["b"]])];
    const running = job(rig, "bulk_1");
    await rig.store.bulk.add(running);
    const places = batches.map(({ createdAt, id }) => ({ createdAt, id }));
    let entries = 0;
    const broken = {
      ...written(rig),
      entry: (before: BatchStanding, after: BatchStanding) => {
        if (++entries === 2) throw new Error("no entry");
        return written(rig).entry(before, after);
      },
    };
    const slice = { job: running, batches: places, withinMs: Infinity };
    await expect(rig.store.bulk.act({ ...broken, ...slice })).rejects.toThrow("no entry");
    for (const batch of batches) expect((await rig.get(batch)).status).toBe("pending");
    expect(await rig.store.audit.list("acme", { before: null, limit: 10 })).toEqual([]);
    expect(await rig.store.bulk.get("acme", "bulk_1")).toEqual(running);
    expect(await rig.findings()).toEqual([]);
    expect(await rig.store.bulk.act({ ...written(rig), ...slice })).toMatchObject({ progress: { done: 2 } });
    expect(await rig.store.audit.verify()).toMatchObject({ ok: true, entries: 2 });
    expect(await rig.findings()).toEqual([]);
  },

  async "each act does what it does to one batch, and a retry takes none that ended after the job was started"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const place = { createdAt: batch.createdAt, id: batch.id };
    let jobs = 0;
    const act = async (action: BulkJob["action"], changes: Partial<BulkJob> = {}) => {
      const started = job(rig, `bulk_${++jobs}`, { action, ...changes });
      await rig.store.bulk.add(started);
      const done = await rig.store.bulk.act({ ...written(rig), job: started, batches: [place], withinMs: Infinity });
      return [done!.progress.done, (await rig.get(batch)).status];
    };
    expect(await act("pause")).toEqual([1, "paused"]);
    expect(await act("pause")).toEqual([0, "paused"]);
    expect(await act("resume")).toEqual([1, "pending"]);
    expect(await act("resume")).toEqual([0, "pending"]);
    expect(await act("priority", { priority: 3 })).toEqual([1, "pending"]);
    expect((await rig.get(batch)).priority).toBe(3);
    expect(await act("retry")).toEqual([0, "pending"]);
    const before = job(rig, "bulk_before", { action: "retry" });
    await rig.store.bulk.add(before);
    rig.now += 1;
    await rig.drain(batch, { a: failed("x", "one"), b: failed("y", "two") });
    const late = { ...written(rig), job: before, batches: [place], withinMs: Infinity };
    expect(await rig.store.bulk.act(late)).toMatchObject({ progress: { done: 0, skipped: 1 } });
    rig.now += 1;
    expect(await act("priority", { priority: 1 })).toEqual([0, "failed"]);
    expect(await act("cancel")).toEqual([0, "failed"]);
    expect(await act("retry", { filter: { ...before.filter, code: "none" } })).toEqual([0, "failed"]);
    expect(await act("retry", { filter: { ...before.filter, code: "one" } })).toEqual([1, "pending"]);
    expect(await rig.get(batch)).toMatchObject({ failed: 1, epoch: 2 });
    expect(await act("cancel")).toEqual([1, "cancelled"]);
    expect(await rig.findings()).toEqual([]);
  },

  async "tries that wait are given up, what was never tried and what is at work goes on; finished is all of it"(rig) {
    const batch = await rig.create([["a", "b"], ["c"], ["d"]]);
    const untried = await rig.create([["a"]]);
    const act = async (action: "finish" | "dead_letter", on: BatchRow, id: string) => {
      const started = job(rig, id, { action, reason: "enough" });
      await rig.store.bulk.add(started);
      const place = { createdAt: on.createdAt, id: on.id };
      const done = await rig.store.bulk.act({ ...written(rig), job: started, batches: [place], withinMs: Infinity });
      return done!.progress.done;
    };
    await rig.commit(await rig.claim(batch), { a: RETRY, b: RETRY });
    const working = await rig.claim(batch);
    expect(await act("dead_letter", untried, "bulk_1")).toBe(0);
    expect(await act("dead_letter", batch, "bulk_2")).toBe(1);
    expect(await rig.get(batch)).toMatchObject({ status: "running", failed: 2, succeeded: 0 });
    expect((await rig.results(batch)).map(({ nodeId, errorCode, retries }) => [nodeId, errorCode, retries])).toEqual([
      ["a", "by_hand", 1],
      ["b", "by_hand", 1],
    ]);
    expect(await rig.findings()).toEqual([]);
    expect(await act("dead_letter", batch, "bulk_3")).toBe(0);
    expect(await rig.commit(working, { c: OK })).toMatchObject({ accepted: true });
    expect(await act("finish", batch, "bulk_4")).toBe(1);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 1, failed: 3 });
    expect(await act("finish", batch, "bulk_5")).toBe(0);
    expect((await rig.store.bulk.get("acme", "bulk_4"))!.reason).toBe("enough");
    expect(await rig.findings()).toEqual([]);
  },

  async "of very many items, too, and the batch that ends by it is told as ended"(rig) {
    const keys = Array.from({ length: 1_300 }, (_, n) => `k${n}`);
    const place = ({ createdAt, id }: BatchRow): BulkPlace => ({ createdAt, id });
    const act = async (action: "finish" | "dead_letter", id: string, on: BatchRow) => {
      const started = job(rig, id, { action, reason: "enough" });
      await rig.store.bulk.add(started);
      return rig.store.bulk.act({ ...written(rig), job: started, batches: [place(on)], withinMs: Infinity });
    };
    const tried = await rig.create([keys, ["last"]]);
    await rig.commit(await rig.claim(tried), Object.fromEntries(keys.map((key) => [key, RETRY])));
    expect(await act("dead_letter", "bulk_1", tried)).toMatchObject({ acted: [{ id: tried.id, status: "running" }] });
    expect(await rig.get(tried)).toMatchObject({ status: "running", failed: 1_300 });
    await rig.drain(tried);
    expect(await rig.get(tried)).toMatchObject({ status: "completed", failed: 1_300, succeeded: 1 });
    const fresh = await rig.create([keys]);
    expect(await act("finish", "bulk_2", fresh)).toMatchObject({ acted: [{ id: fresh.id, status: "failed" }] });
    expect(await rig.get(fresh)).toMatchObject({ failed: 1_300 });
    expect(await rig.findings()).toEqual([]);
  },

  async "a job is kept with how far it came, and goes on only while it runs"(rig) {
    const store = () => rig.store.bulk;
    await store().add(job(rig, "bulk_1"));
    await store().add(job(rig, "bulk_2", { createdAt: rig.now + 1, action: "priority", priority: 2 }));
    await store().add(job(rig, "bulk_3", { tenant: "other" }));
    const progress = { total: 5, done: 1, failed: 1, skipped: 1, after: { createdAt: 3, id: "b" }, error: "no" };
    const event = {
      tenant: "acme",
      type: "bulk.progress",
      entity: { kind: "bulk", id: "bulk_1" },
      severity: "info" as const,
      ts: rig.now,
      data: { bulk_id: "bulk_1", done: 1, total: 5, failed: 1 },
    };
    expect(await store().advance("bulk_1", progress, null, event)).toBe(true);
    await rig.reopen();
    expect(await store().get("acme", "bulk_1")).toEqual(job(rig, "bulk_1", progress));
    expect(await store().get("other", "bulk_1")).toBeNull();
    expect((await store().list("acme", 10)).map(({ id }) => id)).toEqual(["bulk_2", "bulk_1"]);
    expect((await store().running()).map(({ id }) => id).sort()).toEqual(["bulk_1", "bulk_2", "bulk_3"]);

    expect(await store().advance("bulk_1", { ...progress, done: 3 }, rig.now + 5, event)).toBe(true);
    expect(await store().get("acme", "bulk_1")).toMatchObject({ status: "completed", endedAt: rig.now + 5, done: 3 });
    expect(await store().advance("bulk_1", progress, null, event)).toBe(false);
    expect([await store().cancel("acme", "bulk_1", rig.now), await store().cancel("acme", "bulk_3", rig.now)]).toEqual([false, false]);
    expect(await store().cancel("acme", "bulk_2", rig.now + 9)).toBe(true);
    expect(await store().get("acme", "bulk_2")).toMatchObject({ status: "cancelled", endedAt: rig.now + 9 });
    expect(await store().advance("bulk_2", progress, null, event)).toBe(false);
    const told = (await rig.store.events.read(0, 1_000, {})).filter(({ type }) => type === "bulk.progress");
    expect(told).toHaveLength(2);
  },
});
