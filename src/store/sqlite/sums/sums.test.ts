import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqlite } from "../../../../test/contract/store/adapters.ts";
import { Rig } from "../../../../test/contract/store/rig.ts";
import { folders } from "../../../../test/support/folder.ts";
import { Database } from "../database/database.ts";
import { openSqliteUpkeep } from "../store.ts";
import { Sums } from "./sums.ts";

const newFolder = folders();
let root: string;
let rig: Rig;
/** A connection of its own: what is on the disk. */
let disk: Database;
beforeEach(async () => {
  root = newFolder();
  rig = new Rig(await openSqlite(root));
  disk = new Database(join(root, "data", "batchyard.db"), "NORMAL");
});
afterEach(async () => {
  disk.close();
  await rig.store.close();
});

const number = (sql: string): number => disk.get<{ n: number | null }>(`SELECT (${sql}) AS n`)!.n ?? 0;
const counted = (): number => number("SELECT SUM(jobs) FROM job_rollups WHERE width = 60000");
const behind = (): number => number("SELECT COUNT(*) FROM sums_behind");
const asked = async (): Promise<number> => {
  const points = await rig.store.monitor.jobs({ tenant: "acme", from: 0, to: rig.now + 1 }, null);
  return points.reduce((sum, point) => sum + point.totals.jobs, 0);
};

describe("sums over batches", () => {
  it("are behind until they are read, and then not", async () => {
    await rig.drain(await rig.create([["a"], ["b"]]));
    expect([behind(), counted()]).toEqual([1, 0]);
    expect(await asked()).toBe(1);
    expect([behind(), counted()]).toEqual([0, 1]);
    expect(number("SELECT COUNT(*) FROM sums_log")).toBe(0);
  });

  it("are right in a check by another process that only reads, whatever they are behind by", async () => {
    const first = await rig.create([["a", "b"]]);
    await asked();
    await rig.drain(first);
    await rig.create([["c"]]);
    const { upkeep, close } = openSqliteUpkeep({ directory: join(root, "data"), synchronous: "NORMAL" });
    expect((await upkeep.verify({ rebuild: false })).findings).toEqual([]);
    await close();
    expect(behind()).toBe(2);
  });

  it("catch up by themselves when there is much to catch up with", async () => {
    for (let n = 0; n < 600; n++) await rig.create([["a"]]);
    expect(counted()).toBeGreaterThan(0);
    expect(behind()).toBeLessThan(600);
    expect(counted() + behind()).toBe(600);
  });

  it("are rehearsed where they cannot be written: read right, and nothing stays", async () => {
    await rig.create([["a"]]);
    const sums = Sums.of(disk);
    const read = disk.rehearse(() => {
      sums.catchUp();
      return [behind(), counted()];
    });
    expect(read).toEqual([0, 1]);
    expect([behind(), counted()]).toEqual([1, 0]);
    expect(sums.current(counted)).toBe(1);
    expect(behind()).toBe(0);
  });

  it("forget what a failed transaction noted", async () => {
    const batch = await rig.create([["a"]]);
    const sums = Sums.of(disk);
    sums.current(counted);
    const failing = (): never => {
      sums.jobs.moving(batch.id);
      disk.run("UPDATE batches SET priority = 0 WHERE id = ?", batch.id);
      throw new Error("no");
    };
    expect(() => disk.transaction(failing)).toThrow("no");
    expect([behind(), sums.jobs.waiting]).toEqual([0, 0]);
    disk.transaction(() => sums.jobs.moving(batch.id));
    expect([behind(), sums.jobs.waiting]).toEqual([1, 1]);
  });
});
