import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Store } from "../../store/port.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { FlowCounts } from "./flow-counts.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 10, 30, 20);
let directory: string;
let store: Store;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-flow-"));
  store = openSqliteStore({ directory, synchronous: "NORMAL" });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const lost = (ts: number): Promise<void> =>
  store.events.append([
    { tenant: "t", type: "chunk.stalled", entity: { kind: "chunk", id: "1" }, severity: "warning", ts, data: { operation: "o" } },
  ]);
const read = async (counts: FlowCounts, now: number): Promise<number | undefined> =>
  (await counts.read(now)).counts.get("operation:o")?.get("chunks.lost");

it("counts each thing once, whenever and however often it is read, over minutes, days and a year without a look", async () => {
  await lost(START - 5 * MINUTE);
  const counts = new FlowCounts(store.monitor, "t", START);
  expect(await read(counts, START)).toBeUndefined();
  let now = START;
  let happened = 0;
  for (const minutes of [0, 0, 1, 1, 2, 3, 59, 61, 600, 1440, 1441, 2879, 40 * 1440, 366 * 1440]) {
    now += minutes * MINUTE + 13_000;
    await lost(now);
    happened += 1;
    expect(await Promise.all([read(counts, now), read(counts, now), read(counts, now + 1)])).toEqual([happened, happened, happened]);
  }
});

it("keeps what the store forgets", async () => {
  const counts = new FlowCounts(store.monitor, "t", START);
  await lost(START);
  const later = START + 10 * MINUTE;
  expect(await read(counts, later)).toBe(1);
  const empty = { ...store.monitor, flow: () => Promise.resolve([]), distributions: () => Promise.resolve([]) };
  Object.assign(counts, { store: empty });
  expect(await read(counts, later + 60 * MINUTE)).toBe(1);
});
