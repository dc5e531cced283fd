import { openItems, type BatchRow } from "../model/batch.ts";
import { classify, fingerprint, OperationError } from "../model/failure.ts";
import { BatchyardError, invalid, type Fault } from "../model/errors.ts";
import type { Clock } from "../model/clock.ts";
import { iso } from "../model/clock.ts";
import type { ItemResult } from "../model/item.ts";
import { batchMoveFrom, FINAL_BATCH_STATES, OPEN_BATCH_STATES, type BatchStatus } from "../model/moves.ts";
import { priorityRank, type Priority } from "../model/priority.ts";
import type { AuditEntry, BatchCounts, ChunkView, ErrorGroup, RecordedResult, ResultCursor, ResultFilter, Store } from "../store/port.ts";
import type { Backpressure } from "./backpressure.ts";
import { batchEntry } from "./audit-entry.ts";
import { finishedByHand } from "./by-hand.ts";
import { BatchLists } from "./batch-lists.ts";
import { Comparisons } from "./compare.ts";
import type { Creator } from "./create/create.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { etaAt, recentRate } from "../model/stats/rate.ts";
import { reconcileResults } from "./reconcile.ts";
import type {
  Batches,
  BatchView,
  Caller,
  Comparison,
  ComparisonPage,
  CreateRequest,
  DryRun,
  HistoryQuery,
  ItemSource,
  Reason,
  Reconciliation,
  ReplayRequest,
  ReportedResult,
} from "./service.ts";
import type { Signals } from "./signals.ts";
import { whyNotDone } from "./why.ts";
import { noCosts } from "../model/ledger.ts";

const STREAM_PAGE = 1000;
/** Changed items in an answer that says nothing else. */
const COMPARED = 100;
/** Upstream batches of one batch counted at most. */
const OPEN_COUNTED = 10_000;
/** What is full now has moved on by then. */
const FULL_SECONDS = 5;
const DAY_MS = 86_400_000;
/** Batches removed in one go; between two of them others get their turn. */
const REMOVED_AT_ONCE = 50;

/** In the order they are listed: what moves first. */
const ACTIVE = ["running", "paused", "pending"] as const satisfies readonly BatchStatus[];

export class YardBatches implements Batches {
  private readonly store: Store;
  private readonly lists: BatchLists;
  private readonly creator: Creator;
  private readonly signals: Signals;
  private readonly clock: Clock;
  private readonly pressure: Backpressure;
  private readonly comparisons: Comparisons;

  constructor(parts: { store: Store; creator: Creator; signals: Signals; clock: Clock; pressure: Backpressure }) {
    this.pressure = parts.pressure;
    this.store = parts.store;
    this.lists = new BatchLists(parts.store);
    this.creator = parts.creator;
    this.signals = parts.signals;
    this.clock = parts.clock;
    this.comparisons = new Comparisons({
      all: ({ tenant, id }) => this.linesOf(tenant, id, {}),
      one: async ({ tenant, id }, nodeId) => (await this.store.results.page(tenant, id, { nodeId }, null, 1)).lines[0] ?? null,
    });
  }

  async create(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<BatchRow> {
    await this.admit(caller);
    return this.creator.create(caller, request, items);
  }

  private async admit(caller: Caller): Promise<void> {
    const { state, waiting, maxSize } = await this.pressure.of(caller.tenant);
    if (state === "full")
      throw new BatchyardError("queue_full", { waiting, limit: maxSize, seconds: FULL_SECONDS }, { retryAfterSeconds: FULL_SECONDS });
  }

  dryRun(caller: Caller, request: CreateRequest, items: ItemSource | null): Promise<DryRun> {
    return this.creator.dryRun(caller, request, items);
  }

  async get(caller: Caller, id: string): Promise<BatchRow> {
    const batch = await this.store.batches.get(caller.tenant, id);
    if (batch === null) throw await this.missing(caller.tenant, id);
    return batch;
  }

  async view(caller: Caller, id: string): Promise<BatchView> {
    return this.viewOf(caller, await this.get(caller, id));
  }

  private async viewOf(caller: Caller, batch: BatchRow): Promise<BatchView> {
    const stats = await this.store.batches.stats(caller.tenant, batch.id);
    const itemsPerSecond = recentRate(batch, stats, this.clock.now());
    return { batch, stats, itemsPerSecond, etaAt: etaAt(batch, itemsPerSecond, this.clock.now()) };
  }

  history(caller: Caller, query: HistoryQuery): ReturnType<Batches["history"]> {
    return this.lists.history(caller, query);
  }

  streamHistory(caller: Caller, which: Parameters<Batches["streamHistory"]>[1]): AsyncIterable<BatchRow[]> {
    return this.lists.stream(caller, which);
  }

  budgeted(caller: Caller, page: Parameters<Batches["budgeted"]>[1]): ReturnType<Batches["budgeted"]> {
    return this.lists.budgeted(caller, page);
  }

  async active(caller: Caller, limit: number): Promise<{ batches: BatchView[]; total: number }> {
    const found: BatchRow[] = [];
    for (const status of ACTIVE) {
      if (found.length < limit)
        found.push(...(await this.store.batches.list({ tenant: caller.tenant, status }, { limit: limit - found.length })).batches);
    }
    const { byOperation } = await this.counts(caller);
    const total = Object.values(byOperation).reduce(
      (sum, counts) => sum + ACTIVE.reduce((open, status) => open + (counts[status] ?? 0), 0),
      0,
    );
    return { batches: await Promise.all(found.map((batch) => this.viewOf(caller, batch))), total };
  }

  counts(caller: Caller): Promise<BatchCounts> {
    return this.store.batches.counts(caller.tenant);
  }

  async results(
    caller: Caller,
    id: string,
    filter: ResultFilter,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ lines: string[]; nextCursor: string | null }> {
    await this.get(caller, id);
    let cursor: ResultCursor | null = null;
    if (page.cursor !== undefined) {
      const [part, at, skip] = decodeCursor(`results ${id}`, page.cursor, ["string", "number", "number"]);
      cursor = { part: part === "failures" ? "failures" : "successes", id: at as number, skip: skip as number };
    }
    const found = await this.store.results.page(caller.tenant, id, filter, cursor, page.limit);
    const next = found.next === null ? null : encodeCursor(`results ${id}`, [found.next.part, found.next.id, found.next.skip]);
    return { lines: found.lines, nextCursor: next };
  }

  async *streamResults(caller: Caller, id: string, filter: ResultFilter): AsyncGenerator<string[]> {
    await this.get(caller, id);
    yield* this.linesOf(caller.tenant, id, filter);
  }

  private async *linesOf(tenant: string, id: string, filter: ResultFilter): AsyncGenerator<string[]> {
    let cursor: ResultCursor | null = null;
    do {
      const page = await this.store.results.page(tenant, id, filter, cursor, STREAM_PAGE);
      if (page.lines.length > 0) yield page.lines;
      cursor = page.next;
    } while (cursor !== null);
    // One that was removed meanwhile has no more results: what was read of it must not pass for all.
    if ((await this.store.batches.get(tenant, id)) === null) throw await this.missing(tenant, id);
  }

  async errors(caller: Caller, id: string): Promise<ErrorGroup[]> {
    await this.get(caller, id);
    return this.store.results.groups(caller.tenant, id);
  }

  async chunks(caller: Caller, id: string, page: { after: number; limit: number }): Promise<ChunkView[]> {
    await this.get(caller, id);
    return this.store.chunks.list(caller.tenant, id, page);
  }

  async payload(caller: Caller, id: string, key: string): Promise<string | null> {
    await this.get(caller, id);
    return this.store.chunks.payload(caller.tenant, id, key);
  }

  async why(caller: Caller, id: string): Promise<{ state: BatchStatus; reasons: Reason[]; etaAt: number | null }> {
    const { batch, etaAt: eta } = await this.view(caller, id);
    return { state: batch.status, reasons: await whyNotDone(this.store, this.signals, batch, this.clock.now()), etaAt: eta };
  }

  async compare(caller: Caller, a: string, b: string, page: Partial<ComparisonPage> = {}): Promise<Comparison> {
    const views = { a: await this.view(caller, a), b: await this.view(caller, b) };
    const asked = { offset: 0, limit: COMPARED, brief: false, ...page };
    return { ...views, ...(await this.comparisons.page(views.a.batch, views.b.batch, asked)) };
  }

  async reconcile(caller: Caller, id: string): Promise<Reconciliation> {
    const batch = await this.get(caller, id);
    const keys = this.store.chunks.keys(caller.tenant, id);
    const named = batch.openChunks > 0 || (await this.store.chunks.list(caller.tenant, id, { after: 0, limit: 1 })).length > 0;
    const stopped = batch.cancelled + batch.expired;
    const results = this.streamResults(caller, id, {});
    const [charged] = await this.store.ledger.sums({
      tenant: caller.tenant,
      batchId: id,
      fromDay: 0,
      toDay: Number.MAX_SAFE_INTEGER,
      groupBy: "batch",
      limit: 1,
    });
    return {
      ...(await reconcileResults(keys, results, batch.totalItems, openItems(batch) + stopped, named)),
      upstream: await this.upstreamSums(batch),
      costs: charged?.sums ?? noCosts(),
    };
  }

  private async upstreamSums({ tenant, id }: BatchRow): Promise<Reconciliation["upstream"]> {
    const sums = await this.store.attempts.reports(tenant, id);
    const open = (await this.store.attempts.open(tenant, id, OPEN_COUNTED)).length;
    return sums.attempts + open === 0 ? null : { ...sums, open };
  }

  async record(caller: Caller, id: string, results: ReportedResult[]): ReturnType<Batches["record"]> {
    const batch = await this.get(caller, id);
    if (batch.executor !== "external") {
      throw new BatchyardError("invalid_state", {
        status: batch.executor,
        action: "given results from outside",
        allowed: "executor 'external'",
      });
    }
    const outcome = await this.store.chunks.record(
      caller.tenant,
      id,
      results.map((result, index) => this.toRecorded(result, index)),
      this.clock.now(),
    );
    if (outcome === null) throw await this.refusal(caller, id, "given results", OPEN_BATCH_STATES);
    const { settled, ...answer } = outcome;
    if (settled.length > 0) {
      this.signals.settled(answer.batch, () => settled.map((index) => JSON.stringify(this.toItemResult(results[index]!))));
    }
    return answer;
  }

  async cancel(caller: Caller, id: string): Promise<BatchRow> {
    const before = await this.store.batches.get(caller.tenant, id);
    const batch = await this.store.batches.end(caller.tenant, id, "cancelled", null, this.clock.now());
    if (batch === null) throw new BatchyardError("not_cancellable");
    return this.changed(caller, "batch.cancel", before, batch);
  }

  async pause(caller: Caller, id: string): Promise<BatchRow> {
    const before = await this.get(caller, id);
    const batch = await this.store.batches.pause(caller.tenant, id, this.clock.now());
    if (batch === null) throw await this.refusal(caller, id, "paused", batchMoveFrom("pause"));
    return this.changed(caller, "batch.pause", before, batch);
  }

  async resume(caller: Caller, id: string): Promise<BatchRow> {
    const before = await this.get(caller, id);
    const batch = await this.store.batches.resume(caller.tenant, id, this.clock.now());
    if (batch === null) throw await this.refusal(caller, id, "resumed", batchMoveFrom("resume"));
    return this.changed(caller, "batch.resume", before, batch);
  }

  async setPriority(caller: Caller, id: string, priority: Priority): Promise<BatchRow> {
    const before = await this.get(caller, id);
    const batch = await this.store.batches.setPriority(caller.tenant, id, priorityRank(priority), this.clock.now());
    if (batch === null) throw await this.refusal(caller, id, "given another priority", OPEN_BATCH_STATES);
    return this.changed(caller, "batch.priority", before, batch);
  }

  async retry(
    caller: Caller,
    id: string,
    selection: { errorFingerprint?: string | undefined; errorCode?: string | undefined; nodeIds?: string[] | undefined },
  ): Promise<BatchRow> {
    const before = await this.get(caller, id);
    const retried = await this.store.batches.retry(
      caller.tenant,
      id,
      { fingerprint: selection.errorFingerprint, code: selection.errorCode, nodeIds: selection.nodeIds },
      this.clock.now(),
    );
    if (retried === null) throw await this.refusal(caller, id, "retried", FINAL_BATCH_STATES);
    if (retried.items === 0) throw new BatchyardError("nothing_to_retry", { id });
    return this.changed(caller, "batch.retry", before, retried.batch);
  }

  async replay(caller: Caller, id: string, request: ReplayRequest): Promise<BatchRow> {
    await this.admit(caller);
    const original = await this.get(caller, id);
    const batch = await this.unlessRemoved(caller, id, () => this.creator.replay(caller, original, request));
    const extra = { replayOf: id, items: batch.totalItems, edited: Object.keys(request.edits ?? {}).length };
    await this.store.audit.append(batchEntry(caller, { action: "batch.replay", at: this.clock.now(), before: null, after: batch, extra }));
    return batch;
  }

  async replayDryRun(caller: Caller, id: string, request: ReplayRequest): Promise<DryRun> {
    const original = await this.get(caller, id);
    return this.unlessRemoved(caller, id, () => this.creator.replayDryRun(caller, original, request));
  }

  /** What went wrong because the batch was removed meanwhile says so. */
  private async unlessRemoved<T>(caller: Caller, id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.get(caller, id);
      throw error;
    }
  }

  async finish(caller: Caller, id: string, reason: string): Promise<BatchRow> {
    const before = await this.get(caller, id);
    const batch = await this.store.batches.finish(caller.tenant, id, finishedByHand(reason), this.clock.now());
    if (batch === null) throw await this.refusal(caller, id, "finished", OPEN_BATCH_STATES);
    return this.changed(caller, "batch.finish", before, batch, { reason });
  }

  async cleanup(caller: Caller, daysToKeep: number, dryRun: boolean): Promise<number> {
    // A program that computed its days wrongly must not lose everything: 0 or less would match every batch that has ended.
    if (!(Number.isInteger(daysToKeep) && daysToKeep >= 1 && daysToKeep <= 365)) {
      throw invalid([{ path: "daysToKeep", message: "must be a whole number from 1 to 365", code: "out_of_range" }]);
    }
    const before = this.clock.now() - daysToKeep * DAY_MS;
    if (dryRun) return this.store.batches.remove(caller.tenant, before, { limit: Number.MAX_SAFE_INTEGER, dryRun: true });
    const deleted = await this.removeBefore(
      caller.tenant,
      before,
      `a cleanup by ${caller.actor} of what ended more than ${daysToKeep} days before`,
    );
    await this.audit(caller, "batch.cleanup", `batches ended before ${iso(before)}`, null, { deleted, daysToKeep });
    return deleted;
  }

  /** Removes final batches that ended before a time, a few at once. `policy`: why, in words. */
  async removeBefore(tenant: string, before: number, policy: string): Promise<number> {
    let deleted = 0;
    for (;;) {
      const by = { policy, at: this.clock.now() };
      const removed = await this.store.batches.remove(tenant, before, { limit: REMOVED_AT_ONCE, dryRun: false, by });
      deleted += removed;
      if (removed < REMOVED_AT_ONCE) return deleted;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private async missing(tenant: string, id: string): Promise<BatchyardError> {
    const trace = await this.store.batches.removed(tenant, id);
    if (trace === null) return new BatchyardError("batch_not_found");
    const { status, policy, removedAt } = trace;
    return new BatchyardError("batch_removed", { id, status, at: iso(removedAt)!, policy });
  }

  private toItemResult(reported: ReportedResult): ItemResult {
    const { nodeId, success, durationMs, qualityScore, cost } = reported;
    const error = success ? undefined : (reported.error ?? "The item failed");
    const code = reported.errorCode ?? "item_failed";
    return {
      nodeId,
      success,
      ...(reported.result === undefined ? {} : { result: reported.result }),
      ...(error === undefined ? {} : { error, errorCode: code }),
      retries: reported.retries ?? 0,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(qualityScore === undefined ? {} : { qualityScore }),
      ...(cost === undefined ? {} : { cost }),
      createdAt: iso(this.clock.now())!,
    };
  }

  private toRecorded(reported: ReportedResult, index: number): RecordedResult {
    const faults = faultsOf(reported, index);
    if (faults.length > 0) throw invalid(faults);
    const { nodeId, durationMs, qualityScore, cost } = reported;
    const result = this.toItemResult(reported);
    const { error, errorCode: code } = result;
    const failure = error === undefined ? null : classify(new OperationError(error, { code }));
    return {
      nodeId,
      text: JSON.stringify(reported.result ?? null),
      failure:
        failure === null
          ? null
          : {
              error: failure.error,
              code: failure.code,
              category: failure.category,
              fingerprint: fingerprint(failure.code, failure.error).fingerprint,
              line: JSON.stringify(result),
            },
      retries: reported.retries ?? 0,
      durationMs: durationMs ?? null,
      qualityScore: qualityScore ?? null,
      cost: cost ?? null,
    };
  }

  private async refusal(caller: Caller, id: string, action: string, allowed: readonly string[]): Promise<BatchyardError> {
    const batch = await this.get(caller, id);
    return new BatchyardError("invalid_state", { status: batch.status, action, allowed: allowed.join(" or ") });
  }

  private async changed(
    caller: Caller,
    action: string,
    before: BatchRow | null,
    after: BatchRow,
    extra: Record<string, unknown> = {},
  ): Promise<BatchRow> {
    this.signals.batchChanged(after);
    await this.store.audit.append(batchEntry(caller, { action, at: this.clock.now(), before, after, extra }));
    return after;
  }

  private audit(caller: Caller, action: string, target: string, before: unknown, after: unknown): Promise<void> {
    const entry: AuditEntry = {
      tenant: caller.tenant,
      at: this.clock.now(),
      actor: caller.actor,
      credential: caller.credential,
      address: caller.address,
      action,
      target,
      before,
      after,
      outcome: "SUCCESS",
    };
    return this.store.audit.append(entry);
  }
}

function faultsOf(reported: ReportedResult, index: number): Fault[] {
  const faults: Fault[] = [];
  const say = (field: string, message: string): number => faults.push({ path: `${index}.${field}`, message, code: "out_of_range" });
  const { nodeId, success, error, durationMs, qualityScore, retries, cost } = reported;
  if (typeof nodeId !== "string" || nodeId.length === 0 || nodeId.length > 512) say("nodeId", "must be a text of 1 to 512 characters");
  if (typeof success !== "boolean") say("success", "must be true or false");
  if (error !== undefined && typeof error !== "string") say("error", "must be a text");
  if (qualityScore !== undefined && !(qualityScore >= 0 && qualityScore <= 1)) say("qualityScore", "must be a number from 0 to 1");
  if (durationMs !== undefined && !(durationMs >= 0 && Number.isFinite(durationMs)))
    say("durationMs", "must be a number of milliseconds, 0 or more");
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0)) say("retries", "must be a whole number, 0 or more");
  if (cost !== undefined && !(cost >= 0 && Number.isFinite(cost))) say("cost", "must be a number of US dollars, 0 or more");
  return faults;
}
