import { describe, expect, it } from "vitest";
import { hasBit, newBits, setBit } from "../../model/bits.ts";
import type { LedgerEntry } from "../../model/ledger.ts";
import type { NewFailure } from "../../store/port.ts";
import { SettledItems } from "./settled-items.ts";

const NOW = 1_000;
const END: Parameters<SettledItems["take"]>[0] = { end: "checkpoint", now: NOW, next: [], progress: false };
const failure: NewFailure = { nodeId: "b", index: 1, fingerprint: "f", error: "no", code: "no", category: "permanent", line: "{}" };
const price = { paid: 250, standard: 500 } as LedgerEntry["price"];
const entry = (counted: boolean): LedgerEntry => ({ counted, price }) as LedgerEntry;

const settledIn = (done = newBits(8)): SettledItems => new SettledItems({ id: 7, fence: 3, attempt: 1, done });
const placesOf = (bits: Uint8Array): number[] => Array.from({ length: 8 }, (_, place) => place).filter((place) => hasBit(bits, place));

describe("what came of a chunk's items", () => {
  it("is taken by one commit, and the next begins anew with what is done", () => {
    const before = newBits(8);
    setBit(before, 7);
    const settled = settledIn(before);
    expect(settled.isEmpty).toBe(true);
    settled.succeeded(0, "1", { ok: true, result: 1, durationMs: 5, qualityScore: 0.5, cost: 0.000001 }, undefined, NOW);
    settled.failed(1, failure, { ok: false, error: "no", code: "no", category: "permanent", durationMs: 7 });
    settled.again({ place: 2, retryAfterMs: null, category: "transient" });
    settled.again({ place: 3, retryAfterMs: 50, category: "transient" });
    expect([settled.isEmpty, settled.retries.length]).toEqual([false, 2]);

    const first = settled.take(END, [4]);
    expect(first).toMatchObject({ chunkId: 7, fence: 3, failures: [failure], cost: 1_000, retried: 2, retriedBy: { transient: 2 } });
    expect([first.successes.count, first.ledger, placesOf(first.done)]).toEqual([1, undefined, [0, 1, 2, 3, 4, 7]]);

    expect([settled.isEmpty, settled.retries]).toEqual([true, []]);
    settled.succeeded(5, "1", { ok: true, result: 1, durationMs: 5 }, undefined, NOW);
    const second = settled.take(END, []);
    expect(second).toMatchObject({ failures: [], cost: 0, retried: 0, retriedBy: {} });
    expect(placesOf(second.done)).toEqual([0, 1, 2, 3, 4, 5, 7]);
    // What a commit took is its own.
    expect(placesOf(first.done)).toEqual([0, 1, 2, 3, 4, 7]);
  });

  it("costs what its own requests cost: those that carry no result of it are booked and add nothing", () => {
    const settled = settledIn();
    settled.booked(entry(true));
    settled.booked(entry(false));
    expect(settled.isEmpty).toBe(false);
    expect(settled.take(END, [])).toMatchObject({ cost: 250, ledger: [{ counted: true }, { counted: false }] });
  });

  it("is large past a few megabytes, until it is taken", () => {
    const settled = settledIn();
    settled.succeeded(0, "x".repeat(4 * 1024 * 1024 + 1), { ok: true, result: 1, durationMs: 5 }, undefined, NOW);
    expect(settled.isLarge).toBe(true);
    settled.take(END, []);
    expect(settled.isLarge).toBe(false);
  });
});
