import type { Clock } from "../model/clock.ts";
import type { Store } from "../store/port.ts";

const ROUND_MS = 10 * 60_000;
const FIRST_ROUND_MS = 60_000;
const DAY_MS = 86_400_000;
/** How far back what happened is known by the minute, and by the day; by the hour it is as long as the setting says. */
const MINUTES_KEPT_MS = 3 * DAY_MS;
const DAYS_KEPT_MS = 366 * DAY_MS;
/** The least width in which what happened `agoMs` ago is still known. */
export function finestKnown(agoMs: number, monitoringDays: number): number {
  if (agoMs < MINUTES_KEPT_MS) return 60_000;
  return agoMs < monitoringDays * DAY_MS ? DAY_MS / 24 : DAY_MS;
}

/** Batches removed in one transaction; the event loop turns in between. */
const AT_ONCE = 20;
/** Rows of /v1 batches and of requests, a few hundred bytes each. */
const ROWS_AT_ONCE = 10_000;
/** What a stream of events can be resumed over: 24 hours or this many, whichever is less. */
const EVENTS_KEPT = 5_000_000;
/** Newest arrivals of a stream: what one preview replays, within a second and some 25 MB. */
const ARRIVALS_KEPT = 1_000_000;

/** Removes what is older than its retention: final batches with their results, events, the arrival log, expired files. Never unfinished work. */
export class Retention {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  private readonly sweepFiles: (now: number) => Promise<unknown>;
  private readonly settlePredictions: () => Promise<void>;
  /** Asked at every round: it can change. */
  private readonly batchDays: () => number;
  private readonly monitoringDays: () => number;
  private stopTimer = (): void => {};
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(parts: {
    store: Store;
    clock: Clock;
    failed: (error: unknown) => void;
    sweepFiles: (now: number) => Promise<unknown>;
    settlePredictions: () => Promise<void>;
    batchDays: () => number;
    monitoringDays: () => number;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.failed = parts.failed;
    this.sweepFiles = parts.sweepFiles;
    this.settlePredictions = parts.settlePredictions;
    this.batchDays = parts.batchDays;
    this.monitoringDays = parts.monitoringDays;
  }

  start(afterMs = FIRST_ROUND_MS): void {
    this.stopTimer = this.clock.after(afterMs, () => {
      this.running = this.round()
        .catch(this.failed)
        .finally(() => {
          if (!this.stopped) this.start(ROUND_MS);
        });
    });
  }

  /** Ends after the transaction that is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopTimer();
    await this.running;
  }

  async round(): Promise<void> {
    const now = this.clock.now();
    // Before what they are worked out from is gone.
    await this.settlePredictions().catch(this.failed);
    let removed = AT_ONCE;
    while (removed === AT_ONCE && !this.stopped) {
      removed = await this.store.batches.remove(null, now - this.batchDays() * DAY_MS, { limit: AT_ONCE, dryRun: false });
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.stopped) return;
    await this.store.openai.remove(now - this.batchDays() * DAY_MS, ROWS_AT_ONCE);
    await this.store.requests.remove(now - this.batchDays() * DAY_MS, ROWS_AT_ONCE);
    await this.store.events.trim({ before: now - DAY_MS, keep: EVENTS_KEPT });
    // Arrivals without the batches they became would say that a replay is wrong.
    const days = Math.min(this.monitoringDays(), this.batchDays());
    await this.store.impact.trim({ before: now - days * DAY_MS, keep: ARRIVALS_KEPT });
    await this.store.alerts.trim(now - this.monitoringDays() * DAY_MS);
    const before = { minutes: now - MINUTES_KEPT_MS, hours: now - this.monitoringDays() * DAY_MS, days: now - DAYS_KEPT_MS };
    while (!this.stopped && (await this.store.monitor.trim(before))) await new Promise((resolve) => setImmediate(resolve));
    await this.sweepFiles(now);
  }
}
