import type { Clock } from "../model/clock.ts";
import { PRIORITIES } from "../model/priority.ts";
import type { RunnableBatch, Store } from "../store/port.ts";
import type { Breakers } from "./breaker.ts";
import type { Dispatcher } from "./dispatcher/port.ts";

/** Batches looked at per tenant and priority. */
const BATCHES_PER_TENANT = 64;
/** Flows (tenants, batches) whose share is remembered. */
const REMEMBERED = 10_000;

/**
 * Finds pending chunks in the store and offers them to the dispatcher, a small window per priority. Within a priority
 * the tenant served least goes first, within a tenant the batch served least: a million-item batch and a ten-item one
 * take turns. The dispatcher then weighs the priorities against each other.
 */
export class Feeder {
  private readonly store: Store;
  private readonly dispatcher: Dispatcher;
  private readonly breakers: Breakers;
  private readonly clock: Clock;
  private readonly window: number;
  /** Those known here. A batch outlives a configuration that dropped its operation, and waits. */
  private readonly operations: readonly string[];
  /** Chunks offered or running here; never offered twice at once. */
  private readonly inFlight = new Map<number, string>();
  private readonly served = new Map<string, number>();
  private tenantTurn = 0;
  private batchTurn = 0;
  private filling: Promise<void> | null = null;
  private again = false;

  constructor(parts: { store: Store; dispatcher: Dispatcher; breakers: Breakers; clock: Clock; window: number; operations: readonly string[] }) {
    this.store = parts.store;
    this.dispatcher = parts.dispatcher;
    this.breakers = parts.breakers;
    this.clock = parts.clock;
    this.window = parts.window;
    this.operations = parts.operations;
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
    const runnable = await this.store.batches.runnable(this.clock.now(), { executors: null, notExecutors: ["external"], operations, perTenant: BATCHES_PER_TENANT });
    for (let priority = PRIORITIES.length - 1; priority >= 0; priority--) {
      await this.fillPriority(priority, runnable.filter((batch) => batch.priority === priority));
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
        chunks = room <= 0 ? [] : await this.store.chunks.pending(batch.id, this.clock.now(), Math.min(room, this.window), new Set(this.inFlight.keys()));
        waiting.set(batch.id, chunks);
      }
      const chunk = chunks.shift();
      if (chunk === undefined) {
        open = open.filter((other) => other !== batch);
        continue;
      }
      this.inFlight.set(chunk.id, batch.id);
      this.count(`tenant ${batch.tenant}`);
      this.count(batch.id);
      this.dispatcher.offer({ chunkId: chunk.id, batchId: batch.id, tenant: batch.tenant, operation: batch.operation, priority, suspect: chunk.crashes > 0 });
    }
  }

  private held(batchId: string): number {
    let held = 0;
    for (const id of this.inFlight.values()) if (id === batchId) held += 1;
    return held;
  }

  private before(a: RunnableBatch, b: RunnableBatch): boolean {
    const tenants = this.share(`tenant ${a.tenant}`) - this.share(`tenant ${b.tenant}`);
    const batches = this.share(a.id) - this.share(b.id);
    return tenants !== 0 ? tenants < 0 : batches !== 0 ? batches < 0 : a.readyAt < b.readyAt;
  }

  /** Turns a flow has had; one that was idle or is new stands at the turn of the flow served last, so that it saves up nothing. */
  private share(flow: string): number {
    return Math.max(this.served.get(flow) ?? 0, flow.startsWith("tenant ") ? this.tenantTurn : this.batchTurn);
  }

  private count(flow: string): void {
    const turn = this.share(flow);
    if (flow.startsWith("tenant ")) this.tenantTurn = turn;
    else this.batchTurn = turn;
    if (this.served.size >= REMEMBERED) this.served.clear();
    this.served.set(flow, turn + 1);
  }
}
