import type { Clock } from "../model/clock.ts";
import { BatchyardError } from "../model/errors.ts";
import type { RecoveredWindow, StreamStore } from "../store/port.ts";
import { nextRun } from "./definition.ts";
import { DueHeap } from "./due-heap.ts";
import type { StreamItem } from "./item-reader.ts";
import { ClosureLag, type LagView } from "./lag.ts";
import { OpenWindow, type OpenStream } from "./open-stream.ts";
import { PlannedStep, type Placed } from "./planned-step.ts";

/** Items of one commit: more wait for the next, so that a large upload does not hold up single posts. */
const ITEMS_A_COMMIT = 5_000;
/** Windows closed by one commit. */
const CLOSED_A_COMMIT = 100;
/** A closure that the store refused is tried again after this long. */
const CLOSE_AGAIN_MS = 1_000;
/** The sweep when no stream says. */
const SWEEP_MS = 5_000;

/** An item on its way in; `deadLetter` is its id when it comes out of the dead letters. */
export interface Offered {
  item: StreamItem;
  deadLetter: number | null;
}

interface Offer {
  stream: OpenStream;
  items: readonly Offered[];
  resolve(placed: Placed[]): void;
  reject(error: unknown): void;
}

export interface AggregatorParts {
  store: StreamStore;
  clock: Clock;
  /** So many batches of the tenant wait that no window is to become one by time. */
  holds(tenant: string): Promise<boolean>;
  /** A window became a batch: there is work. */
  wake(): void;
  failed(error: unknown): void;
}

/**
 * Keeps the open windows of every stream and closes them by their rules.
 *
 * Every change goes through one line, one after another: offers, closures, flushes. Offers that arrive while a commit runs, or
 * within the same turn of the event loop, share the next one (group commit); each is answered after its commit. Windows in
 * memory are what the store holds: a refused commit is taken back, and a restart reads them again with their true start.
 *
 * Timers: one for the earliest window that is due, out of a heap that holds each window once; an item that only makes its window
 * later leaves the heap alone, and the window is put back when its turn comes. A sweep over all windows bounds what a jump of the
 * clock can do.
 */
export class Aggregator {
  private readonly parts: AggregatorParts;
  private readonly streams = new Set<OpenStream>();
  private readonly heap = new DueHeap<OpenWindow>();
  private readonly lags = new ClosureLag();
  private line: Promise<unknown> = Promise.resolve();
  private waiting: Offer[] = [];
  private gathering = false;
  private stopTimer = (): void => {};
  private timerAt = Infinity;
  private stopSweep = (): void => {};
  private running = false;

  constructor(parts: AggregatorParts) {
    this.parts = parts;
  }

  /** Takes a stream over, with the windows of it that were open. */
  adopt(stream: OpenStream, recovered: readonly RecoveredWindow[]): void {
    this.streams.add(stream);
    for (const row of recovered) {
      const window = new OpenWindow(row.id, stream, row.key);
      window.window = { openedAt: row.openedAt, lastItemAt: row.lastItemAt, items: row.items, bytes: row.bytes, held: row.held };
      for (const key of row.keys) window.keys.add(key);
      window.sizes.push(...row.sizes);
      window.numbered = row.keys.length;
      stream.windows.set(row.key, window);
      stream.openItems += row.items;
      this.ask(window);
    }
    if (this.running) this.schedule(stream);
  }

  forget(stream: OpenStream): void {
    stream.stopSchedule();
    this.streams.delete(stream);
  }

  start(): void {
    this.running = true;
    for (const stream of this.streams) this.schedule(stream);
    this.sweepLater();
    this.arm();
  }

  /** Ends what is under way; windows stay open, in the store. */
  async stop(): Promise<void> {
    this.running = false;
    this.stopTimer();
    this.stopSweep();
    for (const stream of this.streams) stream.stopSchedule();
    while (this.gathering) await this.idle();
    await this.idle();
  }

  /** Everything enqueued so far is done. */
  async idle(): Promise<void> {
    if (this.gathering) await new Promise<void>((resolve) => setImmediate(resolve));
    await this.line;
  }

  lag(): LagView {
    return this.lags.view();
  }

  /** Places items durably; resolves after the commit, in the order of `items`. Throws what the store throws. */
  offer(stream: OpenStream, items: readonly Offered[]): Promise<Placed[]> {
    if (!this.running)
      return Promise.reject(new BatchyardError("unavailable", { reason: "stopping", seconds: 5 }, { retryAfterSeconds: 5 }));
    if (stream.plan instanceof Error) return Promise.reject(stream.plan);
    return new Promise((resolve, reject) => {
      this.waiting.push({ stream, items, resolve, reject });
      this.gather();
    });
  }

  /** Closes windows of a stream: one, or all (`key` null). Returns the ids of the batches they became. */
  flush(stream: OpenStream, key: string | null, reason: "schedule" | "manual" | "drain"): Promise<string[]> {
    return this.enqueue(async () => {
      if (stream.plan instanceof Error) throw stream.plan;
      const keys = key === null ? [...stream.windows.keys()] : [key];
      const ids: string[] = [];
      for (let from = 0; from < keys.length; from += CLOSED_A_COMMIT) {
        const step = new PlannedStep(this.parts.clock.now());
        for (const each of keys.slice(from, from + CLOSED_A_COMMIT)) step.flush(stream, each, reason);
        await this.commit(step);
        ids.push(...step.closed.map(({ window }) => window.id));
      }
      return ids;
    });
  }

  /** Takes an item out of its open window; false when it is in none (any more). */
  withdraw(stream: OpenStream, windowKey: string, key: string): Promise<boolean> {
    return this.enqueue(async () => {
      const step = new PlannedStep(this.parts.clock.now());
      if (!step.withdraw(stream, windowKey, key)) return false;
      await this.commit(step);
      return true;
    });
  }

  /** Work on what windows have become: no commit of a window runs beside it, and those after it see what it left. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.enqueue(work);
  }

  /** Definitions or settings changed: every open window is measured by the new rules at once. */
  rulesChanged(): void {
    this.heap.clear();
    this.timerAt = Infinity;
    for (const stream of this.streams) {
      for (const window of stream.windows.values()) {
        window.askedAt = null;
        this.ask(window);
      }
      if (this.running) this.schedule(stream);
    }
    if (!this.running) return;
    this.sweepLater();
    // How late these are says nothing about the clockwork: they became due by the change.
    this.closeDue(false);
  }

  private async held(streams: readonly OpenStream[]): Promise<Set<string>> {
    const held = new Set<string>();
    for (const tenant of new Set(streams.map((stream) => stream.tenant))) if (await this.parts.holds(tenant)) held.add(tenant);
    return held;
  }

  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.line.then(work);
    this.line = done.catch(() => {});
    return done;
  }

  private gather(): void {
    if (this.gathering) return;
    this.gathering = true;
    // What else arrives in this turn of the event loop goes with it.
    setImmediate(() => {
      void this.enqueue(async () => {
        this.gathering = false;
        await this.take();
        if (this.waiting.length > 0) this.gather();
      });
    });
  }

  /** One group commit. */
  private async take(): Promise<void> {
    let items = 0;
    let count = 0;
    while (count < this.waiting.length && items < ITEMS_A_COMMIT) items += this.waiting[count++]!.items.length;
    const offers = this.waiting.splice(0, count);
    if (offers.length > 0) await this.together(offers);
  }

  /** When the store refuses the group, each is tried alone: one that cannot be stored must not take the others along. */
  private async together(offers: readonly Offer[]): Promise<void> {
    const step = new PlannedStep(this.parts.clock.now(), await this.held(offers.map(({ stream }) => stream)));
    try {
      const placed = this.placed(step, offers);
      await this.commit(step);
      for (const [i, offer] of offers.entries()) offer.resolve(placed[i]!);
    } catch (error) {
      if (offers.length === 1) offers[0]!.reject(error);
      else for (const offer of offers) await this.together([offer]);
    }
  }

  private placed(step: PlannedStep, offers: readonly Offer[]): Placed[][] {
    try {
      return offers.map(({ stream, items }) => items.map(({ item, deadLetter }) => step.place(stream, item, deadLetter)));
    } catch (error) {
      step.undo();
      throw error;
    }
  }

  /** Writes a step; what the store refuses is taken back. */
  private async commit(step: PlannedStep): Promise<void> {
    try {
      const { deadLetters, now } = step;
      if (!step.isEmpty) await this.parts.store.commit({ changes: step.changes(), deadLetters, arrivals: step.arrivals(), now });
    } catch (error) {
      step.undo();
      throw error;
    }
    for (const window of step.touched) this.ask(window);
    this.arm();
    if (step.closed.length > 0) this.parts.wake();
  }

  /** Puts a window into the heap unless it is there for an earlier or the same time. */
  private ask(window: OpenWindow): void {
    const at = window.dueAt();
    if (at === null || (window.askedAt !== null && window.askedAt <= at)) return;
    window.askedAt = at;
    this.heap.push(at, window);
  }

  private arm(): void {
    if (!this.running) return;
    const next = this.heap.peek();
    if (next === null || next.at >= this.timerAt) return;
    this.stopTimer();
    this.timerAt = next.at;
    this.stopTimer = this.parts.clock.after(Math.max(0, next.at - this.parts.clock.now()), () => {
      this.timerAt = Infinity;
      this.closeDue(true);
    });
  }

  /** Closes what the heap says is due, a group a commit; other work gets its turn in between. */
  private closeDue(counted: boolean): void {
    const now = this.parts.clock.now();
    let due: OpenWindow[] = [];
    const close = (): void => {
      const group = due;
      due = [];
      void this.enqueue(() => this.closeGroup(group, counted));
    };
    for (let next = this.heap.peek(); next !== null && next.at <= now; next = this.heap.peek()) {
      this.heap.pop();
      const { at, value: window } = next;
      if (window.askedAt !== at || !isOpen(window)) continue;
      window.askedAt = null;
      const truly = window.dueAt();
      if (truly !== null && truly <= now) due.push(window);
      else this.ask(window);
      if (due.length === CLOSED_A_COMMIT) close();
    }
    if (due.length > 0) close();
    this.arm();
  }

  private async closeGroup(windows: readonly OpenWindow[], counted: boolean): Promise<void> {
    const { clock, failed } = this.parts;
    const held = await this.held(windows.map(({ stream }) => stream));
    const step = new PlannedStep(clock.now(), held);
    const open = windows.filter(isOpen);
    for (const { stream, key } of open) step.tick(stream, key);
    try {
      await this.commit(step);
      if (counted)
        for (const { closure } of step.closed.filter(({ window }) => window.notBefore === 0))
          this.lags.add(closure.lagMs + clock.now() - closure.closedAt);
      for (const window of open) if (isOpen(window)) this.putOff(window);
    } catch (error) {
      if (open.length > 1) {
        for (const window of open) await this.closeGroup([window], counted);
        return;
      }
      failed(error);
      if (open[0] !== undefined) this.putOff(open[0]);
    }
    // Between two groups the event loop turns, so that requests are read and answered.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Due and still open: its item came meanwhile, or its closure failed, or its operation is gone. */
  private putOff(window: OpenWindow): void {
    const now = this.parts.clock.now();
    const at = window.dueAt();
    if (at !== null && at <= now) window.notBefore = now + CLOSE_AGAIN_MS;
    this.ask(window);
    this.arm();
  }

  private sweepLater(): void {
    this.stopSweep();
    const seconds = Math.min(...[...this.streams].map((stream) => stream.definition.checkIntervalSeconds), SWEEP_MS / 1000);
    this.stopSweep = this.parts.clock.after(seconds * 1000, () => {
      const now = this.parts.clock.now();
      for (const stream of this.streams) {
        for (const window of stream.windows.values()) {
          const at = window.dueAt();
          if (at === null || at > now || (window.askedAt !== null && window.askedAt <= now)) continue;
          window.askedAt = at;
          this.heap.push(at, window);
        }
      }
      this.closeDue(true);
      this.sweepLater();
    });
  }

  private schedule(stream: OpenStream): void {
    stream.stopSchedule();
    const { schedule } = stream.definition;
    if (schedule === undefined || stream.paused) return;
    const at = nextRun(schedule, this.parts.clock.now());
    if (at === null) return;
    stream.stopSchedule = this.parts.clock.after(at - this.parts.clock.now(), () => {
      // Timers of the machine end early when they are longer than 24 days.
      if (this.parts.clock.now() < at) this.schedule(stream);
      else this.flushBySchedule(stream).catch(this.parts.failed);
    });
  }

  /** What is held then goes as soon as it may. */
  private async flushBySchedule(stream: OpenStream): Promise<void> {
    const holds = await this.parts.holds(stream.tenant);
    if (!this.running || !this.streams.has(stream)) return;
    if (holds) {
      const again = (): void => void this.flushBySchedule(stream).catch(this.parts.failed);
      stream.stopSchedule = this.parts.clock.after(CLOSE_AGAIN_MS, again);
      return;
    }
    this.schedule(stream);
    await this.flush(stream, null, "schedule");
  }
}

function isOpen(window: OpenWindow): boolean {
  return window.stream.windows.get(window.key) === window;
}
