import type { Clock } from "../model/clock.ts";
import { iso } from "../model/clock.ts";
import { FINAL_BATCH_STATES, type FinalBatchStatus } from "../model/moves.ts";
import type { Store } from "../store/port.ts";

const ROUND_MS = 10 * 60_000;
const FIRST_ROUND_MS = 60_000;
const DAY_MS = 86_400_000;
/** How far back what happened is known by the minute, and by the day. */
const MINUTES_KEPT_MS = 3 * DAY_MS;
const DAYS_KEPT_MS = 366 * DAY_MS;
/** How far back by the hour: as long as the setting says, and for the time before, which figures are compared with; a day for the edges. */
const hoursKeptMs = (monitoringDays: number): number => (2 * monitoringDays + 1) * DAY_MS;

/** The least width in which what happened `agoMs` ago is still known. */
export function finestKnown(agoMs: number, monitoringDays: number): number {
  if (agoMs < MINUTES_KEPT_MS) return 60_000;
  return agoMs < hoursKeptMs(monitoringDays) ? DAY_MS / 24 : DAY_MS;
}

/** Batches removed in one transaction; the event loop turns in between. */
const AT_ONCE = 20;
/** Rows of /v1 batches and of requests, a few hundred bytes each. */
const ROWS_AT_ONCE = 10_000;
const LETTERS_AT_ONCE = 1_000;
const ENTRIES_AT_ONCE = 5_000;
/** What a stream of events can be resumed over: 24 hours or this many, whichever is less. */
const EVENTS_KEPT = 5_000_000;
/** Newest arrivals of a stream: what one preview replays, within a second and some 25 MB. */
const ARRIVALS_KEPT = 1_000_000;

/** Days that batches are kept; a state with 0 is kept as long as the others. */
export interface BatchDays {
  retentionDays: number;
  retention: Readonly<Record<FinalBatchStatus, number>>;
  /** 0 = for ever. */
  retentionOfLog: { readonly deadLetters: number; readonly audit: number };
}

/** What is in force for batches of one state. */
export interface RetentionPolicy {
  status: FinalBatchStatus;
  days: number;
  /** The setting that says so, as the settings API names it. */
  setting: string;
}

export interface RetentionPass {
  /** Unix milliseconds. */
  startedAt: number;
  endedAt: number;
  removed: Record<FinalBatchStatus, number>;
}

export function retentionPolicies({ retentionDays, retention }: BatchDays): RetentionPolicy[] {
  return FINAL_BATCH_STATES.map((status) =>
    retention[status] > 0
      ? { status, days: retention[status], setting: `retention.${status}_days` }
      : { status, days: retentionDays, setting: "retention.batches_days" },
  );
}

/** Removes what is older than its retention: final batches with their results, events, the arrival log, messages that went out, expired files. Never unfinished work. */
export class Retention {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  private readonly sweepFiles: (now: number) => Promise<unknown>;
  private readonly settlePredictions: () => Promise<void>;
  /** Asked at every round: it can change. */
  private readonly days: () => BatchDays;
  private readonly home: string;
  private readonly monitoringDays: () => number;
  private stopTimer = (): void => {};
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  /** A round is under way: it also looks at the disk. */
  working = false;
  /** The last pass that came to its end; null = none has since the start. */
  last: RetentionPass | null = null;
  /** When the next one begins, Unix milliseconds; null = one is under way, or none will come. */
  nextAt: number | null = null;

  constructor(parts: {
    store: Store;
    clock: Clock;
    failed: (error: unknown) => void;
    sweepFiles: (now: number) => Promise<unknown>;
    settlePredictions: () => Promise<void>;
    days: () => BatchDays;
    monitoringDays: () => number;
    /** The tenant whose the server is. */
    home: string;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.failed = parts.failed;
    this.sweepFiles = parts.sweepFiles;
    this.settlePredictions = parts.settlePredictions;
    this.days = parts.days;
    this.home = parts.home;
    this.monitoringDays = parts.monitoringDays;
  }

  start(afterMs = FIRST_ROUND_MS): void {
    this.nextAt = this.clock.now() + afterMs;
    this.stopTimer = this.clock.after(afterMs, () => {
      this.nextAt = null;
      this.working = true;
      this.running = this.round()
        .catch(this.failed)
        .finally(() => {
          this.working = false;
          if (!this.stopped) this.start(ROUND_MS);
        });
    });
  }

  /** Ends after the transaction that is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.nextAt = null;
    this.stopTimer();
    await this.running;
  }

  async round(): Promise<void> {
    const now = this.clock.now();
    // Before what they are worked out from is gone.
    await this.settlePredictions().catch(this.failed);
    const removed = { completed: 0, failed: 0, cancelled: 0, expired: 0 };
    for (const { status } of retentionPolicies(this.days())) removed[status] = await this.removeOf(status, now);
    if (this.stopped) return;
    this.last = { startedAt: now, endedAt: this.clock.now(), removed };
    // What only tells of a batch stays as long as any batch does; what explains one is worth nothing without it.
    const kept = retentionPolicies(this.days()).map(({ days }) => days);
    const longest = now - Math.max(...kept) * DAY_MS;
    await this.store.openai.remove(longest, ROWS_AT_ONCE);
    await this.store.requests.remove(longest, ROWS_AT_ONCE);
    await this.trimLogs(now);
    await this.store.events.trim({ before: now - DAY_MS, keep: EVENTS_KEPT });
    // Arrivals without the batches they became would say that a replay is wrong.
    const days = Math.min(this.monitoringDays(), ...kept);
    await this.store.impact.trim({ before: now - days * DAY_MS, keep: ARRIVALS_KEPT });
    await this.store.failures.trim(now - this.monitoringDays() * DAY_MS);
    await this.store.alerts.trim(now - this.monitoringDays() * DAY_MS);
    while (!this.stopped && (await this.store.outbox.trim(now - this.monitoringDays() * DAY_MS, ROWS_AT_ONCE)) === ROWS_AT_ONCE)
      await new Promise((resolve) => setImmediate(resolve));
    const before = { minutes: now - MINUTES_KEPT_MS, hours: now - hoursKeptMs(this.monitoringDays()), days: now - DAYS_KEPT_MS };
    while (!this.stopped && (await this.store.monitor.trim(before))) await new Promise((resolve) => setImmediate(resolve));
    await this.sweepFiles(now);
  }

  /** Dead letters of streams, and the audit log from its beginning on. */
  private async trimLogs(now: number): Promise<void> {
    const { deadLetters, audit } = this.days().retentionOfLog;
    const parts = [
      [deadLetters, (before: number) => this.store.dead.expire(before, LETTERS_AT_ONCE)],
      [audit, (before: number) => this.store.audit.trim(before, ENTRIES_AT_ONCE, { tenant: this.home, actor: "retention", at: now })],
    ] as const;
    for (const [days, remove] of parts) {
      while (!this.stopped && days > 0 && (await remove(now - days * DAY_MS)) > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A few at once, each part by the days as they are then. */
  private async removeOf(status: FinalBatchStatus, now: number): Promise<number> {
    let all = 0;
    while (!this.stopped) {
      const { days, setting } = retentionPolicies(this.days()).find((policy) => policy.status === status)!;
      const before = now - days * DAY_MS;
      const policy = `${setting} = ${days}: what ended before ${iso(before)!}`;
      const removed = await this.store.batches.remove(null, before, {
        limit: AT_ONCE,
        dryRun: false,
        statuses: [status],
        by: { policy, at: this.clock.now() },
      });
      all += removed;
      if (removed < AT_ONCE) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return all;
  }
}
