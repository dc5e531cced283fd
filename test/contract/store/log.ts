import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import type { EventDraft } from "../../../src/model/event.ts";
import type { AuditEntry, AuditFilter } from "../../../src/store/port.ts";
import { FORGERIES } from "./adapters.ts";
import { OK, type Rig } from "./rig.ts";
import { section } from "./section.ts";

const draft = (rig: Rig, n: number, tenant = "acme"): EventDraft => ({
  tenant,
  type: "test.happened",
  entity: { kind: "test", id: `e${n % 2}` },
  severity: "info",
  ts: rig.now + n,
  data: { n },
});
const entry = (rig: Rig, action: string): AuditEntry => ({
  tenant: "acme",
  at: rig.now,
  actor: "me",
  credential: "key_1",
  address: "::1",
  action,
  target: "t",
  before: { a: 1 },
  after: undefined,
  outcome: "SUCCESS",
});

export const log = section("events, outbox, audit", {
  async "events are read in order, from a place on, by tenant and entity"(rig) {
    const { events } = rig.store;
    expect([await events.firstSeq(), await events.lastSeq()]).toEqual([0, 0]);
    await events.append([draft(rig, 0), draft(rig, 1), draft(rig, 2, "other"), draft(rig, 3)]);
    const all = await events.read(0, 10);
    expect(all.map((event) => event.data["n"])).toEqual([0, 1, 2, 3]);
    expect(all[1]).toEqual({ ...draft(rig, 1), seq: all[1]!.seq, epoch: await events.epoch() });
    expect(all.map((event) => event.seq)).toEqual(all.map((event) => event.seq).toSorted((a, b) => a - b));
    expect((await events.read(all[1]!.seq, 1)).map((event) => event.data["n"])).toEqual([2]);
    expect((await events.read(0, 10, { tenant: "acme" })).map((event) => event.data["n"])).toEqual([0, 1, 3]);
    expect((await events.read(0, 10, { tenant: "acme", entity: "e1" })).map((event) => event.data["n"])).toEqual([1, 3]);
    expect((await events.read(0, 10, { entity: "e0" })).map((event) => event.data["n"])).toEqual([0, 2]);
    expect([await events.firstSeq(), await events.lastSeq()]).toEqual([all[0]!.seq, all[3]!.seq]);
  },

  async "critical events are found newest first, whatever lies between"(rig) {
    const { events } = rig.store;
    const drafts = Array.from({ length: 9 }, (_, n) => ({
      ...draft(rig, n),
      severity: n % 3 === 0 ? ("critical" as const) : ("info" as const),
    }));
    await events.append([...drafts, { ...draft(rig, 9, "other"), severity: "critical" }]);
    expect((await events.critical("acme", 2)).map((event) => event.data["n"])).toEqual([6, 3]);
    expect((await events.critical("acme", 9))[2]).toEqual((await events.read(0, 1))[0]);
    expect((await events.critical("other", 9)).map((event) => event.data["n"])).toEqual([9]);
  },

  async "a batch tells its life in order"(rig) {
    const batch = await rig.create([["a"]]);
    await rig.drain(batch);
    expect((await rig.store.events.read(0, 10, { entity: batch.id })).map((event) => event.type)).toEqual([
      "batch.created",
      "batch.started",
      "batch.progress",
      "batch.completed",
    ]);
  },

  async "a commit that wrote events hints at once; one that wrote none, or failed, does not"(rig) {
    let hints = 0;
    const stop = rig.store.events.onAppend(() => (hints += 1));
    const batch = await rig.create([["a", "b"]]);
    expect(hints).toBe(1);
    const chunk = await rig.claim(batch);
    expect(hints).toBe(2);
    await rig.commit(chunk, { a: OK }, "checkpoint", { progress: false });
    await rig.store.chunks.renew([{ chunkId: chunk.id, fence: chunk.fence }], rig.now + 1);
    expect(hints).toBe(2);
    const twice = rig.newBatch({ id: batch.id });
    await expect(rig.store.batches.create(twice, [], rig.seal(twice))).rejects.toBeInstanceOf(Error);
    await rig.store.chunks.renew([], rig.now);
    expect(hints).toBe(2);
    stop();
    await rig.commit(chunk, { b: OK });
    expect(hints).toBe(2);
  },

  async "a listener that throws does not undo what was committed"(rig) {
    const stop = rig.store.events.onAppend(() => {
      throw new Error("listener");
    });
    const batch = rig.newBatch();
    await rig.store.batches.create(batch, rig.chunks([["a"]]), rig.seal(batch)).catch(() => {});
    stop();
    expect((await rig.get(batch)).status).toBe("pending");
    await rig.drain(batch);
    expect(await rig.findings()).toEqual([]);
  },

  async "trim drops what is old or too much, never the last"(rig) {
    const { events } = rig.store;
    await events.append([0, 1, 2, 3, 4, 5].map((n) => draft(rig, n)));
    const last = await events.lastSeq();
    expect(await events.trim({ before: rig.now + 2, keep: 100 })).toBe(2);
    expect(await events.trim({ before: 0, keep: 2 })).toBe(2);
    expect((await events.read(0, 10)).map((event) => event.data["n"])).toEqual([4, 5]);
    expect(await events.trim({ before: rig.now + 1000, keep: 0 })).toBe(1);
    expect([await events.firstSeq(), await events.lastSeq()]).toEqual([last, last]);
    await events.append([draft(rig, 6)]);
    expect(await events.lastSeq()).toBeGreaterThan(last);
  },

  async "the epoch of the log outlives a restart"(rig) {
    const epoch = await rig.store.events.epoch();
    await rig.reopen();
    expect(await rig.store.events.epoch()).toBe(epoch);
  },

  async "the outbox keeps a message until it is delivered or given up"(rig) {
    const { outbox } = rig.store;
    const batch = await rig.create([], { batch: { notify: ["log", "log", "mail"] } });
    const due = await outbox.due(rig.now, 10);
    expect(due.map((row) => row.channel)).toEqual(["log", "mail"]);
    expect(new Set(due.map((row) => row.dedupeKey)).size).toBe(2);
    expect(due[0]!.dedupeKey).toContain(batch.id);
    expect(await outbox.due(rig.now, 1)).toHaveLength(1);
    await outbox.failed(due[0]!.id, "refused", rig.now + 50);
    await outbox.delivered(due[1]!.id, rig.now);
    expect(await outbox.due(rig.now, 10)).toEqual([]);
    expect(await outbox.nextAt()).toBe(rig.now + 50);
    expect(await outbox.due(rig.now + 50, 10)).toMatchObject([{ id: due[0]!.id, tries: 1, nextAt: rig.now + 50 }]);
    await outbox.failed(due[0]!.id, "refused", null);
    expect(await outbox.nextAt()).toBeNull();
    expect(await outbox.due(rig.now + 1e9, 10)).toEqual([]);
  },

  async "the outbox holds a message back until the one it follows is delivered or given up"(rig) {
    const { outbox } = rig.store;
    const draft = (dedupeKey: string, follows?: string) => ({ channel: "log", dedupeKey, follows, subject: "s", body: "{}" });
    const messages = [draft("b", "a"), draft("a"), draft("d", "c"), draft("c"), draft("f", "nobody")];
    await rig.store.alerts.commit({
      tenant: "acme",
      at: rig.now,
      span: "none",
      samples: [],
      states: [],
      episodes: [],
      messages,
      lines: [],
      sent: [],
      flushed: [],
      events: [],
    });
    const due = async (at: number): Promise<string[]> => (await outbox.due(at, 10)).map(({ dedupeKey }) => dedupeKey);
    expect(await due(rig.now)).toEqual(["a", "c", "f"]);
    const [a, c] = await outbox.due(rig.now, 10);
    await outbox.failed(a!.id, "refused", rig.now + 50);
    await outbox.failed(c!.id, "refused", null);
    expect(await due(rig.now)).toEqual(["d", "f"]);
    expect(await due(rig.now + 50)).toEqual(["d", "f", "a"]);
    await outbox.delivered(a!.id, rig.now + 50);
    expect(await due(rig.now + 50)).toEqual(["b", "d", "f"]);
  },

  async "the outbox keeps who got a message while others did not, over a restart"(rig) {
    await rig.create([], { batch: { notify: ["mail"] } });
    const reached = async (): Promise<readonly string[]> => (await rig.store.outbox.due(rig.now, 1))[0]!.reached;
    const [{ id } = { id: 0 }] = await rig.store.outbox.due(rig.now, 1);
    expect(await reached()).toEqual([]);
    await rig.store.outbox.failed(id, "refused c", rig.now, ["a", "b"]);
    expect(await reached()).toEqual(["a", "b"]);
    // A try that reached nobody takes nothing back.
    await rig.store.outbox.failed(id, "refused", rig.now);
    await rig.reopen();
    expect(await reached()).toEqual(["a", "b"]);
  },

  async "the outbox forgets what is settled and old, a few at once, and never what waits"(rig) {
    const { outbox } = rig.store;
    for (const channel of ["sent", "lost", "open"]) await rig.create([], { batch: { notify: [channel] } });
    const [sent, lost] = await outbox.due(rig.now, 10);
    await outbox.delivered(sent!.id, rig.now);
    await outbox.failed(lost!.id, "refused", null);
    expect(await outbox.trim(rig.now, 10)).toBe(0);
    expect([await outbox.trim(rig.now + 1, 1), await outbox.trim(rig.now + 1, 1), await outbox.trim(rig.now + 1, 1)]).toEqual([1, 1, 0]);
    expect((await outbox.due(rig.now, 10)).map(({ channel }) => channel)).toEqual(["open"]);
  },

  async "the outbox leaves out the channels that are named, and moves what waits for one"(rig) {
    const { outbox } = rig.store;
    await rig.create([], { batch: { notify: ["log", "mail"] } });
    await rig.create([], { batch: { notify: ["log"] }, tenant: "other" });
    const shown = async (at: number, but?: [string, string][]): Promise<string[]> =>
      (await outbox.due(at, 10, but)).map(({ tenant, channel }) => `${tenant} ${channel}`).sort();
    expect(await shown(rig.now)).toEqual(["acme log", "acme mail", "other log"]);
    expect(await shown(rig.now, [["acme", "log"]])).toEqual(["acme mail", "other log"]);
    await outbox.delay("acme", "log", rig.now + 100);
    expect(await shown(rig.now)).toEqual(["acme mail", "other log"]);
    await outbox.delay("acme", "log", rig.now + 50);
    expect(await shown(rig.now + 99)).toEqual(["acme mail", "other log"]);
    await outbox.delay("other", "log", rig.now + 100);
    await outbox.hasten("acme", "log", rig.now);
    expect(await shown(rig.now)).toEqual(["acme log", "acme mail"]);
    await outbox.hasten(null, "log", rig.now);
    expect(await shown(rig.now)).toEqual(["acme log", "acme mail", "other log"]);
    for (const { id } of await outbox.due(rig.now, 10)) await outbox.failed(id, "no", null);
    await outbox.hasten(null, "log", rig.now);
    expect(await shown(rig.now + 1e9)).toEqual([]);
  },

  async "the audit log lists newest first in pages, as it was written"(rig) {
    for (const action of ["a", "b", "c"]) await rig.store.audit.append(entry(rig, action));
    const first = await rig.store.audit.list("acme", { before: null, limit: 2 });
    expect(first.map((row) => row.action)).toEqual(["c", "b"]);
    expect(first[0]).toMatchObject({ ...entry(rig, "c"), after: undefined });
    expect((await rig.store.audit.list("acme", { before: first[1]!.seq, limit: 2 })).map((row) => row.action)).toEqual(["a"]);
  },

  async "old audit entries go from the beginning, and what stays is proven as before; the newest never goes"(rig) {
    const { audit } = rig.store;
    for (let i = 0; i < 6; i += 1) await audit.append({ ...entry(rig, `a${i}`), at: rig.now + i });
    const [, , , third] = await audit.list("acme", { before: null, limit: 9 });
    const { head } = await audit.verify();
    const by = { tenant: "acme", actor: "retention", at: rig.now + 10 };
    expect([await audit.due(rig.now + 4, 100), await audit.due(rig.now + 4, 3), await audit.due(rig.now, 100)]).toEqual([4, 3, 0]);
    expect([await audit.trim(rig.now + 4, 3, by), await audit.trim(rig.now + 4, 100, by), await audit.trim(rig.now + 4, 100, by)]).toEqual([
      3, 1, 0,
    ]);
    expect((await audit.list("acme", { before: null, limit: 9 })).map(({ seq, action }) => [seq, action])).toEqual([
      [8, "audit.trimmed"],
      [7, "audit.trimmed"],
      [6, "a5"],
      [5, "a4"],
    ]);
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 4 });
    expect(await audit.verify(head!)).toMatchObject({ ok: true });
    expect(await audit.verify({ seq: third!.seq, hash: third!.hash })).toMatchObject({
      ok: false,
      faults: [{ kind: "missing", seq: third!.seq }],
    });
    expect(await audit.trim(rig.now + 1_000_000, 100, by)).toBe(3);
    expect(await audit.verify()).toMatchObject({ ok: true, entries: 2 });
  },

  async "each audit hash covers its row and all before it"(rig) {
    const { audit } = rig.store;
    for (const action of ["a", "b", "b"]) await audit.append(entry(rig, action));
    const [third, second] = await audit.list("acme", { before: null, limit: 3 });
    expect(third!.hash).not.toBe(second!.hash);
    const hashes = (await audit.list("acme", { before: null, limit: 10 })).map((row) => row.hash);
    expect(new Set(hashes).size).toBe(3);
    expect(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
  },

  async "the audit log is found in order, whoever added to it, by anything that is known of an entry"(rig) {
    const { audit } = rig.store;
    await audit.append({ ...entry(rig, "a"), target: "x" });
    await audit.append({ ...entry(rig, "a"), tenant: "other" });
    await audit.append({ ...entry(rig, "b"), actor: "you", outcome: "BLOCKED", at: rig.now + 5 });
    const found = async (filter: AuditFilter): Promise<number[]> =>
      (await audit.list("acme", { before: null, limit: 9, filter })).map((row) => row.seq);
    expect(await found({})).toEqual([3, 1]);
    expect(await found({ action: "a" })).toEqual([1]);
    expect(await found({ actor: "you" })).toEqual([3]);
    expect(await found({ target: "x", outcome: "SUCCESS" })).toEqual([1]);
    expect(await found({ outcome: "BLOCKED" })).toEqual([3]);
    expect([await found({ from: rig.now + 5 }), await found({ to: rig.now + 5 })]).toEqual([[3], [1]]);
    const scanned = async (tenant: string | null): Promise<number[]> =>
      (await Array.fromAsync(audit.scan(tenant))).flat().map((row) => row.seq);
    expect([await scanned("acme"), await scanned(null)]).toEqual([
      [1, 3],
      [1, 2, 3],
    ]);
  },

  async "an audit log that nobody touched is whole, over a restart and in a backup"(rig) {
    expect(await rig.store.audit.verify()).toEqual({ ok: true, entries: 0, head: null, found: 0, faults: [] });
    expect(await rig.store.audit.accept({ tenant: "acme", actor: "me", credential: null, address: null, at: rig.now }, "why")).toBeNull();
    expect(await rig.store.audit.anchoring()).toEqual({ fault: null, adopted: null });
    for (let n = 0; n < 1100; n++) await rig.store.audit.append({ ...entry(rig, `a${n}`), before: { text: "ü\n\u2028", n } });
    const { head } = await rig.store.audit.verify();
    // Nobody waits for it, however long the log is.
    const verifying = { turns: 0, going: true };
    const others = (async () => {
      for (; verifying.going; verifying.turns++) await setImmediate();
    })();
    expect(await rig.store.audit.verify(head!)).toMatchObject({ ok: true, entries: 1100 });
    verifying.going = false;
    await others;
    expect(verifying.turns).toBeGreaterThan(1);
    const path = rig.opened.copyPath();
    await rig.store.upkeep.backup(path);
    await rig.reopen();
    await rig.store.audit.append(entry(rig, "later"));
    expect(await rig.store.audit.verify(head!)).toMatchObject({ ok: true, entries: 1101 });
    expect(await rig.store.upkeep.verifyAudit()).toEqual(await rig.store.audit.verify());
    const copy = await rig.opened.openCopy(path);
    expect(await copy.audit.verify(head!)).toMatchObject({ ok: true, entries: 1100 });
    expect((await rig.store.audit.verify({ seq: 5, hash: "0".repeat(64) })).faults).toMatchObject([{ seq: 5, kind: "rewritten" }]);
  },

  ...Object.fromEntries(
    FORGERIES.map((how) => [
      `of an audit log, "${how}" is found, also after further entries and a restart`,
      async (rig: Rig): Promise<void> => {
        for (const action of ["a", "b", "c", "d"]) await rig.store.audit.append(entry(rig, action));
        expect(await rig.store.audit.verify()).toMatchObject({ ok: true });
        rig.opened.forge(how);
        // Retention takes nothing off a log that was touched: it would take the trace with it.
        expect(await rig.store.audit.trim(rig.now + 1, 9, { tenant: "acme", actor: "retention", at: rig.now })).toBe(0);
        const verdict = await rig.store.audit.verify();
        const kinds = {
          edit: "altered",
          delete: "missing",
          reorder: "altered",
          cut: "missing",
          rewrite: "rewritten",
          behead: "missing",
        } as const;
        expect(verdict.ok).toBe(false);
        expect(verdict.faults.map(({ kind }) => kind)).toContain(kinds[how]);
        await rig.store.audit.append(entry(rig, "e"));
        expect((await rig.store.audit.verify()).ok).toBe(false);
        await rig.reopen();
        // A start looks at the newest entries only, a check at all.
        if (how === "cut" || how === "rewrite") expect((await rig.store.audit.anchoring()).fault).toMatchObject({ kind: "rewritten" });
        await rig.store.audit.append(entry(rig, "f"));
        expect((await rig.store.audit.verify()).ok).toBe(false);
        // Once that is accepted, what is there now is proven again; what is wrong within the table stays so.
        const by = { tenant: "acme", actor: "me", credential: null, address: null, at: rig.now };
        const accepted = await rig.store.audit.accept(by, "known");
        const newest = (await rig.store.audit.list("acme", { before: null, limit: 1 }))[0]!;
        expect(newest).toMatchObject({ action: "audit.anchor_accepted", after: { reason: "known" } });
        expect(accepted!.ok).toBe(how === "cut" || how === "rewrite" || how === "behead");
        await rig.reopen();
        expect((await rig.store.audit.anchoring()).fault).toBeNull();
        rig.opened.forge("cut");
        expect((await rig.store.audit.verify({ seq: newest.seq, hash: newest.hash })).faults.map(({ kind }) => kind)).toContain("missing");
      },
    ]),
  ),
});
