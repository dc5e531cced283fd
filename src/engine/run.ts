import { hasBit, setBit } from "../model/bits.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError } from "../model/errors.ts";
import { classify, OperationError } from "../model/failure.ts";
import { unreadable } from "../operations/rows.ts";
import { isRetryable, joinLines, parseLines, splitLines, type Item, type ErrorCategory } from "../model/item.ts";
import { toNanoUsd, toUsd, type NanoUsd } from "../model/money.ts";
import { ONLINE, runsUpstream } from "../model/upstream.ts";
import { StoredBlock, SuccessBlock } from "../model/success-block.ts";
import { BatchStats } from "../model/stats/batch-stats.ts";
import type { Pricing } from "../money/pricing.ts";
import type { ChunkWork, Executor, Outcome, RunControl, Spend } from "../executors/port.ts";
import type { Operation } from "../operations/operation.ts";
import type { LedgerEntry } from "../model/ledger.ts";
import type { BatchRow } from "../model/batch.ts";
import type { ClaimedChunk, Commit, CommitOutcome, NewChunk, NewFailure, Store } from "../store/port.ts";
import { backoffMs } from "./backoff.ts";
import type { Breakers } from "./breaker.ts";
import type { Budget } from "./budget.ts";
import { ledgerEntry } from "./ledger-entry.ts";
import type { RateLimit } from "./rate-limit.ts";
import { RunTally } from "./run-tally.ts";
import { MAX_ANSWER_CHARS, MAX_RESULT_CHARS, failureRow, milliseconds, resultText } from "./result-line.ts";

/** Results waiting longer than this are committed under the same lease: a crash repeats at most this much work. */
const CHECKPOINT_MS = 1000;
/** The same for a chunk whose worker died before: where processes die every few hundred milliseconds, work still gets done. */
const SUSPECT_CHECKPOINT_MS = 100;
/** A commit that the disk refused is tried again after this long, for as long as the lease is held. */
const FULL_DISK_RETRY_MS = 1000;
/** A chunk whose size the engine chose is cut after this long, so that others get its slot and its rest gets a fitting size. */
const CUT_AFTER_MS = 2000;
/** What a piece of a cut chunk should take. */
const PIECE_MS = 1500;
const MAX_PIECES = 64;
/** Buffered results are committed early past this, so that memory stays bounded. */
const MAX_BUFFERED_CHARS = 4 * 1024 * 1024;
/** What a buffered ledger entry takes, about. */
const LEDGER_CHARS = 400;

export interface RunLimits {
  retryAttempts: number;
  retryBackoffMs: number;
  timeoutMs: number;
  lanes: number;
}

export interface RunHooks {
  clock: Clock;
  random: () => number;
  store: Store;
  breakers: Breakers;
  rateLimit: RateLimit | null;
  pricing: Pricing;
  /** Null: the batch may spend any amount. */
  budget: Budget | null;
  limits: RunLimits;
  /** This run as a span of a trace; null = it belongs to none. */
  traceparent: string | null;
  operation: Operation;
  options: unknown;
  /** May a batch.progress event be written now? */
  progressDue(batchId: string): boolean;
  /** A commit was refused for want of space; it will be tried again. */
  deferred(error: unknown): void;
  /** Result lines that were just committed. */
  settled(batch: BatchRow, lines: () => string[]): void;
}

interface Retry {
  /** Index in the chunk. */
  place: number;
  retryAfterMs: number | null;
  category: ErrorCategory;
}

/**
 * One chunk under one lease. Modes: running → (stopping) → ended. While running, items settle into a buffer; checkpoints
 * commit the buffer under the lease; the end commits the rest together with the successors. `stopping` starts nothing
 * more and hands back what was not started; `lost` also aborts what runs. Results that come in spite of that are sent to the
 * store, which refuses them and counts them as late.
 */
export class Run implements RunControl {
  readonly chunk: ClaimedChunk;
  private readonly hooks: RunHooks;
  private readonly controller = new AbortController();
  /** Aborted as soon as nothing more may start: ends waiting for the rate limit. */
  private readonly halted = new AbortController();
  private readonly startedAt: number;
  /** Indexes (in the chunk) of the items this run works on, in the order of work.items. */
  private readonly places: number[];
  private readonly items: Item[];
  private readonly done: Uint8Array;
  private waiting: Retry[] = [];
  /** Per item of this run: it has an outcome already. */
  private readonly answered: Uint8Array;
  private settledItems = 0;
  /** What this run has done, for its span. */
  readonly tally = new RunTally();
  private measured = 0;
  private measuredMs = 0;
  private successes = new SuccessBlock();
  private chars = 0;
  private failures: NewFailure[] = [];
  private stats = new BatchStats();
  private cost = 0;
  private ledger: LedgerEntry[] = [];
  /** Paid since the last commit, whether a result carries it or not. */
  private paid: NanoUsd = 0;
  /** What the budget keeps free for items on their way, by their index. */
  private readonly promised = new Map<number, NanoUsd>();
  private commits: Promise<void> = Promise.resolve();
  private last: CommitOutcome | null = null;
  private stopped = false;
  private cut = false;
  private deferredUntil: number | null = null;
  private pieces: readonly (readonly number[])[] | null = null;
  private lostLease = false;
  private ended = false;
  /** Late results are on their way to the store. */
  private lateSent = false;

  constructor(chunk: ClaimedChunk, hooks: RunHooks) {
    this.chunk = chunk;
    this.hooks = hooks;
    this.startedAt = hooks.clock.now();
    this.done = Uint8Array.from(chunk.done);
    const payloads = parseLines(chunk.body);
    this.places = [];
    this.items = [];
    for (const [place, key] of chunk.keys.entries()) {
      if (hasBit(this.done, place)) continue;
      const item = { key, payload: payloads[place] };
      const fault = unreadable(item);
      if (fault === null) {
        this.places.push(place);
        this.items.push(item);
      } else {
        // A row that could not be read fails with its own fault and reaches no handler.
        this.failFinally(place, key, {
          ok: false,
          ...classify(new OperationError(fault.error, { code: fault.code, category: "data" })),
          durationMs: 0,
        });
      }
    }
    this.answered = new Uint8Array(this.items.length);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get stopping(): boolean {
    return this.stopped || this.cut;
  }

  get lost(): boolean {
    return this.lostLease;
  }

  /** Milliseconds an item took on average in this run; null when none was measured. */
  get meanMs(): number | null {
    return this.measured === 0 ? null : this.measuredMs / this.measured;
  }

  /** Keys of the items this run works on, by the index that settle takes. */
  openKeys(): string[] {
    return this.items.map((item) => item.key);
  }

  /** Everything enqueued is committed; false when the lease was lost. */
  async flushed(): Promise<boolean> {
    await this.commits;
    return !this.lostLease;
  }

  /** Starts nothing more; what runs may end. The rest goes back without costing an attempt. */
  stop(): void {
    this.stopped = true;
    this.halted.abort();
  }

  /** Ends what runs, by signal; items without an answer go back. */
  abort(): void {
    this.stop();
    this.controller.abort(new DOMException("The batch was stopped", "AbortError"));
  }

  /** The lease is gone or the batch has ended: nothing of this run will be written any more. */
  loseLease(): void {
    this.lostLease = true;
    this.abort();
  }

  afford(requests: readonly { index: number; estimate: NanoUsd | null }[]): boolean {
    const { budget } = this.hooks;
    if (budget === null) return true;
    let sum = 0;
    for (const { estimate } of requests) {
      if (estimate === null) return false;
      sum += estimate;
    }
    if (!budget.promise(sum)) return false;
    for (const { index, estimate } of requests) this.promised.set(index, (this.promised.get(index) ?? 0) + estimate!);
    return true;
  }

  /** The request of this item is answered, or will never be sent. */
  private release(index: number): void {
    const estimate = this.promised.get(index);
    if (estimate === undefined) return;
    this.promised.delete(index);
    this.hooks.budget?.release(estimate);
  }

  /** Money was spent; when it was the last of the budget, nothing more is started. */
  private pay(amount: NanoUsd): void {
    const { budget } = this.hooks;
    if (budget === null) return;
    this.paid += amount;
    budget.pay(amount);
    if (budget.spent) this.stop();
  }

  admit(): Promise<void> | null {
    return this.hooks.rateLimit?.admit(this.halted.signal) ?? null;
  }

  defer(until: number): void {
    this.deferredUntil = until;
  }

  split(groups: readonly (readonly number[])[]): void {
    this.pieces = groups;
  }

  /** Runs the items and commits. Returns the last commit's outcome; null when the lease was lost. */
  async execute(executor: Executor): Promise<CommitOutcome | null> {
    const { hooks, chunk } = this;
    const work: ChunkWork = {
      tenant: chunk.tenant,
      batchId: chunk.batchId,
      epoch: chunk.epoch,
      chunkId: chunk.id,
      fence: chunk.fence,
      attempt: chunk.attempt,
      operation: hooks.operation,
      options: hooks.options,
      runOptions: chunk.batch.options,
      deadlineAt: chunk.batch.deadlineAt,
      items: this.items,
      places: this.places,
      lanes: hooks.limits.lanes,
      timeoutMs: hooks.limits.timeoutMs,
      traceparent: hooks.traceparent,
    };
    let cancelTimer = (): void => {};
    const tick = (): void => {
      cancelTimer = hooks.clock.after(chunk.crashes > 0 ? SUSPECT_CHECKPOINT_MS : CHECKPOINT_MS, () => {
        this.checkpoint();
        tick();
      });
    };
    tick();
    try {
      if (this.items.length > 0) await executor.run(work, this);
    } finally {
      cancelTimer();
    }
    return this.finish();
  }

  settle(index: number, outcome: Outcome): void {
    this.release(index);
    if (this.answered[index] === 1 || this.lostLease || this.ended) return this.tooLate(index, outcome);
    this.answered[index] = 1;
    this.settledItems += 1;
    const final = this.record(index, outcome);
    if (!final.ok) this.fail(index, final);
    if (this.chars > MAX_BUFFERED_CHARS) this.checkpoint();
  }

  spent(spend: Spend & { customId: string }): void {
    this.book(spend, spend.customId, false);
    this.sendLate();
  }

  /**
   * What is aborted fails, which says nothing. A result all the same is for the store to refuse, and to count; what any answer
   * cost is booked.
   */
  private tooLate(index: number, outcome: Outcome): void {
    if (this.answered[index] === 0 && this.lostLease && outcome.ok) {
      this.answered[index] = 1;
      this.record(index, outcome);
    } else this.book(outcome.spend, this.items[index]!.key, false);
    this.sendLate();
  }

  /** After the last commit there is one more for whatever came since. */
  private sendLate(): void {
    if (!this.ended || this.lateSent) return;
    this.lateSent = true;
    queueMicrotask(() => {
      this.lateSent = false;
      this.enqueue("release", [], true);
      this.commits.catch((error: unknown) => this.hooks.deferred(error));
    });
  }

  /** Books a charged request with the next commit. Returns what was paid in US dollars; undefined without a price. */
  private book(spend: Spend | undefined, key: string, counted: boolean): number | undefined {
    if (spend === undefined) return undefined;
    const { tenant, batchId } = this.chunk;
    const now = this.hooks.clock.now();
    const entry = ledgerEntry(spend, { tenant, batchId, operation: this.hooks.operation.name, key, now }, counted, this.hooks.pricing);
    this.ledger.push(entry);
    this.chars += LEDGER_CHARS;
    if (entry.price === null) return undefined;
    this.pay(entry.price.paid);
    if (counted) this.cost += entry.price.paid;
    return toUsd(entry.price.paid);
  }

  /** Writes a success; returns the outcome, turned into a failure when its result cannot be kept. */
  private record(index: number, outcome: Outcome): Outcome {
    if (!outcome.ok) return outcome;
    const text = resultText(outcome.result, this.hooks.operation.requests === undefined ? MAX_RESULT_CHARS : MAX_ANSWER_CHARS);
    if (typeof text !== "string")
      return { ok: false, ...text, category: "permanent", durationMs: outcome.durationMs, spend: outcome.spend };
    const place = this.places[index]!;
    const paid = this.book(outcome.spend, this.items[index]!.key, true);
    if (outcome.spend === undefined && outcome.cost !== undefined) {
      this.cost += toNanoUsd(outcome.cost);
      this.pay(toNanoUsd(outcome.cost));
    }
    this.successes.add({
      item: place,
      text,
      retries: this.chunk.attempt,
      at: this.hooks.clock.now(),
      durationMs: milliseconds(outcome.durationMs),
      qualityScore: outcome.qualityScore ?? null,
      cost: (outcome.spend === undefined ? outcome.cost : paid) ?? null,
    });
    this.chars += text.length;
    setBit(this.done, place);
    this.tally.succeeded += 1;
    this.stats.addDuration(outcome.durationMs);
    if (outcome.qualityScore !== undefined) this.stats.addScore(outcome.qualityScore);
    this.measure(outcome);
    this.hooks.breakers.succeeded(this.hooks.operation.name);
    return outcome;
  }

  private fail(index: number, outcome: Extract<Outcome, { ok: false }>): void {
    const place = this.places[index]!;
    // Several items in a row that fail for the same outside reason: start no more of this chunk, the breaker defers it.
    // What a provider did with a line hours ago says nothing about now.
    // And what is asked of a model has a breaker of its own.
    const { executor } = this.chunk.batch;
    if (
      !runsUpstream(executor) &&
      executor !== ONLINE &&
      this.hooks.breakers.failed(this.hooks.operation.name, { ...outcome, tenant: this.chunk.tenant })
    )
      this.stop();
    if (this.retries(outcome)) {
      setBit(this.done, place);
      this.tally.retries(outcome.code);
      this.book(outcome.spend, this.items[index]!.key, false);
      this.waiting.push({ place, retryAfterMs: outcome.retryAfterMs ?? null, category: outcome.category });
      return;
    }
    this.failFinally(place, this.items[index]!.key, outcome);
    this.measure(outcome);
  }

  /** Is this failure worth another try, and is one left? */
  retries(outcome: Extract<Outcome, { ok: false }>): boolean {
    return isRetryable(outcome.category) && this.chunk.attempt < this.hooks.limits.retryAttempts;
  }

  private failFinally(place: number, key: string, outcome: Extract<Outcome, { ok: false }>): void {
    const paid = this.book(outcome.spend, key, true);
    const row = failureRow(key, place, outcome, this.chunk.attempt, this.hooks.clock.now(), paid);
    this.failures.push(row);
    this.tally.fails(outcome.code);
    this.chars += row.line.length;
    setBit(this.done, place);
    this.stats.addDuration(outcome.durationMs);
    if (outcome.qualityScore !== undefined) this.stats.addScore(outcome.qualityScore);
  }

  private measure(outcome: Outcome): void {
    this.measured += 1;
    this.measuredMs += outcome.durationMs;
  }

  /** Commits what is buffered, keeping the lease. Commits go one after another. */
  checkpoint(): void {
    const elapsed = this.hooks.clock.now() - this.startedAt;
    const open = this.items.length - this.settledItems;
    const mayCut = this.chunk.batch.options.batchSize === undefined && !runsUpstream(this.chunk.batch.executor);
    if (mayCut && elapsed >= CUT_AFTER_MS && open > this.hooks.limits.lanes) this.cutShort();
    if (this.successes.count + this.failures.length + this.waiting.length + this.ledger.length === 0) return;
    this.enqueue("checkpoint");
  }

  private cutShort(): void {
    this.cut = true;
    this.halted.abort();
  }

  /** Commits the rest: the chunk ends, or goes back with the items that have no answer. Null when the lease was lost. */
  async finish(): Promise<CommitOutcome | null> {
    this.ended = true;
    for (const index of this.promised.keys()) this.release(index);
    const unanswered = this.places.filter((_, index) => this.answered[index] === 0);
    const handOn = this.handedOn(unanswered);
    this.enqueue(unanswered.length > handOn.flat().length ? "release" : "finish", handOn);
    await this.commits;
    return this.lostLease ? null : this.last;
  }

  /** Places of open items that become chunks of their own, by chunk. */
  private handedOn(unanswered: readonly number[]): number[][] {
    if (this.pieces !== null) {
      const open = (group: readonly number[]): number[] =>
        group.filter((index) => this.answered[index] === 0).map((index) => this.places[index]!);
      return this.pieces.map(open).filter((group) => group.length > 0);
    }
    if (!this.cut) return [];
    const size = this.pieceSize(unanswered.length);
    const groups: number[][] = [];
    for (let i = 0; i < unanswered.length; i += size) groups.push(unanswered.slice(i, i + size));
    return groups;
  }

  private enqueue(end: "checkpoint" | "finish" | "release", handOn: readonly number[][] = [], afterEnd = false): void {
    const { paid } = this;
    const commit = this.take(end, handOn);
    this.paid = 0;
    this.commits = this.commits.then(async () => {
      if ((this.lostLease || afterEnd) && commit.successes.count + commit.failures.length === 0) return this.booked(commit, paid);
      this.last = await this.written(() => this.hooks.store.chunks.commit(commit));
      this.hooks.budget?.settled(paid, this.last.batch?.cost);
      this.told(this.last, commit);
    });
    // A commit that fails surfaces where the commits are awaited.
    this.commits.catch(() => {});
  }

  /** Results are kept until the disk takes them: giving up would throw away work that is done. An abort ends the wait. */
  private async written<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof BatchyardError && error.code === "storage_full") || this.signal.aborted) throw error;
        this.hooks.deferred(error);
        await this.pause(FULL_DISK_RETRY_MS);
      }
    }
  }

  /** There is no chunk to commit to any more, but money was spent. */
  private async booked({ ledger }: Commit, paid: NanoUsd): Promise<void> {
    if (ledger !== undefined) await this.written(() => this.hooks.store.ledger.book(ledger.map((entry) => ({ ...entry, counted: false }))));
    this.hooks.budget?.settled(paid, undefined);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        cancel();
        this.signal.removeEventListener("abort", over);
        resolve();
      };
      const cancel = this.hooks.clock.after(ms, over);
      this.signal.addEventListener("abort", over);
    });
  }

  private told(outcome: CommitOutcome, commit: Commit): void {
    if (!outcome.accepted) this.loseLease();
    else if (outcome.batch !== null) this.hooks.settled(outcome.batch, () => this.linesOf(commit));
  }

  /** The ItemResults of a commit, for whoever watches single items. */
  private linesOf({ successes, failures }: Commit): string[] {
    const block = new StoredBlock(successes.encode(), successes.body());
    return [...block.lines(this.chunk.keys), ...failures.map((failure) => failure.line)];
  }

  private take(end: Commit["end"], handOn: readonly number[][]): Commit {
    const next = this.successors(handOn);
    for (const place of handOn.flat()) setBit(this.done, place);
    const commit: Commit = {
      chunkId: this.chunk.id,
      fence: this.chunk.fence,
      now: this.hooks.clock.now(),
      successes: this.successes,
      failures: this.failures,
      done: Uint8Array.from(this.done),
      stats: this.stats,
      cost: this.cost,
      ...(this.ledger.length === 0 ? {} : { ledger: this.ledger }),
      next,
      retried: this.waiting.length,
      retriedBy: byCategory(this.waiting),
      end,
      ...(end === "release" && this.deferredUntil !== null ? { availableAt: this.deferredUntil } : {}),
      progress: this.hooks.progressDue(this.chunk.batchId),
    };
    this.successes = new SuccessBlock();
    this.failures = [];
    this.waiting = [];
    this.stats = new BatchStats();
    this.ledger = [];
    this.cost = this.chars = 0;
    return commit;
  }

  /** The retries since the last commit as one chunk, and what is handed on. */
  private successors(handOn: readonly number[][]): NewChunk[] {
    if (this.waiting.length + handOn.length === 0) return [];
    const texts = splitLines(this.chunk.body);
    const now = this.hooks.clock.now();
    const chunkOf = (places: number[], attempt: number, availableAt: number): NewChunk => ({
      position: this.chunk.position,
      keys: places.map((place) => this.chunk.keys[place]!),
      body: joinLines(places.map((place) => texts[place]!)),
      attempt,
      availableAt,
      crashes: 0,
    });
    const chunks = handOn.map((places) => chunkOf(places, this.chunk.attempt, now));
    if (this.waiting.length > 0) {
      const retryAfterMs = Math.max(...this.waiting.map((retry) => retry.retryAfterMs ?? 0));
      const wait = backoffMs(this.chunk.attempt, this.hooks.limits.retryBackoffMs, retryAfterMs, this.hooks.random);
      chunks.push(
        chunkOf(
          this.waiting.map((retry) => retry.place),
          this.chunk.attempt + 1,
          now + wait,
        ),
      );
    }
    return chunks;
  }

  private pieceSize(rest: number): number {
    if (this.settledItems === 0) return Math.max(1, rest);
    const elapsed = Math.max(1, this.hooks.clock.now() - this.startedAt);
    const fitting = Math.floor((this.settledItems / elapsed) * PIECE_MS);
    return Math.max(1, this.hooks.limits.lanes, fitting, Math.ceil(rest / MAX_PIECES));
  }
}

function byCategory(retries: readonly Retry[]): NonNullable<Commit["retriedBy"]> {
  const counts: Partial<Record<ErrorCategory, number>> = {};
  for (const { category } of retries) counts[category] = (counts[category] ?? 0) + 1;
  return counts;
}
