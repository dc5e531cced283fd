import { expect } from "vitest";
import { dayOf, noCosts, type CostSums, type LedgerEntry } from "../../../src/model/ledger.ts";
import type { CostQuery } from "../../../src/store/port.ts";
import { OK, RETRY, type Rig } from "./rig.ts";
import { section, type Case } from "./section.ts";

/** A request of a batch that cost half of a dollar instead of one, and was not kept. */
export function entry(batch: { id: string; tenant: string }, overrides: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    tenant: batch.tenant,
    batchId: batch.id,
    operation: "transform",
    attempt: `attempt of ${batch.id}`,
    customId: "a",
    provider: "openai",
    model: "gpt-4o-mini",
    tier: "batch",
    tokens: { input: 100, cachedInput: 40, cacheWrite: 3, audioInput: 2, output: 10, reasoning: 5, audioOutput: 1 },
    price: { standard: 1_000_000_000, paid: 500_000_000, factor: "0.5", version: "list 1 gpt-4o-mini" },
    at: 1_800_000_000_000,
    counted: false,
    ...overrides,
  };
}

const TODAY = dayOf(1_800_000_000_000);
const ask = (rig: Rig, query: Partial<CostQuery> = {}) =>
  rig.store.ledger.sums({ tenant: "acme", fromDay: TODAY, toDay: TODAY, groupBy: "model", limit: 100, ...query });

async function total(rig: Rig, query: Partial<CostQuery> = {}): Promise<CostSums> {
  return (await ask(rig, { groupBy: "tenant", ...query }))[0]?.sums ?? noCosts();
}

export const ledger: Case[] = section("ledger", {
  async "an entry is booked once per attempt and custom id, however often it is sent"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const entries = [entry(batch), entry(batch, { customId: "b" }), entry(batch, { attempt: "another" })];
    expect(await rig.store.ledger.book(entries)).toEqual({ booked: 3, repeated: 0 });
    const first = await total(rig);
    expect(await rig.store.ledger.book([...entries, ...entries])).toEqual({ booked: 0, repeated: 6 });
    expect(await rig.store.ledger.book([entry(batch, { model: "other", price: null })])).toEqual({ booked: 0, repeated: 1 });
    expect(await total(rig)).toEqual(first);
    expect((await rig.get(batch)).cost).toBe(1_500_000_000);
    expect(await rig.findings()).toEqual([]);
  },

  async "an entry that is twice in one booking is booked once"(rig) {
    const batch = await rig.create([["a"]]);
    expect(await rig.store.ledger.book([entry(batch), entry(batch)])).toEqual({ booked: 1, repeated: 1 });
    expect(await total(rig)).toMatchObject({ requests: 1, paid: 500_000_000 });
  },

  async "tokens and money are summed; without a price only the tokens are"(rig) {
    const batch = await rig.create([["a", "b"]]);
    await rig.store.ledger.book([entry(batch), entry(batch, { customId: "b", price: null, counted: true })]);
    expect(await total(rig)).toEqual({
      requests: 2,
      unpriced: 1,
      uncounted: 1,
      tokens: { input: 200, cachedInput: 80, cacheWrite: 6, audioInput: 4, output: 20, reasoning: 10, audioOutput: 2 },
      standard: 1_000_000_000,
      paid: 500_000_000,
      paidUncounted: 500_000_000,
    });
  },

  async "lines come back as they were booked, in pages"(rig) {
    const batch = await rig.create([["a", "b", "c"]]);
    const other = await rig.create([["a"]]);
    const booked = [
      entry(batch, { attempt: "1", customId: "a" }),
      entry(batch, { attempt: "1", customId: "b", price: null, model: "own", counted: true }),
      entry(batch, { attempt: "2", customId: "a", tier: "online", at: 1_800_000_000_001 }),
    ];
    await rig.store.ledger.book([...booked, entry(other)]);
    const first = await rig.store.ledger.lines("acme", batch.id, { after: null, limit: 2 });
    expect(first).toEqual(booked.slice(0, 2));
    expect(await rig.store.ledger.lines("acme", batch.id, { after: { attempt: "1", customId: "b" }, limit: 2 })).toEqual(booked.slice(2));
    expect(await rig.store.ledger.lines("other", batch.id, { after: null, limit: 2 })).toEqual([]);
  },

  async "sums are asked by model, operation, day, batch, provider, tier and tenant"(rig) {
    const one = await rig.create([["a"]]);
    const two = await rig.create([["a"]]);
    const later = 1_800_000_000_000 + 86_400_000;
    const cheap = { standard: 10, paid: 10, factor: "1", version: "list 1 small" };
    await rig.store.ledger.book([
      entry(one),
      entry(one, { customId: "b", model: "small", tier: "online", price: cheap }),
      entry(two, { operation: "annotate", provider: "azure", at: later }),
    ]);
    const keys = async (groupBy: CostQuery["groupBy"], query: Partial<CostQuery> = {}): Promise<[string, number][]> =>
      (await ask(rig, { groupBy, toDay: TODAY + 1, ...query })).map((group) => [group.key, group.sums.paid]);
    expect(await keys("model")).toEqual([
      ["gpt-4o-mini", 1_000_000_000],
      ["small", 10],
    ]);
    expect(await keys("operation")).toEqual([
      ["transform", 500_000_010],
      ["annotate", 500_000_000],
    ]);
    expect(await keys("day")).toEqual([
      [String(TODAY), 500_000_010],
      [String(TODAY + 1), 500_000_000],
    ]);
    expect(await keys("batch")).toEqual([
      [one.id, 500_000_010],
      [two.id, 500_000_000],
    ]);
    expect(await keys("provider")).toEqual([
      ["openai", 500_000_010],
      ["azure", 500_000_000],
    ]);
    expect(await keys("tier")).toEqual([
      ["batch", 1_000_000_000],
      ["online", 10],
    ]);
    expect(await keys("tenant")).toEqual([["acme", 1_000_000_010]]);
    expect(await keys("day", { toDay: TODAY })).toEqual([[String(TODAY), 500_000_010]]);
    expect(await keys("model", { batchId: two.id })).toEqual([["gpt-4o-mini", 500_000_000]]);
    expect(await keys("model", { limit: 1 })).toHaveLength(1);
  },

  async "nobody sees another tenant's money, whose attempts may have the same names"(rig) {
    const own = await rig.create([["a"]]);
    const other = await rig.create([["a"]], { tenant: "other" });
    expect(await rig.store.ledger.book([entry(own, { attempt: "1" }), entry(other, { attempt: "1" })])).toEqual({ booked: 2, repeated: 0 });
    expect(await total(rig)).toMatchObject({ requests: 1 });
    expect(await total(rig, { tenant: "other" })).toMatchObject({ requests: 1 });
    expect(await total(rig, { tenant: "nobody" })).toEqual(noCosts());
    expect(await ask(rig, { batchId: other.id })).toEqual([]);
  },

  async "an attempt belongs to one batch; nothing of such a booking is written"(rig) {
    const one = await rig.create([["a"]]);
    const two = await rig.create([["a"]]);
    await rig.store.ledger.book([entry(one, { attempt: "1" })]);
    await expect(rig.store.ledger.book([entry(two, { attempt: "2" }), entry(two, { attempt: "1", customId: "b" })])).rejects.toThrow(
      "attempt 1",
    );
    expect(await total(rig)).toMatchObject({ requests: 1 });
  },

  async "a commit books in its step: kept requests with the cost of their results, the others beside it"(rig) {
    const batch = await rig.create([["a", "b"]]);
    const entries = [entry(batch, { counted: true }), entry(batch, { customId: "b" })];
    await rig.commit(await rig.claim(batch), { a: { ok: true, cost: 0.5 }, b: RETRY }, "finish", { ledger: entries });
    expect((await rig.get(batch)).cost).toBe(1_000_000_000);
    expect(await total(rig)).toMatchObject({ requests: 2, uncounted: 1, paid: 1_000_000_000, paidUncounted: 500_000_000 });
    await rig.drain(batch);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", cost: 1_000_000_000 });
    expect(await rig.findings()).toEqual([]);
  },

  async "a refused commit writes no result, but the money is spent"(rig) {
    const batch = await rig.create([["a"]]);
    const late = await rig.claim(batch);
    rig.now += 60_000;
    await rig.store.chunks.reap({ now: rig.now });
    const entries = [entry(batch, { counted: true })];
    const outcome = await rig.commit(late, { a: { ok: true, cost: 0.5 } }, "finish", { ledger: entries });
    expect(outcome).toMatchObject({ accepted: false, batch: { cost: 500_000_000, late: 1 } });
    expect(await total(rig)).toMatchObject({ requests: 1, uncounted: 1, paid: 500_000_000, paidUncounted: 500_000_000 });
    expect((await rig.get(batch)).cost).toBe(500_000_000);
    expect(await rig.findings()).toEqual([]);
  },

  async "the same answer read again under a new lease is kept then, and paid once"(rig) {
    const batch = await rig.create([["a"]]);
    const late = await rig.claim(batch);
    rig.now += 60_000;
    await rig.store.chunks.reap({ now: rig.now });
    const entries = [entry(batch, { counted: true })];
    await rig.commit(late, { a: { ok: true, cost: 0.5 } }, "finish", { ledger: entries });
    await rig.commit(await rig.claim(batch), { a: { ok: true, cost: 0.5 } }, "finish", { ledger: entries });
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 1, cost: 500_000_000 });
    expect(await total(rig)).toMatchObject({ requests: 1, uncounted: 0, paid: 500_000_000, paidUncounted: 0 });
    await rig.store.ledger.book([entry(batch)]);
    expect(await total(rig)).toMatchObject({ requests: 1, uncounted: 0 });
    expect(await rig.findings()).toEqual([]);
  },

  async "money of a batch that has ended is booked to it"(rig) {
    const batch = await rig.create([["a"]]);
    await rig.commit(await rig.claim(batch), { a: OK });
    await rig.store.ledger.book([entry(batch)]);
    expect(await rig.get(batch)).toMatchObject({ status: "completed", cost: 500_000_000 });
    expect(await rig.findings()).toEqual([]);
  },

  async "the sums outlive the batch, its single requests do not"(rig) {
    const batch = await rig.create([["a"]]);
    await rig.commit(await rig.claim(batch), { a: { ok: true, cost: 0.5 } }, "finish", { ledger: [entry(batch, { counted: true })] });
    const before = await total(rig);
    expect(await rig.store.batches.remove("acme", rig.now + 1, { limit: 10, dryRun: false })).toBe(1);
    expect(await total(rig)).toEqual(before);
    expect(await rig.store.ledger.lines("acme", batch.id, { after: null, limit: 10 })).toEqual([]);
    expect(await ask(rig, { groupBy: "batch" })).toMatchObject([{ key: batch.id, sums: { requests: 1 } }]);
    expect(await rig.findings()).toEqual([]);
  },

  async "what is booked survives the process"(rig) {
    const batch = await rig.create([["a"]]);
    await rig.store.ledger.book([entry(batch)]);
    await rig.reopen();
    expect(await rig.store.ledger.book([entry(batch)])).toEqual({ booked: 0, repeated: 1 });
    expect(await total(rig)).toMatchObject({ requests: 1, paid: 500_000_000 });
  },

  async "a budget that is spent fails what has not started; what is leased may end"(rig) {
    const batch = await rig.create([["a"], ["b"], ["c"], ["d", "e"]], { batch: { options: { budgetUsd: 1 } } });
    const first = await rig.claim(batch);
    const second = await rig.claim(batch);
    await rig.commit(first, { a: { ok: true, cost: 1 } });
    expect(await rig.get(batch)).toMatchObject({ status: "running", succeeded: 1, failed: 3, leasedChunks: 1, openChunks: 1 });
    expect(await rig.tryClaim(batch)).toBeNull();
    expect(await rig.findings()).toEqual([]);
    // Its retry does not start any more.
    await rig.commit(second, { b: RETRY });
    expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 1, failed: 4, cost: 1_000_000_000 });
    expect((await rig.get(batch)).error).toContain("1 of 1 USD");
    const results = await rig.results(batch, { success: false });
    expect(results.map((result) => [result.nodeId, result.errorCode])).toEqual(["c", "d", "e", "b"].map((key) => [key, "budget_exceeded"]));
    expect(await rig.findings()).toEqual([]);
  },

  async "a budget that money without a result spent is found at the next lease"(rig) {
    const batch = await rig.create([["a"], ["b"]], { batch: { options: { budgetUsd: 0.4 } } });
    await rig.store.ledger.book([entry(batch)]);
    expect(await rig.tryClaim(batch)).toBeNull();
    expect(await rig.get(batch)).toMatchObject({ status: "failed", failed: 2, cost: 500_000_000 });
    expect(await rig.findings()).toEqual([]);
  },

  async "a budget that is not spent, or is 0 for what costs nothing, stops nothing"(rig) {
    const rich = await rig.create([["a"], ["b"]], { batch: { options: { budgetUsd: 1.5 } } });
    await rig.drain(rich, { a: { ok: true, cost: 1 } });
    const free = await rig.create([["a"], ["b"]], { batch: { options: { budgetUsd: 0 } } });
    await rig.drain(free);
    for (const batch of [rich, free]) expect(await rig.get(batch)).toMatchObject({ status: "completed", succeeded: 2, error: null });
  },
});
