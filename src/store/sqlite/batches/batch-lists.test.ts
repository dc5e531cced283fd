import { expect, it } from "vitest";
import { openSqlite } from "../../../../test/contract/store/adapters.ts";
import { randomOf } from "../../../../test/contract/store/monitoring.ts";
import { failed, OK, Rig } from "../../../../test/contract/store/rig.ts";
import { folders } from "../../../../test/support/folder.ts";
import type { BatchRow } from "../../../model/batch.ts";
import type { BatchFilter } from "../../port.ts";
import { BatchLists } from "./batch-lists.ts";
import { Database } from "../database/database.ts";
import { JobPlaces } from "../sums/job-places.ts";

const BOUNDS = { atOnce: 3, looks: 7, counted: 4 };
const FILTERS: Omit<BatchFilter, "tenant">[] = [
  { name: "import" },
  { name: "odd", status: "failed" },
  { name: "nowhere" },
  { tag: "even" },
  { tag: "even", name: "7" },
  { tag: "nowhere" },
  { stream: "cam" },
  { stream: "cam", key: "front", status: "completed" },
  { closeReason: "idle", operation: "two" },
  { error: "broken" },
  { error: "broken", operation: "two", tag: "even" },
  { error: "broken", stream: "cam" },
];

const folder = folders();

it("pages of a narrowed list look at so many rows, and together are all that match, in order", async () => {
  const root = folder();
  const opened = await openSqlite(root);
  const rig = new Rig(opened);
  const random = randomOf(5);
  for (let n = 0; n < 60; n++) {
    rig.now += random(2);
    const window =
      random(2) === 0 ? {} : { stream: "cam", streamKey: ["front", "back"][random(2)]!, closeReason: ["idle", "max_age"][random(2)]! };
    const name = random(3) === 0 ? {} : { name: `${["Import", "odd"][n % 2]} ${n}` };
    const batch = await rig.create([["a", "b"]], {
      batch: { operation: ["one", "two"][random(2)]!, tags: n % 2 === 0 ? ["even", `t${n % 3}`] : [], ...window, ...name },
    });
    if (random(3) > 0)
      await rig.drain(batch, { a: random(2) === 0 ? failed("x", "broken") : OK, b: random(3) === 0 ? failed("y", "broken") : OK });
  }
  const all = (await rig.store.batches.list({ tenant: "acme" }, { limit: 100 })).batches;
  const codes = new Map<string, string[]>();
  for (const { id } of all)
    codes.set(
      id,
      (await rig.store.monitor.errors("acme", [id])).map(({ code }) => code),
    );
  await opened.store.close();
  const db = new Database(`${root}/data/batchyard.db`, "NORMAL");
  try {
    const lists = new BatchLists(db, new JobPlaces(db), BOUNDS);
    const matches = (batch: BatchRow, filter: Omit<BatchFilter, "tenant">): boolean =>
      (filter.name === undefined || batch.name?.toLowerCase().includes(filter.name) === true) &&
      (filter.status === undefined || batch.status === filter.status) &&
      (filter.operation === undefined || batch.operation === filter.operation) &&
      (filter.tag === undefined || batch.tags.includes(filter.tag)) &&
      (filter.stream === undefined || batch.stream === filter.stream) &&
      (filter.key === undefined || batch.streamKey === filter.key) &&
      (filter.closeReason === undefined || batch.closeReason === filter.closeReason) &&
      (filter.error === undefined || codes.get(batch.id)!.includes(filter.error));
    let stopped = 0;
    for (const filter of FILTERS) {
      const wanted = all.filter((batch) => matches(batch, filter)).map(({ id }) => id);
      const seen: string[] = [];
      let before: { createdAt: number; id: string } | undefined;
      for (;;) {
        const page = await lists.list({ tenant: "acme", ...filter }, { limit: 2, ...(before === undefined ? {} : { before }) });
        const atLeast = Math.min(page.total, wanted.length);
        expect(page.total).toBe(page.isExact ? wanted.length : atLeast);
        seen.push(...page.batches.map(({ id }) => id));
        if (page.batches.length === 2) before = page.batches[1]!;
        else if (page.looked === null) break;
        else {
          before = page.looked;
          stopped += 1;
        }
      }
      expect(seen).toEqual(wanted);
      for (const offset of [1, 3, wanted.length]) {
        const page = await lists.list({ tenant: "acme", ...filter }, { limit: 3, offset });
        expect(page.batches.map(({ id }) => id)).toEqual(wanted.slice(offset, offset + 3));
      }
    }
    expect(stopped).toBeGreaterThan(5);
  } finally {
    db.close();
  }
});
