import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attemptOf, OVER_BUDGET, type Executor, type Outcome, type RunControl, type Spend } from "../../executors/port.ts";
import { dayOf, type CostSums, type LedgerEntry } from "../../model/ledger.ts";
import { joinLines, type ItemResult } from "../../model/item.ts";
import { Pricing } from "../../money/pricing.ts";
import { defineOperation } from "../../operations/define.ts";
import { newBatch } from "../../store/new-batch.fixture.ts";
import type { ClaimedChunk, Store } from "../../store/port.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Breakers } from "../limits/breaker.ts";
import { Budget } from "../limits/budget.ts";
import { Run } from "./run.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const KEYS = ["a", "b", "c"];
const operation = defineOperation({ name: "ask", description: "Asks a model", processItem: () => ({ result: null }) });

/** 1,000 + 100 tokens of gpt-4o: 0.0035 USD, half of it in a batch. */
const USAGE = { prompt_tokens: 1000, completion_tokens: 100 };
const PAID = 1_750_000;

let directory: string;
let store: Store;
let clock: VirtualClock;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-spending-"));
  store = openSqliteStore({ directory, synchronous: "NORMAL" });
  clock = new VirtualClock({ startsAt: NOW });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

async function claim(): Promise<ClaimedChunk> {
  const batch = newBatch({ id: `batch_${NOW}_000000001`, operation: "ask", createdAt: NOW });
  const chunk = { position: 0, keys: KEYS, body: joinLines(KEYS.map(() => "{}")), attempt: 0, availableAt: NOW, crashes: 0 };
  await store.batches.create(batch, [chunk], { tenant: "acme", batchId: batch.id, now: NOW, maxFailures: null, announcedItems: 0 });
  return again();
}

async function again(): Promise<ClaimedChunk> {
  const [pending] = await store.chunks.pending(`batch_${NOW}_000000001`, Number.MAX_SAFE_INTEGER, 1, new Set());
  return (await store.chunks.claim(pending!.id, { workerId: "w", leaseMs: 30_000, now: clock.now() + 3_600_000 }))!;
}

function runOf(chunk: ClaimedChunk, budget: Budget | null = null): Run {
  return new Run(chunk, {
    clock,
    random: () => 0,
    store,
    breakers: new Breakers(clock),
    rateLimit: null,
    pricing: new Pricing(),
    budget,
    limits: { retryAttempts: 1, retryBackoffMs: 1, timeoutMs: 1000, lanes: 3 },
    traceparent: null,
    operation,
    options: {},
    progressDue: () => false,
    deferred: (error) => {
      throw error;
    },
    settled: () => {},
  });
}

/** An executor that answers each item with what is given. */
function answering(answers: (spend: Spend) => Outcome[], also: (control: RunControl, spend: Spend) => void = () => {}): Executor {
  return {
    kind: "test",
    async run(work, control) {
      const spend: Spend = { attempt: attemptOf(work), provider: "openai", model: "gpt-4o", tier: "batch", usage: USAGE };
      for (const [index, outcome] of answers(spend).entries()) control.settle(index, outcome);
      also(control, spend);
    },
  };
}

const done = (spend: Spend): Outcome => ({ ok: true, result: 1, spend, durationMs: 1 });
const broken = (spend: Spend, category: "permanent" | "transient"): Outcome => ({
  ok: false,
  error: "broken",
  code: "broken",
  category,
  spend,
  durationMs: 1,
});

async function sums(): Promise<CostSums> {
  const day = dayOf(NOW);
  return (await store.ledger.sums({ tenant: "acme", fromDay: day, toDay: day, groupBy: "tenant", limit: 1 }))[0]!.sums;
}

const lines = (chunk: ClaimedChunk): Promise<LedgerEntry[]> => store.ledger.lines("acme", chunk.batchId, { after: null, limit: 100 });

async function results(chunk: ClaimedChunk): Promise<ItemResult[]> {
  const page = await store.results.page("acme", chunk.batchId, {}, null, 100);
  return page.lines.map((line) => JSON.parse(line) as ItemResult);
}

const sound = async (): Promise<void> => expect((await store.upkeep.verify({ rebuild: false })).findings).toEqual([]);

describe("what a run spends", () => {
  it("is booked with its results, and is their cost", async () => {
    const chunk = await claim();
    const outcome = await runOf(chunk).execute(answering((spend) => [done(spend), done(spend), broken(spend, "permanent")]));
    expect(outcome!.batch).toMatchObject({ succeeded: 2, failed: 1, cost: 3 * PAID });
    expect(await sums()).toMatchObject({
      requests: 3,
      uncounted: 0,
      standard: 6 * PAID,
      paid: 3 * PAID,
      tokens: { input: 3000, output: 300 },
    });
    expect((await results(chunk)).map((result) => result.cost)).toEqual([0.00175, 0.00175, 0.00175]);
    expect((await lines(chunk))[0]).toMatchObject({ customId: "a", operation: "ask", price: { factor: "0.5" }, at: NOW, counted: true });
    await sound();
  });

  it("on tries that are tried again is in the cost of the batch, not in that of the item", async () => {
    const chunk = await claim();
    await runOf(chunk).execute(answering((spend) => [done(spend), done(spend), broken(spend, "transient")]));
    const next = await again();
    const outcome = await runOf(next).execute(answering((spend) => [done(spend)]));
    expect(outcome!.batch).toMatchObject({ status: "completed", succeeded: 3, cost: 4 * PAID });
    expect(await sums()).toMatchObject({ requests: 4, uncounted: 1, paid: 4 * PAID, paidUncounted: PAID });
    expect((await results(chunk)).map((result) => result.cost)).toEqual([0.00175, 0.00175, 0.00175]);
    await sound();
  });

  it("on an unknown model is tokens without money", async () => {
    const chunk = await claim();
    const outcome = await runOf(chunk).execute(answering((spend) => KEYS.map(() => done({ ...spend, model: "own-model" }))));
    expect(outcome!.batch).toMatchObject({ status: "completed", cost: 0 });
    expect(await sums()).toMatchObject({ requests: 3, unpriced: 3, paid: 0, tokens: { input: 3000 } });
    expect((await results(chunk)).every((result) => result.cost === undefined)).toBe(true);
    expect((await lines(chunk)).every((line) => line.price === null)).toBe(true);
  });

  it("without usage is a request without tokens and money", async () => {
    const chunk = await claim();
    await runOf(chunk).execute(answering((spend) => KEYS.map(() => done({ ...spend, usage: undefined }))));
    expect(await sums()).toMatchObject({ requests: 3, unpriced: 3, tokens: { input: 0 } });
  });

  it("on duplicates and unknown lines is booked as not kept", async () => {
    const chunk = await claim();
    const outcome = await runOf(chunk).execute(
      answering(
        (spend) => KEYS.map(() => done(spend)),
        (control, spend) => {
          control.settle(0, done({ ...spend, customId: "a again" }));
          control.spent({ ...spend, customId: "nobody's" });
        },
      ),
    );
    expect(outcome!.batch).toMatchObject({ status: "completed", cost: 5 * PAID });
    expect(await sums()).toMatchObject({ requests: 5, uncounted: 2, paid: 5 * PAID, paidUncounted: 2 * PAID });
    await sound();
  });

  it("is booked when the lease was lost, though the results are refused", async () => {
    const chunk = await claim();
    const run = runOf(chunk);
    await store.batches.end("acme", chunk.batchId, "cancelled", null, NOW);
    run.loseLease();
    await run.execute(answering((spend) => [done(spend), done(spend), broken(spend, "transient")]));
    const batch = (await store.batches.get("acme", chunk.batchId))!;
    expect(batch).toMatchObject({ status: "cancelled", succeeded: 0, late: 2, cost: 3 * PAID });
    expect(await sums()).toMatchObject({ requests: 3, uncounted: 3, paidUncounted: 3 * PAID });
    await sound();
  });

  it("is booked when the answer comes after the end of the run", async () => {
    const chunk = await claim();
    let late = (): void => {};
    const run = runOf(chunk);
    await run.execute(
      answering(
        (spend) => KEYS.map(() => done(spend)),
        (control, spend) => (late = () => control.spent({ ...spend, customId: "late", usage: USAGE })),
      ),
    );
    late();
    late();
    await new Promise((resolve) => setImmediate(resolve));
    await run.flushed();
    expect((await store.batches.get("acme", chunk.batchId))!.cost).toBe(4 * PAID);
    expect(await sums()).toMatchObject({ requests: 4, uncounted: 1 });
    await sound();
  });

  it("and whose result cannot be kept is a failure that cost money", async () => {
    const chunk = await claim();
    const outcome = await runOf(chunk).execute(answering((spend) => KEYS.map(() => ({ ...done(spend), result: () => {} }))));
    expect(outcome!.batch).toMatchObject({ status: "failed", failed: 3, cost: 3 * PAID });
    expect(await sums()).toMatchObject({ requests: 3, uncounted: 0 });
    await sound();
  });

  it("stops before anything is sent when the budget does not cover it", async () => {
    const chunk = await claim();
    const granted: boolean[] = [];
    const budget = new Budget(2 * PAID);
    const careful: Executor = {
      kind: "test",
      async run(work, control) {
        const spend: Spend = { attempt: attemptOf(work), provider: "openai", model: "gpt-4o", tier: "batch", usage: USAGE };
        for (const index of work.items.keys()) {
          const may = control.afford([{ index, estimate: PAID }]);
          granted.push(may);
          control.settle(index, may ? done(spend) : OVER_BUDGET);
        }
      },
    };
    const outcome = await runOf(chunk, budget).execute(careful);
    expect(granted).toEqual([true, true, false]);
    expect(outcome!.batch).toMatchObject({ succeeded: 2, failed: 1, cost: 2 * PAID });
    expect((await results(chunk)).at(-1)).toMatchObject({ success: false, errorCode: "budget_exceeded" });
    expect(budget.spent).toBe(true);
  });

  it("grants all of several requests or none, and nothing whose price is not known", async () => {
    const chunk = await claim();
    const granted: boolean[] = [];
    const budget = new Budget(3 * PAID);
    const asked = answering(
      () => [],
      (control) => {
        const request = (index: number, estimate: number | null) => ({ index, estimate });
        granted.push(control.afford([request(0, 2 * PAID), request(1, 2 * PAID)]));
        granted.push(control.afford([request(0, null)]));
        granted.push(control.afford([request(0, 2 * PAID), request(1, PAID)]));
        granted.push(control.afford([request(2, 1)]));
      },
    );
    await runOf(chunk, budget).execute(asked);
    expect(granted).toEqual([false, false, true, false]);
    // What was promised and never sent is free again.
    expect(budget.promise(3 * PAID)).toBe(true);
  });
});
