import { afterEach, describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../src/model/ledger.ts";
import { LOSING, randomFaults } from "../support/openai-peer/faults.ts";
import type { BilledLine } from "../support/openai-peer/record.ts";
import { seeded } from "../support/random.ts";
import { openPair, type Pair } from "../support/campaigns/upstream-campaign.ts";

/** Random schedules for each end. */
const SEEDS = 6;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Nano-dollars a token: an input of 2 and an output of 8 dollars a million. */
const IN = 2_000;
const OUT = 8_000;

let pair: Pair;
afterEach(() => pair.close());

/** What one request is paid with: half of it in a provider's batch. */
function priced(line: BilledLine): { standard: number; paid: number } {
  const standard = line.usage.input * IN + line.usage.output * OUT;
  return { standard, paid: line.batchId === null ? standard : standard / 2 };
}

/** One text for each request, the same for equal ones, whoever counted it. */
const ofBill = (line: BilledLine): string =>
  [
    line.batchId === null ? "online" : "batch",
    line.model,
    line.usage.input,
    line.usage.output,
    priced(line).standard,
    priced(line).paid,
  ].join(" ");
const ofLedger = ({ tier, model, tokens, price }: LedgerEntry): string =>
  [tier, model, tokens.input, tokens.output, price?.standard, price?.paid].join(" ");

/** What becomes of the batch besides the faults of its provider. */
const ENDS = ["runs", "is cancelled", "reaches its deadline", "is hedged", "is asked online"] as const;

describe("the ledger is the provider's bill", () => {
  it.each(ENDS)("line by line and in sum, under random faults, when a batch %s", { timeout: 600_000 }, async (end) => {
    pair = await openPair({ prices: { "*": { input: 2, output: 8 } } });
    const { peer, yard } = pair;
    const tiers = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seeded(seed * 31 + ENDS.indexOf(end));
      const before = await peer.record();
      // What is executed and never told of can be in nobody's books but the provider's.
      const schedule = randomFaults(seed * 5 + ENDS.indexOf(end), { without: LOSING });
      const calls = (schedule.calls ?? []).filter(({ on }) => end !== "is asked online" || on !== "chat.completions");
      await peer.faults({ ...schedule, calls });
      const items = Array.from({ length: 4 + Math.floor(random() * 12) }, (_, i) => ({ id: `i${i}`, text: `${end} ${seed} text ${i}` }));
      const now = yard.clock.now();
      const deadline = new Date(now + HOUR_MS).toISOString();
      const more = {
        runs: {},
        "is cancelled": {},
        "reaches its deadline": { deadline: new Date(now + 20_000 + random() * 60_000).toISOString() },
        "is hedged": { deadline, hedgeMs: HOUR_MS - 10_000 - Math.floor(random() * 40_000) },
        "is asked online": { executor: "openai" },
      }[end];
      const { id } = await yard.createBatch({ operation: "asking", items, options: { retryAttempts: 20, retryBackoffMs: 100, ...more } });
      if (end === "is cancelled") {
        await yard.advance(Math.floor(random() * 60_000));
        await yard.cancelBatch(id).catch(() => {});
      }
      await yard.runToEnd(id, { withinMs: 30 * DAY_MS });
      for (let looks = 0; (await yard.parts.keeper.nextDueAt()) !== null; looks++) {
        if (looks > 5000) throw new Error("attempts are still open");
        await yard.advance(60_000);
      }
      await peer.faults({});
      await peer.up();
      const billed = (await peer.record()).billed.slice(before.billed.length);
      const booked = await yard.parts.store.ledger.lines("default", id, { after: null, limit: 10_000 });
      expect({ seed, lines: booked.map(ofLedger).toSorted() }).toEqual({ seed, lines: billed.map(ofBill).toSorted() });
      const caller = { tenant: "default", actor: "test", role: "viewer", credential: null, address: null } as const;
      const { costs } = await yard.parts.batches.reconcile(caller, id);
      const sum = (of: "standard" | "paid"): number => billed.reduce((all, line) => all + priced(line)[of], 0);
      expect(costs).toMatchObject({ requests: billed.length, unpriced: 0, standard: sum("standard"), paid: sum("paid") });
      for (const { tier } of booked) tiers.set(tier, (tiers.get(tier) ?? 0) + 1);
    }
    // An end that never came about would prove nothing.
    const seen = { "is hedged": ["batch", "online"], "is asked online": ["online"] }[end as string] ?? ["batch"];
    expect([...tiers.keys()].toSorted()).toEqual(seen);
    expect(await yard.parts.store.upkeep.verify({ rebuild: false })).toMatchObject({ findings: [] });
  });
});
