import { expect } from "vitest";
import { splitLines } from "../../../src/model/item.ts";
import type { MemberSelection } from "../../../src/store/port.ts";
import { failed, OK, payloadOf, reported, RETRY, type Rig } from "./rig.ts";
import { section } from "./section.ts";

async function membersOf(rig: Rig, batch: { id: string; tenant: string }, selection: MemberSelection): Promise<string[][]> {
  const blocks: string[][] = [];
  for await (const { keys, body } of rig.store.chunks.members(batch.tenant, batch.id, selection)) {
    expect(splitLines(body)).toEqual(keys.map(payloadOf));
    blocks.push(keys);
  }
  return blocks;
}

export const members = section("members", {
  async "all members come chunk by chunk as they were cut, whatever ran since"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    expect(await membersOf(rig, batch, "all")).toEqual([["a", "b"], ["c"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: RETRY, b: OK }, "finish", { retryAt: rig.now });
    await rig.drain(batch, { a: failed() });
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect(await membersOf(rig, batch, "all")).toEqual([["a", "b"], ["c"]]);
  },

  async "failed members are those whose failure stands, in the order they failed, each once"(rig) {
    const batch = await rig.create([
      ["a", "b", "c"],
      ["d", "e"],
    ]);
    await rig.commit(await rig.claim(batch), { a: failed(), b: RETRY, c: failed() }, "finish", { retryAt: rig.now + 1 });
    expect((await membersOf(rig, batch, "failed")).flat()).toEqual(["a", "c"]);
    rig.now += 1;
    await rig.drain(batch, { b: failed(), e: failed() });
    expect((await membersOf(rig, batch, "failed")).flat().sort()).toEqual(["a", "b", "c", "e"]);
    await rig.store.batches.retry("acme", batch.id, { nodeIds: ["a", "b"] }, rig.now);
    await rig.drain(batch, { b: failed() });
    expect((await membersOf(rig, batch, "failed")).flat()).toEqual(["c", "e", "b"]);
  },

  async "failed members of a batch that was stopped are also those that never ended"(rig) {
    const batch = await rig.create([["a", "b", "c"], ["d"]]);
    await rig.commit(await rig.claim(batch), { a: OK, b: failed() }, "checkpoint");
    await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    expect((await membersOf(rig, batch, "failed")).flat()).toEqual(["b", "c", "d"]);
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect((await membersOf(rig, batch, "failed")).flat()).toEqual([]);
    await rig.drain(batch);
    expect((await membersOf(rig, batch, "failed")).flat()).toEqual([]);
  },

  async "members by key come once each, unknown keys not at all"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    await rig.drain(batch, { a: failed() });
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect((await membersOf(rig, batch, ["c", "a", "a", "nobody"])).flat().sort()).toEqual(["a", "c"]);
    expect(await membersOf(rig, batch, [])).toEqual([]);
  },

  async "failures beyond one page are all members"(rig) {
    const keys = Array.from({ length: 2001 }, (_, n) => `k${n}`);
    const batch = await rig.create([keys]);
    await rig.drain(batch, Object.fromEntries(keys.map((key) => [key, failed()])));
    expect((await membersOf(rig, batch, "failed")).flat()).toEqual(keys);
  },

  async "nobody else's batch has members, nor one whose items were only announced"(rig) {
    const batch = await rig.create([["a"]]);
    expect(await membersOf(rig, { ...batch, tenant: "other" }, "all")).toEqual([]);
    const announced = await rig.create([], { announcedItems: 2, batch: { executor: "external" } });
    expect(await membersOf(rig, announced, "all")).toEqual([]);
    await rig.store.chunks.record("acme", announced.id, [reported("x", { error: "no" })], rig.now);
    expect(await membersOf(rig, announced, "failed")).toEqual([]);
  },

  async "a batch names the one it replays, and is found by it"(rig) {
    const original = await rig.create([["a"]]);
    rig.now += 1;
    const first = await rig.create([["a"]], { batch: { replayOf: original.id } });
    rig.now += 1;
    const second = await rig.create([["a"]], { batch: { replayOf: original.id } });
    expect((await rig.get(first)).replayOf).toBe(original.id);
    expect((await rig.get(original)).replayOf).toBeNull();
    const page = await rig.store.batches.list({ tenant: "acme", replayOf: original.id }, { limit: 10 });
    expect([page.total, page.batches.map(({ id }) => id)]).toEqual([2, [second.id, first.id]]);
    expect((await rig.store.batches.list({ tenant: "other", replayOf: original.id }, { limit: 10 })).total).toBe(0);
    const events = await rig.store.events.read(0, 100);
    const created = events.filter(({ type }) => type === "batch.created").map(({ data }) => data["replay_of"]);
    expect(created).toEqual([undefined, original.id, original.id]);
  },
});
