import { classify } from "../../model/failure.ts";
import { isRetryable } from "../../model/item.ts";
import type { NanoUsd } from "../../model/money.ts";
import { newId } from "../../model/ids.ts";
import { OPENAI_BATCH } from "../../model/upstream.ts";
import { failureOfLine, failureOfStatus } from "../../providers/failure.ts";
import type { AttemptRow } from "../../store/attempts.ts";
import { breathe, breatheDue } from "../handler/breather.ts";
import { OVER_BUDGET, type ChunkWork, type Executor, type Outcome, type RunControl } from "../port.ts";
import { answerLines, type AnswerLine } from "./answer-lines.ts";
import { placeOf } from "./custom-id.ts";
import type { Desk } from "./desk.ts";
import type { Keeper } from "./keeper.ts";
import { askOnline, hedgeAt, payOnly } from "./hedge.ts";
import { spendOf } from "./line-spend.ts";
import { Outlay } from "./outlay.ts";
import { putOffMs } from "./standing.ts";
import { fileLines, planRequests, requestsOf, type FilePlan } from "./request-plan.ts";

/** A chunk whose attempt is under way is not looked at before the attempt wakes it. */
const ASLEEP_MS = 366 * 86_400_000;
const CLOSING_MS = 1_000;
const NO_ROOM_MS = 30_000;
const SWITCHED_OFF_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Runs chunks through a provider's batch API. A run never waits: the first one turns the chunk into an attempt and puts the
 * chunk off; the Keeper takes the attempt to its end and wakes the chunk; the second run settles its items from the files that
 * have come meanwhile. So days upstream occupy no slot, hold no lease, and survive any number of restarts. Shortly before the
 * deadline of a batch that is hedged, a run asks online for what is still open.
 */
export class OpenAiBatchExecutor implements Executor {
  readonly kind = OPENAI_BATCH;
  private readonly desk: Desk;
  private readonly keeper: Pick<Keeper, "wake">;

  private readonly online: Executor;

  private readonly outlay: Outlay;
  private turn: Promise<void> = Promise.resolve();

  constructor(desk: Desk, keeper: Pick<Keeper, "wake">, online: Executor) {
    this.desk = desk;
    this.keeper = keeper;
    this.online = online;
    this.outlay = new Outlay(desk);
  }

  async run(work: ChunkWork, control: RunControl): Promise<void> {
    const { attempts, clock } = this.desk;
    const attempt = await attempts.ofChunk(work.chunkId, work.epoch);
    const now = clock.now();
    if (attempt !== null && putOffMs(attempt) !== null) {
      // It is about to be closed; the chunk then makes a new one.
      control.defer(now + CLOSING_MS);
      return this.keeper.wake();
    }
    if (attempt !== null && attempt.collectedAt !== null) return this.settle(attempt, work, control);
    const { deadlineAt } = work;
    if (deadlineAt !== null && now >= deadlineAt) {
      // Nothing new is begun; what is upstream is being ended.
      control.defer(now + ASLEEP_MS);
      return;
    }
    const hedge = hedgeAt(work);
    if (hedge !== null && now >= hedge) return attempt === null ? this.online.run(work, control) : this.race(work, control);
    if (attempt === null) return this.prepare(work, control);
    this.sleep(work, control);
    this.keeper.wake();
  }

  /** Until the attempt wakes the chunk, or it is time to hedge. */
  private sleep(work: ChunkWork, control: RunControl): void {
    const asleep = this.desk.clock.now() + ASLEEP_MS;
    control.defer(Math.min(asleep, hedgeAt(work) ?? asleep));
  }

  /** Online against the upstream batch; what neither has answered waits for the latter. */
  private async race(work: ChunkWork, control: RunControl): Promise<void> {
    const { attempts, clock } = this.desk;
    const collected = async (): Promise<AttemptRow | null> => {
      const attempt = await attempts.ofChunk(work.chunkId, work.epoch);
      return attempt === null || attempt.collectedAt === null || putOffMs(attempt) !== null ? null : attempt;
    };
    const parts = { clock, online: this.online, collected: async () => (await collected()) !== null };
    const until = await askOnline(parts, work, control);
    if (control.signal.aborted) return;
    const attempt = await collected();
    if (attempt !== null) return this.settle(attempt, work, control);
    if (!control.stopping) control.defer(until ?? clock.now() + ASLEEP_MS);
  }

  private async prepare(work: ChunkWork, control: RunControl): Promise<void> {
    const { providers, budget, clock } = this.desk;
    if (!this.desk.settings().enabled) {
      control.defer(clock.now() + SWITCHED_OFF_MS);
      return;
    }
    const plan = await planRequests(work, {
      providerFor: (model) => providers.find("batch", model),
      tokenBudget: (provider, model) => budget.of(provider, model),
      promptTokens: (provider, body) => this.desk.estimate(provider, body).promptTokens,
    });
    for (const { index, outcome } of plan.refused) control.settle(index, outcome);
    const [file] = plan.files;
    if (file === undefined || control.stopping) return;
    if (plan.files.length > 1) control.split(plan.files.map(({ indexes }) => indexes));
    else if (work.runOptions.budgetUsd === undefined) await this.open(work, file, control);
    else await this.inTurn(() => this.openWithinBudget(work, file, control));
  }

  /**
   * All of a file or nothing of it: what is upstream cannot be stopped by the cent. The budget keeps room for what the batch has
   * upstream already; a file that has no place beside it waits for what that really costs.
   */
  private async openWithinBudget(work: ChunkWork, file: FilePlan, control: RunControl): Promise<void> {
    const { provider, indexes } = file;
    const requests = requestsOf(work);
    const upstream = await this.outlay.ofBatch(work.tenant, work.batchId);
    const estimates: { index: number; estimate: NanoUsd | null }[] = [];
    for (const index of indexes) {
      if (breatheDue(performance.now())) await breathe();
      const { paid } = this.desk.estimate(provider.name, requests.requestOf(work.items[index]!, work.options).body);
      estimates.push({ index, estimate: paid });
    }
    const priced = estimates.every(({ estimate }) => estimate !== null);
    const [first] = estimates;
    if (priced) first!.estimate! += upstream ?? 0;
    if (control.afford(estimates)) await this.open(work, file, control);
    else if (priced && upstream !== null) control.defer(this.desk.clock.now() + NO_ROOM_MS);
    else for (const index of indexes) control.settle(index, OVER_BUDGET);
  }

  /** One after another: the next must see what this one has opened. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => {});
    return mine;
  }

  /** Nothing is sent here: the row comes first, and whoever finds it goes on. */
  private async open(work: ChunkWork, file: FilePlan, control: RunControl): Promise<void> {
    const { attempts, clock, files } = this.desk;
    const id = newId("att");
    const { bytes, sha256 } = await files.writeInput(id, fileLines(work, file));
    await this.desk.crashPoint("file_written");
    const now = clock.now();
    const { tenant, batchId, chunkId, epoch, operation } = work;
    const { provider, model, endpoint, indexes, tokens } = file;
    // At the deadline it is ended, so that what it has finished by then is kept.
    const timeoutAt = Math.min(now + this.desk.settings().timeoutHours * HOUR_MS, work.deadlineAt ?? Infinity);
    const what = { id, tenant, batchId, operation: operation.name, chunkId, epoch, provider: provider.name, model, endpoint };
    const prepared = await attempts.prepare({ ...what, lines: indexes.length, tokens, bytes, sha256, createdAt: now, timeoutAt });
    if (!prepared) await files.remove(id);
    await this.desk.crashPoint("prepared");
    this.sleep(work, control);
    this.keeper.wake();
  }

  /** An item is done by its own line, the first one, and by nothing else. What may be tried again comes last: it makes one new chunk. */
  private async settle(attempt: AttemptRow, work: ChunkWork, control: RunControl): Promise<void> {
    const { files } = this.desk;
    const indexOf = new Map(work.places.map((place, index) => [place, index]));
    const again: { index: number; outcome: Outcome }[] = [];
    for (const part of ["output", "error"] as const) {
      if (!(await files.has(attempt.id, part))) continue;
      for await (const line of answerLines(files.path(attempt.id, part))) {
        if (control.signal.aborted) return;
        const place = line === null ? null : placeOf(line.customId, work.chunkId);
        const index = place === null ? undefined : indexOf.get(place);
        if (line === null || index === undefined) continue;
        indexOf.delete(place!);
        const outcome = outcomeOf(attempt, line, work, index);
        if (!outcome.ok && isRetryable(outcome.category)) again.push({ index, outcome });
        else control.settle(index, outcome);
      }
    }
    await this.desk.crashPoint("settled");
    if (work.deadlineAt !== null && this.desk.clock.now() >= work.deadlineAt) {
      // There is no time for another try: the rest expires with the batch, in a chunk that no attempt stands for.
      for (const { index, outcome } of again) payOnly(work, control, index, outcome);
      const rest = [...again.map(({ index }) => index), ...indexOf.values()];
      if (rest.length > 0) control.split([rest]);
      return;
    }
    for (const { index, outcome } of again) control.settle(index, outcome);
    for (const index of indexOf.values()) control.settle(index, unanswered(attempt));
  }
}

function outcomeOf(attempt: AttemptRow, line: AnswerLine, work: ChunkWork, index: number): Outcome {
  const spend = spendOf(attempt, line) ?? undefined;
  const durationMs = Math.max(0, (attempt.endedAt ?? attempt.createdAt) - attempt.createdAt);
  const { answer, error } = line;
  const requests = requestsOf(work);
  if (answer?.status === 200 && error === null) {
    try {
      return { ok: true, ...requests.resultOf(answer, work.items[index]!, work.options, work.attempt), spend, durationMs };
    } catch (thrown) {
      return { ok: false, ...classify(thrown), spend, durationMs };
    }
  }
  const failure =
    answer === null || (error !== null && answer.status === 200) ? failureOfLine(error) : failureOfStatus(answer.status, answer.body);
  const result = answer === null ? undefined : requests.failureOf?.(answer);
  return { ok: false, ...failure, ...(result === undefined ? {} : { result }), spend, durationMs };
}

/** No line of any file answers it. */
function unanswered(attempt: AttemptRow): Outcome {
  const code =
    { expired: "batch_expired", cancelled: "batch_cancelled", vanished: "batch_vanished" }[attempt.state as string] ?? "result_missing";
  const error = `The upstream batch ${attempt.upstreamId ?? attempt.id} ended as ${attempt.state} without an answer to this request`;
  return { ok: false, error, code, category: "transient", durationMs: 0 };
}
