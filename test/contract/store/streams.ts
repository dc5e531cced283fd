import { expect } from "vitest";
import { joinLines } from "../../../src/model/item.ts";
import type { WindowChange, WindowClosing, WindowRow } from "../../../src/store/port.ts";
import { OK, payloadOf, type Rig } from "./rig.ts";
import { section } from "./section.ts";

let count = 0;

export function windowRow(rig: Rig, more: Partial<WindowRow> = {}): WindowRow {
  const id = `batch_${rig.now}_w${String(++count).padStart(8, "0")}`;
  return {
    id,
    tenant: "acme",
    stream: "orders",
    key: "k",
    openedAt: rig.now,
    lastItemAt: rig.now,
    items: 0,
    bytes: 0,
    held: false,
    ...more,
  };
}

/** The window with these items on top, and the change that brings them. */
export function adding(rig: Rig, row: WindowRow, keys: string[], more: Partial<WindowChange> = {}): WindowChange {
  const texts = keys.map(payloadOf);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const window = { ...row, items: row.items + keys.length, bytes: row.bytes + bytes, lastItemAt: rig.now };
  return {
    window,
    opens: row.items === 0,
    drops: 0,
    adds: { keys, body: joinLines(texts), says: {} },
    closes: null,
    requeued: [],
    ...more,
  };
}

export function closing(rig: Rig, more: Partial<WindowClosing> = {}): WindowClosing {
  return {
    reason: "timeout",
    batch: rig.newBatch(),
    maxFailures: null,
    chunkItems: Infinity,
    chunkChars: Infinity,
    lagMs: 3,
    says: {},
    ...more,
  };
}

export const onlyClosing = (rig: Rig, window: WindowRow, more: Partial<WindowClosing> = {}): WindowChange => ({
  window,
  opens: false,
  drops: 0,
  adds: null,
  requeued: [],
  closes: closing(rig, more),
});

const commit = (rig: Rig, ...changes: WindowChange[]): Promise<boolean[]> =>
  rig.store.streams.commit({ changes, deadLetters: [], arrivals: [], now: rig.now });

async function keysOf(rig: Rig, id: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const block of rig.store.chunks.keys("acme", id)) keys.push(...block);
  return keys;
}

const events = async (rig: Rig, id: string): Promise<string[]> =>
  (await rig.store.events.read(0, 1_000, { entity: id })).map((event) => event.type);

/** What src/store/port.ts says of StreamStore. */
function lagAndReason({ closes }: WindowChange): { lagMs: number; reason: string } {
  return { lagMs: closes!.lagMs, reason: closes!.reason };
}

export const streams = section("streams", {
  "definitions are kept per tenant and name, with their first creation": async (rig) => {
    const row = { tenant: "acme", name: "orders", definition: { operation: "transform" }, paused: false, createdAt: 1, updatedAt: 1 };
    await rig.store.streams.save(row);
    await rig.store.streams.save({ ...row, tenant: "other" });
    await rig.store.streams.save({ ...row, paused: true, createdAt: 9, updatedAt: 2 });
    await rig.reopen();
    expect(await rig.store.streams.definitions()).toEqual([
      { ...row, paused: true, updatedAt: 2 },
      { ...row, tenant: "other" },
    ]);
    expect(await rig.store.streams.remove("acme", "orders")).toBe(true);
    expect(await rig.store.streams.remove("acme", "orders")).toBe(false);
    expect(await rig.store.streams.definitions()).toHaveLength(1);
  },

  "one commit adds to many windows; each is found again with its true start, keys and sizes": async (rig) => {
    const a = windowRow(rig, { key: "a" });
    const b = windowRow(rig, { key: "b", tenant: "other" });
    const first = adding(rig, a, ["1", "2"]);
    expect(await commit(rig, first, adding(rig, b, ["1"]))).toEqual([false, false]);
    rig.now += 1_000;
    await commit(rig, adding(rig, first.window, ["3"]));
    await rig.reopen();
    const [found, other] = await rig.store.streams.open();
    expect(found).toEqual({
      ...adding(rig, first.window, ["3"]).window,
      openedAt: rig.now - 1_000,
      keys: ["1", "2", "3"],
      sizes: [10, 10, 10],
    });
    expect(other).toMatchObject({ tenant: "other", key: "b", items: 1 });
    expect(await rig.store.batches.get("acme", a.id)).toBe(null);
  },

  "a closed window is a sealed batch under its id, with its items in order, cut as asked": async (rig) => {
    const row = windowRow(rig);
    const first = adding(rig, row, ["1", "2"]);
    await commit(rig, first);
    const last = adding(rig, first.window, ["3", "4", "5"], { closes: closing(rig, { reason: "max_size", chunkItems: 2 }) });
    expect(await commit(rig, last)).toEqual([true]);
    expect(await rig.get({ id: row.id, tenant: "acme" })).toMatchObject({
      stream: "orders",
      streamKey: "k",
      closeReason: "max_size",
      totalItems: 5,
      status: "pending",
    });
    const chunks = await rig.store.chunks.list("acme", row.id, { after: 0, limit: 10 });
    expect(chunks.map(({ position, items }) => [position, items])).toEqual([
      [0, 2],
      [2, 2],
      [4, 1],
    ]);
    expect(await keysOf(rig, row.id)).toEqual(["1", "2", "3", "4", "5"]);
    expect(await rig.store.chunks.payload("acme", row.id, "4")).toBe(payloadOf("4"));
    expect(await rig.store.streams.open()).toEqual([]);
    expect(await events(rig, row.id)).toEqual(["window.opened", "item.received", "item.received", "window.closed", "batch.created"]);
    await rig.drain({ id: row.id });
    expect(await rig.get({ id: row.id, tenant: "acme" })).toMatchObject({ status: "completed", succeeded: 5 });
    expect(await rig.findings()).toEqual([]);
  },

  "every event of a window, of its batch and of its chunks names the stream": async (rig) => {
    const row = windowRow(rig);
    const opened = adding(rig, row, ["1", "2"]);
    await commit(rig, opened);
    await commit(rig, onlyClosing(rig, opened.window));
    await rig.commit(await rig.claim(row), { "1": { retry: true }, "2": OK });
    await rig.claim(row, 1_000);
    await rig.store.chunks.reap({ now: rig.now + 2_000 });
    await rig.drain(row, { "1": OK });
    const told = await rig.store.events.read(0, 100, { entity: row.id });
    expect(told.map((event) => event.type)).toEqual([
      "window.opened",
      "item.received",
      "window.closed",
      "batch.created",
      "batch.started",
      "chunk.retried",
      "chunk.stalled",
      "batch.progress",
      "batch.completed",
    ]);
    for (const { data } of told) expect(data).toMatchObject({ batch_id: row.id, stream: "orders", key: "k" });
  },

  "a window closes once, whoever else closes it": async (rig) => {
    const first = adding(rig, windowRow(rig), ["1"]);
    await commit(rig, first);
    const other = await rig.opened.openAgain().catch(() => rig.store);
    const closes = await Promise.all([
      commit(rig, onlyClosing(rig, first.window)),
      other.streams.commit({ changes: [onlyClosing(rig, first.window)], deadLetters: [], arrivals: [], now: rig.now }),
    ]);
    expect(closes.flat().toSorted((a, b) => Number(a) - Number(b))).toEqual([false, true]);
    expect((await rig.store.batches.list({ tenant: "acme" }, { limit: 10 })).total).toBe(1);
  },

  "adding to a closed window throws, and nothing of that commit is written": async (rig) => {
    const first = adding(rig, windowRow(rig), ["1"]);
    await commit(rig, first);
    await commit(rig, onlyClosing(rig, first.window));
    const fresh = adding(rig, windowRow(rig, { key: "fresh" }), ["1"]);
    const letter = { tenant: "acme", stream: "orders", itemKey: null, text: "{}", reason: "overflow", at: rig.now };
    await expect(
      rig.store.streams.commit({ changes: [fresh, adding(rig, first.window, ["2"])], deadLetters: [letter], arrivals: [], now: rig.now }),
    ).rejects.toThrow("takes no more items");
    expect(await rig.store.streams.open()).toEqual([]);
    expect(await rig.store.streams.deadLetterGroups("acme")).toEqual([]);
  },

  "one key has one open window; a closed one makes room within the same commit": async (rig) => {
    const first = adding(rig, windowRow(rig), ["1"]);
    await commit(rig, first);
    await expect(commit(rig, adding(rig, windowRow(rig), ["2"]))).rejects.toThrow(/unique/i);
    expect(await commit(rig, onlyClosing(rig, first.window), adding(rig, windowRow(rig), ["2"]))).toEqual([true, false]);
    expect(await rig.store.streams.open()).toMatchObject([{ keys: ["2"] }]);
  },

  "an urgent item is a batch at once, beside the open window of its key": async (rig) => {
    await commit(rig, adding(rig, windowRow(rig), ["1"]));
    const row = windowRow(rig);
    expect(await commit(rig, adding(rig, row, ["2"], { closes: closing(rig, { reason: "fast_path" }) }))).toEqual([true]);
    expect(await rig.get({ id: row.id, tenant: "acme" })).toMatchObject({ closeReason: "fast_path", totalItems: 1 });
    expect(await events(rig, row.id)).toEqual(["item.received", "window.closed", "batch.created"]);
    expect(await rig.store.streams.open()).toMatchObject([{ keys: ["1"] }]);
  },

  "items leave the front, over commits; a window without items vanishes": async (rig) => {
    const first = adding(rig, windowRow(rig), ["1", "2"]);
    await commit(rig, first);
    const second = adding(rig, first.window, ["3"]);
    await commit(rig, second);
    const dropped = { ...second.window, items: 1, bytes: 10 };
    await commit(rig, { window: { ...dropped, items: 2, bytes: 20 }, opens: false, drops: 1, adds: null, closes: null, requeued: [] });
    expect(await rig.store.streams.open()).toMatchObject([{ items: 2, keys: ["2", "3"], sizes: [10, 10] }]);
    await commit(rig, { window: dropped, opens: false, drops: 1, adds: null, closes: null, requeued: [] });
    expect(await rig.store.streams.open()).toMatchObject([{ items: 1, keys: ["3"] }]);
    await commit(rig, { window: { ...dropped, items: 0, bytes: 0 }, opens: false, drops: 1, adds: null, closes: null, requeued: [] });
    expect(await rig.store.streams.open()).toEqual([]);
    expect(await rig.store.batches.list({ tenant: "acme" }, { limit: 10 })).toMatchObject({ total: 0 });
  },

  "dead letters stay in order, per tenant and stream, and go with the commit that brings them back": async (rig) => {
    const letter = (text: string, tenant = "acme") => ({ tenant, stream: "orders", itemKey: "k", text, reason: "overflow", at: rig.now });
    await rig.store.streams.commit({
      changes: [],
      deadLetters: [letter("{}"), letter('{"n":2}'), letter("{}", "other")],
      arrivals: [],
      now: rig.now,
    });
    const [one, two] = await rig.store.streams.deadLetters("acme", "orders", { after: 0, limit: 10 });
    expect(await rig.store.streams.deadLetters("acme", "orders", { after: one!.id, limit: 10 })).toEqual([two]);
    expect(two).toMatchObject({ text: '{"n":2}', itemKey: "k", reason: "overflow", at: rig.now });
    const old = { ...letter("{}"), at: rig.now - 10 };
    await rig.store.streams.commit({ changes: [], deadLetters: [old, { ...old, tenant: "other" }], arrivals: [], now: rig.now });
    const { dead } = rig.store;
    expect([
      await dead.expire(rig.now, 9, "acme"),
      await dead.expire(rig.now, 1),
      await dead.expire(rig.now, 9),
      await dead.expire(rig.now, 9),
    ]).toEqual([1, 1, 1, 0]);
    await commit(rig, adding(rig, windowRow(rig), ["1"], { requeued: [one!.id] }));
    const left = [{ queue: "orders", reason: "overflow", count: 1, oldest: rig.now, newest: rig.now }];
    expect(await rig.store.streams.deadLetterGroups("acme")).toEqual(left);
    expect(await rig.store.streams.deadLetterGroups("other")).toEqual(left);
    expect(await rig.findings()).toEqual([]);
  },

  "dead letters are selected by reason and id, grouped by reason with the times of the first and the last, and discarded": async (rig) => {
    const letter = (reason: string, at: number, tenant = "acme") => ({ tenant, stream: "orders", itemKey: null, text: "{}", reason, at });
    const deadLetters = [letter("overflow", 1), letter("poison", 2), letter("overflow", 3), letter("overflow", 4, "other")];
    await rig.store.streams.commit({ changes: [], deadLetters, arrivals: [], now: rig.now });
    expect(await rig.store.streams.deadLetterGroups("acme")).toEqual([
      { queue: "orders", reason: "overflow", count: 2, oldest: 1, newest: 3 },
      { queue: "orders", reason: "poison", count: 1, oldest: 2, newest: 2 },
    ]);
    const select = async (selection: { reason?: string; ids?: number[] }) =>
      (await rig.store.streams.deadLetters("acme", "orders", { after: 0, limit: 10, selection })).map(({ id }) => id);
    const [one, two, three] = await select({});
    expect(await select({ reason: "overflow" })).toEqual([one, three]);
    expect(await select({ ids: [two!, three!, 999] })).toEqual([two, three]);
    expect(await select({ ids: [] })).toEqual([]);
    expect(await rig.store.streams.discardLetters("acme", "orders", { ids: [two!] }, 10)).toBe(1);
    expect(await rig.store.streams.discardLetters("acme", "orders", {}, 1)).toBe(1);
    expect(await select({})).toEqual([three]);
    expect(await rig.store.streams.discardLetters("acme", "orders", { reason: "poison" }, 10)).toBe(0);
    await rig.store.streams.remove("other", "orders");
    expect(await rig.store.streams.deadLetterGroups("other")).toEqual([]);
    expect(await rig.findings()).toEqual([]);
  },

  "the rest of a paced requeue is kept, replaced and ended": async (rig) => {
    const rest = { tenant: "acme", stream: "orders", selection: { reason: "overflow" }, rest: 5, rate: 2, after: 7 };
    await rig.store.streams.pace(rest);
    await rig.store.streams.pace({ ...rest, stream: "others", selection: {} });
    await rig.store.streams.pace({ ...rest, rest: 3, after: 9 });
    await rig.reopen();
    expect(await rig.store.streams.pacedRequeues()).toEqual([
      { ...rest, rest: 3, after: 9 },
      { ...rest, stream: "others", selection: {} },
    ]);
    await rig.store.streams.pace({ ...rest, rest: 0 });
    await rig.store.streams.remove("acme", "others");
    expect(await rig.store.streams.pacedRequeues()).toEqual([]);
  },

  "the requests that brought a window's items are known, each once, 128 of them, also of the batch it became": async (rig) => {
    const trace = (n: number): string => `00-${n.toString(16).padStart(32, "0")}-${n.toString(16).padStart(16, "0")}-01`;
    const first = adding(rig, windowRow(rig), ["1"], { traces: [trace(1), trace(2)] });
    await commit(rig, first);
    const second = adding(rig, first.window, ["2"], { traces: [trace(2), trace(3)] });
    await commit(rig, second);
    expect(await rig.store.streams.traces("acme", first.window.id)).toEqual([1, 2, 3].map(trace));
    const own = { context: trace(9), parent: null };
    const many = Array.from({ length: 200 }, (_, n) => trace(100 + n));
    const closes = closing(rig, { batch: rig.newBatch({ trace: own }) });
    await commit(rig, adding(rig, second.window, ["3"], { traces: many, closes }));
    await rig.reopen();
    const kept = await rig.store.streams.traces("acme", first.window.id);
    expect(kept).toEqual([...[1, 2, 3].map(trace), ...many.slice(0, 124)]);
    expect(await rig.store.streams.traces("other", first.window.id)).toEqual([]);
    expect(await rig.get({ id: first.window.id, tenant: "acme" })).toMatchObject({ trace: own });
    const child = await rig.create([["a"]], { batch: { trace: { context: trace(5), parent: trace(4) } } });
    expect(child.trace).toEqual({ context: trace(5), parent: trace(4) });
    expect((await rig.claim(child)).batch.trace).toEqual(child.trace);
    expect((await rig.create([["a"]])).trace).toBeNull();
  },

  "times of closed windows and their batches, and queues by operation": async (rig) => {
    const first = adding(rig, windowRow(rig), ["1"]);
    await commit(rig, first);
    const openedAt = rig.now;
    rig.now += 5_000;
    await commit(rig, onlyClosing(rig, first.window));
    expect(await rig.store.streams.queues("acme", 0)).toEqual([
      { operation: "transform", pending: 1, running: 0, ended: 0, meanMs: null, oldest: { id: first.window.id, createdAt: rig.now } },
    ]);
    rig.now += 100;
    const chunk = await rig.claim({ id: first.window.id });
    rig.now += 900;
    await rig.commit(chunk, { "1": { ok: true } });
    const range = { from: openedAt, to: rig.now, limit: 10 };
    const sample = { openedAt, closedAt: openedAt + 5_000, startedAt: openedAt + 5_100, completedAt: openedAt + 6_000 };
    expect(await rig.store.streams.samples("acme", "orders", range)).toEqual([sample]);
    expect(await rig.store.streams.samples("acme", null, range)).toEqual([sample]);
    expect(await rig.store.streams.samples("acme", "another", range)).toEqual([]);
    const { id } = first.window;
    const window = { stream: "orders", openedAt, closedAt: openedAt + 5_000, ...lagAndReason(onlyClosing(rig, first.window)) };
    expect(await rig.store.streams.closed("acme", id)).toEqual(window);
    expect([await rig.store.streams.closed("other", id), await rig.store.streams.closed("acme", "batch_none")]).toEqual([null, null]);
    expect(await rig.store.streams.samples("other", null, range)).toEqual([]);
    expect(await rig.store.streams.queues("acme", 0)).toMatchObject([{ pending: 0, ended: 1, meanMs: 900, oldest: null }]);
    await rig.store.batches.remove("acme", rig.now + 1, { limit: 10, dryRun: false });
    expect(await rig.store.streams.samples("acme", null, range)).toEqual([]);
  },
});
