import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openSqliteStore, openSqliteUpkeep } from "../../src/store/sqlite/store.ts";
import { openSqlite, type Opened } from "../contract/store/adapters.ts";
import { failed, OK, Rig } from "../contract/store/rig.ts";
import { Child } from "../support/child.ts";
import { folders } from "../support/folder.ts";

const WRITER = join(import.meta.dirname, "..", "support", "programs", "act-writer.ts");
const KEYS = Array.from({ length: 2_300 }, (_, n) => `k${n}`);
const CHUNKS = [KEYS.slice(0, 300), KEYS.slice(300, 2_000), KEYS.slice(2_000)];
const newFolder = folders();

/** Of one batch: acts that are not done, and failures that stand. */
function left(directory: string): { acts: number; failures: number } {
  const db = new DatabaseSync(join(directory, "batchyard.db"), { readOnly: true });
  const count = (sql: string): number => Number(db.prepare(sql).get()!["n"]);
  const found = {
    acts: count("SELECT COUNT(*) AS n FROM batch_acts"),
    failures: count("SELECT COUNT(*) AS n FROM failures WHERE superseded IS NULL"),
  };
  db.close();
  return found;
}

function chunksIn(directory: string, batchId: string): { pending: number; leased: number; cancelled: number; newest: number } {
  const db = new DatabaseSync(join(directory, "batchyard.db"), { readOnly: true });
  const rows = db.prepare("SELECT state, COUNT(*) AS n FROM chunks WHERE batch_id = ? GROUP BY state").all(batchId);
  const newest = Number(db.prepare("SELECT MAX(id) AS id FROM chunks WHERE batch_id = ? AND state = 'pending'").get(batchId)!["id"]);
  db.close();
  return { newest, pending: 0, leased: 0, cancelled: 0, ...Object.fromEntries(rows.map(({ state, n }) => [String(state), Number(n)])) };
}

describe("an act on a batch of very many items whose server died by kill -9 between two slices", () => {
  it.each([
    { act: "retry", turns: 1 },
    { act: "retry", turns: 3 },
    { act: "finish", turns: 1 },
    { act: "finish", turns: 3 },
  ])("$act, after $turns: every counter equals a recount, and whoever opens the store goes on", async ({ act, turns }) => {
    const root = newFolder();
    const directory = join(root, "data");
    const opened = await openSqlite(root);
    const rig = new Rig(opened);
    const batch = await rig.create(CHUNKS, { maxFailures: 100_000 });
    if (act === "retry") await rig.drain(batch, Object.fromEntries(KEYS.map((key) => [key, failed()])));
    else await rig.claim(batch);
    await opened.store.close();

    const args = [directory, String(rig.now), act, batch.id, String(turns)];
    expect(await new Child(process.execPath, ["--conditions=batchyard-source", WRITER, ...args]).ended).toMatchObject({
      signal: "SIGKILL",
    });
    const { acts, failures } = left(directory);
    expect([acts, failures > 0, failures < KEYS.length]).toEqual([1, true, true]);
    const beside = openSqliteUpkeep({ directory, synchronous: "NORMAL" });
    expect((await beside.upkeep.verify({ rebuild: false })).findings).toEqual([]);
    await beside.close();

    const again = new Rig({ store: openSqliteStore({ directory, synchronous: "NORMAL" }) } as Opened);
    again.now = rig.now;
    while (left(directory).acts > 0) await setImmediate();
    expect((await again.store.upkeep.verify({ rebuild: false })).findings).toEqual([]);
    const { status, failed: stand, openChunks } = await again.get(batch);
    expect([status, stand, openChunks > 0]).toEqual(act === "retry" ? ["pending", 0, true] : ["failed", KEYS.length, false]);
    await again.drain(batch);
    expect((await again.get(batch)).status).toBe(act === "retry" ? "completed" : "failed");
    expect((await again.results(batch)).map(({ nodeId }) => nodeId).sort()).toEqual(KEYS.toSorted());
    await again.store.close();
  });

  it.each([1, 3])(
    "cancel, after %i: nobody gets anything of it any more, every counter equals a recount, and whoever opens the store goes on",
    async (turns) => {
      const keys = Array.from({ length: 4_000 }, (_, n) => `k${n}`);
      const root = newFolder();
      const directory = join(root, "data");
      const opened = await openSqlite(root);
      const rig = new Rig(opened);
      const batch = await rig.create(keys.map((key) => [key]));
      await rig.commit(await rig.claim(batch), { k0: OK });
      await rig.claim(batch);
      const other = await rig.create([["z"]]);
      await opened.store.close();

      const args = [directory, String(rig.now), "cancel", batch.id, String(turns)];
      expect(await new Child(process.execPath, ["--conditions=batchyard-source", WRITER, ...args]).ended).toMatchObject({
        signal: "SIGKILL",
      });
      const beside = openSqliteUpkeep({ directory, synchronous: "NORMAL" });
      expect((await beside.upkeep.verify({ rebuild: false })).findings).toEqual([]);
      await beside.close();
      const { pending, leased, cancelled, newest } = chunksIn(directory, batch.id);
      expect([left(directory).acts, pending > 600, leased, cancelled > 0]).toEqual([1, true, 0, true]);

      const again = new Rig({ store: openSqliteStore({ directory, synchronous: "NORMAL" }) } as Opened);
      again.now = rig.now;
      // All at once, before this process has done more than one slice.
      const [runnable, claimed, finished] = await Promise.all([
        again.store.batches.runnable(rig.now, { executors: null, notExecutors: [], perTenant: 9 }),
        again.store.chunks.claim(newest, { workerId: "w", leaseMs: 1000, now: rig.now }),
        again.store.batches.finish("acme", batch.id, { error: "no", code: "no" }, rig.now),
      ]);
      expect([runnable.map(({ id }) => id), claimed, finished]).toEqual([[other.id], null, null]);
      while (left(directory).acts > 0) await setImmediate();
      expect((await again.store.upkeep.verify({ rebuild: false })).findings).toEqual([]);
      expect(await again.get(batch)).toMatchObject({ status: "cancelled", succeeded: 1, cancelled: keys.length - 1, openChunks: 0 });
      const told = (await again.store.events.read(0, 100, { entity: batch.id })).map(({ type }) => type);
      expect(told.filter((type) => type === "batch.cancelled")).toHaveLength(1);
      // What was cancelled can be retried as ever.
      expect(await again.store.batches.retry("acme", batch.id, {}, rig.now)).toMatchObject({ items: keys.length - 1 });
      await again.store.close();
    },
  );
});
