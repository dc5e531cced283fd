import { classify } from "../../model/failure.ts";
import type { LeasedAttempt } from "../../store/attempts.ts";
import type { Desk } from "./desk.ts";
import type { Polling } from "./polling.ts";
import { upstreamEndpoint } from "./request-plan.ts";
import { backOff, HOLD_MS, isAbandoned, isHeld } from "./standing.ts";
import { isOf, isRefusal, statusOf, type Upstream, type UpstreamBatch } from "./upstream.ts";
import { writeVerdict } from "./verdict.ts";

/** A file that was just uploaded may not be found for so long. */
const FILE_SETTLES_MS = 60_000;
const FILE_RETRY_MS = 5_000;
const BUDGET_WAIT_MS = 30_000;
const QUOTA_WAIT_MS = 600_000;
/** Provider clocks and ours may differ by this much. */
const CLOCK_SKEW_MS = 3_600_000;

/**
 * From `prepared` to `validating`, so that the provider never gets one attempt twice:
 *
 *     prepared ── upload ──→ uploaded ── written down ──→ create_sent ── POST ──→ validating
 *                                ↑                            │  no answer, a crash: the list is read, at once and again
 *                                └── the provider said no ────┘  at 15 s, 60 s, 3 min; only then it is asked for once more
 */
export class Submission {
  private readonly desk: Desk;
  private readonly polling: Polling;
  private turn: Promise<void> = Promise.resolve();

  constructor(desk: Desk, polling: Polling) {
    this.desk = desk;
    this.polling = polling;
  }

  async prepared(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    const { attempts, owner, clock, files } = this.desk;
    if (!(await this.mayGoOn(attempt))) return;
    if (!(await files.has(attempt.id, "input"))) {
      await attempts.move(
        owner,
        attempt.id,
        "failed",
        { errorCode: "input_lost", collectedAt: clock.now(), dueAt: clock.now() },
        clock.now(),
      );
      return;
    }
    try {
      const inputFileId = await upstream.upload(files.path(attempt.id, "input"), `${attempt.id}.jsonl`, await this.traceparent(attempt));
      await this.desk.crashPoint("upload_answered");
      const now = clock.now();
      const moved = await attempts.move(owner, attempt.id, "uploaded", { inputFileId, uploadedAt: now, dueAt: now, error: null }, now);
      await this.desk.crashPoint("uploaded");
      if (moved !== null) await this.uploaded({ ...attempt, ...moved }, upstream);
    } catch (error) {
      // An upload whose answer is lost leaves a file that nobody uses, and the provider removes in time.
      if (isRefusal(error) && statusOf(error) !== 429) await this.refused(attempt, error);
      else await this.later(attempt, error);
    }
  }

  async uploaded(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    const { attempts, owner, clock } = this.desk;
    if (!(await this.mayGoOn(attempt))) return;
    if (upstream.provider.azure !== null && !(await this.isProcessed(attempt, upstream))) return;
    const sent = await this.inTurn(async () => {
      if (!(await this.hasRoom(attempt, upstream))) return null;
      const now = clock.now();
      return attempts.move(owner, attempt.id, "create_sent", { sentAt: now, dueAt: now, polls: attempt.polls }, now);
    });
    if (sent === null) return;
    await this.desk.crashPoint("create_sent");
    await this.create({ ...attempt, ...sent }, upstream);
  }

  /** What became of a create whose answer nobody has. */
  async createSent(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    const { attempts, owner, clock } = this.desk;
    let found: UpstreamBatch[];
    try {
      found = (await upstream.list(attempt.createdAt - CLOCK_SKEW_MS)).filter((batch) => isOf(batch, attempt));
    } catch (error) {
      await this.later(attempt, error, attempt.misses);
      return;
    }
    await this.desk.crashPoint("reconciled");
    const oldest = found.toReversed().toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0))[0];
    if (oldest !== undefined) {
      await this.accept(attempt, oldest);
      await this.polling.others(attempt, found, oldest.id);
      return;
    }
    const looks = attempt.misses + 1;
    const next = upstream.provider.lookAgainMs[attempt.misses];
    const now = clock.now();
    if (next !== undefined) {
      await attempts.note(owner, attempt.id, { misses: looks, dueAt: Math.max(now + 1000, attempt.sentAt! + next) });
      return;
    }
    if (!(await this.mayGoOn(attempt))) return;
    const again = await attempts.note(owner, attempt.id, { misses: 0, sentAt: now, dueAt: now });
    await this.desk.crashPoint("create_sent");
    if (again !== null) await this.create({ ...attempt, ...again }, upstream);
  }

  private async create(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    const { attempts, owner, clock, instance } = this.desk;
    const { id, batchId, sha256 } = attempt;
    let made: UpstreamBatch;
    try {
      made = await upstream.create({
        inputFileId: attempt.inputFileId!,
        endpoint: upstreamEndpoint(attempt.endpoint, upstream.provider),
        metadata: { app: "batchyard", instance, batch: batchId, attempt: id, sha256 },
        traceparent: await this.traceparent(attempt),
      });
    } catch (error) {
      if (isRefusal(error)) await this.notMade(attempt, error);
      else await attempts.note(owner, id, { errorCode: "outcome_unknown", error: classify(error).error, dueAt: clock.now() });
      return;
    }
    await this.desk.crashPoint("create_answered");
    await this.accept(attempt, made);
  }

  private traceparent({ tenant, batchId }: LeasedAttempt): Promise<string | null> {
    return this.desk.traceparent(tenant, batchId);
  }

  private async accept(attempt: LeasedAttempt, batch: UpstreamBatch): Promise<void> {
    const { attempts, owner, clock, random } = this.desk;
    const now = clock.now();
    const change = { upstreamId: batch.id, upstreamStatus: batch.writtenStatus, dueAt: now + backOff(0, random) };
    const moved = await attempts.move(owner, attempt.id, "validating", change, now);
    await this.desk.crashPoint("accepted");
    if (moved !== null) await this.polling.seen({ ...attempt, ...moved }, batch);
  }

  /** The provider answered, and made nothing of it. */
  private async notMade(attempt: LeasedAttempt, error: unknown): Promise<void> {
    const { attempts, owner, clock, random, budget } = this.desk;
    const now = clock.now();
    const { error: text, code, retryAfterMs } = classify(error, now);
    const back = (dueAt: number): unknown =>
      attempts.move(owner, attempt.id, "uploaded", { dueAt, polls: attempt.polls + 1, errorCode: code, error: text }, now);
    if (/cannot find file/i.test(text)) {
      if (now - attempt.uploadedAt! < FILE_SETTLES_MS) await back(now + FILE_RETRY_MS);
      else await this.putOff(attempt, "file_gone", text);
    } else if (code === "token_limit_exceeded") {
      budget.learn(attempt.provider, attempt.model, text);
      await this.putOff(attempt, code, text);
    } else if (statusOf(error) === 429) {
      await back(now + (code === "insufficient_quota" ? QUOTA_WAIT_MS : Math.max(retryAfterMs ?? 0, backOff(attempt.polls, random))));
    } else await this.refused(attempt, error);
  }

  /** For good: every line of it fails with what the provider said. */
  private async refused(attempt: LeasedAttempt, error: unknown): Promise<void> {
    const { attempts, owner, clock, files } = this.desk;
    const now = clock.now();
    const { error: text, code } = classify(error, now);
    const body = { error: { code, message: text } };
    await writeVerdict(files, attempt.id, () => ({ response: { status_code: statusOf(error) ?? 400, body }, error: null }));
    await attempts.move(owner, attempt.id, "failed", { errorCode: code, error: text, collectedAt: now, dueAt: now }, now);
  }

  /** The chunk goes into a new attempt later, at no cost. */
  private async putOff(attempt: LeasedAttempt, errorCode: string, error: string): Promise<void> {
    const now = this.desk.clock.now();
    await this.desk.attempts.move(this.desk.owner, attempt.id, "failed", { errorCode, error, collectedAt: now, dueAt: now }, now);
  }

  /** False: it was abandoned, and is ended here; or nothing may be sent now. */
  private async mayGoOn(attempt: LeasedAttempt): Promise<boolean> {
    const { attempts, owner, clock } = this.desk;
    const now = clock.now();
    if (isAbandoned(attempt)) await attempts.move(owner, attempt.id, "cancelled", { collectedAt: now, dueAt: now }, now);
    else if (isHeld(attempt, this.desk)) await attempts.note(owner, attempt.id, { dueAt: now + HOLD_MS });
    else return true;
    return false;
  }

  private async isProcessed(attempt: LeasedAttempt, upstream: Upstream): Promise<boolean> {
    try {
      const { status } = await upstream.file(attempt.inputFileId!);
      if (status === null || status === "processed") return true;
      if (status === "error") await this.putOff(attempt, "file_gone", "The provider could not process the file");
      else await this.desk.attempts.note(this.desk.owner, attempt.id, { dueAt: this.desk.clock.now() + FILE_RETRY_MS });
    } catch (error) {
      await this.later(attempt, error);
    }
    return false;
  }

  /** Do its tokens fit beside those that wait upstream already? */
  private async hasRoom(attempt: LeasedAttempt, upstream: Upstream): Promise<boolean> {
    const { attempts, owner, clock, budget } = this.desk;
    const limit = budget.of(upstream.provider, attempt.model);
    if (limit === null) return true;
    const waiting = (await attempts.enqueuedTokens()).find(
      ({ provider, model }) => provider === attempt.provider && model === attempt.model,
    );
    if ((waiting?.tokens ?? 0) + attempt.tokens <= limit) return true;
    // Larger than the limit by itself: the chunk is cut smaller, unless there is nothing left to cut.
    if (attempt.tokens > limit && attempt.lines > 1)
      await this.putOff(attempt, "token_limit_exceeded", `More than ${limit} tokens in one file`);
    else if (waiting === undefined) return true;
    else await attempts.note(owner, attempt.id, { dueAt: clock.now() + BUDGET_WAIT_MS });
    return false;
  }

  private async later(attempt: LeasedAttempt, error: unknown, misses = attempt.misses + 1): Promise<void> {
    const { attempts, owner, clock, random } = this.desk;
    const now = clock.now();
    const { error: text, code, retryAfterMs } = classify(error, now);
    const wait = Math.max(retryAfterMs ?? 0, backOff(attempt.misses, random));
    await attempts.note(owner, attempt.id, { misses, dueAt: now + wait, errorCode: code, error: text });
  }

  /** One after another: the next must see what this one has reserved. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.then(
      () => {},
      () => {},
    );
    return mine;
  }
}
