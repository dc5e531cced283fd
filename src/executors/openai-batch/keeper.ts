import { isEnded, isUpstream } from "../../model/attempt-moves.ts";
import type { LeasedAttempt } from "../../store/attempts.ts";
import { Collection } from "./collection.ts";
import type { Desk } from "./desk.ts";
import { Polling } from "./polling.ts";
import { Submission } from "./submission.ts";
import { Upstream } from "./upstream.ts";

/** Attempts looked after at once. */
const AT_ONCE = 8;
/** Longer than any single step takes: a process that is alive never loses one on its way. */
const LEASE_MS = 3_600_000;
/** A step that broke (a full disk, a fault of ours) is done again after this. */
const BROKEN_MS = 10_000;
/** Ending an upstream batch can take its provider 25 minutes. */
const COLLECTING_MS = 30 * 60_000;
const MOST_OPEN = 1000;
/** Asks the store at least so often: another process, or somebody's hand, may have changed it. */
const LONGEST_SLEEP_MS = 60_000;

/**
 * Takes every attempt to its end. All it knows stands in the attempt's row, where `dueAt` says when to look next: a process that
 * dies at any point leaves a row from which the next one goes on. Nothing here waits for a worker slot.
 */
export class Keeper {
  private readonly desk: Desk;
  private readonly submission: Submission;
  private readonly polling: Polling;
  private readonly collection: Collection;
  private readonly busy = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private cancelTimer = (): void => {};
  /** Batches past their deadline whose attempts were made due. */
  private readonly hurried = new Set<string>();
  private running = false;
  private looking: Promise<void> | null = null;
  private again = false;
  /** Grows with each step that starts or ends. */
  changes = 0;

  constructor(desk: Desk) {
    this.desk = desk;
    this.polling = new Polling(desk);
    this.submission = new Submission(desk, this.polling);
    this.collection = new Collection(desk, this.polling);
  }

  /** Looks at every open attempt: what an earlier process left behind is found before anything new is sent. */
  async start(): Promise<void> {
    this.desk.budget.remember(await this.desk.attempts.refusals());
    await this.desk.attempts.hurry(null, this.desk.clock.now());
    this.running = true;
    this.wake();
  }

  /** Something may be due. */
  wake(): void {
    if (!this.running) return;
    this.again = true;
    this.looking ??= this.look()
      .catch(this.desk.failed)
      .finally(() => {
        this.looking = null;
        if (this.again) this.wake();
      });
  }

  /** A batch was resumed, paused or ended, or a setting changed: its attempts are looked at now. */
  async changed(batchId: string | null): Promise<void> {
    if (!this.running) return;
    await this.desk.attempts.hurry(batchId, this.desk.clock.now());
    this.wake();
  }

  /**
   * A batch has reached its deadline: may results of its upstream batches still come? They are ended and collected now; a provider
   * that takes longer than COLLECTING_MS to end them is not waited for.
   */
  async collecting(tenant: string, batchId: string): Promise<boolean> {
    const { attempts, clock } = this.desk;
    const now = clock.now();
    const open = (await attempts.open(tenant, batchId, MOST_OPEN)).filter(
      ({ chunkId, state, timeoutAt }) =>
        chunkId !== null && state !== "prepared" && state !== "uploaded" && now < timeoutAt + COLLECTING_MS,
    );
    if (open.length === 0) this.hurried.delete(batchId);
    else if (!this.hurried.has(batchId)) {
      this.hurried.add(batchId);
      await this.changed(batchId);
    }
    return open.length > 0;
  }

  /** When an attempt is to be looked at next; null = none is open. */
  nextDueAt(): Promise<number | null> {
    return this.desk.attempts.nextDueAt(this.desk.owner);
  }

  /** Steps under way. */
  get working(): number {
    return this.busy.size + (this.looking === null ? 0 : 1);
  }

  /** Starts no further step; those under way may end, and are aborted after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.running = false;
    this.again = false;
    this.cancelTimer();
    const cancel = this.desk.clock.after(graceMs, () => this.stopping.abort(new Error("The server stops")));
    await this.looking;
    await Promise.all(this.busy.values());
    cancel();
  }

  private async look(): Promise<void> {
    this.again = false;
    this.cancelTimer();
    const { attempts, clock, owner } = this.desk;
    const due = await attempts.lease(owner, { now: clock.now(), leaseMs: LEASE_MS, limit: AT_ONCE * 16 });
    const free = due.filter((attempt) => !this.busy.has(attempt.id));
    const polls = new Map<string, LeasedAttempt[]>();
    for (const attempt of free) {
      if (isUpstream(attempt.state)) polls.set(attempt.provider, [...(polls.get(attempt.provider) ?? []), attempt]);
      else if (this.busy.size < AT_ONCE) this.begin([attempt], (upstream) => this.step(attempt, upstream));
    }
    for (const group of polls.values()) {
      const [only] = group;
      if (group.length === 1) this.begin(group, (upstream) => this.polling.one(only!, upstream));
      else this.begin(group, (upstream) => this.polling.many(group, upstream));
    }
    if (!this.running) return;
    const next = await attempts.nextDueAt(owner);
    const now = clock.now();
    const waitMs = next === null || (next <= now && this.busy.size > 0) ? LONGEST_SLEEP_MS : Math.max(0, next - now);
    this.cancelTimer = clock.after(Math.min(waitMs, LONGEST_SLEEP_MS), () => this.wake());
  }

  private begin(group: readonly LeasedAttempt[], work: (upstream: Upstream) => Promise<void>): void {
    const done = this.guarded(group, work).finally(() => {
      for (const { id } of group) this.busy.delete(id);
      this.changes += 1;
      this.wake();
    });
    for (const { id } of group) this.busy.set(id, done);
    this.changes += 1;
  }

  private async guarded(group: readonly LeasedAttempt[], work: (upstream: Upstream) => Promise<void>): Promise<void> {
    const { attempts, clock, owner, providers } = this.desk;
    try {
      const name = group[0]!.provider;
      const provider = providers.get(name);
      if (provider === null)
        throw new Error(`The provider '${name}' has attempts under way and is no longer configured; put it back to collect them`);
      await work(new Upstream(providers, provider, this.stopping.signal));
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.desk.failed(error);
      for (const { id } of group) await attempts.note(owner, id, { dueAt: clock.now() + BROKEN_MS }).catch(this.desk.failed);
    }
  }

  private async step(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    if (isEnded(attempt.state)) {
      if (attempt.collectedAt === null) await this.collection.fetch(attempt, upstream);
      else await this.collection.conclude(attempt);
    } else if (attempt.state === "prepared") await this.submission.prepared(attempt, upstream);
    else if (attempt.state === "uploaded") await this.submission.uploaded(attempt, upstream);
    else await this.submission.createSent(attempt, upstream);
  }
}
