import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openSqliteStore, openSqliteUpkeep } from "../../src/store/sqlite/store.ts";
import { openSqlite, type Opened } from "../contract/store/adapters.ts";
import { failed, Rig } from "../contract/store/rig.ts";
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
});
