import { hasBit } from "../../model/bits.ts";
import type { Clock } from "../../model/clock.ts";
import { classify, OperationError } from "../../model/failure.ts";
import { unreadable } from "../../operations/rows.ts";
import { isRetryable, parseLines, type Item } from "../../model/item.ts";
import { toNanoUsd, toUsd, type NanoUsd } from "../../model/money.ts";
import { ONLINE, runsUpstream } from "../../model/upstream.ts";
import { StoredBlock } from "../../model/success-block.ts";
import type { Pricing } from "../../money/pricing.ts";
import type { ChunkWork, Executor, Outcome, RunControl, Spend } from "../../executors/port.ts";
import type { Operation } from "../../operations/operation.ts";
import type { BatchRow } from "../../model/batch.ts";
import type { ClaimedChunk, Commit, CommitOutcome, Store } from "../../store/port.ts";
import type { Breakers } from "../limits/breaker.ts";
import type { Budget } from "../limits/budget.ts";
import { CommitQueue } from "./commit-queue.ts";
import { ledgerEntry } from "./ledger-entry.ts";
import type { RateLimit } from "../limits/rate-limit.ts";
import { RunBudget } from "./run-budget.ts";
import { RunTally } from "./run-tally.ts";
import { MAX_ANSWER_CHARS, MAX_RESULT_CHARS, failureRow, resultText } from "./result-line.ts";
import { SettledItems } from "./settled-items.ts";
import { pieces, successors } from "./successors.ts";

/** Results waiting longer than this are committed under the same lease: a crash repeats at most this much work. */
const CHECKPOINT_MS = 1000;
/** The same for a chunk whose worker died before: where processes die every few hundred milliseconds, work still gets done. */
const SUSPECT_CHECKPOINT_MS = 100;
/** A chunk whose size the engine chose is cut after this long, so that others get its slot and its rest gets a fitting size. */
const CUT_AFTER_MS = 2000;

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
  private readonly settled: SettledItems;
  /** Per item of this run: it has an outcome already. */
  private readonly answered: Uint8Array;
  private settledItems = 0;
  /** What this run has done, for its span. */
  readonly tally = new RunTally();
  private measured = 0;
  private measuredMs = 0;
  private readonly budget: RunBudget;
  private readonly commits: CommitQueue;
  private stopped = false;
  private cut = false;
  private deferredUntil: number | null = null;
  private groups: readonly (readonly number[])[] | null = null;
  private lostLease = false;
  private ended = false;
  /** Late results are on their way to the store. */
  private lateSent = false;

  constructor(chunk: ClaimedChunk, hooks: RunHooks) {
    this.chunk = chunk;
    this.hooks = hooks;
    this.startedAt = hooks.clock.now();
    this.settled = new SettledItems(chunk);
    this.budget = new RunBudget(hooks.budget);
    this.commits = new CommitQueue({
      store: hooks.store,
      clock: hooks.clock,
      budget: this.budget,
      signal: this.controller.signal,
      deferred: (error) => hooks.deferred(error),
      told: (outcome, commit) => this.told(outcome, commit),
    });
    const payloads = parseLines(chunk.body);
    this.places = [];
    this.items = [];
    for (const [place, key] of chunk.keys.entries()) {
      if (hasBit(chunk.done, place)) continue;
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
    await this.commits.written;
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
    return this.budget.promise(requests);
  }

  /** Money was spent; when it was the last of the budget, nothing more is started. */
  private pay(amount: NanoUsd): void {
    if (this.budget.pay(amount)) this.stop();
  }

  admit(): Promise<void> | null {
    return this.hooks.rateLimit?.admit(this.halted.signal) ?? null;
  }

  defer(until: number): void {
    this.deferredUntil = until;
  }

  split(groups: readonly (readonly number[])[]): void {
    this.groups = groups;
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
    this.budget.release(index);
    if (this.answered[index] === 1 || this.lostLease || this.ended) return this.tooLate(index, outcome);
    this.answered[index] = 1;
    this.settledItems += 1;
    const final = this.record(index, outcome);
    if (!final.ok) this.fail(index, final);
    if (this.settled.isLarge) this.checkpoint();
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
      this.commits.written.catch((error: unknown) => this.hooks.deferred(error));
    });
  }

  /** Books a charged request with the next commit. Returns what was paid in US dollars; undefined without a price. */
  private book(spend: Spend | undefined, key: string, counted: boolean): number | undefined {
    if (spend === undefined) return undefined;
    const { tenant, batchId } = this.chunk;
    const now = this.hooks.clock.now();
    const entry = ledgerEntry(spend, { tenant, batchId, operation: this.hooks.operation.name, key, now }, counted, this.hooks.pricing);
    this.settled.booked(entry);
    if (entry.price === null) return undefined;
    this.pay(entry.price.paid);
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
    if (outcome.spend === undefined && outcome.cost !== undefined) this.pay(toNanoUsd(outcome.cost));
    this.settled.succeeded(place, text, outcome, paid, this.hooks.clock.now());
    this.tally.succeeded += 1;
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
      this.tally.retries(outcome.code);
      this.book(outcome.spend, this.items[index]!.key, false);
      this.settled.again({ place, retryAfterMs: outcome.retryAfterMs ?? null, category: outcome.category });
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
    this.settled.failed(place, row, outcome);
    this.tally.fails(outcome.code);
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
    if (!this.settled.isEmpty) this.enqueue("checkpoint");
  }

  private cutShort(): void {
    this.cut = true;
    this.halted.abort();
  }

  /** Commits the rest: the chunk ends, or goes back with the items that have no answer. Null when the lease was lost. */
  async finish(): Promise<CommitOutcome | null> {
    this.ended = true;
    this.budget.releaseAll();
    const unanswered = this.places.filter((_, index) => this.answered[index] === 0);
    const handOn = this.handedOn(unanswered);
    this.enqueue(unanswered.length > handOn.flat().length ? "release" : "finish", handOn);
    await this.commits.written;
    return this.lostLease ? null : this.commits.last;
  }

  /** Places of open items that become chunks of their own, by chunk. */
  private handedOn(unanswered: readonly number[]): number[][] {
    if (this.groups !== null) {
      const open = (group: readonly number[]): number[] =>
        group.filter((index) => this.answered[index] === 0).map((index) => this.places[index]!);
      return this.groups.map(open).filter((group) => group.length > 0);
    }
    if (!this.cut) return [];
    const { clock, limits } = this.hooks;
    return pieces(unanswered, { settled: this.settledItems, elapsedMs: clock.now() - this.startedAt, lanes: limits.lanes });
  }

  private enqueue(end: "checkpoint" | "finish" | "release", handOn: readonly number[][] = [], afterEnd = false): void {
    const { retryBackoffMs } = this.hooks.limits;
    const now = this.hooks.clock.now();
    const commit = this.settled.take(
      {
        end,
        now,
        next: successors(this.chunk, { handOn, retries: this.settled.retries }, { now, retryBackoffMs, random: this.hooks.random }),
        ...(end === "release" && this.deferredUntil !== null ? { availableAt: this.deferredUntil } : {}),
        progress: this.hooks.progressDue(this.chunk.batchId),
      },
      handOn.flat(),
    );
    this.commits.add(commit, this.budget.take(), () => this.lostLease || afterEnd);
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
}
