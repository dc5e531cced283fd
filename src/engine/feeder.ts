import type { Clock } from "../model/clock.ts";
import { PRIORITIES } from "../model/priority.ts";
import type { RunnableBatch, Store } from "../store/port.ts";
import type { Breakers } from "./limits/breaker.ts";
import type { Dispatcher } from "./dispatcher/port.ts";

/** Batches looked at per tenant and priority. */
const BATCHES_PER_TENANT = 64;
/** Flows (tenants, batches) whose share is remembered. */
const REMEMBERED = 10_000;

/**
 * Finds pending chunks in the store and offers them to the dispatcher, a small window per priority. Within a priority
 * the tenant served least for its weight goes first, within a tenant the batch served least: a million-item batch and a ten-item one
 * take turns. The dispatcher then weighs the priorities against each other.
 */
export class Feeder {
  private readonly store: Store;
  private readonly dispatcher: Dispatcher;
  private readonly breakers: Breakers;
  private readonly clock: Clock;
  private readonly windowNow: () => number;
  /** Those known here. A batch outlives a configuration that dropped its operation, and waits. */
  private readonly operations: readonly string[];
  private readonly weights: ReadonlyMap<string, number>;
  /** Chunks offered or running here; never offered twice at once. */
  private readonly inFlight = new Map<number, string>();
  /** Per priority: the turns of its tenants, and of the batches within each of them. Flows that compete share a Turns; others would move its mark. */
  private readonly tenants = PRIORITIES.map(() => new Turns());
  private readonly batches = PRIORITIES.map(() => new Map<string, Turns>());
  private filling: Promise<void> | null = null;
  private again = false;

  constructor(parts: {
    store: Store;
    dispatcher: Dispatcher;
    breakers: Breakers;
    clock: Clock;
    window: () => number;
    operations: readonly string[];
    /** Of tenants; 1 for those not named. */
    weights?: ReadonlyMap<string, number>;
  }) {
    this.store = parts.store;
    this.dispatcher = parts.dispatcher;
    this.breakers = parts.breakers;
    this.clock = parts.clock;
    this.windowNow = parts.window;
    this.operations = parts.operations;
    this.weights = parts.weights ?? new Map();
  }

  private get window(): number {
    return this.windowNow();
  }

  /** Is it time to look again? True when a priority's window is half empty. */
  get low(): boolean {
    return PRIORITIES.some((_, priority) => this.dispatcher.waiting(priority) <= this.window / 2);
  }

  /** The chunk left the dispatcher or ended. */
  release(chunkId: number): void {
    this.inFlight.delete(chunkId);
  }

  /** Fills the windows. Calls while it runs lead to one more round after it. */
  fill(): Promise<void> {
    if (this.filling !== null) {
      this.again = true;
      return this.filling;
    }
    this.filling = this.rounds().finally(() => {
      this.filling = null;
    });
    return this.filling;
  }

  private async rounds(): Promise<void> {
    do {
      this.again = false;
      await this.round();
    } while (this.again);
  }

  private async round(): Promise<void> {
    // What cannot run now is not read at all, else it could fill the page and hide what can.
    const operations = this.operations.filter((operation) => this.breakers.allows(operation));
    if (operations.length === 0) return;
    const runnable = await this.store.batches.runnable(this.clock.now(), {
      executors: null,
      notExecutors: ["external"],
      operations,
      perTenant: BATCHES_PER_TENANT,
    });
    for (let priority = PRIORITIES.length - 1; priority >= 0; priority--) {
      await this.fillPriority(
        priority,
        runnable.filter((batch) => batch.priority === priority),
      );
    }
  }

  private async fillPriority(priority: number, batches: RunnableBatch[]): Promise<void> {
    const waiting = new Map<string, { id: number; crashes: number }[]>();
    let open = batches;
    while (open.length > 0 && this.dispatcher.waiting(priority) < this.window) {
      const batch = open.reduce((best, other) => (this.before(other, best) ? other : best));
      let chunks = waiting.get(batch.id);
      if (chunks === undefined) {
        const room = batch.maxLeasedChunks === null ? this.window : batch.maxLeasedChunks - this.held(batch.id);
        chunks =
          room <= 0
            ? []
            : await this.store.chunks.pending(batch.id, this.clock.now(), Math.min(room, this.window), new Set(this.inFlight.keys()));
        waiting.set(batch.id, chunks);
      }
      const chunk = chunks.shift();
      if (chunk === undefined) {
        open = open.filter((other) => other !== batch);
        continue;
      }
      this.inFlight.set(chunk.id, batch.id);
      this.tenants[priority]!.count(batch.tenant, this.weights.get(batch.tenant));
      this.batchesOf(batch).count(batch.id);
      this.dispatcher.offer({
        chunkId: chunk.id,
        batchId: batch.id,
        tenant: batch.tenant,
        operation: batch.operation,
        priority,
        suspect: chunk.crashes > 0,
      });
    }
  }

  private held(batchId: string): number {
    let held = 0;
    for (const id of this.inFlight.values()) if (id === batchId) held += 1;
    return held;
  }

  private before(a: RunnableBatch, b: RunnableBatch): boolean {
    const tenants = this.tenants[a.priority]!;
    const byTenant = tenants.of(a.tenant) - tenants.of(b.tenant);
    if (byTenant !== 0) return byTenant < 0;
    if (a.tenant !== b.tenant) return a.readyAt < b.readyAt;
    const batches = this.batchesOf(a);
    const byBatch = batches.of(a.id) - batches.of(b.id);
    return byBatch !== 0 ? byBatch < 0 : a.readyAt < b.readyAt;
  }

  private batchesOf(batch: RunnableBatch): Turns {
    const tenants = this.batches[batch.priority]!;
    let turns = tenants.get(batch.tenant);
    if (turns === undefined) {
      if (tenants.size >= REMEMBERED) tenants.clear();
      turns = new Turns();
      tenants.set(batch.tenant, turns);
    }
    return turns;
  }
}

/** How often each of some competing flows was served. */
class Turns {
  private readonly served = new Map<string, number>();
  /** The turn of the flow served last. */
  private mark = 0;

  /** Turns a flow has had; one that was idle or is new stands at the mark, so that it saves up nothing. */
  of(flow: string): number {
    return Math.max(this.served.get(flow) ?? 0, this.mark);
  }

  /** A flow of weight 3 has had a third of a turn then. */
  count(flow: string, weight = 1): void {
    this.mark = this.of(flow);
    if (this.served.size >= REMEMBERED) this.served.clear();
    this.served.set(flow, this.mark + 1 / weight);
  }
}
