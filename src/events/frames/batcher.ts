import { systemClock, type Clock } from "../../model/clock.ts";
import type { Severity } from "../../model/event.ts";
import { mergeData, mergedType, mergeJobs } from "../../model/merged-event.ts";
import { dueAt, step, type Window, type WindowRules } from "../../model/window.ts";

/** An event of a program's own: `JOB_STARTED` or `batch.started`, with whatever it carries. */
export interface BatcherEvent {
  type: string;
  data: Readonly<Record<string, unknown>>;
  /** The worker or the stream it comes from. */
  source?: string | undefined;
  tenant?: string | undefined;
  severity?: Severity | undefined;
}

export interface BatcherConstants {
  batchSize: number;
  batchTimeoutMs: number;
  maxRetries: number;
  retryDelayMs: number;
}

export interface BatcherOptions {
  /** Gets single events as they were and groups as one; what it throws is tried again. */
  send: (event: BatcherEvent) => void | Promise<void>;
  /** Events of a group at most; 10. */
  batchSize?: number | undefined;
  /** Milliseconds from the first event of a group to its flush at most; 500. */
  batchTimeoutMs?: number | undefined;
  /** Tries after the first; 2. */
  maxRetries?: number | undefined;
  /** Milliseconds between them; 500. */
  retryDelayMs?: number | undefined;
  /** By source: `false` sends its events one by one, at once. */
  useBatching?: Readonly<Record<string, boolean>> | undefined;
  clock?: Clock | undefined;
  /** What counts where nothing is given above; asked each time, so that it may change. */
  constants?: (() => BatcherConstants) | undefined;
}

const BATCH_SIZE = 10;
const BATCH_TIMEOUT_MS = 500;
const MAX_RETRIES = 2;
const RETRY_DELAY_MS = 500;

interface Counts {
  /** Events that went out within a group of several. */
  events_batched: number;
  /** Groups of several. */
  batches_created: number;
  /** Messages that were not needed. */
  events_saved: number;
  /** Groups and single events that the sink refused for good at first, before they were tried one by one. */
  batches_failed: number;
  /** Added, not yet handed over. */
  pending_events: number;
  /** Kept in `deadLetters`, or forgotten because there were too many. */
  events_dead: number;
  /** Added after the shutdown. */
  events_refused: number;
}

/** The same figures, also under their names with a prefix. */
export type BatcherStatistics = Counts & { [N in keyof Counts as `batcher_${N}`]: number };

// Enough to see what a sink refuses; a sink that is gone for hours must not fill the memory.
const MAX_DEAD_LETTERS = 1_000;

/**
 * Groups the events of one process: same type, source, tenant and severity; a group goes when it is full or `batchTimeoutMs`
 * after its first event. A sink that throws is tried again, then event by event; what it still refuses is kept and counted.
 * Any number of producers may add at the same time: adding never waits.
 */
export class EventBatcher {
  private readonly options: BatcherOptions;
  private readonly clock: Clock;
  private readonly groups = new Map<string, { window: Window; events: BatcherEvent[]; cancelTimer: () => void }>();
  /** What is on its way, by group, so that the groups of one kind keep their order. */
  private readonly lines = new Map<string, Promise<void>>();
  private readonly counts: Counts = {
    events_batched: 0,
    batches_created: 0,
    events_saved: 0,
    batches_failed: 0,
    pending_events: 0,
    events_dead: 0,
    events_refused: 0,
  };
  private readonly dead: { event: BatcherEvent; error: unknown }[] = [];
  private closed = false;

  constructor(options: BatcherOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  private get rules(): WindowRules {
    const { batchSize, batchTimeoutMs } = this.constants;
    return { maxItems: batchSize, maxAgeMs: batchTimeoutMs };
  }

  private get constants(): BatcherConstants {
    const { batchSize, batchTimeoutMs, maxRetries, retryDelayMs, constants } = this.options;
    const now = constants?.() ?? {
      batchSize: BATCH_SIZE,
      batchTimeoutMs: BATCH_TIMEOUT_MS,
      maxRetries: MAX_RETRIES,
      retryDelayMs: RETRY_DELAY_MS,
    };
    return {
      batchSize: batchSize ?? now.batchSize,
      batchTimeoutMs: batchTimeoutMs ?? now.batchTimeoutMs,
      maxRetries: maxRetries ?? now.maxRetries,
      retryDelayMs: retryDelayMs ?? now.retryDelayMs,
    };
  }

  /** False after the shutdown: the event was not taken. */
  add(event: BatcherEvent): boolean {
    if (this.closed) {
      this.counts.events_refused += 1;
      return false;
    }
    this.counts.pending_events += 1;
    const key = JSON.stringify([event.type, event.source ?? "", event.tenant ?? "", event.severity ?? "info"]);
    if (this.options.useBatching?.[event.source ?? ""] === false) {
      this.dispatch(key, [event]);
      return true;
    }
    const now = this.clock.now();
    const open = this.groups.get(key);
    const { window, closures } = step(open?.window ?? null, { type: "item", bytes: 0 }, now, this.rules);
    // A group whose time is over goes before the event that found it.
    const isOverdue = open !== undefined && closures[0]?.items === open.window.items;
    if (isOverdue) this.close(key);
    const going = this.groups.get(key);
    const events = going?.events ?? [];
    events.push(event);
    if (window === null) {
      going?.cancelTimer();
      this.groups.delete(key);
      this.dispatch(key, events);
    } else if (going === undefined) {
      const cancelTimer = this.clock.after(dueAt(window, this.rules)! - now, () => this.tick(key));
      this.groups.set(key, { window, events, cancelTimer });
    } else going.window = window;
    return true;
  }

  /** Sends every open group; resolves when the sink has taken, or for good refused, all that was added so far. */
  async flush(): Promise<void> {
    for (const key of this.groups.keys()) this.close(key);
    await Promise.all(this.lines.values());
  }

  /** Takes nothing more, and flushes. */
  async shutdown(): Promise<void> {
    this.closed = true;
    await this.flush();
  }

  statistics(): BatcherStatistics {
    const prefixed = Object.fromEntries(Object.entries(this.counts).map(([name, value]) => [`batcher_${name}`, value]));
    return { ...this.counts, ...(prefixed as { [N in keyof Counts as `batcher_${N}`]: number }) };
  }

  /** The newest events that the sink refused for good, with its last error; at most 1,000. */
  get deadLetters(): readonly { event: BatcherEvent; error: unknown }[] {
    return this.dead;
  }

  private tick(key: string): void {
    const open = this.groups.get(key);
    if (open === undefined) return;
    const { closures } = step(open.window, { type: "tick" }, this.clock.now(), this.rules);
    if (closures.length > 0) return this.close(key);
    // The window became longer while the group was open.
    open.cancelTimer = this.clock.after(dueAt(open.window, this.rules)! - this.clock.now(), () => this.tick(key));
  }

  private close(key: string): void {
    const open = this.groups.get(key);
    if (open === undefined) return;
    open.cancelTimer();
    this.groups.delete(key);
    this.dispatch(key, open.events);
  }

  private dispatch(key: string, events: readonly BatcherEvent[]): void {
    const line = (this.lines.get(key) ?? Promise.resolve())
      .then(() => this.deliver(events))
      .finally(() => {
        if (this.lines.get(key) === line) this.lines.delete(key);
      });
    this.lines.set(key, line);
  }

  private async deliver(events: readonly BatcherEvent[]): Promise<void> {
    const failure = await this.attempt(merged(events));
    if (failure === null) {
      if (events.length > 1) {
        this.counts.events_batched += events.length;
        this.counts.batches_created += 1;
        this.counts.events_saved += events.length - 1;
      }
    } else {
      this.counts.batches_failed += 1;
      for (const event of events) await this.deliverAlone(event, events.length === 1 ? failure : null);
    }
    this.counts.pending_events -= events.length;
  }

  private async deliverAlone(event: BatcherEvent, known: { error: unknown } | null): Promise<void> {
    const failure = known ?? (await this.once(event));
    if (failure === null) return;
    this.counts.events_dead += 1;
    this.dead.push({ event, error: failure.error });
    if (this.dead.length > MAX_DEAD_LETTERS) this.dead.shift();
  }

  /** Null when the sink took it within its tries. */
  private async attempt(event: BatcherEvent): Promise<{ error: unknown } | null> {
    let failure = await this.once(event);
    for (let tries = 0; failure !== null && tries < this.constants.maxRetries; tries++) {
      await new Promise<void>((resolve) => void this.clock.after(this.constants.retryDelayMs, resolve));
      failure = await this.once(event);
    }
    return failure;
  }

  private async once(event: BatcherEvent): Promise<{ error: unknown } | null> {
    try {
      await this.options.send(event);
      return null;
    } catch (error) {
      return { error };
    }
  }
}

/** One event stays as it was. */
function merged(events: readonly BatcherEvent[]): BatcherEvent {
  const [first] = events as readonly [BatcherEvent, ...BatcherEvent[]];
  if (events.length === 1) return first;
  const parts = events.map((event) => event.data);
  const isUpperCase = !first.type.includes(".");
  return { ...first, type: mergedType(first.type), data: isUpperCase ? mergeJobs(first.type, parts) : mergeData(parts) };
}
