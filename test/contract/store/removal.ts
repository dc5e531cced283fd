import { expect } from "vitest";
import type { RemovalOptions } from "../../../src/store/port.ts";
import { failed, type Rig } from "./rig.ts";
import { section } from "./section.ts";

const all = (more: Partial<RemovalOptions> = {}): RemovalOptions => ({ limit: 100, dryRun: false, ...more });

async function ended(rig: Rig, as: "completed" | "failed" | "cancelled" | "expired", tenant = "acme"): Promise<string> {
  const batch = await rig.create([["a", "b"]], { tenant });
  if (as === "completed") await rig.drain(batch);
  else if (as === "failed") await rig.drain(batch, { a: failed(), b: failed() });
  else await rig.store.batches.end(tenant, batch.id, as, null, rig.now);
  return batch.id;
}

/** What src/store/port.ts says of removing batches. */
export const removal = section("removing batches", {
  async "only those of the states that are asked for, of every tenant, and no more than the limit"(rig) {
    const { batches } = rig.store;
    const kept = [await ended(rig, "completed"), await ended(rig, "expired")];
    const gone = [await ended(rig, "failed"), await ended(rig, "cancelled"), await ended(rig, "failed", "other")];
    const statuses = ["failed", "cancelled"] as const;
    expect(await batches.remove(null, rig.now + 1, all({ statuses, dryRun: true }))).toBe(3);
    expect(await batches.remove(null, rig.now + 1, all({ statuses, dryRun: true, limit: 2 }))).toBe(2);
    expect(await batches.remove(null, rig.now, all({ statuses }))).toBe(0);
    expect(await batches.remove(null, rig.now + 1, all({ statuses, limit: 2 }))).toBe(2);
    expect(await batches.remove(null, rig.now + 1, all({ statuses }))).toBe(1);
    for (const id of gone) expect((await batches.get("acme", id)) ?? (await batches.get("other", id))).toBeNull();
    for (const id of kept) expect(await batches.get("acme", id)).not.toBeNull();
    expect(await rig.findings()).toEqual([]);
  },

  async "never one that an unfinished batch depends on, until that has ended"(rig) {
    const { batches } = rig.store;
    const needed = await ended(rig, "completed");
    const waiting = await rig.create([["c"]], { batch: { dependsOn: [needed] } });
    expect(await batches.remove("acme", rig.now + 1, all({ dryRun: true }))).toBe(0);
    expect(await batches.remove(null, rig.now + 1, all({ statuses: ["completed"] }))).toBe(0);
    expect(await batches.get("acme", needed)).not.toBeNull();
    await rig.drain(waiting);
    expect(await batches.remove(null, rig.now + 1, all())).toBe(2);
  },

  async "leaves a trace where somebody says why, of the tenant alone"(rig) {
    const { batches } = rig.store;
    const silent = await ended(rig, "completed");
    await batches.remove("acme", rig.now + 1, all());
    const told = await ended(rig, "failed");
    const endedAt = rig.now;
    rig.now += 5_000;
    await batches.remove("acme", rig.now, all({ by: { policy: "retention.failed_days = 1", at: rig.now } }));
    await rig.reopen();
    expect(await rig.store.batches.removed("acme", told)).toEqual({
      id: told,
      operation: "transform",
      status: "failed",
      createdAt: endedAt,
      completedAt: endedAt,
      removedAt: rig.now,
      policy: "retention.failed_days = 1",
    });
    expect(await rig.store.batches.removed("other", told)).toBeNull();
    expect(await rig.store.batches.removed("acme", silent)).toBeNull();
    expect(await rig.store.batches.removed("acme", "batch_1_aaaaaaaaa")).toBeNull();
  },

  async "takes a batch of very many rows, and everything of it"(rig) {
    const groups = Array.from({ length: 450 }, (_, n) => [`k${n}`]);
    const batch = await rig.create(groups);
    await rig.drain(batch, Object.fromEntries(groups.slice(0, 300).map(([key]) => [key!, failed()])));
    expect(await rig.store.batches.remove("acme", rig.now + 1, all())).toBe(1);
    expect(await rig.results(batch)).toEqual([]);
    expect(await rig.store.results.groups("acme", batch.id)).toEqual([]);
    expect(await rig.store.chunks.list("acme", batch.id, { after: 0, limit: 10 })).toEqual([]);
    expect(await rig.store.chunks.payload("acme", batch.id, "k0")).toBeNull();
    expect(await rig.findings()).toEqual([]);
  },

  async "the footprint is what is stored, by day and status"(rig) {
    const { batches } = rig.store;
    const day = rig.now - (rig.now % 86_400_000);
    await ended(rig, "completed");
    const gone = await ended(rig, "failed");
    rig.now += 86_400_000;
    await ended(rig, "completed");
    await ended(rig, "completed", "other");
    const first = { day, status: "completed", batches: 1, items: 2 };
    const second = { ...first, day: day + 86_400_000 };
    expect(await batches.footprint("acme")).toEqual([first, { ...first, status: "failed" }, second]);
    expect(await batches.footprint(null)).toEqual([first, { ...first, status: "failed" }, { ...second, batches: 2, items: 4 }]);
    await batches.remove("acme", rig.now, all({ statuses: ["failed"] }));
    expect(await batches.get("acme", gone)).toBeNull();
    expect(await batches.footprint("acme")).toEqual([first, second]);
  },

  async "what removed rows leave is told as free, and taken again"(rig) {
    const groups = Array.from({ length: 200 }, (_, n) => [`k${n}`.padEnd(400, "x")]);
    await rig.drain(await rig.create(groups));
    const full = await rig.store.upkeep.space();
    await rig.store.batches.remove("acme", rig.now + 1, all());
    const empty = await rig.store.upkeep.space();
    expect(empty.freeBytes).toBeGreaterThan(full.freeBytes);
    await rig.drain(await rig.create(groups));
    const again = await rig.store.upkeep.space();
    expect(again.freeBytes).toBeLessThan(empty.freeBytes);
    expect(again.bytes).toBe(await rig.store.upkeep.size());
    expect(again.logBytes).toBeGreaterThanOrEqual(0);
  },
});
