import { Cron } from "croner";
import { isUpstream, type AttemptState } from "../../model/attempt-moves.ts";
import { classify } from "../../model/failure.ts";
import type { AttemptRow, LeasedAttempt } from "../../store/attempts.ts";
import { strayId } from "./custom-id.ts";
import type { Desk } from "./desk.ts";
import { backOff, isAbandoned, isLongRunning } from "./standing.ts";
import { isOf, statusOf, type Upstream, type UpstreamBatch } from "./upstream.ts";

/** A batch that was there and is answered 404 so often in a row is gone. */
const GONE_AFTER = 5;
const CLOCK_SKEW_MS = 3_600_000;
/** Cancelling is asked for again after so many polls that show no sign of it. */
const CANCEL_AGAIN = 5;

/** What a provider's status means here; of others nothing is known but that the batch exists. */
const STATES: Readonly<Record<string, AttemptState>> = {
  validating: "validating",
  in_progress: "in_progress",
  finalizing: "finalizing",
  cancelling: "cancelling",
  canceling: "cancelling",
  completed: "completed",
  failed: "failed",
  expired: "expired",
  cancelled: "cancelled",
  canceled: "cancelled",
};

/** Watches what is upstream until it ends. */
export class Polling {
  private readonly desk: Desk;

  constructor(desk: Desk) {
    this.desk = desk;
  }

  /** One list call for many; those it does not show are asked for one by one. */
  async many(attempts: readonly LeasedAttempt[], upstream: Upstream): Promise<void> {
    let listed: UpstreamBatch[] = [];
    const since = Math.min(...attempts.map((attempt) => attempt.createdAt)) - CLOCK_SKEW_MS;
    const wanted = new Set(attempts.map((attempt) => attempt.upstreamId));
    try {
      listed = await upstream.list(since, (batch) => wanted.delete(batch.id) && wanted.size === 0);
    } catch (error) {
      for (const attempt of attempts) await this.unanswered(attempt, error);
      return;
    }
    for (const attempt of attempts) {
      const batch = listed.find(({ id }) => id === attempt.upstreamId);
      await this.others(attempt, listed, attempt.upstreamId!);
      if (batch === undefined) await this.one(attempt, upstream);
      else await this.looked(attempt, batch, upstream);
    }
  }

  async one(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    let batch: UpstreamBatch;
    try {
      batch = await upstream.retrieve(attempt.upstreamId!);
    } catch (error) {
      if (statusOf(error) === 404) await this.missing(attempt);
      else await this.unanswered(attempt, error);
      return;
    }
    await this.looked(attempt, batch, upstream);
  }

  /** What a batch looks like now. */
  async seen(attempt: LeasedAttempt, batch: UpstreamBatch): Promise<void> {
    const { attempts, owner, clock } = this.desk;
    const now = clock.now();
    const polls = attempt.polls + 1;
    const shown = { upstreamStatus: batch.writtenStatus, outputFileId: batch.outputFileId, errorFileId: batch.errorFileId, misses: 0 };
    const to = this.stateOf(attempt, batch);
    if (to !== null && isUpstream(to)) {
      const moved =
        to === attempt.state ? null : await attempts.move(owner, attempt.id, to, { ...shown, polls, dueAt: this.nextPoll(polls) }, now);
      if (moved !== null) return;
    } else if (to !== null) {
      const fault = batch.faults[0];
      const why = to === "failed" ? { errorCode: fault?.code ?? "batch_failed", error: describe(batch) } : {};
      await attempts.move(owner, attempt.id, to, { ...shown, ...why, dueAt: this.nextProcessing(attempt) }, now);
      await this.desk.crashPoint("ended");
      return;
    }
    await attempts.note(owner, attempt.id, { ...shown, polls, dueAt: this.nextPoll(polls) });
  }

  /** Upstream batches of the attempt besides the one that is kept: cancelled, collected and paid for, and someone is told. */
  async others(attempt: AttemptRow, found: readonly UpstreamBatch[], kept: string): Promise<void> {
    const { attempts, events, clock } = this.desk;
    for (const batch of found) {
      if (!isOf(batch, attempt) || batch.id === kept) continue;
      const stray = await attempts.stray(attempt, { id: strayId(attempt.id), upstreamId: batch.id, now: clock.now() });
      if (stray === null) continue;
      await events.append([
        {
          tenant: attempt.tenant,
          type: "upstream.doubled",
          entity: { kind: "batch", id: attempt.batchId },
          severity: "critical",
          ts: clock.now(),
          data: { batch_id: attempt.batchId, provider: attempt.provider, attempt: attempt.id, kept, cancelled: batch.id },
        },
      ]);
    }
  }

  private async looked(attempt: LeasedAttempt, batch: UpstreamBatch, upstream: Upstream): Promise<void> {
    const to = this.stateOf(attempt, batch);
    const goesOn = to === null || (isUpstream(to) && to !== "cancelling");
    if (!goesOn || !this.isUnwanted(attempt) || (attempt.cancelSent && attempt.polls % CANCEL_AGAIN !== 0))
      return this.seen(attempt, batch);
    const { attempts, owner } = this.desk;
    try {
      const cancelled = await upstream.cancel(batch.id);
      await this.desk.crashPoint("cancel_sent");
      await attempts.note(owner, attempt.id, { cancelSent: true });
      await this.seen({ ...attempt, cancelSent: true }, cancelled);
    } catch (error) {
      // 409: it ended meanwhile, which the next poll shows.
      if (statusOf(error) === null) await this.unanswered(attempt, error);
      else await this.seen(attempt, batch);
    }
  }

  private isUnwanted(attempt: LeasedAttempt): boolean {
    return isAbandoned(attempt) || this.desk.clock.now() >= attempt.timeoutAt;
  }

  /** Cancelled because it took too long is expired. */
  private stateOf(attempt: LeasedAttempt, batch: UpstreamBatch): AttemptState | null {
    const state = STATES[batch.status] ?? null;
    return state === "cancelled" && !isAbandoned(attempt) && this.desk.clock.now() >= attempt.timeoutAt ? "expired" : state;
  }

  private async missing(attempt: LeasedAttempt): Promise<void> {
    const { attempts, owner, clock, random } = this.desk;
    const now = clock.now();
    const misses = attempt.misses + 1;
    const error = `The provider no longer knows the batch ${attempt.upstreamId}`;
    if (misses < GONE_AFTER) await attempts.note(owner, attempt.id, { misses, dueAt: now + backOff(misses, random), error });
    else await attempts.move(owner, attempt.id, "vanished", { errorCode: "vanished", error, collectedAt: now, dueAt: now }, now);
  }

  private async unanswered(attempt: LeasedAttempt, error: unknown): Promise<void> {
    const { attempts, owner, clock, random } = this.desk;
    const now = clock.now();
    const { error: text, retryAfterMs } = classify(error, now);
    const wait = Math.max(retryAfterMs ?? 0, backOff(attempt.polls, random));
    await attempts.note(owner, attempt.id, { polls: attempt.polls + 1, dueAt: now + wait, error: text });
  }

  /** Soon at first; what takes long, by the schedule. A schedule that is denser than the back-off is kept from the start. */
  private nextPoll(polls: number): number {
    const { clock, random } = this.desk;
    const scheduled = next(this.desk.settings().statusCheckInterval, clock.now()) + Math.round(random() * 1000);
    return isLongRunning(polls) ? scheduled : Math.min(scheduled, clock.now() + backOff(polls, random));
  }

  private nextProcessing(attempt: LeasedAttempt): number {
    const { clock } = this.desk;
    return isAbandoned(attempt) || clock.now() >= attempt.timeoutAt
      ? clock.now()
      : next(this.desk.settings().resultProcessingInterval, clock.now());
  }
}

function describe({ faults }: UpstreamBatch): string {
  const shown = faults.slice(0, 3).map(({ line, message }) => (line === null ? message : `line ${line}: ${message}`));
  return (shown.join("; ") || "The provider gave no reason") + (faults.length > 3 ? `; and ${faults.length - 3} more` : "");
}

function next(cron: string, now: number): number {
  return new Cron(cron, { paused: true }).nextRun(new Date(now))?.getTime() ?? now;
}
