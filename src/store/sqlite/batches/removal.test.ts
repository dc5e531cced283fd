import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Rig } from "../../../../test/contract/store/rig.ts";
import type { Opened } from "../../../../test/contract/store/adapters.ts";
import { openSqliteStore } from "../store.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-removal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = () => openSqliteStore({ directory, synchronous: "NORMAL" });

function rows(): number {
  const db = new DatabaseSync(join(directory, "batchyard.db"), { readOnly: true, timeout: 10_000 });
  const tables = ["chunks", "payloads", "segments", "failures", "erasures"];
  const found = tables.map((table) => Number(db.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get()!["n"]));
  db.close();
  return found.reduce((a, b) => a + b, 0);
}

describe("a removal that its process did not bring to its end", () => {
  it("has taken the batch away at once, and the next one erases what is left", async () => {
    const store = open();
    const rig = new Rig({ store } as Opened);
    const batch = await rig.create(Array.from({ length: 900 }, (_, n) => [`k${n}`]));
    await rig.drain(batch);
    const before = rows();
    // It stops at one of its turns of the event loop: the store is closed by then.
    const cut = store.batches.remove("acme", rig.now + 1, { limit: 1, dryRun: false }).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await store.batches.get("acme", batch.id)).toBeNull();
    await store.close();
    expect(await cut).toBeInstanceOf(Error);
    const left = rows();
    expect(left).toBeGreaterThan(500);
    expect(left).toBeLessThan(before);

    const again = open();
    expect(await again.batches.remove(null, 0, { limit: 1, dryRun: false })).toBe(0);
    await again.close();
    expect(rows()).toBe(0);
  });
});
