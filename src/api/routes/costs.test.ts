import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../model/ledger.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

const DAY = 86_400_000;
const NOON = Date.parse("2026-03-10T12:00:00Z");

let served: Served;
let batch: string;
beforeEach(async () => {
  served = await serve();
  batch = await served.create({ operation: "echo", items: [{ id: "a" }] });
  await served.event("batch.completed", batch);
});
afterEach(() => served.close());

let count = 0;
function entry(overrides: Partial<LedgerEntry> = {}): LedgerEntry {
  count += 1;
  return {
    tenant: "default",
    batchId: batch,
    operation: "echo",
    attempt: `attempt ${batch}`,
    customId: `line ${count}`,
    provider: "openai",
    model: "gpt-4o",
    tier: "batch",
    tokens: { input: 1_000_000, cachedInput: 0, cacheWrite: 0, audioInput: 0, output: 1_000_000, reasoning: 0, audioOutput: 0 },
    price: { standard: 12_500_000_000, paid: 6_250_000_000, factor: "0.5", version: "genai-prices 0 openai/gpt-4o" },
    at: NOON,
    counted: true,
    ...overrides,
  };
}

const costs = async (query: string) => (await served.send({ method: "GET", url: `/api/costs${query}` })).json as Record<string, unknown>;

describe("GET /api/costs", () => {
  it("says to the cent what batches saved", async () => {
    await served.yard.store.ledger.book([entry()]);
    expect(await costs("?from=2026-03-10&to=2026-03-10")).toMatchObject({
      from: "2026-03-10",
      to: "2026-03-10",
      rangeDays: 1,
      totals: {
        requests: 1,
        standard: 12.5,
        paid: 6.25,
        saved: 6.25,
        savingsPercentage: 50,
        tokens: { input: 1_000_000, output: 1_000_000 },
      },
      groups: [{ key: "gpt-4o", standard: 12.5 }],
      projectedMonthly: { standard: 375, paid: 187.5, saved: 187.5 },
    });
  });

  it("of ten equal requests, one sent online, saved 45 %", async () => {
    const online = { tier: "online" as const, price: { standard: 12_500_000_000, paid: 12_500_000_000, factor: "1", version: "v" } };
    await served.yard.store.ledger.book([entry(online), ...Array.from({ length: 9 }, () => entry())]);
    expect(await costs("?from=2026-03-10&to=2026-03-10&groupBy=tier")).toMatchObject({
      totals: { requests: 10, standard: 125, paid: 68.75, saved: 56.25, savingsPercentage: 45 },
      groups: [
        { key: "batch", requests: 9, savingsPercentage: 50 },
        { key: "online", requests: 1, saved: 0, savingsPercentage: 0 },
      ],
    });
  });

  it("groups by day in order, and projects by the days of the range", async () => {
    await served.yard.store.ledger.book([entry({ at: NOON + DAY }), entry(), entry({ at: NOON + DAY })]);
    expect(await costs("?from=2026-03-10&to=2026-03-14&groupBy=day")).toMatchObject({
      rangeDays: 5,
      groups: [
        { key: "2026-03-10", requests: 1 },
        { key: "2026-03-11", requests: 2 },
      ],
      totals: { saved: 18.75 },
      projectedMonthly: { saved: 112.5 },
    });
    expect(await costs("?from=2026-03-11T05:00:00Z&to=2026-03-11&groupBy=batch")).toMatchObject({ groups: [{ key: batch, requests: 2 }] });
  });

  it("says how it was before, and what this month comes to if it goes on like this", async () => {
    await served.close();
    // Ten of thirty-one days are over.
    served = await serve({ clock: new VirtualClock({ startsAt: Date.UTC(2026, 2, 11) }) });
    await served.yard.store.ledger.book([
      entry({ at: NOON }),
      entry({ at: NOON }),
      entry({ at: NOON - DAY }),
      entry({ at: NOON - 20 * DAY }),
    ]);
    expect(await costs("?from=2026-03-10&to=2026-03-10")).toMatchObject({
      totals: { paid: 12.5 },
      previous: { from: "2026-03-09", to: "2026-03-09", requests: 1, standard: 12.5, paid: 6.25, saved: 6.25 },
      changes: { requests: 100, paid: 100, saved: 100 },
      month: {
        from: "2026-03-01",
        to: "2026-03-31",
        standard: 37.5,
        paid: 18.75,
        saved: 18.75,
        projected: { standard: 116.25, paid: 58.125, saved: 58.125 },
      },
    });
    expect(await costs("?from=2026-03-11&to=2026-03-11")).toMatchObject({ changes: { paid: -100 }, previous: { requests: 2 } });
    expect(await costs("?from=2026-02-01&to=2026-02-02")).toMatchObject({ changes: { requests: null, paid: null } });
  });

  it("shows what has no price as requests and tokens", async () => {
    await served.yard.store.ledger.book([entry({ price: null, model: "own" })]);
    expect(await costs("?from=2026-03-10&to=2026-03-10")).toMatchObject({
      groups: [{ key: "own", requests: 1, unpriced: 1, standard: 0, paid: 0, tokens: { input: 1_000_000 } }],
    });
  });

  it("looks at the last thirty days when not told, and at nothing in an empty ledger", async () => {
    expect(await costs("")).toMatchObject({ rangeDays: 30, groupBy: "model", groups: [], totals: { requests: 0, savingsPercentage: 0 } });
  });

  it.each([
    ["?from=2026-03-11&to=2026-03-10", "out_of_range"],
    ["?from=1990-01-01&to=2026-03-10", "out_of_range"],
    ["?from=yesterday", "invalid_date"],
    ["?groupBy=colour", "invalid_value"],
  ])("refuses %s", async (query, code) => {
    const answer = await served.send({ method: "GET", url: `/api/costs${query}` });
    expect(answer.status).toBe(400);
    expect((answer.json as unknown as { details: { errors: { code: string }[] } }).details.errors[0]!.code).toBe(code);
  });

  it("belong to their tenant", async () => {
    await served.yard.store.ledger.book([entry()]);
    const authorization = `Bearer ${await served.key("admin", "other")}`;
    const answer = await served.send({ method: "GET", url: "/api/costs?from=2026-03-10&to=2026-03-10", headers: { authorization } });
    expect(answer.json).toMatchObject({ totals: { requests: 0 }, groups: [] });
  });
});

describe("the reconciliation of a batch", () => {
  it("has what was charged for it, what no result stands for apart", async () => {
    await served.yard.store.ledger.book([entry({ counted: false }), entry({ counted: false, price: null }), entry()]);
    const answer = await served.send({ method: "GET", url: `/api/batch/${batch}/reconcile` });
    expect(answer.json).toMatchObject({
      reconciliation: {
        ok: true,
        expected: 1,
        settled: 1,
        costs: { requests: 3, uncounted: 2, unpriced: 1, paid: 12.5, paidUncounted: 6.25 },
      },
    });
  });
});
