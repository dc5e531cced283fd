import { expect } from "vitest";
import { joinLines } from "../../../src/model/item.ts";
import { isFinal, type BatchStatus } from "../../../src/model/moves.ts";
import type { BatchRow } from "../../../src/model/batch.ts";
import type { JobFilter } from "../../../src/store/port.ts";
import { entry } from "./ledger.ts";
import { commitOf, failed, OK, RETRY, type Rig } from "./rig.ts";
import { section } from "./section.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const OPERATIONS = ["transform", "annotate"];
const STATES: BatchStatus[] = ["pending", "running", "paused", "completed", "failed", "cancelled", "expired"];

/** Pseudo-random and the same every time. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Batches over four days in every state, some created at the edges of a minute, an hour and a day, and of the last 24 hours. */
export async function history(
  rig: Rig,
  random: (below: number) => number,
  operations: readonly string[] = OPERATIONS,
  jobs = 60,
): Promise<void> {
  const start = rig.now - (rig.now % DAY);
  const edges = [0, 1, MINUTE - 1, MINUTE, HOUR - 1, HOUR, DAY - 1, DAY, DAY + 1, 3 * DAY - 1, 3 * DAY, 3 * DAY + 1];
  for (let n = 0; n < jobs; n++) {
    rig.now = start + (edges[n] ?? random(4 * DAY));
    const windows = n % 3 === 0 ? { stream: "orders", streamKey: "a", closeReason: "max_age" } : {};
    const batch = await rig.create([["a", "b"], ["c"]], { batch: { operation: operations[random(2)]!, ...windows } });
    const fate = random(7);
    rig.now += random(3) * random(100_000);
    if (fate === 0) continue;
    const chunk = await rig.claim(batch);
    rig.now += random(5) === 0 ? 0 : random(90_000);
    if (fate === 1) continue;
    await rig.commit(chunk, { a: random(2) === 0 ? OK : failed(), b: fate === 2 ? failed() : OK });
    if (fate === 3) await rig.store.batches.pause(rig.tenant, batch.id, rig.now);
    if (fate === 4) await rig.store.batches.end(rig.tenant, batch.id, random(2) === 0 ? "cancelled" : "expired", null, rig.now);
    if (fate < 5) continue;
    await rig.drain(batch, { c: failed() });
    if (fate === 6) await rig.store.batches.retry(rig.tenant, batch.id, {}, rig.now + random(1000));
  }
  rig.now = start + 4 * DAY;
}

async function all(rig: Rig): Promise<BatchRow[]> {
  return (await rig.store.batches.list({ tenant: "acme" }, { limit: 10_000 })).batches;
}

function matching(batches: readonly BatchRow[], filter: JobFilter): BatchRow[] {
  return batches.filter(
    (batch) =>
      batch.createdAt >= filter.from &&
      batch.createdAt < filter.to &&
      (filter.operation === undefined || batch.operation === filter.operation) &&
      (filter.statuses === undefined || filter.statuses.includes(batch.status)),
  );
}

const sum = (batches: readonly BatchRow[], value: (batch: BatchRow) => number): number =>
  batches.reduce((total, batch) => total + value(batch), 0);

/** Counted from the batches, in the shape of JobTotals. */
function recounted(batches: readonly BatchRow[]): Record<string, number> {
  const timed = batches.filter((batch) => batch.startedAt !== null && batch.completedAt !== null);
  return {
    jobs: batches.length,
    items: sum(batches, (batch) => batch.totalItems),
    succeeded: sum(batches, (batch) => batch.succeeded),
    failed: sum(batches, (batch) => batch.failed),
    cancelled: sum(batches, (batch) => batch.cancelled),
    expired: sum(batches, (batch) => batch.expired),
    retried: sum(batches, (batch) => batch.retried),
    cost: sum(batches, (batch) => batch.cost),
    standard: sum(batches, (batch) => batch.standard),
    saved: sum(batches, (batch) => batch.saved),
    timed: timed.length,
    run_ms: sum(timed, (batch) => batch.completedAt! - batch.startedAt!),
    wait_ms: sum(timed, (batch) => batch.startedAt! - batch.createdAt),
  };
}

function filters(rig: Rig, random: (below: number) => number, count: number): JobFilter[] {
  const start = rig.now - 4 * DAY;
  const ends = [start, start + MINUTE, start + HOUR, start + DAY, start + DAY + 1];
  return Array.from({ length: count }, (_, n) => {
    const from = ends[n] ?? start + random(4 * DAY);
    return {
      tenant: "acme",
      from,
      to: from + random(random(2) === 0 ? 3 * DAY : 2 * HOUR) + 1,
      ...(random(2) === 0 ? {} : { operation: OPERATIONS[random(2)]! }),
      ...(random(2) === 0 ? {} : { statuses: STATES.filter(() => random(2) === 0) }),
    };
  });
}

export const monitoring = section("monitoring", {
  async "sums over any range equal a recount over its batches"(rig) {
    const random = randomOf(7);
    await history(rig, random);
    const batches = await all(rig);
    for (const filter of filters(rig, random, 120)) {
      const wanted = matching(batches, filter);
      const points = await rig.store.monitor.jobs(filter, null);
      const kinds = new Set(wanted.map((batch) => `${batch.operation} ${batch.status}`));
      expect(points.map((point) => `${point.operation} ${point.status}`)).toEqual([...kinds].sort());
      for (const point of points) {
        const kind = wanted.filter((batch) => batch.operation === point.operation && batch.status === point.status);
        expect(point.totals).toEqual(recounted(kind));
        expect(point.at).toBe(filter.from);
      }
    }
  },

  async "buckets of a minute, an hour, six hours and a day add up to the range, each batch in its own"(rig) {
    const random = randomOf(11);
    await history(rig, random);
    const batches = await all(rig);
    for (const filter of filters(rig, random, 20)) {
      for (const width of [MINUTE, HOUR, 6 * HOUR, DAY]) {
        const wanted = matching(batches, filter);
        const points = await rig.store.monitor.jobs(filter, width);
        for (const point of points) {
          const own = wanted.filter(
            (batch) =>
              batch.createdAt - (batch.createdAt % width) === point.at &&
              batch.operation === point.operation &&
              batch.status === point.status,
          );
          expect(point.totals).toEqual(recounted(own));
        }
        expect(points.reduce((total, point) => total + point.totals.jobs, 0)).toBe(wanted.length);
      }
    }
  },

  async "a page at any position is the one that a list of everything has there"(rig) {
    const random = randomOf(19);
    await history(rig, random);
    const batches = await all(rig);
    for (const filter of filters(rig, random, 60)) {
      const wanted = matching(batches, filter).map((batch) => batch.id);
      for (const offset of [0, 1, 7, Math.max(0, wanted.length - 2), wanted.length, wanted.length + 5]) {
        const page = await rig.store.monitor.page(filter, offset, 5);
        expect(page.map((batch) => batch.id)).toEqual(wanted.slice(offset, offset + 5));
      }
      const status = filter.statuses?.[0];
      const listed = await rig.store.batches.list(
        { tenant: "acme", createdAfter: filter.from, createdBefore: filter.to - 1, operation: filter.operation, status },
        { limit: 10_000 },
      );
      const own = matching(batches, { ...filter, ...(status === undefined ? { statuses: STATES } : { statuses: [status] }) });
      expect(listed.batches.map((batch) => batch.id)).toEqual(own.map((batch) => batch.id));
      expect(listed.total).toBe(own.length);
    }
  },

  async "a page within less than a minute has its batches too"(rig) {
    const start = rig.now - (rig.now % MINUTE) + 5000;
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) {
      rig.now = start + n * 1000;
      ids.unshift((await rig.create([["a"]])).id);
    }
    for (const from of [start - DAY, start, start - 30_000]) {
      const filter = { tenant: "acme", from, to: rig.now + 1 };
      for (const offset of [0, 3, 11]) {
        const page = await rig.store.monitor.page(filter, offset, 4);
        expect(page.map((batch) => batch.id)).toEqual(ids.slice(offset, offset + 4));
      }
    }
  },

  async "a list goes on at a far position where it was left, with and without a filter"(rig) {
    const ids: string[] = [];
    for (let n = 0; n < 1100; n++) {
      rig.now += n % 100 === 0 ? 7 * MINUTE : 50;
      ids.push((await rig.create([], { batch: { operation: OPERATIONS[n % 2]! } })).id);
    }
    ids.reverse();
    const page = async (offset: number, operation?: string) =>
      (await rig.store.batches.list({ tenant: "acme", operation }, { limit: 20, offset })).batches.map((batch) => batch.id);
    for (const offset of [999, 1000, 1001, 1050, 1090, 1100]) expect(await page(offset)).toEqual(ids.slice(offset, offset + 20));
    expect(await page(1000, "transform")).toEqual([]);
    expect(await page(540, "transform")).toEqual(ids.filter((_, n) => n % 2 === 1).slice(540, 560));
  },

  async "times are within 1 % of the exact ones, by nearest rank"(rig) {
    const random = randomOf(13);
    await history(rig, random);
    const batches = await all(rig);
    for (const filter of filters(rig, random, 40)) {
      const ended = matching(batches, filter).filter((batch) => batch.startedAt !== null && batch.completedAt !== null);
      const exact = {
        run: ended.map((batch) => batch.completedAt! - batch.startedAt!),
        wait: ended.map((batch) => batch.startedAt! - batch.createdAt),
        total: ended.map((batch) => batch.completedAt! - batch.createdAt),
      };
      for (const metric of ["run", "wait", "total"] as const) {
        const sorted = exact[metric].sort((a, b) => a - b);
        const [point] = await rig.store.monitor.times(filter, metric, null);
        expect(point?.sketch.count ?? 0).toBe(sorted.length);
        for (const q of [0.5, 0.95, 0.99]) {
          const rank = sorted[Math.ceil(q * sorted.length) - 1] ?? null;
          const quantile = point?.sketch.quantile(q) ?? null;
          if (rank === null) expect(quantile).toBeNull();
          else expect(Math.abs(quantile! - rank)).toBeLessThanOrEqual(rank * 0.0101);
        }
      }
    }
  },

  async "a batch that retention removed stays in the sums, and the sums stay right"(rig) {
    const batch = await rig.create([["a", "b"]]);
    rig.now += 5000;
    await rig.drain(batch);
    const before = await rig.store.monitor.jobs({ tenant: "acme", from: 0, to: rig.now + HOUR - (rig.now % HOUR) }, null);
    expect(before[0]!.totals).toMatchObject({ jobs: 1, items: 2, succeeded: 2, timed: 1 });
    expect(await rig.store.batches.remove("acme", rig.now + 1, { limit: 10, dryRun: false })).toBe(1);
    expect(await rig.store.monitor.jobs({ tenant: "acme", from: 0, to: rig.now + HOUR - (rig.now % HOUR) }, null)).toEqual(before);
    expect(
      (await rig.store.monitor.times({ tenant: "acme", from: 0, to: rig.now + HOUR - (rig.now % HOUR) }, "run", null))[0]!.sketch.count,
    ).toBe(1);
    expect(await rig.findings()).toEqual([]);
  },

  async "what happened adds up to the events and results there are, in each bucket"(rig) {
    const start = rig.now - (rig.now % DAY);
    await history(rig, randomOf(17));
    const events = await rig.store.events.read(0, 100_000);
    const range = { tenant: "acme", from: start, to: rig.now + DAY };
    for (const width of [MINUTE, HOUR, DAY, null]) {
      const points = await rig.store.monitor.flow({ ...range, sources: ["operation:"] }, width);
      const total = (metric: string): number =>
        points.filter((point) => point.metric === metric).reduce((all, point) => all + point.value, 0);
      for (const type of ["created", "started", "completed", "failed", "cancelled", "expired"])
        expect(total(`batches.${type}`)).toBe(events.filter((event) => event.type === `batch.${type}`).length);
      expect(total("items.succeeded")).toBe(sum(await all(rig), (batch) => batch.succeeded));
      // Failures that a retry took back have happened all the same.
      expect(total("items.failed")).toBeGreaterThanOrEqual(sum(await all(rig), (batch) => batch.failed));
      expect(total("failures.data")).toBe(total("items.failed"));
      const ofStream = await rig.store.monitor.flow({ ...range, sources: ["runs:orders"] }, width);
      const made = ofStream.filter(({ metric }) => metric === "batches.created").reduce((before, { value }) => before + value, 0);
      expect(made).toBe(events.filter(({ type, data }) => type === "batch.created" && data["stream"] === "orders").length);
      if (width === null) continue;
      for (const point of points.filter((each) => each.metric === "batches.created")) {
        const own = events.filter(
          (event) =>
            event.type === "batch.created" &&
            event.ts - (event.ts % width) === point.at &&
            `operation:${String(event.data["operation"])}` === point.source,
        );
        expect(point.value).toBe(own.length);
      }
    }
    const [waits] = await rig.store.monitor.measured({ ...range, sources: ["operation:transform"] }, "wait", null);
    const ended = events.filter(
      (event) => /^batch.(completed|failed|cancelled|expired)$/.test(event.type) && event.data["operation"] === "transform",
    );
    expect(waits!.sketch.count).toBeGreaterThan(0);
    expect(waits!.sketch.count).toBeLessThanOrEqual(ended.length);
    expect(
      (await rig.store.monitor.flow({ ...range, sources: ["operation:transform"], metrics: ["batches.created"] }, null)).map(
        (point) => point.metric,
      ),
    ).toEqual(["batches.created"]);
    expect(await rig.store.monitor.flow({ ...range, tenant: "other", sources: ["operation:"] }, null)).toEqual([]);
  },

  async "windows are counted by stream and by key, with reasons, ages, sizes and lateness"(rig) {
    const stream = { tenant: "acme", stream: "orders" };
    for (const [n, key] of ["a", "a", "b"].entries()) {
      const id = `batch_${rig.now}_w${n}`;
      const opened = rig.now;
      const window = { ...stream, id, key, openedAt: opened, lastItemAt: opened, items: 2, bytes: 4, held: false };
      const change = {
        window,
        opens: true,
        drops: 0,
        adds: { keys: ["x", "y"], body: joinLines(["1", "2"]), says: {} },
        closes: null,
        requeued: [],
      };
      await rig.store.streams.commit({ changes: [change], deadLetters: [], arrivals: [], now: opened });
      rig.now += 20_000;
      const closes = {
        reason: n === 0 ? "timeout" : "idle",
        batch: rig.newBatch(),
        maxFailures: null,
        chunkItems: Infinity,
        chunkChars: Infinity,
        lagMs: 7,
        says: {},
      };
      await rig.store.streams.commit({
        changes: [{ ...change, opens: false, adds: null, closes }],
        deadLetters: [],
        arrivals: [],
        now: rig.now,
      });
    }
    const letter = { ...stream, itemKey: null, text: "1", reason: "full", at: rig.now };
    await rig.store.streams.commit({ changes: [], deadLetters: [letter], arrivals: [], now: rig.now });
    const range = { tenant: "acme", from: rig.now - HOUR, to: rig.now + 1 };
    const of = async (source: string): Promise<Record<string, number>> =>
      Object.fromEntries((await rig.store.monitor.flow({ ...range, sources: [source] }, null)).map((point) => [point.metric, point.value]));
    expect(await of("stream:orders")).toEqual({
      "items.received": 6,
      "windows.opened": 3,
      "windows.closed.timeout": 1,
      "windows.closed.idle": 2,
      "windows.items": 6,
      dead_letters: 1,
    });
    expect(await of("key:orders/a")).toEqual({ "items.received": 4, "windows.closed": 2, "windows.items": 4 });
    const keys = await rig.store.monitor.flow({ ...range, sources: ["key:orders/"], metrics: ["windows.closed"] }, null);
    expect(keys.map((point) => [point.source, point.value])).toEqual([
      ["key:orders/a", 2],
      ["key:orders/b", 1],
    ]);
    for (const [metric, value] of [
      ["age", 20_000],
      ["items", 2],
      ["lag", 7],
    ] as const) {
      const [point] = await rig.store.monitor.measured({ ...range, sources: ["stream:orders"] }, metric, null);
      const together = await rig.store.monitor.distributions({ ...range, sources: ["stream:"] });
      expect(together.filter((each) => each.metric === metric)).toEqual([{ source: "stream:orders", metric, sketch: point!.sketch }]);
      expect(point!.sketch.count).toBe(3);
      expect(Math.abs(point!.sketch.quantile(0.5)! - value)).toBeLessThanOrEqual(value * 0.0101);
    }
  },

  async "gauges are sampled into minutes, hours and days, and retries counted by what they failed of"(rig) {
    const { monitor } = rig.store;
    const start = rig.now - (rig.now % HOUR);
    const sample = (value: number, at: number): Promise<void> =>
      monitor.sample("acme", [{ source: "gauge:x", metric: "gauge.depth", value }], at);
    for (const [minute, value] of [3, 0, 8].entries()) await sample(value, start + minute * MINUTE);
    const range = { tenant: "acme", from: start, to: start + DAY, sources: ["gauge:x"] };
    const minutes = await monitor.measured(range, "gauge.depth", MINUTE);
    expect(minutes.map(({ at, sketch }) => [(at - start) / MINUTE, Math.round(sketch.quantile(1)!)])).toEqual([
      [0, 3],
      [1, 0],
      [2, 8],
    ]);
    const [whole] = await monitor.measured(range, "gauge.depth", null);
    expect([whole!.sketch.count, whole!.sketch.quantile(0)]).toEqual([3, 0]);
    expect(await monitor.measured({ ...range, tenant: "other" }, "gauge.depth", null)).toEqual([]);

    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch);
    const commit = commitOf(chunk, { a: OK, b: RETRY }, "finish", { now: rig.now });
    await rig.store.chunks.commit({ ...commit, retriedBy: { rate_limit: 1 } });
    const counted = await monitor.flow(
      { tenant: "acme", from: rig.now, to: rig.now + 1, sources: ["operation:"], metrics: ["retries."] },
      null,
    );
    expect(counted.map(({ metric, value }) => [metric, value])).toEqual([["retries.rate_limit", 1]]);
  },

  async "what happened long ago stays by the hour, then by the day, and is counted once in any range"(rig) {
    const { monitor, events } = rig.store;
    const day = rig.now - (rig.now % DAY);
    const random = randomOf(7);
    const happened: number[] = [];
    for (let n = 0; n < 150; n++) happened.push(day + random(10 * DAY));
    await events.append(
      happened.map((ts) => ({
        tenant: "acme",
        type: "chunk.stalled",
        entity: { kind: "chunk", id: "1" },
        severity: "info",
        ts,
        data: { operation: "o" },
      })),
    );
    for (const ts of happened) await monitor.sample("acme", [{ source: "gauge:", metric: "gauge.x", value: 1 }], ts);
    const count = async (from: number, to: number): Promise<number[]> => {
      const range = { tenant: "acme", from, to };
      const sum = (points: { value: number }[]): number => points.reduce((total, { value }) => total + value, 0);
      const operations = { ...range, sources: ["operation:"], metrics: ["chunks.lost"] };
      const gauges = { ...range, sources: ["gauge:"] };
      return [
        sum(await monitor.flow(operations, null)),
        sum(await monitor.flow(operations, HOUR)),
        sum(await monitor.flow(operations, MINUTE)),
        (await monitor.measured(gauges, "gauge.x", null)).reduce((total, { sketch }) => total + sketch.count, 0),
        (await monitor.measured(gauges, "gauge.x", MINUTE)).reduce((total, { sketch }) => total + sketch.count, 0),
      ];
    };
    const horizons = { minutes: day + 8 * DAY + 5 * HOUR + 7 * MINUTE, hours: day + 4 * DAY + 3 * HOUR, days: day - DAY };
    let rounds = 0;
    while (await monitor.trim(horizons)) rounds += 1;
    expect(rounds).toBeGreaterThan(1);
    expect(await monitor.trim({ minutes: 0, hours: 0, days: 0 })).toBe(false);
    const minutes = day + 8 * DAY + 5 * HOUR;
    const hours = day + 4 * DAY;
    for (let n = 0; n < 60; n++) {
      const [a, b] = [day + random(10 * DAY), day + random(10 * DAY)];
      const [from, to] = [Math.min(a, b), Math.max(a, b) + 1];
      const width = (at: number): number => (at < hours ? DAY : at < minutes ? HOUR : MINUTE);
      const first = from - (from % width(from));
      const end = Math.ceil(to / width(to - 1)) * width(to - 1);
      const expected = happened.filter((ts) => ts >= first && ts < end).length;
      expect(await count(from, to)).toEqual([expected, expected, expected, expected, expected]);
    }
    await monitor.trim({ minutes: day + 20 * DAY, hours: day + 20 * DAY, days: day + 2 * DAY });
    expect((await count(day, day + 10 * DAY))[0]).toBe(happened.filter((ts) => ts >= day + 2 * DAY).length);
  },

  async "trimming leaves the sums of batches that are there, and whole hours of those that are not"(rig) {
    const { monitor, batches } = rig.store;
    await history(rig, randomOf(11));
    const start = rig.now - 4 * DAY;
    const filter = { tenant: "acme", from: start, to: rig.now };
    const before = await monitor.jobs(filter, HOUR);
    await batches.remove("acme", start + 2 * DAY, { limit: 1000, dryRun: false });
    while (await monitor.trim({ minutes: rig.now, hours: start, days: 0 })) continue;
    expect(await monitor.jobs(filter, HOUR)).toEqual(before);
    expect(await rig.findings()).toEqual([]);
  },

  async "what a failed transaction counted is forgotten"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    const wrong = rig.commit({ ...chunk, keys: ["a", "b"] }, { a: OK, b: OK });
    await expect(wrong).rejects.toBeInstanceOf(Error);
    await rig.commit({ ...chunk, done: new Uint8Array(1) }, { a: OK });
    const points = await rig.store.monitor.flow(
      { tenant: "acme", from: rig.now, to: rig.now + 1, sources: ["operation:"], metrics: ["items."] },
      null,
    );
    expect(points.map((point) => [point.metric, point.value])).toEqual([["items.succeeded", 1]]);
    expect(await rig.findings()).toEqual([]);
  },

  async "what was booked is in the sums of its batch"(rig) {
    const batch = await rig.create([["a"]]);
    const booked = entry(batch, { price: { standard: 1000, paid: 500, factor: "0.5", version: "list" } });
    await rig.store.ledger.book([booked, booked, { ...booked, customId: "b", price: null }]);
    await rig.drain(batch);
    const [point] = await rig.store.monitor.jobs({ tenant: "acme", from: 0, to: rig.now + 1 }, null);
    expect(point!.totals).toMatchObject({ standard: 1000, saved: 500 });
    expect(await rig.get(batch)).toMatchObject({ standard: 1000, saved: 500 });
    expect(await rig.findings()).toEqual([]);
  },

  async "another tenant's and unsealed batches are in no sum"(rig) {
    const other = await rig.create([["a"]], { tenant: "other" });
    const staged = rig.newBatch();
    await rig.store.batches.stage(staged);
    await rig.store.batches.append("acme", staged.id, rig.chunks([["a"]]));
    const range = { from: 0, to: rig.now + DAY };
    expect(await rig.store.monitor.jobs({ tenant: "acme", ...range }, null)).toEqual([]);
    expect((await rig.store.monitor.jobs({ tenant: "other", ...range }, null))[0]!.totals.jobs).toBe(1);
    expect(isFinal((await rig.get(other)).status)).toBe(false);
  },
});
