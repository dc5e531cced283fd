import { setImmediate } from "node:timers/promises";
import type { BatchStanding } from "../model/batch.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError, invalid } from "../model/errors.ts";
import type { EventDraft } from "../model/event.ts";
import { newId } from "../model/ids.ts";
import { batchMoveFrom, FINAL_BATCH_STATES, OPEN_BATCH_STATES, type BatchStatus } from "../model/moves.ts";
import { priorityRank, type Priority } from "../model/priority.ts";
import type { BulkAction, BulkFilter, BulkJob, BulkPlace, BulkProgress } from "../store/bulk.ts";
import type { Store } from "../store/port.ts";
import { batchEntry } from "./audit-entry.ts";
import { finishedByHand, givenUpByHand, type HandFailure } from "./by-hand.ts";
import type { Caller } from "./service.ts";
import type { Signals } from "./signals.ts";

/** Also how often progress is told at most. */
const TURN_MS = 250;
/** What a turn may make up for of the time that the turns before it took too long. */
const LATE_MS = 1_000;
/** Batches looked at in one turn of the event loop: a few milliseconds. */
const LOOKS = 500;
const LISTED = 100;
/** Batches are acted on for so long in one commit, which is one turn of the event loop. */
const SLICE_MS = 10;

export interface BulkRequest {
  action: BulkAction;
  priority?: Priority | undefined;
  /** Why, of `finish` and `dead_letter`. */
  reason?: string | undefined;
  /** Absent statuses = all that the action applies to. */
  filter: Omit<BulkFilter, "statuses"> & { statuses?: readonly BatchStatus[] | undefined };
  /** Batches a second. */
  rate: number;
  /** Nothing is done before so many milliseconds have passed: time to cancel it. */
  delayMs?: number | undefined;
}

/** The batches of one job that are found and not yet dealt with, and how far it has looked. */
interface Run {
  job: BulkJob;
  found: BulkPlace[];
  looked: BulkPlace | null;
  atEnd: boolean;
  /** Batches that may be dealt with, with fractions: what a rate below four a second saves up. */
  credit: number;
  /** Up to when `credit` was given; Unix milliseconds. */
  paidAt: number;
  /** When progress was told last. */
  toldAt: number;
  /** Batches in the next commit at most: fewer after one that failed, until it is known which of them it is. */
  most: number;
}

/**
 * One act on all batches of a filter, so many a second. Some batches are one commit, with their entries in the audit log and how far
 * the job came, so a restart goes on where it was and acts on none twice.
 */
export class Bulk {
  private readonly store: Pick<Store, "bulk" | "events" | "audit">;
  private readonly signals: Pick<Signals, "batchChanged">;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  private readonly turns = new Map<string, { cancel: () => void; done: Promise<void> }>();
  private stopping = false;

  constructor(parts: {
    store: Pick<Store, "bulk" | "events" | "audit">;
    signals: Pick<Signals, "batchChanged">;
    clock: Clock;
    failed: (error: unknown) => void;
  }) {
    this.store = parts.store;
    this.signals = parts.signals;
    this.clock = parts.clock;
    this.failed = parts.failed;
  }

  /** Goes on with what a restart interrupted. */
  async start(): Promise<void> {
    for (const job of await this.store.bulk.running()) this.go(job);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const { cancel } of this.turns.values()) cancel();
    await Promise.all([...this.turns.values()].map(({ done }) => done));
  }

  /** Batches it would be done to. Throws validation_failed when the action applies to none of the states asked for. */
  count(caller: Caller, request: BulkRequest): Promise<number> {
    return this.store.bulk.count(caller.tenant, filterOf(request));
  }

  /** Throws validation_failed as `count` does. */
  async add(caller: Caller, request: BulkRequest): Promise<BulkJob> {
    const filter = filterOf(request);
    const { action, rate } = request;
    const job: BulkJob = {
      id: newId("bulk"),
      tenant: caller.tenant,
      action,
      priority: action === "priority" ? priorityRank(request.priority!) : null,
      reason: request.reason ?? null,
      filter,
      rate,
      total: await this.store.bulk.count(caller.tenant, filter),
      done: 0,
      failed: 0,
      skipped: 0,
      status: "running",
      createdAt: this.clock.now(),
      startsAt: this.clock.now() + (request.delayMs ?? 0),
      endedAt: null,
      after: null,
      error: null,
      actor: caller.actor,
      credential: caller.credential,
      address: caller.address,
    };
    await this.store.bulk.add(job);
    await this.audit(caller, "bulk.start", job.id, {
      action,
      priority: request.priority ?? null,
      ...(job.reason === null ? {} : { reason: job.reason }),
      filter,
      rate,
      total: job.total,
    });
    this.go(job);
    return job;
  }

  /** Throws bulk_not_found. */
  async get(caller: Caller, id: string): Promise<BulkJob> {
    const job = await this.store.bulk.get(caller.tenant, id);
    if (job === null) throw new BatchyardError("bulk_not_found");
    return job;
  }

  /** Newest first. */
  list(caller: Caller): Promise<BulkJob[]> {
    return this.store.bulk.list(caller.tenant, LISTED);
  }

  /** What is done stays done. Of a job that has ended it changes nothing. Throws bulk_not_found. */
  async cancel(caller: Caller, id: string): Promise<BulkJob> {
    const now = this.clock.now();
    const cancelled = await this.store.bulk.cancel(caller.tenant, id, now);
    const job = await this.get(caller, id);
    if (!cancelled) return job;
    this.turns.get(id)?.cancel();
    await this.store.events.append([told(job, job, now)]);
    await this.audit(caller, "bulk.cancel", id, { done: job.done, failed: job.failed, skipped: job.skipped, total: job.total });
    return job;
  }

  private go(job: BulkJob): void {
    const startsAt = Math.max(this.clock.now(), job.startsAt);
    this.later(
      { job, found: [], looked: job.after, atEnd: false, credit: 0, paidAt: startsAt, toldAt: startsAt, most: Infinity },
      job.startsAt - this.clock.now() + TURN_MS,
    );
  }

  /** The next turn begins TURN_MS after the last one did, or, if that took longer, right away. `mostMs`: a clock set back holds up no longer. */
  private later(run: Run, mostMs = TURN_MS): void {
    const { id } = run.job;
    const pause = Math.max(0, Math.min(Math.max(TURN_MS, mostMs), run.paidAt + TURN_MS - this.clock.now()));
    const turn = {
      done: Promise.resolve(),
      cancel: this.clock.after(pause, () => {
        turn.done = this.turn(run)
          .catch((error: unknown) => {
            this.failed(error);
            return true;
          })
          .then((more) => {
            if (more && !this.stopping) this.later(run);
            else this.turns.delete(id);
          });
      }),
    };
    this.turns.set(id, turn);
  }

  /** What the rate allows for one turn. False: the job has ended. */
  private async turn(run: Run): Promise<boolean> {
    const begun = this.clock.now();
    run.credit += (run.job.rate * Math.min(Math.max(0, begun - run.paidAt), LATE_MS)) / 1000;
    run.paidAt = begun;
    while (run.credit >= 1 && !this.stopping) {
      await this.find(run);
      if (run.found.length === 0) return this.end(run);
      if (!(await this.deal(run, run.found.slice(0, Math.min(Math.floor(run.credit), run.most))))) return false;
      // Whoever else wants to do something does it between two commits.
      await setImmediate();
    }
    return true;
  }

  private async find(run: Run): Promise<void> {
    while (run.found.length === 0 && !run.atEnd) {
      const { batches, after } = await this.store.bulk.targets(run.job.tenant, run.job.filter, run.looked, LOOKS);
      run.found = batches;
      run.looked = after;
      run.atEnd = after === null;
      await setImmediate();
    }
  }

  /** Some of these batches, in one commit. False: the job does not run any more. */
  private async deal(run: Run, batches: readonly BulkPlace[]): Promise<boolean> {
    const { job } = run;
    const now = this.clock.now();
    let tells = false;
    const event = (progress: BulkProgress): EventDraft | null => {
      // At the end of a turn; within one that takes long, twice a second.
      tells = now >= run.toldAt + (run.credit - (dealtWith(progress) - dealtWith(job)) < 1 ? TURN_MS : 2 * TURN_MS);
      return tells ? told(job, progress, now) : null;
    };
    const action = `batch.${job.action}`;
    const extra = job.reason === null ? {} : { reason: job.reason };
    let acted: readonly BatchStanding[] = [];
    try {
      const slice = { job, batches, withinMs: SLICE_MS, now, failure: failureOf(job), event };
      const done = await this.store.bulk.act({
        ...slice,
        entry: (before, after) => batchEntry(job, { action, at: now, before, after, extra }),
      });
      if (done === null) return false;
      this.advanced(run, done.progress);
      run.most *= 2;
      acted = done.acted;
    } catch (error) {
      run.most = 1;
      if (batches.length > 1) return true;
      this.failed(error);
      const progress = failedAt(job, batches[0]!, error);
      if (!(await this.store.bulk.advance(job.id, progress, null, event(progress)))) return false;
      this.advanced(run, progress);
    }
    if (tells) run.toldAt = now;
    for (const batch of acted) this.signals.batchChanged(batch);
    return true;
  }

  private advanced(run: Run, progress: BulkProgress): void {
    const dealt = dealtWith(progress) - dealtWith(run.job);
    run.credit -= dealt;
    run.found.splice(0, dealt);
    run.job = { ...run.job, ...progress };
  }

  private async end({ job }: Run): Promise<false> {
    // What was counted and not met has left the filter before its turn.
    const progress = { ...job, skipped: job.total - job.done - job.failed };
    const now = this.clock.now();
    await this.store.bulk.advance(job.id, progress, now, told({ ...job, status: "completed" }, progress, now));
    return false;
  }

  private audit({ tenant, actor, credential, address }: Caller, action: string, target: string, after: unknown): Promise<void> {
    const at = this.clock.now();
    return this.store.audit.append({ tenant, actor, credential, address, at, action, target, before: null, after, outcome: "SUCCESS" });
  }
}

const dealtWith = ({ done, failed, skipped }: BulkProgress): number => done + failed + skipped;

function failureOf({ action, reason }: BulkJob): HandFailure | null {
  if (reason === null) return null;
  return action === "finish" ? finishedByHand(reason) : givenUpByHand(reason);
}

function failedAt(job: BulkJob, after: BulkPlace, error: unknown): BulkProgress {
  const { done, skipped } = job;
  const failed = job.failed + 1;
  const message = error instanceof Error ? error.message : String(error);
  return { total: Math.max(job.total, done + skipped + failed), done, skipped, failed, after, error: message };
}

function told(job: BulkJob, { done, total, failed, skipped }: BulkProgress, ts: number): EventDraft {
  const { id, tenant, action, status } = job;
  const data = { bulk_id: id, action, status, done, total, failed, skipped };
  return { tenant, type: "bulk.progress", entity: { kind: "bulk", id }, severity: "info", ts, data };
}

/** Without a kind of error, completed batches are not retried: most have nothing to retry. */
function applicable({ action, filter }: BulkRequest): readonly BatchStatus[] {
  if (action === "priority" || action === "finish" || action === "dead_letter") return OPEN_BATCH_STATES;
  if (action === "resume") return batchMoveFrom("resume");
  if (action !== "retry") return batchMoveFrom(action);
  const byError = filter.fingerprint !== undefined || filter.code !== undefined;
  return FINAL_BATCH_STATES.filter((status) => byError || status !== "completed");
}

function filterOf(request: BulkRequest): BulkFilter {
  const states = applicable(request);
  const wanted = request.filter.statuses;
  const statuses = states.filter((status) => wanted === undefined || wanted.includes(status));
  if (statuses.length > 0) return { ...request.filter, statuses };
  const message = `'${request.action}' applies to ${states.join(", ")} batches${request.action === "retry" ? "; to completed ones with an error code or fingerprint" : ""}`;
  throw invalid([{ path: "filter.status", message, code: "not_supported" }]);
}
