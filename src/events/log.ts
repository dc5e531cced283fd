import type { Clock } from "../model/clock.ts";
import type { StoredEvent } from "../model/event.ts";
import type { EventStore } from "../store/port.ts";
import type { EventLog } from "./port.ts";

const PAGE = 500;
/** Events of other processes are looked for this often; those of this process come with a hint. */
const POLL_MS = 1000;

/** Follows the stored log and hands every event to the subscribers, in order, after it is committed. */
export class LogTail implements EventLog {
  private readonly store: EventStore;
  private readonly clock: Clock;
  private readonly listeners = new Set<(events: StoredEvent[]) => void>();
  private readonly failed: (error: unknown) => void;
  private logEpoch = "";
  private seen = 0;
  private reading: Promise<void> | null = null;
  private again = false;
  private stopHints = (): void => {};
  private stopTimer = (): void => {};

  constructor(store: EventStore, clock: Clock, failed: (error: unknown) => void) {
    this.store = store;
    this.clock = clock;
    this.failed = failed;
  }

  async start(): Promise<void> {
    this.logEpoch = await this.store.epoch();
    this.seen = await this.store.lastSeq();
    this.stopHints = this.store.onAppend(() => this.wake());
    this.poll();
  }

  /** Hands over what is there, then ends. */
  async stop(): Promise<void> {
    this.stopHints();
    this.stopTimer();
    await this.catchUp();
    this.listeners.clear();
  }

  epoch(): string {
    return this.logEpoch;
  }

  lastSeq(): number {
    return this.seen;
  }

  firstSeq(): Promise<number> {
    return this.store.firstSeq();
  }

  /** Only what was handed over already: who reads up to lastSeq() and then listens misses nothing and sees nothing twice. */
  async read(after: number, limit: number, filter: { tenant?: string; entity?: string } = {}): Promise<StoredEvent[]> {
    const upTo = this.seen;
    const events = await this.store.read(after, limit, filter);
    return events.filter((event) => event.seq <= upTo);
  }

  subscribe(listener: (events: StoredEvent[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private wake(): void {
    this.catchUp().catch(this.failed);
  }

  private poll(): void {
    this.stopTimer = this.clock.after(POLL_MS, () => {
      this.wake();
      this.poll();
    });
  }

  private catchUp(): Promise<void> {
    this.again = true;
    this.reading ??= this.readAll().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async readAll(): Promise<void> {
    while (this.again) {
      this.again = false;
      const events = await this.store.read(this.seen, PAGE);
      if (events.length === 0) continue;
      this.seen = events.at(-1)!.seq;
      for (const listener of this.listeners) listener(events);
      this.again = events.length === PAGE || this.again;
    }
  }
}
