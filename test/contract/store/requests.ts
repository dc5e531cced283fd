import { expect } from "vitest";
import type { RequestOutcome } from "../../../src/model/request-states.ts";
import type { WindowChange, WindowRow } from "../../../src/store/port.ts";
import type { NewRequest, RequestEnd } from "../../../src/store/requests.ts";
import { payloadOf, type Rig } from "./rig.ts";
import { section } from "./section.ts";
import { joinLines } from "../../../src/model/item.ts";

let count = 0;

function windowOf(rig: Rig): WindowRow {
  const id = `batch_${rig.now}_r${String(++count).padStart(8, "0")}`;
  const { now } = rig;
  return { id, tenant: "acme", stream: "requests", key: "k", openedAt: now, lastItemAt: now, items: 0, bytes: 0, held: false };
}

function requestOf(rig: Rig, batchId: string, id: string, more: Partial<NewRequest> = {}): NewRequest {
  const plain = { tenant: "acme", jobType: "tags", model: "m", customId: null, fingerprint: "f", webhook: null };
  return { id, batchId, createdAt: rig.now, ...plain, ...more };
}

/** Puts requests into a window; the window as it is then. */
async function collect(rig: Rig, window: WindowRow, requests: readonly NewRequest[]): Promise<WindowRow> {
  const texts = requests.map(({ id }) => payloadOf(id));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const after = { ...window, items: window.items + requests.length, bytes: window.bytes + bytes };
  const adds = { keys: requests.map(({ id }) => id), body: joinLines(texts), says: {} };
  await commit(rig, { window: after, opens: window.items === 0, drops: 0, adds, closes: null, requeued: [], requests });
  return after;
}

async function close(rig: Rig, window: WindowRow, heldBatch = false): Promise<void> {
  const closes = {
    reason: "timeout",
    batch: rig.newBatch(),
    maxFailures: null,
    chunkItems: 50,
    chunkChars: 1e6,
    lagMs: 0,
    says: {},
    heldBatch,
  };
  await commit(rig, { window, opens: false, drops: 0, adds: null, requeued: [], closes });
}

const commit = (rig: Rig, change: WindowChange) =>
  rig.store.streams.commit({ changes: [change], deadLetters: [], arrivals: [], now: rig.now });
const end = (id: string, outcome: RequestOutcome, message: RequestEnd["message"] = null): RequestEnd => ({ id, outcome, message });
const stateOf = async (rig: Rig, id: string): Promise<string | undefined> => (await rig.store.requests.get("acme", id))?.state;

export const requests = section("requests", {
  "a request comes with its window, and is its tenant's alone": async (rig) => {
    const window = windowOf(rig);
    const request = requestOf(rig, window.id, "r1", { customId: "c", webhook: "https://example.com" });
    await collect(rig, window, [request]);
    await rig.reopen();
    expect(await rig.store.requests.get("acme", "r1")).toEqual({ ...request, state: "waiting", endedAt: null });
    expect(await rig.store.requests.get("other", "r1")).toBeNull();
    expect(await rig.store.requests.openWith("other", "tags", "c")).toBeNull();
    expect(await rig.store.requests.list("other", {}, { before: null, limit: 9 })).toEqual([]);
    expect(await rig.store.requests.ofBatch("other", window.id, { limit: 9 })).toEqual([]);
    expect(await rig.store.requests.settle("other", [end("r1", "done")], rig.now)).toEqual([]);
    expect(await rig.store.requests.open()).toEqual([{ tenant: "acme", batchId: window.id }]);
  },

  "its state is that of its batch, then its outcome": async (rig) => {
    const opened = windowOf(rig);
    const window = await collect(rig, opened, [requestOf(rig, opened.id, "r1")]);
    expect(await stateOf(rig, "r1")).toBe("waiting");
    await close(rig, window);
    expect(await stateOf(rig, "r1")).toBe("batched");
    await rig.claim({ id: window.id });
    expect(await stateOf(rig, "r1")).toBe("running");
    expect(await rig.store.requests.settle("acme", [end("r1", "failed")], rig.now)).toEqual(["r1"]);
    expect(await rig.store.requests.get("acme", "r1")).toMatchObject({ state: "failed", endedAt: rig.now });
    expect(await rig.store.requests.open()).toEqual([]);
  },

  "a custom id is that of one open request of its job type": async (rig) => {
    const window = windowOf(rig);
    const of = (id: string, more: Partial<NewRequest> = {}): NewRequest => requestOf(rig, window.id, id, { customId: "c", ...more });
    let after = await collect(rig, window, [of("r1"), of("r2", { jobType: "titles" })]);
    await expect(collect(rig, after, [of("r3")])).rejects.toThrow(/unique/i);
    expect(await rig.store.requests.get("acme", "r3")).toBeNull();
    expect((await rig.store.requests.openWith("acme", "tags", "c"))?.id).toBe("r1");
    await rig.store.requests.settle("acme", [end("r1", "cancelled")], rig.now);
    expect(await rig.store.requests.openWith("acme", "tags", "c")).toBeNull();
    after = await collect(rig, after, [of("r3")]);
    expect((await rig.store.requests.openWith("acme", "tags", "c"))?.id).toBe("r3");
  },

  "an outcome is noted once, with its message; only done takes another's place": async (rig) => {
    const window = windowOf(rig);
    await collect(rig, window, [requestOf(rig, window.id, "r1")]);
    const message = (key: string) => ({ channel: "requests:x", dedupeKey: key, subject: "s", body: "{}" });
    const settle = (outcome: RequestOutcome) => rig.store.requests.settle("acme", [end("r1", outcome, message(`r1:${outcome}`))], rig.now);
    expect(await settle("failed")).toEqual(["r1"]);
    expect(await settle("failed")).toEqual([]);
    expect(await settle("cancelled")).toEqual([]);
    expect(await settle("done")).toEqual(["r1"]);
    expect(await settle("failed")).toEqual([]);
    expect((await rig.store.outbox.due(rig.now, 9)).map((each) => each.dedupeKey)).toEqual(["r1:failed", "r1:done"]);
  },

  "lists are newest first, by job type and state, from place to place": async (rig) => {
    const window = windowOf(rig);
    const made = ["r1", "r2", "r3"].map((id, i) => requestOf(rig, window.id, id, { createdAt: rig.now + i, jobType: i === 1 ? "b" : "a" }));
    await collect(rig, window, made);
    await rig.store.requests.settle("acme", [end("r3", "done")], rig.now);
    const ids = async (filter: Parameters<Rig["store"]["requests"]["list"]>[1], before: NewRequest | null = null): Promise<string[]> =>
      (await rig.store.requests.list("acme", filter, { before, limit: 2 })).map(({ id }) => id);
    expect(await ids({})).toEqual(["r3", "r2"]);
    expect(await ids({}, made[1])).toEqual(["r1"]);
    expect(await ids({ jobType: "a" })).toEqual(["r3", "r1"]);
    expect(await ids({ state: "waiting" })).toEqual(["r2", "r1"]);
    expect(await ids({ state: "done", jobType: "b" })).toEqual([]);
    expect((await rig.store.requests.ofBatch("acme", window.id, { limit: 1 })).map(({ id }) => id)).toEqual(["r1"]);
    expect((await rig.store.requests.ofBatch("acme", window.id, { ids: ["r3", "x"] })).map(({ id }) => id)).toEqual(["r3"]);
  },

  "an item that is withdrawn leaves its window with its request; the last one takes the window along": async (rig) => {
    const window = windowOf(rig);
    const after = await collect(rig, await collect(rig, window, [requestOf(rig, window.id, "r1"), requestOf(rig, window.id, "r2")]), [
      requestOf(rig, window.id, "r3"),
    ]);
    const bytes = Buffer.byteLength(payloadOf("r2"));
    const less = { ...after, items: 2, bytes: after.bytes - bytes };
    const withdraw = (row: WindowRow, key: string) =>
      commit(rig, { window: row, opens: false, drops: 0, adds: null, closes: null, requeued: [], withdrawn: [key] });
    await withdraw(less, "r2");
    await expect(withdraw(less, "r2")).rejects.toThrow("has no item r2");
    expect(await stateOf(rig, "r2")).toBe("cancelled");
    expect(await rig.store.streams.open()).toMatchObject([{ id: window.id, items: 2, keys: ["r1", "r3"] }]);
    await withdraw({ ...less, items: 1 }, "r1");
    await withdraw({ ...less, items: 0 }, "r3");
    expect(await rig.store.streams.open()).toEqual([]);
    rig.now += 1;
    expect(await rig.store.requests.remove(rig.now, 2)).toBe(2);
    expect(await rig.store.requests.remove(rig.now, 2)).toBe(1);
  },

  "batches of a stream are held and released, those paused one by one stay so": async (rig) => {
    const batch = async (held = false): Promise<string> => {
      const window = windowOf(rig);
      await close(rig, await collect(rig, window, [requestOf(rig, window.id, `of-${window.id}`)]), held);
      return window.id;
    };
    const [running, paused, held] = [await batch(), await batch(), await batch(true)];
    await rig.store.batches.pause("acme", paused, rig.now);
    const states = () => Promise.all([running, paused, held].map(async (id) => (await rig.store.batches.get("acme", id))?.status));
    expect(await states()).toEqual(["pending", "paused", "paused"]);
    expect(await rig.store.streams.holdBatches("other", "requests", [], rig.now)).toEqual([]);
    expect(await rig.store.streams.holdBatches("acme", "requests", [], rig.now)).toEqual([running]);
    expect(await states()).toEqual(["paused", "paused", "paused"]);
    await rig.reopen();
    expect(await rig.store.streams.releaseBatches("other", "requests", rig.now)).toEqual([]);
    expect(await rig.store.streams.releaseBatches("acme", "requests", rig.now)).toEqual([running, held]);
    expect(await states()).toEqual(["pending", "paused", "pending"]);
    expect(await rig.store.streams.releaseBatches("acme", "requests", rig.now)).toEqual([]);
  },

  "a running batch of an executor that goes on is not held": async (rig) => {
    const window = windowOf(rig);
    await close(rig, await collect(rig, window, [requestOf(rig, window.id, "r1")]));
    const { executor } = (await rig.store.batches.get("acme", window.id))!;
    await rig.claim({ id: window.id });
    expect(await rig.store.streams.holdBatches("acme", "requests", [executor], rig.now)).toEqual([]);
    expect(await rig.store.streams.holdBatches("acme", "requests", ["another"], rig.now)).toEqual([window.id]);
  },

  "requests go with their batch": async (rig) => {
    const window = windowOf(rig);
    await close(rig, await collect(rig, window, [requestOf(rig, window.id, "r1")]));
    await rig.store.batches.end("acme", window.id, "cancelled", null, rig.now);
    await rig.store.requests.settle("acme", [end("r1", "cancelled")], rig.now);
    expect(await rig.store.requests.remove(rig.now + 1, 9)).toBe(0);
    await rig.store.batches.remove("acme", rig.now + 1, { limit: 9, dryRun: false });
    expect(await rig.store.requests.get("acme", "r1")).toBeNull();
  },
});
