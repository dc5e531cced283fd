import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { retentionAnswer } from "../contract/retention.ts";
import { serve, type Served } from "../server.fixture.ts";

const DAY_MS = 86_400_000;
let clock: VirtualClock;
let served: Served;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-retention-"));
  clock = new VirtualClock({ startsAt: Date.UTC(2026, 0, 5, 12) });
  served = await serve({ clock, directory });
});
afterEach(async () => {
  await served.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The server stood still for so many days: moving the clock through them would move everything in it, second by second. */
async function later(days: number): Promise<void> {
  await served.close();
  clock = new VirtualClock({ startsAt: clock.now() + days * DAY_MS });
  served = await serve({ clock, directory });
}

async function ended(items: object[]): Promise<string> {
  const id = await served.create({ operation: "echo", items });
  await clock.advance(1);
  await Promise.race([served.event("batch.completed", id), served.event("batch.failed", id)]);
  return id;
}
const ladder = async () => (await served.send({ url: "/api/system/retention" })).json as unknown as z.output<typeof retentionAnswer>;
const settings = (retention: object) => served.send({ method: "PATCH", url: "/api/v1/settings", payload: { retention } });
/** A round also looks at the disk, which takes real time: the next one comes when it is done. */
async function passed(id: string): Promise<void> {
  for (let rounds = 0; (await served.yard.store.batches.get("default", id)) !== null; rounds++) {
    expect(rounds).toBeLessThan(200);
    await clock.advance(60_000);
  }
}
const stateOf = async (status: string) => (await ladder()).states.find((state) => state.status === status)!;

describe("retention by state", () => {
  it("follows its settings as they are, and says of a removed batch when and by which policy it went", async () => {
    const good = await ended([{ id: "a" }]);
    const bad = await ended([{ id: "a", fail: "no" }]);
    await later(2);
    expect(await stateOf("failed")).toMatchObject({
      days: 30,
      setting: "retention.batches_days",
      batches: 1,
      due: { batches: 0, more: false },
    });

    expect((await settings({ failed_days: 1 })).status).toBe(200);
    expect(await stateOf("failed")).toMatchObject({ days: 1, setting: "retention.failed_days", due: { batches: 1, more: false } });
    await passed(bad);
    const gone = await served.send({ url: `/api/batch/${bad}` });
    expect([gone.status, gone.json["code"]]).toEqual([404, "batch_removed"]);
    expect(gone.json["error"]).toMatch(
      new RegExp(`^The batch ${bad} \\(failed\\) was removed on 2026-01-07T\\S+ by retention.failed_days = 1: `),
    );
    expect((await served.send({ url: `/api/batch/${good}` })).status).toBe(200);
    const stranger = await served.key("viewer", "another");
    const theirs = await served.send({ url: `/api/batch/${bad}`, headers: { authorization: `Bearer ${stranger}` } });
    expect([theirs.status, theirs.json["code"]]).toEqual([404, "batch_not_found"]);
    const { last_pass: last, next_pass_at: next } = await ladder();
    expect(last?.ended_at).toMatch(/^2026-01-07/);
    expect(Date.parse(next!)).toBeGreaterThan(clock.now() - 1);
  });

  it("never takes what is unfinished or what an unfinished batch depends on, and shows both", async () => {
    const needed = await ended([{ id: "a" }]);
    const body = { operation: "echo", total_items: 3, options: { executor: "external" }, depends_on: [needed] };
    const open = await served.create(body);
    const sacrificed = await ended([{ id: "b" }]);
    await later(2);
    await settings({ completed_days: 1 });
    await passed(sacrificed);
    expect((await served.send({ url: `/api/batch/${needed}` })).status).toBe(200);
    expect((await served.send({ url: `/api/batch/${open}` })).status).toBe(200);
    const { unfinished, states } = await ladder();
    expect(unfinished).toMatchObject({ batches: 1, items: 3 });
    expect(states[0]).toMatchObject({ status: "completed", batches: 1, due: { batches: 0, more: false } });
  });

  it("leaves the figures of what it removed, while pages count what is still there", async () => {
    const old = await ended([{ id: "a" }]);
    await later(2);
    await ended([{ id: "b" }]);
    await settings({ completed_days: 1 });
    await passed(old);
    const { data } = (await served.send({ url: "/api/admin/batch-monitoring?timeRange=7d&limit=1" })).json as unknown as {
      data: { summary: object; jobs: object[]; pagination: object };
    };
    expect(data.summary).toMatchObject({ totalJobs: 2, completedJobs: 2, totalRequests: 2 });
    expect([data.jobs.length, data.pagination]).toEqual([1, { page: 1, limit: 1, total: 1, pages: 1 }]);
  });

  it("breaks off an export whose batch it removes, so that nobody takes a part for the whole", async () => {
    const id = await ended(Array.from({ length: 2500 }, (_, n) => ({ id: `i${n}` })));
    const caller = { tenant: "default", actor: "me", role: "viewer", credential: null, address: null } as const;
    const reading = served.yard.batches.streamResults(caller, id, {})[Symbol.asyncIterator]();
    expect((await reading.next()).value).toHaveLength(1000);
    await clock.advance(1);
    expect(await served.yard.store.batches.remove("default", clock.now(), { limit: 1, dryRun: false, statuses: ["completed"] })).toBe(1);
    await expect(reading.next()).rejects.toMatchObject({ status: 404 });
  });

  it("shows the ladder by age, with sizes that add up to what the store uses", async () => {
    await ended([{ id: "a" }, { id: "b" }]);
    await later(8);
    await ended([{ id: "c" }]);
    const { states, store } = await ladder();
    const completed = states.find(({ status }) => status === "completed")!;
    expect(completed.ages.map(({ from_days, to_days, batches, items }) => [from_days, to_days, batches, items])).toEqual([
      [0, 1, 1, 1],
      [7, 30, 1, 2],
    ]);
    const sizes = completed.ages.map(({ estimated_bytes }) => estimated_bytes);
    expect(sizes[1]).toBeGreaterThan(sizes[0]!);
    expect(Math.abs(sizes[0]! + sizes[1]! - store!.used_bytes)).toBeLessThan(2);
    expect(store!.used_bytes).toBeGreaterThan(100_000);
  });

  it.each([{ failed_days: 366 }, { failed_days: -1 }, { failed_days: "7" }, { lost_days: 1 }])("refuses %j", async (given) => {
    expect((await settings(given)).status).toBe(422);
  });
});
