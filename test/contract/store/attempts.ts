import { expect } from "vitest";
import { ATTEMPT_MOVES, ATTEMPT_STATES, attemptMoveFrom, isEnded } from "../../../src/model/attempt-moves.ts";
import type { RunOptions } from "../../../src/model/batch.ts";
import type { NewAttempt } from "../../../src/store/attempts.ts";
import { entry } from "./ledger.ts";
import { OK, RETRY, type Rig } from "./rig.ts";
import { section } from "./section.ts";

const LEASE = 60_000;
const ME = "place_a";

let count = 0;

function attemptOf(rig: Rig, batch: { id: string }, chunkId: number | null, overrides: Partial<NewAttempt> = {}): NewAttempt {
  return {
    id: `att_${++count}`,
    tenant: "acme",
    batchId: batch.id,
    operation: "ask",
    chunkId,
    epoch: 1,
    provider: "openai",
    model: "m",
    endpoint: "/v1/chat/completions",
    lines: 2,
    tokens: 100,
    bytes: 50,
    sha256: "00",
    createdAt: rig.now,
    timeoutAt: rig.now + 86_400_000,
    ...overrides,
  };
}

/** A batch with one chunk put off, in an attempt leased by ME. */
async function prepared(rig: Rig, overrides: Partial<NewAttempt> = {}, options: RunOptions = {}) {
  const batch = await rig.create([["a", "b"]], { batch: { executor: "openai-batch", options } });
  const chunk = await rig.claim(batch);
  const attempt = attemptOf(rig, batch, chunk.id, overrides);
  expect(await rig.store.attempts.prepare(attempt)).toBe(true);
  return { batch, chunk, attempt, leased: await rig.store.attempts.take(ME, attempt.id, { now: rig.now, leaseMs: LEASE }) };
}

/** Moves an attempt to where it waits upstream. */
async function sent(rig: Rig, id: string): Promise<void> {
  const { attempts } = rig.store;
  await attempts.move(ME, id, "uploaded", { inputFileId: `file_${id}` }, rig.now);
  await attempts.move(ME, id, "create_sent", { sentAt: rig.now }, rig.now);
  await attempts.move(ME, id, "validating", { upstreamId: `up_${id}` }, rig.now);
}

export const attempts = section("attempts", {
  async "a deadline that is brought forward is that of open attempts too"(rig) {
    const { batch, attempt } = await prepared(rig);
    await rig.store.batches.bringForward("acme", batch.id, rig.now + 5);
    await rig.store.batches.bringForward("acme", batch.id, rig.now + 9);
    expect(await rig.store.attempts.get(attempt.id)).toMatchObject({ timeoutAt: rig.now + 5 });
    await rig.store.attempts.move(ME, attempt.id, "cancelled", {}, rig.now);
    await rig.store.attempts.move(ME, attempt.id, "ingested", {}, rig.now);
    await rig.store.batches.bringForward("acme", batch.id, rig.now);
    expect(await rig.store.attempts.get(attempt.id)).toMatchObject({ timeoutAt: rig.now + 5 });
  },

  async "a budget that is spent leaves what is in an open attempt: it is paid for, and may settle"(rig) {
    const batch = await rig.create([["a"], ["b", "c"], ["d"]], { batch: { executor: "openai-batch", options: { budgetUsd: 1 } } });
    const first = await rig.claim(batch);
    const second = await rig.claim(batch);
    await rig.store.attempts.prepare(attemptOf(rig, batch, first.id));
    const upstream = attemptOf(rig, batch, second.id);
    await rig.store.attempts.prepare(upstream);
    await rig.store.attempts.take(ME, upstream.id, { now: rig.now, leaseMs: LEASE });
    await sent(rig, upstream.id);
    await rig.commit(second, {}, "release", { availableAt: rig.now + 1000 });
    await rig.commit(first, { a: { ok: true, cost: 1 } });
    expect(await rig.get(batch)).toMatchObject({ status: "running", succeeded: 1, failed: 1, openChunks: 1, leasedChunks: 0 });
    expect(await rig.findings()).toEqual([]);
    // Nothing is leased, and still it waits.
    expect(await rig.store.batches.nextReadyAt(rig.now)).toBe(rig.now + 1000);
    expect(await rig.store.chunks.wake(second.id, rig.now)).toBe(true);
    await rig.commit(await rig.claim(batch), { b: { ok: true, cost: 1 }, c: RETRY });
    // The retry is in no attempt: it has not started, and never will.
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 2, failed: 2, cost: 2_000_000_000 });
    expect(await rig.findings()).toEqual([]);
  },

  async "what comes back from an attempt without results has no part in a budget that is spent"(rig) {
    const { batch, chunk, attempt } = await prepared(rig, {}, { budgetUsd: 0.4 });
    await rig.commit(chunk, {}, "release");
    await rig.store.ledger.book([entry(batch)]);
    const again = await rig.claim(batch);
    await rig.commit(again, {}, "release");
    await rig.store.attempts.move(ME, attempt.id, "failed", {}, rig.now);
    await rig.store.attempts.move(ME, attempt.id, "ingested", {}, rig.now);
    expect(await rig.tryClaim(batch)).toBeNull();
    expect(await rig.get(batch)).toMatchObject({ status: "failed", failed: 2, openChunks: 0 });
    expect(await rig.findings()).toEqual([]);
  },

  async "a chunk is in one open attempt at a time, and in another once that is ingested"(rig) {
    const { batch, chunk, attempt, leased } = await prepared(rig);
    expect(leased).toMatchObject({ state: "prepared", chunk: "leased", batch: "running", dueAt: rig.now, misses: 0, cancelSent: false });
    const next = attemptOf(rig, batch, chunk.id);
    expect(await rig.store.attempts.prepare(next)).toBe(false);
    expect(await rig.store.attempts.ofChunk(chunk.id, 1)).toMatchObject({ id: attempt.id });
    expect(await rig.store.attempts.ofChunk(chunk.id, 2)).toBeNull();
    await rig.store.attempts.move(ME, attempt.id, "failed", {}, rig.now);
    await rig.store.attempts.move(ME, attempt.id, "ingested", {}, rig.now);
    expect(await rig.store.attempts.ofChunk(chunk.id, 1)).toBeNull();
    expect(await rig.store.attempts.prepare(next)).toBe(true);
    expect((await rig.store.attempts.ofBatch("acme", batch.id, 10)).map(({ id, state }) => [id, state])).toEqual([
      [attempt.id, "ingested"],
      [next.id, "prepared"],
    ]);
    expect(await rig.store.attempts.ofBatch("other", batch.id, 10)).toEqual([]);
  },

  async "survives a restart as it stood"(rig) {
    const { attempt } = await prepared(rig);
    await sent(rig, attempt.id);
    const report = { lines: 2, succeeded: 1, failed: 0, missing: 1, duplicates: 0, unknown: 0, unreadable: 0 };
    await rig.store.attempts.note(ME, attempt.id, { cancelSent: true, report, misses: 3, error: "x" });
    const before = await rig.store.attempts.get(attempt.id);
    await rig.reopen();
    expect(await rig.store.attempts.get(attempt.id)).toEqual(before);
    expect(before).toMatchObject({ state: "validating", cancelSent: true, report, misses: 3, upstreamId: `up_${attempt.id}` });
  },

  async "moves along the table only, and an end is stamped"(rig) {
    for (const to of ATTEMPT_STATES) {
      const { attempt } = await prepared(rig);
      const moved = await rig.store.attempts.move(
        ME,
        attempt.id,
        to,
        { inputFileId: "f", sentAt: rig.now, upstreamId: `u_${to}` },
        rig.now + 5,
      );
      expect([to, moved?.state ?? null]).toEqual([to, attemptMoveFrom(to).includes("prepared") ? to : null]);
      if (moved !== null) expect(moved.endedAt).toBe(isEnded(to) ? rig.now + 5 : null);
    }
    const { attempt } = await prepared(rig);
    await sent(rig, attempt.id);
    for (const to of ["in_progress", "finalizing", "completed"] as const)
      expect(await rig.store.attempts.move(ME, attempt.id, to, {}, rig.now)).toMatchObject({ state: to });
    expect(await rig.store.attempts.move(ME, attempt.id, "in_progress", {}, rig.now)).toBeNull();
    expect(await rig.store.attempts.move(ME, attempt.id, "ingested", {}, rig.now)).toMatchObject({ state: "ingested", dueAt: null });
    expect(await rig.store.attempts.note(ME, attempt.id, { misses: 1 })).toBeNull();
    expect(ATTEMPT_MOVES.some((move) => (move.from as readonly string[]).includes("ingested"))).toBe(false);
  },

  async "is leased by one at a time, when it is due"(rig) {
    const { attempt } = await prepared(rig);
    const { attempts } = rig.store;
    const request = { now: rig.now, leaseMs: LEASE, limit: 10 };
    expect(await attempts.lease("other", request)).toEqual([]);
    expect(await attempts.take("other", attempt.id, request)).toBeNull();
    expect(await attempts.move("other", attempt.id, "failed", {}, rig.now)).toBeNull();
    expect(await attempts.note("other", attempt.id, { misses: 9 })).toBeNull();
    expect(await attempts.nextDueAt("other")).toBe(rig.now + LEASE + 1);
    expect((await attempts.lease(ME, request)).map(({ id }) => id)).toEqual([attempt.id]);
    await attempts.note(ME, attempt.id, { dueAt: rig.now + 10 });
    expect(await attempts.lease(ME, request)).toEqual([]);
    expect(await attempts.nextDueAt(ME)).toBe(rig.now + 10);
    rig.now += LEASE + 1;
    expect((await attempts.lease("other", { ...request, now: rig.now })).map(({ id }) => id)).toEqual([attempt.id]);
    expect(await attempts.note(ME, attempt.id, { misses: 1 })).toBeNull();
  },

  async "shows how the chunk stands: put off, gone, or run again in another epoch"(rig) {
    const { batch, chunk, attempt } = await prepared(rig);
    const look = () => rig.store.attempts.take(ME, attempt.id, { now: rig.now, leaseMs: LEASE });
    await rig.store.batches.pause("acme", batch.id, rig.now);
    expect(await look()).toMatchObject({ chunk: "leased", batch: "paused" });
    await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    expect(await look()).toMatchObject({ chunk: "cancelled", batch: "cancelled" });
    await rig.store.batches.retry("acme", batch.id, {}, rig.now);
    expect((await rig.store.chunks.list("acme", batch.id, { after: 0, limit: 10 }))[0]).toMatchObject({
      id: chunk.id,
      state: "pending",
      epoch: 2,
    });
    expect(await look()).toMatchObject({ chunk: null });
  },

  async "hurry makes what waits due now"(rig) {
    const { batch, attempt } = await prepared(rig);
    await rig.store.attempts.note(ME, attempt.id, { dueAt: rig.now + 1000 });
    await rig.store.attempts.hurry("another", rig.now);
    expect(await rig.store.attempts.nextDueAt(ME)).toBe(rig.now + 1000);
    await rig.store.attempts.hurry(batch.id, rig.now);
    expect(await rig.store.attempts.nextDueAt(ME)).toBe(rig.now);
  },

  async "counts the tokens that wait upstream, by provider and model"(rig) {
    const one = await prepared(rig);
    await prepared(rig);
    const other = await prepared(rig, { tokens: 7 });
    await sent(rig, one.attempt.id);
    await rig.store.attempts.move(ME, other.attempt.id, "uploaded", { inputFileId: "f" }, rig.now);
    expect(await rig.store.attempts.enqueuedTokens()).toEqual([{ provider: "openai", model: "m", tokens: 100 }]);
    await rig.store.attempts.move(ME, other.attempt.id, "create_sent", { sentAt: rig.now }, rig.now);
    expect(await rig.store.attempts.enqueuedTokens()).toEqual([{ provider: "openai", model: "m", tokens: 107 }]);
    await rig.store.attempts.move(ME, one.attempt.id, "completed", {}, rig.now);
    expect(await rig.store.attempts.enqueuedTokens()).toEqual([{ provider: "openai", model: "m", tokens: 7 }]);
  },

  async "a second upstream batch of an attempt gets a row of its own, once"(rig) {
    const { attempt } = await prepared(rig);
    await sent(rig, attempt.id);
    const of = (await rig.store.attempts.get(attempt.id))!;
    const stray = { id: `${attempt.id}_2`, upstreamId: "up_second", now: rig.now };
    expect(await rig.store.attempts.stray(of, stray)).toMatchObject({
      state: "validating",
      chunkId: null,
      batchId: of.batchId,
      upstreamId: "up_second",
    });
    expect(await rig.store.attempts.stray(of, { ...stray, id: `${attempt.id}_3` })).toBeNull();
    expect(await rig.store.attempts.stray(of, { ...stray, id: `${attempt.id}_4`, upstreamId: of.upstreamId! })).toBeNull();
  },

  async "what a batch has open upstream, and what the rest of it reported"(rig) {
    const { batch, attempt } = await prepared(rig);
    const { attempts: store } = rig.store;
    const none = { attempts: 0, strays: 0, lines: 0, succeeded: 0, failed: 0, missing: 0, duplicates: 0, unknown: 0, unreadable: 0 };
    expect(await store.reports("acme", batch.id)).toEqual(none);
    expect(await store.open("acme", batch.id, 10)).toMatchObject([{ id: attempt.id }]);
    expect(await store.open("other", batch.id, 10)).toEqual([]);
    await sent(rig, attempt.id);
    const stray = (await store.stray((await store.get(attempt.id))!, { id: `${attempt.id}.2`, upstreamId: "up_2", now: rig.now }))!;
    await store.take(ME, stray.id, { now: rig.now, leaseMs: LEASE });
    expect(await store.open("acme", batch.id, 1)).toHaveLength(1);
    const report = { lines: 2, succeeded: 1, failed: 0, missing: 1, duplicates: 3, unknown: 4, unreadable: 5 };
    for (const id of [attempt.id, stray.id]) {
      await store.move(ME, id, "completed", {}, rig.now);
      await store.move(ME, id, "ingested", { report }, rig.now);
    }
    expect(await store.open("acme", batch.id, 10)).toEqual([]);
    const sums = { lines: 4, succeeded: 2, failed: 0, missing: 2, duplicates: 6, unknown: 8, unreadable: 10 };
    expect(await store.reports("acme", batch.id)).toEqual({ attempts: 2, strays: 1, ...sums });
    expect(await store.reports("other", batch.id)).toEqual(none);
  },

  async "the newest refusal for enqueued tokens, by provider and model"(rig) {
    const refuse = async (error: string, overrides: Partial<NewAttempt>, isSent = true): Promise<void> => {
      const { attempt } = await prepared(rig, overrides);
      const { attempts: store } = rig.store;
      await store.move(ME, attempt.id, "uploaded", { inputFileId: `file_${attempt.id}` }, rig.now);
      if (isSent) await store.move(ME, attempt.id, "create_sent", { sentAt: rig.now }, rig.now);
      rig.now += 1;
      await store.move(ME, attempt.id, "failed", { errorCode: "token_limit_exceeded", error }, rig.now);
      await store.move(ME, attempt.id, "ingested", {}, rig.now);
    };
    expect(await rig.store.attempts.refusals()).toEqual([]);
    await refuse("Limit: 10", {});
    await refuse("Limit: 30", {});
    await refuse("put off here", {}, false);
    await refuse("Limit: 20", { model: "n" });
    expect(await rig.store.attempts.refusals()).toEqual([
      { provider: "openai", model: "m", message: "Limit: 30" },
      { provider: "openai", model: "n", message: "Limit: 20" },
    ]);
  },

  async "an ingested attempt goes with its batch, an open one stays"(rig) {
    const open = await prepared(rig);
    const closed = await prepared(rig);
    await rig.store.attempts.move(ME, closed.attempt.id, "failed", {}, rig.now);
    await rig.store.attempts.move(ME, closed.attempt.id, "ingested", {}, rig.now);
    for (const { batch } of [open, closed]) await rig.store.batches.end("acme", batch.id, "cancelled", null, rig.now);
    await rig.store.batches.remove(null, rig.now + 1, { limit: 10, dryRun: false });
    expect(await rig.store.attempts.get(closed.attempt.id)).toBeNull();
    expect(await rig.store.attempts.take(ME, open.attempt.id, { now: rig.now, leaseMs: LEASE })).toMatchObject({
      chunk: null,
      batch: null,
    });
  },

  async "a chunk that is put off runs when it is woken, and not before"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const chunk = await rig.claim(batch);
    await rig.commit(chunk, { a: OK }, "release", { availableAt: rig.now + 1000 });
    expect(await rig.tryClaim(batch)).toBeNull();
    expect(await rig.store.batches.nextReadyAt(rig.now)).toBe(rig.now + 1000);
    rig.now += 10;
    expect(await rig.store.chunks.wake(chunk.id, rig.now)).toBe(true);
    expect(await rig.store.chunks.wake(chunk.id, rig.now)).toBe(false);
    const again = await rig.claim(batch);
    expect(again).toMatchObject({ id: chunk.id, attempt: 0 });
    expect(await rig.store.chunks.wake(chunk.id, rig.now - 1)).toBe(false);
    await rig.commit(again, { b: RETRY });
    expect(await rig.findings()).toEqual([]);
  },

  async "a process that dies says nothing about items that run upstream"(rig) {
    const batch = await rig.create([["a"]], { batch: { executor: "openai-batch" } });
    await rig.claim(batch, 10);
    rig.now += 11;
    expect(await rig.store.chunks.reap({ now: rig.now })).toMatchObject([{ crashes: 0 }]);
  },
});
