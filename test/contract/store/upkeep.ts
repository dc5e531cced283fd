import { expect } from "vitest";
import { FAULTS, type Fault } from "./adapters.ts";
import { entry } from "./ledger.ts";
import { failed, OK, RETRY, type Rig } from "./rig.ts";
import { section, type Case } from "./section.ts";

/** A batch in the middle of its life, so that every counter has something to count. */
async function halfDone(rig: Rig): Promise<{ id: string; tenant: string }> {
  const before = await rig.create([["x"]]);
  const batch = await rig.create([["a", "b"], ["c", "d"], ["e"]], { batch: { dependsOn: [before.id] } });
  await rig.drain(before);
  const ledger = [entry(batch, { customId: "a", counted: true }), entry(batch, { customId: "b" })];
  await rig.commit(await rig.claim(batch), { a: { ok: true, cost: 0.5, qualityScore: 0.5 }, b: failed() }, "finish", { ledger });
  await rig.commit(await rig.claim(batch), { c: OK, d: RETRY }, "finish", { retryAt: rig.now + 5 });
  await rig.claim(batch);
  await rig.store.records.put("acme", "films", [{ key: "a", data: {}, writer: null }], "insert", rig.now);
  const letter = { tenant: "acme", stream: "orders", itemKey: null, text: "{}", reason: "overflow", at: rig.now };
  await rig.store.streams.commit({ changes: [], deadLetters: [letter], arrivals: [], now: rig.now });
  return batch;
}

/** Sums may catch up with their batches only when they are read: a batch that is put wrong before would be counted as it stands then. */
const readSums = (rig: Rig) => rig.store.monitor.jobs({ tenant: "acme", from: 0, to: rig.now + 1 }, null);

const verify = (rig: Rig, rebuild: boolean) => rig.store.upkeep.verify({ rebuild });

function planted(fault: Fault): Case[] {
  return section("upkeep", {
    async [`verify finds ${fault} put wrong, and rebuild mends it`](rig) {
      const batch = await halfDone(rig);
      const sound = await rig.get(batch);
      expect(await rig.findings()).toEqual([]);
      await readSums(rig);
      rig.opened.tamper(fault, batch.id);
      const found = (await verify(rig, false)).findings;
      expect(found.length).toBeGreaterThan(0);
      expect(found.every((finding) => !finding.repaired)).toBe(true);
      const mended = (await verify(rig, true)).findings;
      expect(mended.some((finding) => finding.repaired)).toBe(true);
      expect(await rig.findings()).toEqual([]);
      expect(await rig.get(batch)).toEqual(sound);
      // And it goes on from there to its end.
      rig.now += 60_000;
      await rig.store.chunks.reap({ now: rig.now });
      await rig.drain(batch);
      expect((await rig.get(batch)).status).toBe("completed");
      expect(await rig.findings()).toEqual([]);
    },
  });
}

export const upkeep: Case[] = [
  ...FAULTS.flatMap(planted),
  ...section("upkeep", {
    async "verify counts what it looked at, and can look at one batch"(rig) {
      const batch = await halfDone(rig);
      const other = await rig.create([["z"]]);
      await readSums(rig);
      rig.opened.tamper("cost", other.id);
      const found = await verify(rig, false);
      expect(found).toMatchObject({ checkedBatches: 3, checkedChunks: 6 });
      // The batch itself, and the sums it belongs to.
      expect(found.findings.map((finding) => finding.batchId)).toEqual([other.id, null]);
      expect(await rig.store.upkeep.verify({ rebuild: false, batchId: batch.id })).toMatchObject({
        checkedBatches: 1,
        checkedChunks: 4,
        findings: [],
      });
    },

    async "a batch that has ended is mended too"(rig) {
      const batch = await rig.create([["a"], ["b"]]);
      await rig.commit(await rig.claim(batch), { a: OK });
      await rig.store.batches.end("acme", batch.id, "expired", null, rig.now);
      const sound = await rig.get(batch);
      await readSums(rig);
      rig.opened.tamper("expired", batch.id);
      rig.opened.tamper("succeeded", batch.id);
      expect((await verify(rig, true)).findings.map((finding) => finding.repaired)).toEqual([true, true, true, true]);
      expect(await rig.get(batch)).toEqual(sound);
      expect(await rig.findings()).toEqual([]);
    },

    async "size is told in bytes"(rig) {
      expect(await rig.store.upkeep.size()).toBeGreaterThan(1000);
    },

    async "a backup is a whole store of its own, with a log that starts anew"(rig) {
      const batch = await halfDone(rig);
      const path = rig.opened.copyPath();
      expect((await rig.store.upkeep.backup(path)).bytes).toBeGreaterThan(1000);
      await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
      const copy = await rig.opened.openCopy(path);
      expect(await copy.batches.get("acme", batch.id)).toMatchObject({ status: "running", succeeded: 2 });
      expect((await copy.upkeep.verify({ rebuild: false })).findings).toEqual([]);
      expect(await copy.events.epoch()).not.toBe(await rig.store.events.epoch());
    },

    async "a backup of a store that is written meanwhile ends, and is consistent"(rig) {
      const body = "x".repeat(2000);
      const groups = Array.from({ length: 60 }, (_, chunk) => Array.from({ length: 20 }, (__, item) => `${chunk}/${item}`));
      const batch = await rig.create(groups);
      // Several megabytes: a copy in many steps, with writes between them.
      const wrote = (n: number) => ({
        tenant: "acme",
        type: "test.wrote",
        entity: { kind: "test", id: "t" },
        severity: "info" as const,
        ts: rig.now,
        data: { n, body },
      });
      await rig.store.events.append(Array.from({ length: 3000 }, (_, n) => wrote(n)));
      const path = rig.opened.copyPath();
      let ended = false;
      const copying = rig.store.upkeep.backup(path).finally(() => (ended = true));
      let commits = 0;
      while (!ended) {
        const chunk = await rig.tryClaim(batch);
        if (chunk === null) await rig.store.events.append([wrote(-1)]);
        else await rig.commit(chunk, Object.fromEntries(chunk.keys.map((key) => [key, { ok: true, result: body }])));
        commits += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await copying;
      expect(commits).toBeGreaterThan(0);
      const copy = await rig.opened.openCopy(path);
      expect((await copy.upkeep.verify({ rebuild: false })).findings).toEqual([]);
      expect((await copy.batches.get("acme", batch.id))!.totalItems).toBe(1200);
      expect(await rig.findings()).toEqual([]);
    },
  }),
];
