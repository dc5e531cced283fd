import type { Outcome } from "../../executors/port.ts";
import { setBit } from "../../model/bits.ts";
import type { ErrorCategory } from "../../model/item.ts";
import type { LedgerEntry } from "../../model/ledger.ts";
import { toNanoUsd } from "../../model/money.ts";
import { BatchStats } from "../../model/stats/batch-stats.ts";
import { SuccessBlock } from "../../model/success-block.ts";
import type { ClaimedChunk, Commit, NewFailure } from "../../store/port.ts";
import { milliseconds } from "./result-line.ts";

/** Buffered results are committed early past this, so that memory stays bounded. */
const MAX_BUFFERED_CHARS = 4 * 1024 * 1024;
/** What a buffered ledger entry takes, about. */
const LEDGER_CHARS = 400;

/** An item that is to be tried again. */
export interface Retry {
  /** Index in the chunk. */
  place: number;
  retryAfterMs: number | null;
  category: ErrorCategory;
}

type SettledIn = Pick<ClaimedChunk, "id" | "fence" | "attempt" | "done">;

/** What came of the items of a chunk and is not committed yet. `take` empties it. */
export class SettledItems {
  private readonly chunk: SettledIn;
  /** Items of the chunk that are settled or handed on, committed or not. */
  private readonly done: Uint8Array;
  private successes = new SuccessBlock();
  private failures: NewFailure[] = [];
  private waiting: Retry[] = [];
  private ledger: LedgerEntry[] = [];
  private stats = new BatchStats();
  private cost = 0;
  private chars = 0;

  constructor(chunk: SettledIn) {
    this.chunk = chunk;
    this.done = Uint8Array.from(chunk.done);
  }

  get isEmpty(): boolean {
    return this.successes.count + this.failures.length + this.waiting.length + this.ledger.length === 0;
  }

  /** More than should wait in memory. */
  get isLarge(): boolean {
    return this.chars > MAX_BUFFERED_CHARS;
  }

  get retries(): readonly Retry[] {
    return this.waiting;
  }

  /** `text`: the result as JSON; `paid`: US dollars its request was priced at, undefined where it was not booked. */
  succeeded(place: number, text: string, outcome: Extract<Outcome, { ok: true }>, paid: number | undefined, now: number): void {
    if (outcome.spend === undefined && outcome.cost !== undefined) this.cost += toNanoUsd(outcome.cost);
    this.successes.add({
      item: place,
      text,
      retries: this.chunk.attempt,
      at: now,
      durationMs: milliseconds(outcome.durationMs),
      qualityScore: outcome.qualityScore ?? null,
      cost: (outcome.spend === undefined ? outcome.cost : paid) ?? null,
    });
    this.chars += text.length;
    this.measured(place, outcome);
  }

  failed(place: number, row: NewFailure, outcome: Outcome): void {
    this.failures.push(row);
    this.chars += row.line.length;
    this.measured(place, outcome);
  }

  again(retry: Retry): void {
    setBit(this.done, retry.place);
    this.waiting.push(retry);
  }

  /** A charged request. A `counted` one carries a result of this chunk: its price is part of what the results cost. */
  booked(entry: LedgerEntry): void {
    this.ledger.push(entry);
    this.chars += LEDGER_CHARS;
    if (entry.counted && entry.price !== null) this.cost += entry.price.paid;
  }

  /** Everything so far as a commit; `handedOn`: places that become chunks of their own with it. */
  take(end: Pick<Commit, "end" | "now" | "next" | "availableAt" | "progress">, handedOn: readonly number[]): Commit {
    for (const place of handedOn) setBit(this.done, place);
    const commit: Commit = {
      ...end,
      chunkId: this.chunk.id,
      fence: this.chunk.fence,
      successes: this.successes,
      failures: this.failures,
      done: Uint8Array.from(this.done),
      stats: this.stats,
      cost: this.cost,
      ...(this.ledger.length === 0 ? {} : { ledger: this.ledger }),
      retried: this.waiting.length,
      retriedBy: byCategory(this.waiting),
    };
    this.successes = new SuccessBlock();
    this.failures = [];
    this.waiting = [];
    this.stats = new BatchStats();
    this.ledger = [];
    this.cost = this.chars = 0;
    return commit;
  }

  private measured(place: number, { durationMs, qualityScore }: Outcome): void {
    setBit(this.done, place);
    this.stats.addDuration(durationMs);
    if (qualityScore !== undefined) this.stats.addScore(qualityScore);
  }
}

function byCategory(retries: readonly Retry[]): NonNullable<Commit["retriedBy"]> {
  const counts: Partial<Record<ErrorCategory, number>> = {};
  for (const { category } of retries) counts[category] = (counts[category] ?? 0) + 1;
  return counts;
}
