import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { LedgerEntry } from "../../src/model/ledger.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

const BATCHES = ["batch_1", "batch_2"];
const NOON = Date.UTC(2026, 2, 1, 12);
const DAY = 86_400_000;

const entry = fc
  .record({
    batchId: fc.constantFrom(...BATCHES),
    attempt: fc.integer({ min: 0, max: 2 }),
    customId: fc.constantFrom("a", "b", "c", "d"),
    model: fc.constantFrom("gpt-4o", "own"),
    tier: fc.constantFrom("batch" as const, "online" as const),
    day: fc.integer({ min: 0, max: 2 }),
    counted: fc.boolean(),
    input: fc.nat(1_000_000),
    output: fc.nat(1_000_000),
    price: fc.option(fc.record({ standard: fc.nat(2_000_000_000), paid: fc.nat(2_000_000_000) })),
  })
  .map(({ batchId, attempt, day, input, output, price, ...rest }): LedgerEntry => ({
    tenant: "acme",
    batchId,
    operation: "ask",
    attempt: `${batchId}:${attempt}`,
    provider: "openai",
    tokens: { input, cachedInput: input >> 1, cacheWrite: 0, audioInput: 0, output, reasoning: output >> 1, audioOutput: 0 },
    price: price === null ? null : { ...price, factor: "0.5", version: "list 1" },
    at: NOON + day * DAY,
    ...rest,
  }));

/** What the books must say, from the definition: the first of each (attempt, custom id) stands, and is counted if any of them was. */
class Books {
  readonly lines = new Map<string, LedgerEntry>();

  add(booked: LedgerEntry): void {
    const key = `${booked.attempt} ${booked.customId}`;
    const first = this.lines.get(key);
    this.lines.set(key, first === undefined ? booked : { ...first, counted: first.counted || booked.counted });
  }

  /** By any key: requests, tokens and money as exact sums. */
  sums(of: (line: LedgerEntry) => string): Record<string, bigint[]> {
    const sums: Record<string, bigint[]> = {};
    for (const line of this.lines.values()) {
      const each = (sums[of(line)] ??= Array.from({ length: 8 }, () => 0n));
      const { tokens, price, counted } = line;
      const paid = price?.paid ?? 0;
      const values = [
        1,
        price === null ? 1 : 0,
        counted ? 0 : 1,
        tokens.input,
        tokens.output,
        price?.standard ?? 0,
        paid,
        counted ? 0 : paid,
      ];
      for (const [place, value] of values.entries()) each[place]! += BigInt(value);
    }
    return sums;
  }
}

it("the ledger sums what was booked first of each request, however bookings are cut and repeated", async () => {
  const directory = mkdtempSync(join(tmpdir(), "batchyard-ledger-"));
  const booking = fc.record({ entries: fc.array(entry, { minLength: 1, maxLength: 12 }), again: fc.boolean() });
  let runs = 0;
  let repeated = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(booking, { maxLength: 8 }), async (bookings) => {
        const store = openSqliteStore({ directory: join(directory, String(runs++)), synchronous: "NORMAL" });
        try {
          const books = new Books();
          for (const { entries, again } of bookings) {
            repeated += (await store.ledger.book(entries)).repeated;
            for (const each of entries) books.add(each);
            const second = again ? (await store.ledger.book(entries)).booked : 0;
            expect(second).toBe(0);
          }
          const keys = {
            model: (line: LedgerEntry) => line.model,
            tier: (line: LedgerEntry) => line.tier,
            batch: (line: LedgerEntry) => line.batchId,
            day: (line: LedgerEntry) => String(Math.floor(line.at / DAY)),
          };
          for (const [groupBy, of] of Object.entries(keys) as [keyof typeof keys, (line: LedgerEntry) => string][]) {
            const groups = await store.ledger.sums({ tenant: "acme", fromDay: 0, toDay: 1e6, groupBy, limit: 100 });
            const found = groups.map(({ key, sums: s }) => [
              key,
              [s.requests, s.unpriced, s.uncounted, s.tokens.input, s.tokens.output, s.standard, s.paid, s.paidUncounted].map(BigInt),
            ]);
            expect(Object.fromEntries(found)).toEqual(books.sums(of));
          }
          expect((await store.upkeep.verify({ rebuild: false })).findings).toEqual([]);
        } finally {
          await store.close();
        }
      }),
      { numRuns: 60 },
    );
    expect(repeated).toBeGreaterThan(0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
