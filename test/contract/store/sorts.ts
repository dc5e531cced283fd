import { expect } from "vitest";
import type { BatchRow } from "../../../src/model/batch.ts";
import { BATCH_SORTS, type BatchSort } from "../../../src/store/batches.ts";
import type { BatchFilter, SortPlace } from "../../../src/store/port.ts";
import { failed } from "./rig.ts";
import type { Rig } from "./rig.ts";
import { section } from "./section.ts";

const VALUES: Readonly<Record<BatchSort, (batch: BatchRow) => number | null>> = {
  created: (batch) => batch.createdAt,
  completed: (batch) => batch.completedAt,
  items: (batch) => batch.totalItems,
  failed: (batch) => batch.failed,
  duration: ({ startedAt, completedAt }) => (startedAt === null || completedAt === null ? null : Math.max(0, completedAt - startedAt)),
};

/** What has no value comes last, newest first. */
function inOrder(rows: readonly BatchRow[], by: BatchSort, ascending: boolean): string[] {
  const sign = ascending ? 1 : -1;
  const compare = (a: BatchRow, b: BatchRow): number => {
    const [x, y] = [VALUES[by](a), VALUES[by](b)];
    if (x === null && y === null) return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
    if (x === null || y === null) return x === null ? 1 : -1;
    return sign * (x - y || (a.id < b.id ? -1 : 1));
  };
  return rows.toSorted(compare).map(({ id }) => id);
}

async function walk(
  rig: Rig,
  filter: Omit<BatchFilter, "tenant">,
  page: { by: BatchSort; ascending: boolean; limit: number; looks: number },
): Promise<{ seen: string[]; total: number }> {
  const seen: string[] = [];
  let after: SortPlace | null = null;
  do {
    const found: Awaited<ReturnType<typeof rig.store.batches.sorted>> = await rig.store.batches.sorted(
      { tenant: "acme", ...filter },
      { ...page, after },
    );
    expect(found.batches.length).toBeLessThanOrEqual(page.limit);
    seen.push(...found.batches.map(({ id }) => id));
    after = found.next;
  } while (after !== null);
  return { seen, total: (await rig.store.batches.total({ tenant: "acme", ...filter })).total };
}

/** Batches in many states, some of them alike in all that is sorted by. */
async function mixed(rig: Rig): Promise<BatchRow[]> {
  const made: BatchRow[] = [];
  const keys = (count: number): string[][] => [Array.from({ length: count }, (_, n) => `k${n}`)];
  for (let n = 0; n < 18; n += 1) {
    const batch = await rig.create(keys(1 + (n % 4)), {
      batch: {
        name: n % 3 === 0 ? `third ${n}` : `other ${n}`,
        operation: n % 2 === 0 ? "transform" : "import",
        stream: n % 4 === 1 ? "cam" : null,
      },
    });
    made.push(batch);
    if (n % 5 === 1) await rig.store.batches.end("acme", batch.id, "cancelled", null, (rig.now += 1));
    else if (n % 5 === 2) await rig.store.batches.pause("acme", batch.id, rig.now);
    else if (n % 5 > 2) {
      const chunk = await rig.claim(batch);
      rig.now += (n % 3) * 10;
      await rig.commit(chunk, Object.fromEntries(chunk.keys.map((key, i) => [key, i < n % 4 ? failed() : { ok: true as const }])));
    }
    if (n % 2 === 0) rig.now += 5;
  }
  await rig.claim(made[0]!);
  await rig.create(keys(3), { tenant: "umbra" });
  return Promise.all(made.map((batch) => rig.get(batch)));
}

export const sorts = section("sorted lists", {
  async "each order, both ways, in pages that show each row once"(rig) {
    const rows = await mixed(rig);
    for (const by of BATCH_SORTS)
      for (const ascending of [false, true])
        for (const limit of [1, 4, 100]) {
          const { seen, total } = await walk(rig, {}, { by, ascending, limit, looks: 100 });
          expect({ by, ascending, limit, seen, total }).toEqual({
            by,
            ascending,
            limit,
            seen: inOrder(rows, by, ascending),
            total: rows.length,
          });
        }
  },

  async "narrowed like other lists, a bounded number of looks a page"(rig) {
    const rows = await mixed(rig);
    const cases: [Omit<BatchFilter, "tenant">, (batch: BatchRow) => boolean][] = [
      [{ status: "completed" }, ({ status }) => status === "completed"],
      [{ operation: "import" }, ({ operation }) => operation === "import"],
      [{ name: "third" }, ({ name }) => name?.startsWith("third") === true],
      [
        { createdAfter: rows[6]!.createdAt, status: "pending" },
        (batch) => batch.createdAt >= rows[6]!.createdAt && batch.status === "pending",
      ],
      [{ stream: "cam" }, ({ stream }) => stream === "cam"],
      [{ stream: "cam", status: "pending", operation: "import" }, (batch) => batch.stream === "cam" && batch.status === "pending"],
      [{ error: "broken" }, (batch) => batch.failed > 0],
      [{ tag: "none" }, () => false],
    ];
    for (const by of BATCH_SORTS)
      for (const [filter, matches] of cases)
        for (const looks of [1, 3, 100]) {
          const ascending = looks === 3;
          const { seen, total } = await walk(rig, filter, { by, ascending, limit: 2, looks });
          const expected = rows.filter(matches);
          expect({ by, filter, seen, total }).toEqual({ by, filter, seen: inOrder(expected, by, ascending), total: expected.length });
        }
  },

  async "what goes on between two pages hides nothing that stays where it is"(rig) {
    const rows = await mixed(rig);
    const first = await rig.store.batches.sorted({ tenant: "acme" }, { by: "items", ascending: false, limit: 7, after: null, looks: 100 });
    await rig.create([["a", "b", "c", "d", "e"]]);
    await rig.store.batches.end("acme", rows.find(({ status }) => status === "paused")!.id, "cancelled", null, rig.now);
    const rest = await rig.store.batches.sorted(
      { tenant: "acme" },
      { by: "items", ascending: false, limit: 100, after: first.next, looks: 100 },
    );
    expect([...first.batches, ...rest.batches].map(({ id }) => id)).toEqual(inOrder(rows, "items", false));
  },

  async "open batches with a budget, newest first, in pages; ended ones no more, until they are retried"(rig) {
    const limited: BatchRow[] = [];
    for (let n = 0; n < 5; n += 1) {
      limited.unshift(await rig.create([["a"]], { batch: { options: { budgetUsd: 0.5 } } }));
      await rig.create([["a"]]);
      rig.now += 1;
    }
    await rig.create([["a"]], { tenant: "umbra", batch: { options: { budgetUsd: 1 } } });
    const ids = limited.map(({ id }) => id);
    const listed = async (limit: number, before?: BatchRow): Promise<string[]> =>
      (await rig.store.batches.budgeted("acme", { limit, ...(before === undefined ? {} : { before }) })).map(({ id }) => id);
    expect(await listed(10)).toEqual(ids);
    expect(await listed(2, limited[1])).toEqual(ids.slice(2, 4));
    await rig.drain(limited[0]!, { a: failed() });
    expect(await listed(10)).toEqual(ids.slice(1));
    await rig.store.batches.retry("acme", ids[0]!, {}, rig.now);
    expect(await listed(10)).toEqual(ids);
  },
});
