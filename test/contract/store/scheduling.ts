import { expect } from "vitest";
import { OK } from "./rig.ts";
import { section } from "./section.ts";

const all = { executors: null, notExecutors: [], perTenant: 10 };

export const scheduling = section("scheduling", {
  async "runnable shows what a scheduler needs to know"(rig) {
    const batch = await rig.create([["a"], ["b"]], { batch: { priority: 2, maxLeasedChunks: 2, operation: "import" } });
    await rig.claim(batch);
    expect(await rig.store.batches.runnable(rig.now, all)).toEqual([
      { id: batch.id, tenant: "acme", operation: "import", priority: 2, readyAt: rig.now, leasedChunks: 1, maxLeasedChunks: 2 },
    ]);
    await rig.claim(batch);
    expect(await rig.store.batches.runnable(rig.now, all)).toEqual([]);
  },

  async "runnable gives each tenant and priority its own share, the oldest first"(rig) {
    for (let i = 0; i < 5; i++) {
      await rig.create([["a"]], { tenant: "big" });
      rig.now += 1;
    }
    const small = await rig.create([["a"]], { tenant: "small" });
    const urgent = await rig.create([["a"]], { tenant: "big", batch: { priority: 3 } });
    const found = await rig.store.batches.runnable(rig.now, { ...all, perTenant: 2 });
    expect(found.map((batch) => `${batch.priority} ${batch.tenant}`)).toEqual(["3 big", "1 big", "1 big", "1 small"]);
    expect(found[0]!.id).toBe(urgent.id);
    expect(found[3]!.id).toBe(small.id);
    expect(found[1]!.readyAt).toBe(rig.now - 5);
    expect(found[2]!.readyAt).toBe(rig.now - 4);
  },

  async "runnable puts a batch that was served behind those that were not, so that every batch has its turn on a short page"(rig) {
    const large = [];
    for (let i = 0; i < 3; i++) {
      large.push(await rig.create([["a"], ["b"]]));
      rig.now += 1;
    }
    const late = await rig.create([["a"]]);
    const page = async (): Promise<string[]> =>
      (await rig.store.batches.runnable(rig.now, { ...all, perTenant: 2 })).map((batch) => batch.id);
    expect(await page()).toEqual([large[0]!.id, large[1]!.id]);
    rig.now += 1;
    await rig.claim(large[0]!);
    await rig.claim(large[1]!);
    expect(await page()).toEqual([large[2]!.id, late.id]);
  },

  async "runnable filters executors and operations"(rig) {
    await rig.create([["a"]], { batch: { executor: "external", operation: "x" } });
    await rig.create([["a"]], { batch: { executor: "handler", operation: "y" } });
    const operations = async (options: Parameters<typeof rig.store.batches.runnable>[1]): Promise<string[]> =>
      (await rig.store.batches.runnable(rig.now, options)).map((batch) => batch.operation);
    expect(await operations({ ...all, executors: ["external"] })).toEqual(["x"]);
    expect(await operations({ ...all, notExecutors: ["external"] })).toEqual(["y"]);
    expect(await operations({ ...all, executors: [] })).toEqual([]);
    expect(await operations({ ...all, operations: ["y", "z"] })).toEqual(["y"]);
    expect(await operations({ ...all, operations: [] })).toEqual([]);
    expect((await operations(all)).toSorted()).toEqual(["x", "y"]);
  },

  async "what waits for its time is announced and not runnable"(rig) {
    const later = rig.newBatch();
    await rig.store.batches.create(later, rig.chunks([["a"]], rig.now + 100), rig.seal(later));
    const latest = rig.newBatch();
    await rig.store.batches.create(latest, rig.chunks([["a"]], rig.now + 200), rig.seal(latest));
    expect(await rig.store.batches.runnable(rig.now, all)).toEqual([]);
    expect(await rig.store.batches.nextReadyAt(rig.now)).toBe(rig.now + 100);
    expect(await rig.store.batches.nextReadyAt(rig.now + 100)).toBe(rig.now + 200);
    expect(await rig.store.batches.nextReadyAt(rig.now + 200)).toBeNull();
    expect(await rig.store.batches.runnable(rig.now + 100, all)).toMatchObject([{ id: later.id }]);
    await rig.store.batches.pause("acme", later.id, rig.now);
    expect(await rig.store.batches.nextReadyAt(rig.now)).toBe(rig.now + 200);
  },

  async "a batch without pending chunks is not runnable"(rig) {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch);
    expect(await rig.store.batches.runnable(rig.now, all)).toEqual([]);
    await rig.commit(chunk, {}, "release");
    expect(await rig.store.batches.runnable(rig.now, all)).toHaveLength(1);
    await rig.drain(batch);
    expect(await rig.store.batches.runnable(rig.now, all)).toEqual([]);
    const announced = await rig.create([], { announcedItems: 3 });
    expect(announced.status).toBe("pending");
    expect(await rig.store.batches.runnable(rig.now, all)).toEqual([]);
  },

  async "a deadline is brought forward, never put back, and not once the batch has ended"(rig) {
    const { batches } = rig.store;
    const batch = await rig.create([["a"]], { batch: { deadlineAt: rig.now + 20 } });
    const free = await rig.create([["a"]]);
    for (const { id } of [batch, free]) await batches.bringForward("acme", id, rig.now + 10);
    await batches.bringForward("acme", batch.id, rig.now + 15);
    await batches.bringForward("other", batch.id, rig.now);
    for (const each of [batch, free]) expect(await rig.get(each)).toMatchObject({ deadlineAt: rig.now + 10 });
    await batches.end("acme", free.id, "cancelled", null, rig.now);
    await batches.bringForward("acme", free.id, rig.now);
    expect(await rig.get(free)).toMatchObject({ status: "cancelled", deadlineAt: rig.now + 10 });
    expect(await rig.findings()).toEqual([]);
  },

  async "overdue names open batches whose deadline has passed, the longest first"(rig) {
    const second = await rig.create([["a"]], { batch: { deadlineAt: rig.now + 20 } });
    const first = await rig.create([["a"]], { batch: { deadlineAt: rig.now + 10 }, tenant: "other" });
    const done = await rig.create([["a"]], { batch: { deadlineAt: rig.now + 5 } });
    await rig.commit(await rig.claim(done), { a: OK });
    await rig.create([["a"]]);
    expect(await rig.store.batches.nextDeadlineAt()).toBe(rig.now + 10);
    expect(await rig.store.batches.overdue(rig.now + 9, 10)).toEqual([]);
    expect(await rig.store.batches.overdue(rig.now + 10, 10)).toEqual([{ tenant: "other", id: first.id }]);
    expect((await rig.store.batches.overdue(rig.now + 20, 10)).map((row) => row.id)).toEqual([first.id, second.id]);
    expect(await rig.store.batches.overdue(rig.now + 20, 1)).toHaveLength(1);
  },

  async "no deadline, nothing due"(rig) {
    await rig.create([["a"]]);
    expect(await rig.store.batches.nextDeadlineAt()).toBeNull();
  },
});
