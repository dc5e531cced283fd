import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Bulk } from "../../src/batches/bulk.ts";
import type { Store, StoredAudit } from "../../src/store/port.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { openSqlite } from "../contract/store/adapters.ts";
import { failed, Rig } from "../contract/store/rig.ts";
import { Child } from "../support/child.ts";
import { folders } from "../support/folder.ts";

const WRITER = join(import.meta.dirname, "..", "support", "programs", "bulk-writer.ts");
const BATCHES = 40;
const newFolder = folders();

async function failedBatches(root: string): Promise<{ ids: string[]; now: number }> {
  const opened = await openSqlite(root);
  const rig = new Rig(opened);
  const ids: string[] = [];
  for (let n = 0; n < BATCHES; n++) {
    const batch = await rig.create([["a"]]);
    await rig.drain(batch, { a: failed() });
    ids.push(batch.id);
    rig.now += 1;
  }
  await opened.store.close();
  return { ids, now: rig.now };
}

async function retriesOf(store: Store): Promise<StoredAudit[]> {
  return store.audit.list("acme", { before: null, limit: 1_000, filter: { action: "batch.retry" } });
}

async function epochs(store: Store, ids: readonly string[]): Promise<number[]> {
  return Promise.all(ids.map(async (id) => (await store.batches.get("acme", id))!.epoch));
}

describe("an act on many batches whose server died by kill -9", () => {
  it.each([
    { how: "within", number: 1, committed: 0 },
    { how: "within", number: 17, committed: 14 },
    { how: "behind", number: 14, committed: 14 },
    { how: "within", number: 40, committed: 35 },
  ])("$how the commit of batch $number: what is done is told and audited, and every batch is acted on once", async (kill) => {
    const root = newFolder();
    const { ids, now } = await failedBatches(root);
    const directory = join(root, "data");
    const args = [directory, String(now), kill.how, String(kill.number)];
    expect(await new Child(process.execPath, ["--conditions=batchyard-source", WRITER, ...args]).ended).toMatchObject({
      signal: "SIGKILL",
    });

    const store = openSqliteStore({ directory, synchronous: "NORMAL" });
    const [job] = await store.bulk.running();
    expect([job!.done, (await retriesOf(store)).length, (await epochs(store, ids)).filter((epoch) => epoch === 2).length]).toEqual(
      Array.from({ length: 3 }, () => kill.committed),
    );

    const clock = new VirtualClock({ startsAt: now + 60_000 });
    const bulk = new Bulk({
      store,
      signals: { batchChanged() {} },
      clock,
      failed: (error) => {
        throw error;
      },
    });
    await bulk.start();
    while ((await store.bulk.running()).length > 0) await clock.advance(250);
    expect(await store.bulk.get("acme", job!.id)).toMatchObject({
      status: "completed",
      total: BATCHES,
      done: BATCHES,
      failed: 0,
      skipped: 0,
    });
    expect(new Set(await epochs(store, ids))).toEqual(new Set([2]));
    expect((await retriesOf(store)).map(({ target }) => target).sort()).toEqual([...ids].sort());
    expect(await store.audit.verify()).toMatchObject({ ok: true });
    expect((await store.upkeep.verify({ rebuild: false })).findings).toEqual([]);
    await bulk.stop();
    await store.close();
  });
});
