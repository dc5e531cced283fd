import { EventEmitter } from "node:events";
import type { BatchRow } from "../model/batch.ts";
import type { Clock } from "../model/clock.ts";
import type { Executors } from "../executors/registry.ts";
import type { SettledItems } from "../events/port.ts";
import type { Pricing } from "../money/pricing.ts";
import type { Registry } from "../operations/registry.ts";
import type { Tracing } from "../tracing/port.ts";
import type { ClaimedChunk, LostLease, Store } from "../store/port.ts";
import { Breakers } from "./limits/breaker.ts";
import type { Dispatcher } from "./dispatcher/port.ts";
import { ExternalWorkers } from "./external.ts";
import { Feeder } from "./feeder.ts";
import { EXTERNAL, tellOfWorker } from "./roster.ts";
import type { Run } from "./run/run.ts";
import { Speeds } from "./speeds.ts";
import { Worker, type WorkerSettings } from "./worker.ts";

/** Leases, deadlines and waiting chunks are looked after this often. */
const TICK_MS = 1000;
/** A tick later than this was held up by something. */
const HELD_UP_MS = 1000;
/** Batches past their deadline looked at in one tick; more than ever wait for a provider at once. */
const OVERDUE_AT_ONCE = 1000;
/** A batch writes at most one batch.progress event in this time, besides its last one. */
const PROGRESS_MS = 250;

export interface EngineParts {
  settings: WorkerSettings;
  /** The tenant whose the server is: what happens to its own worker is told there. */
  home: string;
  store: Store;
  dispatcher: Dispatcher;
  /** Shares of tenants that wait at the same priority; 1 for those not named. */
  tenantWeights: ReadonlyMap<string, number>;
  executors: Executors;
  registry: Registry;
  pricing: Pricing;
  tracing: Pick<Tracing, "attempt" | "on">;
  /** Is what this batch has upstream still to come? Then its deadline waits for it, for a limited time. */
  collecting(tenant: string, batchId: string): Promise<boolean>;
  clock: Clock;
  random: () => number;
  /** Something that must not fail did: logged, and tried again at the next tick. */
  failed(error: unknown): void;
}

/** Feeder, dispatcher and worker of one process, and the clockwork that looks after leases and deadlines. */
export class Engine implements SettledItems {
  readonly breakers: Breakers;
  readonly speeds = new Speeds();
  readonly external: ExternalWorkers;
  private readonly parts: EngineParts;
  private readonly feeder: Feeder;
  private readonly worker: Worker;
  private readonly progressAt = new Map<string, number>();
  private readonly settledEvents = new EventEmitter({ captureRejections: false });
  private readonly wanted = new Set<(batchId: string) => boolean>();
  private stopTimer = (): void => {};
  private stopReadyTimer = (): void => {};
  private started = false;
  private tickedAt = -Infinity;
  /** When the next tick is due, Unix milliseconds. */
  private tickDueAt = 0;
  /** The tick before this one gave nobody up, because it came late. */
  private spared = false;

  constructor(parts: EngineParts) {
    this.parts = parts;
    const { store, dispatcher, clock, settings } = parts;
    this.breakers = new Breakers(clock);
    this.settledEvents.setMaxListeners(0);
    this.feeder = new Feeder({
      store,
      dispatcher,
      breakers: this.breakers,
      clock,
      window: () => Math.max(8, settings.slots * 2),
      weights: parts.tenantWeights,
      operations: parts.registry.list().map((operation) => operation.name),
    });
    this.worker = new Worker({
      ...parts,
      breakers: this.breakers,
      speeds: this.speeds,
      released: (chunkId) => this.released(chunkId),
      progressDue: (batchId) => this.progressDue(batchId),
      settled: (batch, lines) => this.settled(batch, lines),
    });
    this.external = new ExternalWorkers({
      store,
      clock,
      tracing: parts.tracing,
      runFor: (chunk) => this.runFor(chunk),
      committed: () => this.wake(),
    });
  }

  /** Takes back what earlier processes of this worker held, then starts. */
  async start(): Promise<void> {
    const { store, clock, settings } = this.parts;
    await this.lost(await store.chunks.reap({ workerPrefix: workerPrefix(settings.id), now: clock.now() }));
    if (settings.slots > 0) await this.tell("worker.started", settings.id);
    this.started = true;
    this.tickedAt = clock.now();
    this.tick();
    this.wake();
  }

  /** There may be work: a batch was created, resumed or changed. Cheap, call it whenever in doubt. */
  wake(): void {
    if (!this.started || this.parts.settings.slots === 0) return;
    this.feeder
      .fill()
      .then(() => {
        this.worker.pump();
        return this.armReadyTimer();
      })
      .catch(this.parts.failed);
  }

  /** A batch was paused, resumed, cancelled or ended by someone: running chunks obey at once. */
  batchChanged(batch: Pick<BatchRow, "id" | "status">): void {
    this.worker.batchChanged(batch);
    this.wake();
  }

  /** Commits what this process has finished of a batch: what is not committed when a batch ends is lost. */
  flush(batchId: string): Promise<void> {
    return this.worker.flush(batchId);
  }

  /** Looks after leases and work at every tick; false when it stopped doing so, or was never started. */
  get alive(): boolean {
    return this.started && this.parts.clock.now() - this.tickedAt < 10 * TICK_MS;
  }

  /** Chunks running in this process. */
  get running(): number {
    return this.worker.running;
  }

  /** What runs in this process, and whether it waits for its batch's own rate limit. */
  runs(): { tenant: string; operation: string; limited: boolean }[] {
    return this.worker.runs();
  }

  /** Milliseconds that slots have been in use since the start, added up over all of them. */
  get usedMs(): number {
    return this.worker.usedMs;
  }

  /** Chunks that ran in this process and have left it, since the start. */
  get ended(): number {
    return this.worker.ended;
  }

  get id(): string {
    return this.parts.settings.id;
  }

  get slots(): number {
    return this.parts.settings.slots;
  }

  /** Fewer: what runs ends as usual. Not kept over a restart. */
  set slots(slots: number) {
    this.parts.settings.slots = slots;
    this.wake();
  }

  /** Takes a chunk away from whoever works on it: it runs again, and the try costs it nothing. Null = nobody does. */
  async revoke(tenant: string, chunkId: number): Promise<LostLease | null> {
    const lease = await this.parts.store.chunks.revoke(tenant, chunkId, this.parts.clock.now());
    if (lease === null) return null;
    this.worker.lose(chunkId);
    this.external.revoked(lease);
    this.wake();
    return lease;
  }

  /** True = it starts no chunk until it may again; what runs ends as usual. Not kept over a restart. */
  get draining(): boolean {
    return this.worker.held;
  }

  set draining(on: boolean) {
    this.worker.held = on;
    if (!on) this.wake();
  }

  /** Stops claiming, lets what runs end within the grace time, hands the rest back without costing an attempt. */
  async stop(graceMs: number): Promise<void> {
    const wasStarted = this.started;
    this.started = false;
    this.stopTimer();
    this.stopReadyTimer();
    await this.worker.drain(graceMs);
    // A store that takes nothing any more must not keep the process from ending.
    if (wasStarted && this.slots > 0) await this.tell("worker.stopped", this.id).catch(this.parts.failed);
  }

  private tell(type: "worker.started" | "worker.stopped" | "worker.lost", worker: string): Promise<void> {
    const { store, home, clock } = this.parts;
    return tellOfWorker(store, { type, tenant: home, worker, kind: "local", ts: clock.now() });
  }

  /** Leases that ran out: who held them is gone. Its own ran out because this process was held up, and it is not. */
  private async lost(leases: readonly LostLease[]): Promise<void> {
    await this.external.lost(leases);
    const local = new Set(leases.map(({ workerId }) => workerId).filter((id) => !id.startsWith(EXTERNAL) && id !== this.id));
    for (const id of local) await this.tell("worker.lost", id);
  }

  onSettled(listener: (batchId: string, tenant: string, lines: string[]) => void, wanted: (batchId: string) => boolean): () => void {
    this.wanted.add(wanted);
    const filtered = (batchId: string, tenant: string, lines: string[]): void => {
      if (wanted(batchId)) listener(batchId, tenant, lines);
    };
    this.settledEvents.on("settled", filtered);
    return () => {
      this.wanted.delete(wanted);
      this.settledEvents.off("settled", filtered);
    };
  }

  onItemProgress(listener: (batchId: string, tenant: string, key: string, share: number) => void): () => void {
    this.settledEvents.on("progress", listener);
    return () => this.settledEvents.off("progress", listener);
  }

  /** A handler says how far it is with an item. */
  itemProgress(batchId: string, tenant: string, key: string, share: number): void {
    this.settledEvents.emit("progress", batchId, tenant, key, share);
  }

  /** Results were committed, here or by a report from outside: tells whoever watches single items of the batch. */
  settled(batch: BatchRow, lines: () => string[]): void {
    for (const wanted of this.wanted) {
      if (wanted(batch.id)) {
        this.settledEvents.emit("settled", batch.id, batch.tenant, lines());
        return;
      }
    }
  }

  private runFor(chunk: ClaimedChunk): Run {
    return this.worker.runFor(chunk);
  }

  private released(chunkId: number): void {
    this.feeder.release(chunkId);
    this.worker.pump();
    if (this.feeder.low) this.wake();
  }

  private progressDue(batchId: string): boolean {
    const now = this.parts.clock.now();
    if (now - (this.progressAt.get(batchId) ?? -Infinity) < PROGRESS_MS) return false;
    if (this.progressAt.size >= 10_000) this.progressAt.clear();
    this.progressAt.set(batchId, now);
    return true;
  }

  private tick(): void {
    this.tickDueAt = this.parts.clock.now() + TICK_MS;
    this.stopTimer = this.parts.clock.after(TICK_MS, () => {
      this.lookAfter()
        .catch(this.parts.failed)
        .finally(() => {
          if (this.started) this.tick();
        });
    });
  }

  /**
   * Renews our leases first, so that a blocked event loop does not make us reap ourselves. A tick that comes late gives up
   * nobody else either: the heartbeats that came meanwhile are still unread, and the next tick has read them.
   */
  private async lookAfter(): Promise<void> {
    const { store, clock, settings } = this.parts;
    this.tickedAt = clock.now();
    this.spared = !this.spared && this.tickedAt - this.tickDueAt > HELD_UP_MS;
    const leases = this.worker.leases();
    if (leases.length > 0) this.worker.keepOnly(await store.chunks.renew(leases, clock.now() + settings.leaseMs));
    if (!this.spared) await this.lost(await store.chunks.reap({ now: clock.now() }));
    await this.external.roster.sweep();
    for (const { tenant, id } of await store.batches.overdue(clock.now(), OVERDUE_AT_ONCE)) {
      if (await this.parts.collecting(tenant, id)) continue;
      await this.flush(id);
      const ended = await store.batches.end(tenant, id, "expired", "The deadline passed before all items were done", clock.now());
      if (ended !== null) this.worker.batchChanged(ended);
    }
    this.wake();
  }

  /** Chunks that wait for their time (retries) start when it comes, not at the next tick. */
  private async armReadyTimer(): Promise<void> {
    const { store, clock } = this.parts;
    const at = await store.batches.nextReadyAt(clock.now());
    this.stopReadyTimer();
    if (at !== null && this.started && at - clock.now() < TICK_MS) this.stopReadyTimer = clock.after(at - clock.now(), () => this.wake());
  }
}

/** Worker ids are `local:<data instance>:…`: a restart of the same place takes back what its earlier processes held. */
function workerPrefix(id: string): string {
  return id.slice(0, id.lastIndexOf(":") + 1);
}
