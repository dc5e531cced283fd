import { rm } from "node:fs/promises";
import { classify } from "../../model/failure.ts";
import type { AttemptReport, LeasedAttempt } from "../../store/attempts.ts";
import type { Spend } from "../port.ts";
import { answerLines, type AnswerLine } from "./answer-lines.ts";
import { attemptOfStray, placeOf } from "./custom-id.ts";
import type { Desk } from "./desk.ts";
import { spendOf } from "./line-spend.ts";
import type { Polling } from "./polling.ts";
import { backOff, backOffSince, isAbandoned, putOffMs } from "./standing.ts";
import { isOf, statusOf, type Upstream, type UpstreamBatch } from "./upstream.ts";
import { writeVerdict } from "./verdict.ts";

/** Polls that an ended batch gets to show the files its counters speak of. */
const PATIENCE = 5;
/** Downloads of a file that is not there, or never whole, before it is taken for what it is. */
const TRIES = 6;
const LOOK_AGAIN_MS = 5_000;
const BOOKED_AT_ONCE = 500;

/** From the end upstream to `ingested`: fetches the files, has the chunk run on them, books what no result stands for. */
export class Collection {
  private readonly desk: Desk;
  private readonly polling: Polling;

  constructor(desk: Desk, polling: Polling) {
    this.desk = desk;
    this.polling = polling;
  }

  /** An ended attempt whose files are not here yet. */
  async fetch(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    const { attempts, owner, clock, files } = this.desk;
    try {
      const ids = await this.fileIds(attempt, upstream);
      if (ids === null) return;
      for (const part of ["output", "error"] as const) {
        const fileId = ids[part];
        if (fileId !== null && !(await files.has(attempt.id, part)) && !(await this.download(attempt, upstream, fileId, part))) return;
      }
    } catch (error) {
      await this.later(attempt, error);
      return;
    }
    await attempts.note(owner, attempt.id, { collectedAt: clock.now(), dueAt: clock.now(), misses: 0 });
    await this.desk.crashPoint("collected");
  }

  /** Its files are here: the chunk settles its items from them; once it has, or never will, the attempt is closed. */
  async conclude(attempt: LeasedAttempt): Promise<void> {
    const { attempts, owner, clock, chunks } = this.desk;
    const now = clock.now();
    if (isAbandoned(attempt)) return this.close(attempt);
    const waitMs = putOffMs(attempt);
    if (waitMs !== null && attempt.chunk === "pending") {
      // Woken first: nobody wakes the chunk of an attempt that is closed.
      await chunks.wake(attempt.chunkId!, now + waitMs);
      return this.close(attempt);
    }
    if (waitMs === null) await chunks.wake(attempt.chunkId!, now);
    await attempts.note(owner, attempt.id, { dueAt: now + LOOK_AGAIN_MS });
  }

  /** Null: not yet. Faults of the file become lines of an error file. */
  private async fileIds(attempt: LeasedAttempt, upstream: Upstream): Promise<{ output: string | null; error: string | null } | null> {
    const known = { output: attempt.outputFileId, error: attempt.errorFileId };
    if (attempt.upstreamId === null) return known;
    const batch = await this.ended(attempt, upstream);
    if (batch === null) return known;
    if (attempt.errorCode === "outcome_unknown") await this.lookForOthers(attempt, upstream);
    const ids = { output: batch.outputFileId ?? known.output, error: batch.errorFileId ?? known.error };
    const expected = (batch.completed > 0 && ids.output === null) || (batch.failed > 0 && ids.error === null);
    if (expected && attempt.polls < PATIENCE) {
      const { attempts, owner, clock, random } = this.desk;
      const dueAt = clock.now() + backOff(attempt.polls, random);
      await attempts.note(owner, attempt.id, { polls: attempt.polls + 1, dueAt, outputFileId: ids.output, errorFileId: ids.error });
      return null;
    }
    if (attempt.state === "failed" && ids.error === null) await this.writeFaults(attempt, batch);
    return ids;
  }

  /** Null: the provider has forgotten the batch since it ended; its files may still be there. */
  private async ended(attempt: LeasedAttempt, upstream: Upstream): Promise<UpstreamBatch | null> {
    try {
      return await upstream.retrieve(attempt.upstreamId!);
    } catch (error) {
      if (statusOf(error) === 404 && attempt.misses + 1 >= TRIES) return null;
      throw error;
    }
  }

  /** The create was once without an answer: a second batch may have come of it. */
  private async lookForOthers(attempt: LeasedAttempt, upstream: Upstream): Promise<void> {
    const found = (await upstream.list(attempt.createdAt - 3_600_000)).filter((batch) => isOf(batch, attempt));
    await this.polling.others(attempt, found, attempt.upstreamId!);
  }

  private async writeFaults(attempt: LeasedAttempt, { faults }: UpstreamBatch): Promise<void> {
    const { budget, files } = this.desk;
    for (const { code, message } of faults) if (code === "token_limit_exceeded") budget.learn(attempt.provider, attempt.model, message);
    if (putOffMs(attempt) !== null) return;
    const whole = faults.find(({ line }) => line === null);
    const byLine = new Map(faults.map((fault) => [fault.line, fault]));
    await writeVerdict(files, attempt.id, (line) => {
      const { code, message } = byLine.get(line) ??
        whole ?? { code: "batch_failed", message: "Another line made the provider refuse the file" };
      return { response: null, error: { code: code === "batch_failed" ? "server_error" : code, message } };
    });
  }

  /** False: to be tried again. The bytes are held against what the provider says of the file. */
  private async download(attempt: LeasedAttempt, upstream: Upstream, fileId: string, part: "output" | "error"): Promise<boolean> {
    const { files } = this.desk;
    const path = files.path(attempt.id, part);
    const last = attempt.misses + 1 >= TRIES;
    try {
      const bytes = await upstream.download(fileId, path);
      const expected = (await upstream.file(fileId)).bytes;
      if (expected !== null && bytes !== expected && !last) {
        await rm(path, { force: true });
        throw new ShortFile(`The file ${fileId} came with ${bytes} of ${expected} bytes`);
      }
      await this.desk.crashPoint("downloaded");
      return true;
    } catch (error) {
      // What the provider lost, its lines are missing of.
      if (statusOf(error) === 404 && last) return true;
      await this.later(attempt, error);
      return false;
    }
  }

  /** Reads every line once more: what was paid for and is not in the books yet is booked, what is strange is counted. */
  private async close(attempt: LeasedAttempt): Promise<void> {
    const { attempts, owner, clock, files } = this.desk;
    const report: AttemptReport = { lines: attempt.lines, succeeded: 0, failed: 0, missing: 0, duplicates: 0, unknown: 0, unreadable: 0 };
    const chunkId = attempt.chunkId ?? (await attempts.get(attemptOfStray(attempt.id)))?.chunkId ?? 0;
    const seen = new Set<number>();
    let spends: (Spend & { customId: string })[] = [];
    const book = async (): Promise<void> => {
      if (spends.length > 0) await this.desk.book(attempt, spends);
      spends = [];
    };
    for (const part of ["output", "error"] as const) {
      if (!(await files.has(attempt.id, part))) continue;
      for await (const line of answerLines(files.path(attempt.id, part))) {
        count(report, seen, chunkId, line);
        const spend = line === null || isForeign(line, chunkId) ? null : spendOf(attempt, line);
        if (spend !== null) spends.push(spend);
        if (spends.length >= BOOKED_AT_ONCE) await book();
      }
    }
    await book();
    await this.desk.crashPoint("booked");
    report.missing = Math.max(0, report.lines - seen.size);
    await attempts.move(owner, attempt.id, "ingested", { report }, clock.now());
    await this.desk.crashPoint("closed");
    await files.remove(attempt.id);
  }

  private async later(attempt: LeasedAttempt, error: unknown): Promise<void> {
    const { attempts, owner, clock, random } = this.desk;
    const now = clock.now();
    const { error: text, retryAfterMs } = classify(error, now);
    // What is not there, or not whole, is given up some time; a provider that is away is not.
    const counts = statusOf(error) === 404 || error instanceof ShortFile;
    const wait = counts ? backOff(attempt.misses, random) : backOffSince(attempt.endedAt ?? now, now, random);
    const dueAt = now + Math.max(retryAfterMs ?? 0, wait);
    await attempts.note(owner, attempt.id, { misses: attempt.misses + (counts ? 1 : 0), dueAt, error: text });
  }
}

/** Fewer bytes came than the provider says the file has. */
class ShortFile extends Error {}

/** It has an id that was never sent: nobody asked for it. */
function isForeign(line: AnswerLine, chunkId: number): boolean {
  return line.customId !== null && placeOf(line.customId, chunkId) === null;
}

function count(report: AttemptReport, seen: Set<number>, chunkId: number, line: AnswerLine | null): void {
  if (line === null) {
    report.unreadable += 1;
    return;
  }
  const place = placeOf(line.customId, chunkId);
  if (place === null) report.unknown += 1;
  else if (seen.has(place)) report.duplicates += 1;
  else {
    seen.add(place);
    if (line.answer?.status === 200 && line.error === null) report.succeeded += 1;
    else report.failed += 1;
  }
}
