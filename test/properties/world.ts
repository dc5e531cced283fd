import fc from "fast-check";
import { expect } from "vitest";
import { BATCH_MOVES, FINAL_BATCH_STATES, isFinal, type BatchStatus } from "../../src/model/moves.ts";
import { openItems, type BatchRow } from "../../src/model/batch.ts";
import type { ClaimedChunk } from "../../src/store/port.ts";
import { failed, OK, openKeys, reported, RETRY, type Answer, type Rig } from "../contract/store/rig.ts";

const LEASE_MS = 1000;

type ItemState = "open" | "succeeded" | "failed" | "cancelled" | "expired";

/** What a batch must look like, kept by the rules of src/model/moves.ts alone. */
interface Model {
  id: string;
  tenant: string;
  status: BatchStatus;
  epoch: number;
  started: boolean;
  items: Map<string, ItemState>;
  maxFailures: number | null;
  /** Ended items at the last look, within the epoch. */
  ended: number;
  seenEpoch: number;
  seenStatus: BatchStatus;
}

interface Lease {
  model: Model;
  epoch: number;
  chunk: ClaimedChunk;
  until: number;
  /** The lease was taken back, or its batch ended: nothing under it counts. */
  lost: boolean;
}

/** A step: what to do, and numbers that choose where and how. */
export const command = fc.record({
  kind: fc.oneof(
    { weight: 2, arbitrary: fc.constant("create" as const) },
    { weight: 10, arbitrary: fc.constant("claim" as const) },
    { weight: 12, arbitrary: fc.constant("commit" as const) },
    { weight: 2, arbitrary: fc.constant("late" as const) },
    { weight: 4, arbitrary: fc.constant("expireLeases" as const) },
    { weight: 2, arbitrary: fc.constant("record" as const) },
    { weight: 3, arbitrary: fc.constant("retry" as const) },
    { weight: 3, arbitrary: fc.constant("resume" as const) },
    { weight: 2, arbitrary: fc.constant("pause" as const) },
    ...(["cancel", "expire", "finish", "setPriority", "wait", "reopen"] as const).map((kind) => ({
      weight: 1,
      arbitrary: fc.constant(kind),
    })),
  ),
  which: fc.nat(1000),
  sizes: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }),
  answers: fc.array(fc.constantFrom<"ok" | "fail" | "retry" | "leave">("ok", "ok", "ok", "fail", "retry", "leave"), {
    minLength: 5,
    maxLength: 5,
  }),
  end: fc.constantFrom<"checkpoint" | "finish" | "release">("checkpoint", "finish", "finish", "release"),
  option: fc.nat(3),
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** What a set of histories must have done at least now and then. */
export const EFFECTS = [
  "claimed",
  "committed",
  "refused",
  "late",
  "reaped",
  "recorded",
  "retried",
  "reprioritised",
  "paused",
  "resumed",
  ...FINAL_BATCH_STATES,
];

export class World {
  readonly rig: Rig;
  readonly models: Model[] = [];
  private leases: Lease[] = [];
  private old: Lease[] = [];
  private readonly run: number;
  private readonly effects: Map<string, number>;

  constructor(rig: Rig, run: number, effects: Map<string, number>) {
    this.rig = rig;
    this.run = run;
    this.effects = effects;
  }

  private took(effect: string, times = 1): void {
    this.effects.set(effect, (this.effects.get(effect) ?? 0) + times);
  }

  async step(step: Command): Promise<void> {
    const model = this.models[step.which % Math.max(1, this.models.length)];
    if (step.kind === "create") await this.create(step);
    else if (step.kind === "wait") this.rig.now += 100;
    else if (step.kind === "commit") await this.commit(step);
    else if (step.kind === "late") await this.late(step);
    else if (step.kind === "expireLeases") await this.expireLeases();
    else if (model !== undefined) await this.change(step, model);
    for (const each of this.models) await this.check(each);
  }

  private async create({ sizes, option }: Command): Promise<void> {
    const n = this.models.length;
    const tenant = `run${this.run}_${n % 2}`;
    const groups = sizes.map((size, chunk) => Array.from({ length: size }, (_, item) => `${n}/${chunk}/${item}`));
    const maxFailures = option === 0 ? 2 : null;
    const before = this.models[0];
    const dependsOn = option === 1 && before !== undefined && before.tenant === tenant ? [before.id] : [];
    const batch = await this.rig.create(groups, {
      tenant,
      maxFailures,
      batch: { dependsOn, priority: option, maxLeasedChunks: option === 2 ? 1 : null, ...(option === 3 ? { stream: "orders" } : {}) },
    });
    this.models.push({
      id: batch.id,
      tenant,
      status: "pending",
      epoch: 1,
      started: false,
      items: new Map(groups.flat().map((key) => [key, "open"])),
      maxFailures,
      ended: 0,
      seenEpoch: 1,
      seenStatus: "pending",
    });
    // Only the store knows at once whether a dependency lets it start; everything after is the model's own.
    await this.adopt(this.models.at(-1)!, batch);
  }

  private async change(step: Command, model: Model): Promise<void> {
    const { store, now } = this.rig;
    const { tenant, id } = model;
    const open = !isFinal(model.status);
    if (step.kind === "claim") {
      const chunk = await this.rig.tryClaim(model, LEASE_MS);
      if (chunk === null) return;
      expect(["pending", "running"]).toContain(model.status);
      this.took("claimed");
      model.status = "running";
      model.started = true;
      for (const key of openKeys(chunk)) expect(model.items.get(key)).toBe("open");
      this.leases.push({ model, epoch: model.epoch, chunk, until: chunk.leaseUntil, lost: false });
    } else if (step.kind === "pause") {
      expect((await store.batches.pause(tenant, id, now)) !== null).toBe(model.status === "pending" || model.status === "running");
      if (model.status === "pending" || model.status === "running") {
        model.status = "paused";
        this.took("paused");
      }
    } else if (step.kind === "resume") {
      expect((await store.batches.resume(tenant, id, now)) !== null).toBe(model.status === "paused");
      if (model.status === "paused") {
        model.status = model.started ? "running" : "pending";
        this.took("resumed");
      }
    } else if (step.kind === "cancel" || step.kind === "expire") {
      const as = step.kind === "cancel" ? "cancelled" : "expired";
      expect((await store.batches.end(tenant, id, as, null, now)) !== null).toBe(open);
      if (open) this.stop(model, as, as);
    } else if (step.kind === "finish") {
      expect((await store.batches.finish(tenant, id, { error: "by hand", code: "by_hand" }, now)) !== null).toBe(open);
      if (open) {
        for (const [key, state] of model.items) if (state === "open") model.items.set(key, "failed");
        this.endByCounts(model);
      }
    } else if (step.kind === "setPriority") {
      expect((await store.batches.setPriority(tenant, id, step.option, now)) !== null).toBe(open);
      if (open) this.took("reprioritised");
    } else if (step.kind === "retry") await this.retry(step, model);
    else if (step.kind === "record") await this.record(step, model);
    else if (step.kind === "reopen" && step.which % 4 === 0) await this.rig.reopen();
  }

  private async retry(step: Command, model: Model): Promise<void> {
    const failures = [...model.items].filter(([, state]) => state === "failed").map(([key]) => key);
    const selection = step.option === 0 ? { nodeIds: [...failures.slice(0, 2), ...failures.slice(0, 1)] } : {};
    const answer = await this.rig.store.batches.retry(model.tenant, model.id, selection, this.rig.now);
    if (!isFinal(model.status)) return expect(answer).toBeNull();
    const again =
      step.option === 0 ? failures.slice(0, 2) : [...model.items].filter(([, state]) => state !== "succeeded").map(([key]) => key);
    expect(answer?.items).toBe(again.length);
    if (again.length === 0) return;
    this.took("retried");
    model.status = "pending";
    model.started = false;
    model.epoch += 1;
    for (const key of again) model.items.set(key, "open");
    await this.adopt(model, answer!.batch);
  }

  private async record(step: Command, model: Model): Promise<void> {
    const keys = [...model.items.keys()].filter((_, index) => (index + step.which) % 3 === 0);
    const results = keys.map((key, index) => reported(key, step.answers[index % 5] === "fail" ? { error: "reported" } : {}));
    const before = await this.rig.results(model);
    const answer = await this.rig.store.chunks.record(model.tenant, model.id, [...results, reported("nobody")], this.rig.now);
    if (isFinal(model.status)) return expect(answer).toBeNull();
    expect(answer!.unknown).toContain("nobody");
    expect(answer!.accepted + answer!.duplicates + answer!.unknown.length).toBe(keys.length + 1);
    // Items that a worker holds are left to it; which of the others were open the model knows.
    const had = new Set(before.map((result) => result.nodeId));
    let accepted = 0;
    for (const result of await this.rig.results(model)) {
      if (had.has(result.nodeId)) continue;
      expect(keys).toContain(result.nodeId);
      expect(model.items.get(result.nodeId)).toBe("open");
      model.items.set(result.nodeId, result.success ? "succeeded" : "failed");
      accepted += 1;
    }
    expect(answer!.accepted).toBe(accepted);
    this.took("recorded", accepted);
    if (accepted === 0) return;
    if (model.status === "pending") {
      model.status = "running";
      model.started = true;
    }
    this.settle(model);
  }

  private async commit(step: Command): Promise<void> {
    const lease = this.leases[step.which % Math.max(1, this.leases.length)];
    if (lease === undefined) return;
    const open = openKeys(lease.chunk);
    const answers: Record<string, Answer> = {};
    for (const [index, key] of open.entries()) {
      const answer = step.answers[index % 5]!;
      if (answer === "leave" && step.end !== "finish") continue;
      answers[key] = answer === "fail" ? failed(`error ${index % 2}`) : answer === "retry" ? RETRY : OK;
    }
    const outcome = await this.rig.commit(lease.chunk, answers, step.end, { retryAt: this.rig.now + (step.option === 0 ? 50 : 0) });
    if (step.end !== "checkpoint" || openKeys(lease.chunk).length === 0) this.drop(lease);
    if (!lease.lost) {
      expect(outcome.accepted).toBe(true);
      this.took("committed");
      for (const [key, answer] of Object.entries(answers)) {
        if ("retry" in answer) continue;
        expect(lease.model.items.get(key)).toBe("open");
        lease.model.items.set(key, answer.ok ? "succeeded" : "failed");
      }
      this.settle(lease.model);
    } else {
      expect(outcome.accepted).toBe(false);
      this.took("refused");
    }
  }

  /** A worker that was given up comes back with everything it thinks it did. */
  private async late(step: Command): Promise<void> {
    const lease = this.old[step.which % Math.max(1, this.old.length)];
    if (lease === undefined) return;
    const before = await this.rig.get(lease.model);
    const chunk = { ...lease.chunk, done: new Uint8Array(lease.chunk.done.length) };
    const outcome = await this.rig.commit(chunk, Object.fromEntries(chunk.keys.map((key) => [key, OK])));
    expect(outcome.accepted).toBe(false);
    expect(await this.rig.get(lease.model)).toEqual({ ...before, late: before.late + chunk.keys.length });
    this.took("late");
  }

  private async expireLeases(): Promise<void> {
    this.rig.now += LEASE_MS * 0.7;
    const due = this.leases.filter((lease) => !lease.lost && lease.until < this.rig.now);
    const lost = await this.rig.store.chunks.reap({ now: this.rig.now });
    expect(lost.map((each) => each.chunkId).toSorted((a, b) => a - b)).toEqual(
      due.map((lease) => lease.chunk.id).toSorted((a, b) => a - b),
    );
    for (const lease of due) lease.lost = true;
    this.took("reaped", due.length);
  }

  private drop(lease: Lease): void {
    this.leases = this.leases.filter((other) => other !== lease);
    this.old.push(lease);
  }

  /** Everything open ends as `as`, the batch as `status`; leases on it are worth nothing any more. */
  private stop(model: Model, as: ItemState, status: BatchStatus): void {
    for (const [key, state] of model.items) if (state === "open") model.items.set(key, as);
    this.end(model, status);
  }

  private end(model: Model, status: BatchStatus): void {
    model.status = status;
    for (const lease of this.leases) if (lease.model === model) lease.lost = true;
  }

  /** After results: the failure limit comes first. */
  private settle(model: Model): void {
    if (model.maxFailures !== null && countOf(model).failed > model.maxFailures) this.stop(model, "cancelled", "failed");
    else this.endByCounts(model);
  }

  private endByCounts(model: Model): void {
    const counts = countOf(model);
    if (counts.open === 0) this.end(model, counts.succeeded > 0 || model.items.size === 0 ? "completed" : "failed");
  }

  /** Takes over what follows from other batches: dependencies that end take their dependents along. */
  private async adopt(model: Model, batch: BatchRow): Promise<void> {
    model.status = batch.status;
    if (batch.status === "failed" && batch.error?.includes("depends on") === true) this.stop(model, "cancelled", "failed");
  }

  private async check(model: Model): Promise<void> {
    const batch = await this.rig.get(model);
    if (batch.status !== model.status && batch.status === "failed" && batch.error?.includes("depends on") === true)
      this.stop(model, "cancelled", "failed");
    if (batch.status === "completed" && model.items.size === 0) model.status = "completed";
    const counts = countOf(model);
    expect({
      status: batch.status,
      epoch: batch.epoch,
      total: batch.totalItems,
      open: openItems(batch),
      succeeded: batch.succeeded,
      failed: batch.failed,
      cancelled: batch.cancelled,
      expired: batch.expired,
    }).toEqual({
      status: model.status,
      epoch: model.epoch,
      total: model.items.size,
      ...counts,
    });
    for (const n of [batch.running, batch.leasedChunks, batch.openChunks, batch.retried, batch.late]) expect(n).toBeGreaterThanOrEqual(0);
    expect(batch.running).toBeLessThanOrEqual(counts.open);
    const ended = batch.totalItems - counts.open;
    if (batch.epoch === model.seenEpoch) expect(ended).toBeGreaterThanOrEqual(model.ended);
    const path = BATCH_MOVES.map((move) => ({ from: move.from as readonly BatchStatus[], to: move.to }));
    expect(reachable(path, model.seenStatus)).toContain(batch.status);
    if (isFinal(batch.status) && !isFinal(model.seenStatus)) this.took(batch.status);
    Object.assign(model, { ended, seenEpoch: batch.epoch, seenStatus: batch.status });
  }

  /** Each key at most once, successes and failures as the model has them. */
  async checkResults(model: Model): Promise<void> {
    const results = await this.rig.results(model, {}, 7);
    const keys = results.map((result) => result.nodeId);
    expect(new Set(keys).size).toBe(keys.length);
    const expected = [...model.items]
      .filter(([, state]) => state === "succeeded" || state === "failed")
      .map(([key, state]) => `${key} ${state}`);
    expect(results.map((result) => `${result.nodeId} ${result.success ? "succeeded" : "failed"}`).toSorted()).toEqual(expected.toSorted());
  }

  /** Faults off: everything that can still run runs, and then every batch has ended with every key exactly once. */
  async runToTheEnd(): Promise<void> {
    this.rig.now += 10 * LEASE_MS;
    await this.rig.store.chunks.reap({ now: this.rig.now });
    for (const lease of this.leases) lease.lost = true;
    for (const model of this.models) {
      await this.rig.store.batches.resume(model.tenant, model.id, this.rig.now);
      if (model.status === "paused") model.status = model.started ? "running" : "pending";
    }
    for (const model of this.models) {
      await this.rig.drain(model);
      const batch = await this.rig.get(model);
      // What has no result by now was stopped: by the failure limit, or with a batch it depends on.
      const settled = new Set((await this.rig.results(model)).map((result) => result.nodeId));
      for (const [key, state] of model.items) if (state === "open") model.items.set(key, settled.has(key) ? "succeeded" : "cancelled");
      model.status = batch.status;
      expect(FINAL_BATCH_STATES).toContain(batch.status);
      const { open, ...counts } = countOf(model);
      expect({ succeeded: batch.succeeded, failed: batch.failed, cancelled: batch.cancelled, expired: batch.expired }).toEqual(counts);
      expect(open).toBe(0);
      await this.checkResults(model);
      const keys: string[] = [];
      for await (const block of this.rig.store.chunks.keys(model.tenant, model.id)) keys.push(...block);
      expect(keys.toSorted()).toEqual([...model.items.keys()].toSorted());
    }
  }

  get ids(): string[] {
    return this.models.map((model) => model.id);
  }
}

function countOf(model: Model): Record<ItemState, number> {
  const counts = { open: 0, succeeded: 0, failed: 0, cancelled: 0, expired: 0 };
  for (const state of model.items.values()) counts[state] += 1;
  return counts;
}

/** States to be found after one command, which makes up to three moves (start, end, and the end of a dependency). */
function reachable(moves: readonly { from: readonly BatchStatus[]; to: BatchStatus }[], from: BatchStatus): Set<BatchStatus> {
  const found = new Set([from]);
  for (let i = 0; i < 3; i++) for (const move of moves) if (move.from.some((state) => found.has(state))) found.add(move.to);
  return found;
}
