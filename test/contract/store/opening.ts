import { expect } from "vitest";
import { BatchyardError } from "../../../src/model/errors.ts";
import { failed } from "./rig.ts";
import { section } from "./section.ts";

async function codeOf(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    if (error instanceof BatchyardError) return error.code;
    throw error;
  }
}

export const opening = section("opening", {
  async "reopening keeps everything"(rig) {
    const batch = await rig.create([["a", "b"], ["c"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: { ok: true, result: 1 } }, "checkpoint");
    const staged = rig.newBatch();
    await rig.store.batches.stage(staged);
    const before = {
      row: await rig.get(batch),
      results: await rig.results(batch),
      stats: (await rig.store.batches.stats("acme", batch.id)).encode(),
      events: await rig.store.events.read(0, 100),
    };
    await rig.reopen();
    expect({
      row: await rig.get(batch),
      results: await rig.results(batch),
      stats: (await rig.store.batches.stats("acme", batch.id)).encode(),
      events: await rig.store.events.read(0, 100),
    }).toEqual(before);
    expect((await rig.commit(chunk, { b: failed() })).accepted).toBe(true);
    await rig.drain(batch);
    expect((await rig.get(batch)).status).toBe("completed");
    expect(await rig.store.batches.discard({ batchId: staged.id })).toBe(1);
    expect(await rig.findings()).toEqual([]);
  },

  async "ids of chunks are not used again after a restart"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    await rig.drain(batch);
    await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    await rig.store.batches.remove("acme", rig.now + 1, { limit: 1, dryRun: false });
    await rig.reopen();
    expect((await rig.claim(await rig.create([["b"]]))).id).toBeGreaterThan(chunk.id);
  },

  async "a probe changes nothing that anybody reads"(rig) {
    const batch = await rig.create([["a"]]);
    const [row, seq] = [await rig.get(batch), await rig.store.events.lastSeq()];
    await rig.store.probe(rig.now);
    await rig.store.probe(rig.now + 1);
    expect([await rig.get(batch), await rig.store.events.lastSeq(), await rig.findings()]).toEqual([row, seq, []]);
  },

  async "a second opening of the same data is refused, and free after close"(rig) {
    expect(await codeOf(rig.opened.openAgain())).toBe("data_in_use");
    await rig.store.close();
    const again = await rig.opened.openAgain();
    expect(again.kind).toBe(rig.store.kind);
  },

  async "a newer schema is refused, and left as it is"(rig) {
    await rig.store.close();
    rig.opened.age();
    expect(await codeOf(rig.opened.openAgain())).toBe("newer_schema");
    expect(await codeOf(rig.opened.openAgain())).toBe("newer_schema");
  },
});
