import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../model/ledger.ts";
import type { AttemptRow } from "../../store/attempts.ts";
import { openPair, type Pair } from "../../../test/support/campaigns/upstream-campaign.ts";

const HOUR_MS = 3_600_000;

let pair: Pair;
beforeEach(async () => {
  pair = await openPair({ steps: "manual" });
});
afterEach(() => pair.close());

const items = (count: number): { id: string; text: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `i${i}`, text: `text ${i}` }));
const attemptsOf = (id: string): Promise<AttemptRow[]> => pair.yard.parts.store.attempts.ofBatch("default", id, 100);
const ledgerOf = (id: string): Promise<LedgerEntry[]> => pair.yard.parts.store.ledger.lines("default", id, { after: null, limit: 100 });
const inMs = (ms: number): string => new Date(pair.yard.clock.now() + ms).toISOString();

/** Until the attempt of the batch is upstream. */
async function upstream(id: string): Promise<void> {
  while (((await attemptsOf(id))[0]?.upstreamId ?? null) === null) await pair.yard.advance(1_000);
}

/** Until nothing is open at the provider. */
async function toRest(): Promise<void> {
  for (let steps = 0; (await pair.yard.parts.keeper.nextDueAt()) !== null; steps++) {
    if (steps > 200) throw new Error("attempts are still open");
    await pair.peer.advance();
    await pair.yard.advance(30_000);
  }
}

describe("the deadline of a batch upstream", () => {
  it("asks online for what is open shortly before it, ends the upstream batch, and books both", async () => {
    const options = { deadline: inMs(2 * HOUR_MS), hedgeMs: HOUR_MS };
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(4), options });
    await upstream(id);
    await pair.peer.advance(2);
    await pair.yard.advance(HOUR_MS / 2);
    expect(await pair.yard.getBatch(id)).toMatchObject({ status: "running", succeeded_items: 0 });
    await pair.yard.advance(HOUR_MS / 2);
    expect(await pair.yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 4 });
    await toRest();
    const { billed, batches } = await pair.peer.record();
    expect(batches).toMatchObject([{ status: "cancelled" }]);
    expect(billed.filter(({ batchId }) => batchId === null)).toHaveLength(4);
    expect(billed.length).toBeGreaterThan(4);
    const ledger = await ledgerOf(id);
    expect(ledger).toHaveLength(billed.length);
    expect(ledger.filter(({ tier, counted }) => tier === "online" && counted)).toHaveLength(4);
    expect(ledger.filter(({ tier, counted }) => tier === "batch" && !counted)).toHaveLength(billed.length - 4);
  });

  it("takes the upstream result where it is the first, and asks nothing online", async () => {
    const options = { deadline: inMs(2 * HOUR_MS), hedgeMs: HOUR_MS };
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(4), options });
    await upstream(id);
    await pair.peer.advance(20);
    expect(await pair.yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 4 });
    expect((await pair.peer.record()).billed.every(({ batchId }) => batchId !== null)).toBe(true);
  });

  it("leaves what fails online to the upstream batch", async () => {
    const options = { deadline: inMs(2 * HOUR_MS), hedgeMs: HOUR_MS };
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(3), options });
    await upstream(id);
    await pair.peer.faults({ calls: [{ on: "chat.completions", fault: "answer", status: 400 }] });
    await pair.yard.advance(HOUR_MS + 60_000);
    expect(await pair.yard.getBatch(id)).toMatchObject({ status: "running", succeeded_items: 0, failed_items: 0 });
    await pair.peer.advance(20);
    expect(await pair.yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 3 });
  });

  it("keeps what the upstream batch has finished when it passes, and expires the rest", async () => {
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(4), options: { deadline: inMs(HOUR_MS) } });
    await upstream(id);
    await pair.peer.advance(2);
    await pair.yard.advance(HOUR_MS);
    await toRest();
    await pair.yard.advance(2_000);
    const { billed } = await pair.peer.record();
    const batch = await pair.yard.getBatch(id);
    expect(billed.length).toBeGreaterThan(0);
    expect(billed.length).toBeLessThan(4);
    expect(batch).toMatchObject({ status: "expired", succeeded_items: billed.length, failed_items: 0 });
    expect(await ledgerOf(id)).toHaveLength(billed.length);
    expect((await pair.peer.record()).batches).toHaveLength(1);
  });

  it("does not wait longer than half an hour for a provider that ends nothing", async () => {
    await pair.peer.faults({ batches: [{ fault: "cancel-slow", steps: 1000 }] });
    const { id } = await pair.yard.createBatch({ operation: "asking", items: items(2), options: { deadline: inMs(HOUR_MS) } });
    await upstream(id);
    await pair.yard.advance(HOUR_MS + 60_000);
    expect(await pair.yard.getBatch(id)).toMatchObject({ status: "running" });
    await pair.yard.advance(HOUR_MS / 2);
    expect(await pair.yard.getBatch(id)).toMatchObject({ status: "expired", succeeded_items: 0 });
  });

  it("refuses a hedge that can never come", async () => {
    const create = pair.yard.createBatch({ operation: "asking", items: items(1), options: { hedgeMs: HOUR_MS } });
    await expect(create).rejects.toMatchObject({ errors: [{ path: "options.hedgeMs", code: "not_supported" }] });
  });
});
