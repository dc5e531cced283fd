import type { Clock } from "../model/clock.ts";
import type { BatchRow } from "../model/batch.ts";
import { runsUpstream } from "../model/upstream.ts";
import { lanesPerChunk, ownOptions } from "../batches/options.ts";
import { toNanoUsd } from "../model/money.ts";
import type { Pricing } from "../money/pricing.ts";
import type { Executor } from "../executors/port.ts";
import { breathe, breatheDue } from "../executors/handler/breather.ts";
import { executorFor, type Executors } from "../executors/registry.ts";
import type { Registry } from "../operations/registry.ts";
import type { Tracing } from "../tracing/port.ts";
import type { ClaimedChunk, Store } from "../store/port.ts";
import { bisect } from "./bisection.ts";
import type { Breakers } from "./limits/breaker.ts";
import { Budget } from "./limits/budget.ts";
import type { ChunkHint, Dispatcher } from "./dispatcher/port.ts";
import { RateLimit } from "./limits/rate-limit.ts";
import { attemptSpan } from "./attempt-span.ts";
import type { Speeds } from "./speeds.ts";
import { Run, type RunHooks, type RunLimits } from "./run/run.ts";

/** The operation was changed since the batch was created, and no longer takes its options: no handler may see them. */
function refusing(fault: Error): Executor {
  const error = `The operation no longer accepts the options of this batch: ${fault.message}`;
  return {
    kind: "handler",
    async run(work, control) {
      for (const index of work.items.keys())
        control.settle(index, { ok: false, error, code: "options_refused", category: "configuration", durationMs: 0 });
    },
  };
}

/** After the store failed, a slot rests this long. */
const STORE_RETRY_MS = 1000;

export interface WorkerSettings {
  id: string;
  /** Chunks at once. */
  slots: number;
  /** More chunks at once for batches that would wait behind others of lower priority, or that have nothing running yet. */
  expressSlots: number;
  leaseMs: number;
  /** Items of a chunk in flight unless the batch or its operation says otherwise. */
  lanes: number;
  retryAttempts: number;
  retryBackoffMs: number;
  timeoutMs: number;
}

export interface WorkerParts {
  settings: WorkerSettings;
  store: Store;
  dispatcher: Dispatcher;
  breakers: Breakers;
  executors: Executors;
  registry: Registry;
  clock: Clock;
  random: () => number;
  speeds: Speeds;
  pricing: Pricing;
  tracing: Pick<Tracing, "attempt">;
  /** A chunk left: the feeder may send it again, and should look for more. */
  released(chunkId: number): void;
  progressDue(batchId: string): boolean;
  settled(batch: BatchRow, lines: () => string[]): void;
  /** The store could not be read or written. */
  failed(error: unknown): void;
}

interface Slot {
  hint: ChunkHint;
  run: Run | null;
}

/** Leases chunks and runs them. */
export class Worker {
  readonly settings: WorkerSettings;
  private readonly parts: WorkerParts;
  private readonly slots = new Map<number, Slot>();
  private readonly limits = new Map<string, RateLimit>();
  private readonly budgets = new Map<string, Budget>();
  private draining = false;
  /** Somebody wants it to start nothing for now; what runs goes on. */
  held = false;
  private idle: (() => void)[] = [];
  private used = 0;
  /** Chunks that were claimed and have left, since the start. */
  ended = 0;
  private usedTo: number;

  constructor(parts: WorkerParts) {
    this.settings = parts.settings;
    this.parts = parts;
    this.usedTo = parts.clock.now();
  }

  get running(): number {
    return this.slots.size;
  }

  batchesRunning(): string[] {
    return [...new Set([...this.slots.values()].map((slot) => slot.hint.batchId))];
  }

  /** Milliseconds that slots have been in use since the start, added up over all of them. */
  get usedMs(): number {
    this.clockUse();
    return this.used;
  }

  private clockUse(): void {
    const now = this.parts.clock.now();
    this.used += this.slots.size * Math.max(0, now - this.usedTo);
    this.usedTo = now;
  }

  /** What runs, and whether it waits for its batch's own rate limit. */
  runs(): { tenant: string; operation: string; limited: boolean }[] {
    return [...this.slots.values()].flatMap(({ run }) => {
      if (run === null) return [];
      const { tenant, batchId, batch } = run.chunk;
      return [{ tenant, operation: batch.operation, limited: this.limits.get(batchId)?.holds === true }];
    });
  }

  /** Starts as many chunks as there is room for. */
  pump(): void {
    while (!this.draining && !this.held) {
      const hint = this.parts.dispatcher.take((candidate) => this.hasRoomFor(candidate));
      if (hint === null) return;
      void this.work(hint);
    }
  }

  /** Leases held, for renewal. */
  leases(): { chunkId: number; fence: number }[] {
    return [...this.slots.values()]
      .filter((slot) => slot.run !== null)
      .map((slot) => ({ chunkId: slot.run!.chunk.id, fence: slot.run!.chunk.fence }));
  }

  /** What was not renewed is lost: its results would be refused. */
  keepOnly(held: readonly number[]): void {
    const kept = new Set(held);
    for (const slot of this.slots.values()) {
      if (slot.run !== null && !kept.has(slot.run.chunk.id)) slot.run.loseLease();
    }
  }

  /** Its lease was taken away. */
  lose(chunkId: number): void {
    this.slots.get(chunkId)?.run?.loseLease();
  }

  /** The batch was paused, cancelled or ended: stop at once what may not go on. */
  batchChanged(batch: Pick<BatchRow, "id" | "status">): void {
    for (const slot of this.slots.values()) {
      if (slot.hint.batchId !== batch.id || slot.run === null) continue;
      if (batch.status === "paused") slot.run.stop();
      else if (batch.status !== "running" && batch.status !== "pending") slot.run.loseLease();
    }
  }

  /** Commits what the runs of a batch have finished so far. */
  async flush(batchId: string): Promise<void> {
    const runs = [...this.slots.values()].flatMap(({ hint, run }) => (hint.batchId === batchId && run !== null ? [run] : []));
    await Promise.all(
      runs.map((run) => {
        run.checkpoint();
        return run.flushed();
      }),
    );
  }

  /** Starts nothing more; resolves when everything has ended or gone back. After `graceMs` what runs is aborted. */
  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    for (const slot of this.slots.values()) slot.run?.stop();
    if (this.slots.size === 0) return;
    const cancel = this.parts.clock.after(graceMs, () => {
      for (const slot of this.slots.values()) slot.run?.abort();
    });
    await new Promise<void>((resolve) => this.idle.push(resolve));
    cancel();
  }

  private hasRoomFor(hint: ChunkHint): boolean {
    const slots = [...this.slots.values()];
    // A suspect runs alone, and nothing new starts while one waits or runs.
    if (hint.suspect) return slots.length === 0;
    if (this.parts.dispatcher.suspects() > 0 || slots.some((slot) => slot.hint.suspect)) return false;
    if (slots.length < this.settings.slots) return true;
    if (slots.length >= this.settings.slots + this.settings.expressSlots) return false;
    const lowest = Math.min(...slots.map((slot) => slot.hint.priority));
    const starts = hint.priority === lowest && slots.every((slot) => slot.hint.batchId !== hint.batchId);
    return hint.priority > lowest || starts;
  }

  private async work(hint: ChunkHint): Promise<void> {
    const { settings, store, clock, breakers } = this.parts;
    // The breaker may have opened, or sent its one probe, since the feeder offered this chunk.
    if (!breakers.allows(hint.operation)) {
      this.parts.released(hint.chunkId);
      return;
    }
    const slot: Slot = { hint, run: null };
    this.clockUse();
    this.slots.set(hint.chunkId, slot);
    breakers.started(hint.operation, hint.chunkId);
    try {
      const chunk = await store.chunks.claim(hint.chunkId, { workerId: settings.id, leaseMs: settings.leaseMs, now: clock.now() });
      if (chunk !== null) {
        await this.run(chunk, slot);
        this.ended += 1;
      }
      // Chunks that never wait would follow each other without a turn of the event loop.
      if (breatheDue(performance.now())) await breathe();
    } catch (error) {
      this.parts.failed(error);
      // What the store refuses now it would refuse at once again: the slot stays taken meanwhile.
      await new Promise<void>((resolve) => this.parts.clock.after(STORE_RETRY_MS, resolve));
    } finally {
      breakers.ended(hint.operation, hint.chunkId);
      this.clockUse();
      this.slots.delete(hint.chunkId);
      this.parts.released(hint.chunkId);
      if (this.slots.size === 0) for (const resolve of this.idle.splice(0)) resolve();
    }
  }

  /** A run of a leased chunk, ready to settle items. */
  runFor(chunk: ClaimedChunk, traceparent: string | null = null): Run {
    return new Run(chunk, this.hooks(chunk, traceparent));
  }

  private async run(chunk: ClaimedChunk, slot: Slot): Promise<void> {
    const { store, clock, registry, executors } = this.parts;
    const upstream = runsUpstream(chunk.batch.executor);
    const split = upstream ? null : bisect(chunk, clock.now());
    if (split !== null) {
      await store.chunks.commit(split);
      return;
    }
    const operation = registry.get(chunk.batch.operation);
    const span = attemptSpan(this.parts.tracing, chunk);
    const run = this.runFor(chunk, span.traceparent);
    slot.run = run;
    if (this.draining) run.stop();
    const options = operation.options.safeParse(ownOptions(chunk.batch.options));
    try {
      await run.execute(options.success ? executorFor(executors, operation, chunk.batch.executor) : refusing(options.error));
    } finally {
      span.end({ attributes: run.tally.attributes, error: run.lost ? "lease_lost" : run.tally.error });
    }
    const mean = run.meanMs;
    // How long a provider took says nothing about what a chunk costs here.
    if (mean !== null && !upstream) this.parts.speeds.add(chunk.tenant, operation.name, mean);
  }

  private hooks(chunk: ClaimedChunk, traceparent: string | null): RunHooks {
    const { store, clock, random, breakers, progressDue, settled, failed, registry, pricing } = this.parts;
    const operation = registry.get(chunk.batch.operation);
    const options = operation.options.safeParse(ownOptions(chunk.batch.options)).data;
    return {
      store,
      clock,
      random,
      breakers,
      progressDue,
      settled,
      deferred: failed,
      operation,
      options,
      limits: this.limitsOf(chunk),
      traceparent,
      rateLimit: this.rateLimitOf(chunk),
      pricing,
      budget: this.budgetOf(chunk),
    };
  }

  private limitsOf(chunk: ClaimedChunk): RunLimits {
    const { options } = chunk.batch;
    const lanes = lanesPerChunk(options.concurrency) ?? this.parts.registry.get(chunk.batch.operation).concurrency ?? this.settings.lanes;
    return {
      retryAttempts: options.retryAttempts ?? this.settings.retryAttempts,
      retryBackoffMs: options.retryBackoffMs ?? this.settings.retryBackoffMs,
      timeoutMs: options.timeout ?? this.settings.timeoutMs,
      lanes,
    };
  }

  private budgetOf({ batchId, batch }: ClaimedChunk): Budget | null {
    if (batch.options.budgetUsd === undefined) return null;
    let budget = this.budgets.get(batchId);
    if (budget === undefined) {
      if (this.budgets.size >= 1000) this.budgets.clear();
      budget = new Budget(toNanoUsd(batch.options.budgetUsd));
      this.budgets.set(batchId, budget);
    }
    budget.seen(batch.cost);
    return budget;
  }

  private rateLimitOf(chunk: ClaimedChunk): RateLimit | null {
    const perMinute = chunk.batch.options.rateLimit?.requestsPerMinute;
    if (perMinute === undefined) return null;
    let limit = this.limits.get(chunk.batchId);
    if (limit === undefined) {
      if (this.limits.size >= 1000) this.limits.clear();
      limit = new RateLimit(this.parts.clock, perMinute);
      this.limits.set(chunk.batchId, limit);
    }
    return limit;
  }
}
