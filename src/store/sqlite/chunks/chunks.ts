import { countBits, newBits } from "../../../model/bits.ts";
import type { LedgerEntry } from "../../../model/ledger.ts";
import type { NanoUsd } from "../../../model/money.ts";
import { isFinal } from "../../../model/moves.ts";
import { BatchStats } from "../../../model/stats/batch-stats.ts";
import type { SuccessBlock } from "../../../model/success-block.ts";
import type {
  ChunkStore,
  ChunkView,
  ClaimedChunk,
  Commit,
  CommitOutcome,
  LostLease,
  MemberBlock,
  MemberSelection,
  NewFailure,
  RecordedResult,
  WorkedChunk,
} from "../../port.ts";
import { isActing, isBeingEnded } from "../rows/act-row.ts";
import {
  cancelOpenWork,
  emitBatch,
  emitProgress,
  insertEvent,
  loadBatch,
  loadOwnBatch,
  moveBatch,
  originOf,
  openCount,
  refreshReadyAt,
  saveBatch,
  toBatchRow,
} from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { findItem, insertChunk, loadChunk, loadPayload, locateItems, payloadText, type RawChunk } from "../rows/chunk-row.ts";
import { isInAttempt, stopOverBudget } from "./budget.ts";
import type { Database } from "../database/database.ts";
import { closeBatch, endIfSettled } from "../batches/ending.ts";
import { Sums } from "../sums/sums.ts";
import { isSettled, Recorded, settleReported } from "./recorded.ts";
import { addCost, bookEntries } from "../ledger/ledger.ts";
import { insertFailures } from "../failures/failure-rows.ts";
import type { StatsCache } from "../batches/stats-cache.ts";
import { countLate, leasedChunks, leasesByWorker, reapLeases, renewLeases, revokeLease } from "./leases.ts";
import { chunksOf, keysOf, openChunksOf } from "./chunk-lists.ts";
import { membersOf } from "./members.ts";
import { insertSegment } from "../rows/segment-row.ts";

export class SqliteChunks implements ChunkStore {
  private readonly db: Database;
  private readonly stats: StatsCache;

  constructor(db: Database, stats: StatsCache) {
    this.db = db;
    this.stats = stats;
  }

  async pending(batchId: string, now: number, limit: number, except: ReadonlySet<number>): Promise<{ id: number; crashes: number }[]> {
    const found: { id: number; crashes: number }[] = [];
    const rows = this.db.iterate<{ id: number; crashes: number }>(
      "SELECT id, crashes FROM chunks WHERE batch_id = ? AND state = 'pending' AND available_at <= ? ORDER BY available_at, id",
      batchId,
      now,
    );
    for (const row of rows) {
      if (except.has(row.id)) continue;
      found.push({ id: row.id, crashes: row.crashes });
      if (found.length >= limit) break;
    }
    return found;
  }

  async claim(chunkId: number, lease: { workerId: string; leaseMs: number; now: number }): Promise<ClaimedChunk | null> {
    return this.writeStats(() => {
      const chunk = loadChunk(this.db, chunkId);
      if (chunk === undefined || chunk.state !== "pending" || chunk.available_at > lease.now) return null;
      const raw = loadBatch(this.db, chunk.batch_id)!;
      if ((raw.status !== "pending" && raw.status !== "running") || raw.sealed === 0 || raw.deps_open > 0) return null;
      if (isBeingEnded(this.db, raw.id)) return null;
      if (raw.max_leased !== null && raw.leased_chunks >= raw.max_leased) return null;
      // A chunk whose worker died came back without a commit.
      if (this.stopOverBudget(raw, lease.now) && !isInAttempt(this.db, chunkId)) {
        this.afterResults(raw, lease.now, true);
        return null;
      }

      const leaseUntil = lease.now + lease.leaseMs;
      const fence = chunk.fence + 1;
      this.db.run(
        "UPDATE chunks SET state = 'leased', fence = ?, lease_until = ?, worker_id = ? WHERE id = ? AND state = 'pending'",
        fence,
        leaseUntil,
        lease.workerId,
        chunkId,
      );
      raw.leased_chunks += 1;
      raw.served_at = lease.now;
      raw.running += chunk.items - chunk.settled - chunk.moved;
      this.start(raw, lease.now);
      refreshReadyAt(this.db, raw);
      saveBatch(this.db, raw);
      return this.toClaimed({ ...chunk, fence, lease_until: leaseUntil, worker_id: lease.workerId }, raw);
    });
  }

  async held(tenant: string, chunkId: number, fence: number): Promise<ClaimedChunk | null> {
    const chunk = loadChunk(this.db, chunkId);
    if (chunk === undefined || chunk.tenant !== tenant || chunk.fence !== fence || (chunk.state !== "leased" && chunk.state !== "done"))
      return null;
    return this.toClaimed(chunk, loadBatch(this.db, chunk.batch_id)!);
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    return this.writeStats(() => {
      const chunk = loadChunk(this.db, commit.chunkId);
      const raw = chunk === undefined ? undefined : loadBatch(this.db, chunk.batch_id);
      if (chunk === undefined || raw === undefined) return { accepted: false, batch: null };
      const results = commit.successes.count + commit.failures.length;
      // The last checkpoint settled everything and so ended the chunk; its finish has nothing left to write.
      if (chunk.state === "done" && chunk.fence === commit.fence && results + commit.next.length === 0) {
        const spent = this.book(raw, commit.ledger ?? []);
        if (spent !== 0) addCost(this.db, raw, spent);
        if (commit.end === "finish") this.db.run("UPDATE chunks SET fence = fence + 1 WHERE id = ?", chunk.id);
        return { accepted: true, batch: toBatchRow(raw) };
      }
      if (chunk.state !== "leased" || chunk.fence !== commit.fence) {
        const spent = this.book(
          raw,
          (commit.ledger ?? []).map((entry) => ({ ...entry, counted: false })),
        );
        if (spent !== 0) addCost(this.db, raw, spent);
        this.db.run("UPDATE batches SET late = late + ? WHERE id = ?", results, raw.id);
        return { accepted: false, batch: toBatchRow({ ...raw, late: raw.late + results }) };
      }
      const handedOn = commit.next.reduce((sum, next) => sum + next.keys.length, 0);
      const settled = chunk.settled + results;
      const moved = chunk.moved + handedOn;
      const rest = chunk.items - settled - moved;
      if (countBits(commit.done) !== settled + moved)
        throw new Error(`chunk ${chunk.id}: ${settled} settled and ${moved} handed on, but ${countBits(commit.done)} marked`);
      if (commit.end === "finish" && rest !== 0) throw new Error(`chunk ${chunk.id}: cannot finish with ${rest} open items`);

      this.writeResults(raw, chunk.id, commit.successes, null, commit.failures, commit.now);
      this.stats.add(raw.id, commit.stats, commit.successes.count, commit.failures.length, commit.now);
      this.handOn(raw, chunk, commit);
      raw.cost += commit.cost + this.book(raw, commit.ledger ?? []);
      // A chunk whose items are all settled or handed on is done, whatever the commit calls itself: its batch may end with it.
      const state = rest === 0 ? "done" : commit.end === "checkpoint" ? "leased" : "pending";
      raw.running -= results + handedOn + (state === "leased" ? 0 : rest);
      this.db.run(
        "UPDATE chunks SET state = ?, lease_until = ?, settled = ?, moved = ?, done = ?, available_at = ?, fence = fence + ? WHERE id = ?",
        state,
        state === "leased" ? chunk.lease_until : null,
        settled,
        moved,
        commit.done,
        state === "pending" ? (commit.availableAt ?? chunk.available_at) : chunk.available_at,
        // Whoever finished is done with it: nothing more is taken under this fence.
        commit.end === "finish" ? 1 : 0,
        chunk.id,
      );
      if (state !== "leased") raw.leased_chunks -= 1;
      if (state === "done") raw.open_chunks -= 1;
      if (commit.next.length > 0 || state === "pending") refreshReadyAt(this.db, raw);
      this.afterResults(raw, commit.now, commit.progress);
      return { accepted: true, batch: toBatchRow(raw) };
    });
  }

  async wake(chunkId: number, now: number): Promise<boolean> {
    return this.db.transaction(() => {
      if (this.db.run("UPDATE chunks SET available_at = ?1 WHERE id = ?2 AND state = 'pending' AND available_at > ?1", now, chunkId) === 0)
        return false;
      const raw = loadBatch(this.db, loadChunk(this.db, chunkId)!.batch_id)!;
      refreshReadyAt(this.db, raw);
      saveBatch(this.db, raw);
      return true;
    });
  }

  async late(tenant: string, chunkId: number, fence: number, results: number): Promise<boolean> {
    return countLate(this.db, tenant, chunkId, fence, results);
  }

  async renew(leases: readonly { chunkId: number; fence: number }[], leaseUntil: number): Promise<number[]> {
    return renewLeases(this.db, leases, leaseUntil);
  }

  async reap(selection: { now: number } | { workerPrefix: string; now: number }): Promise<LostLease[]> {
    return reapLeases(this.db, selection);
  }

  async revoke(tenant: string, chunkId: number, now: number): Promise<LostLease | null> {
    return revokeLease(this.db, tenant, chunkId, now);
  }

  async nextLeaseEnd(): Promise<number | null> {
    return this.db.get<{ at: number | null }>("SELECT MIN(lease_until) AS at FROM chunks WHERE state = 'leased'")!.at;
  }

  async leases(tenant: string): Promise<{ workerId: string; chunks: number }[]> {
    return leasesByWorker(this.db, tenant);
  }

  async worked(tenant: string, limit: number): Promise<{ chunks: WorkedChunk[]; total: number }> {
    return leasedChunks(this.db, tenant, limit);
  }

  async list(tenant: string, batchId: string, page: { after: number; limit: number }): Promise<ChunkView[]> {
    return chunksOf(this.db, tenant, batchId, page);
  }

  async open(tenant: string, batchId: string, limit: number): Promise<ChunkView[]> {
    return openChunksOf(this.db, tenant, batchId, limit);
  }

  async record(tenant: string, batchId: string, results: RecordedResult[], now: number): ReturnType<ChunkStore["record"]> {
    return this.writeStats(() => {
      const raw = loadOwnBatch(this.db, tenant, batchId);
      if (raw === undefined) return null;
      const keys = results.map((result) => result.nodeId);
      const standing = locateItems(this.db, raw.id, keys);
      if (isFinal(raw.status)) {
        // Whoever did not hear the answer to the last report sends it again: that is a repetition, not a conflict.
        const repeated = keys.every((key) => isSettled(this.db, raw, key, standing.get(key)?.[0]));
        return repeated ? { accepted: 0, duplicates: results.length, unknown: [], batch: toBatchRow(raw), settled: [] } : null;
      }
      const unknown: string[] = [];
      const settled = new Recorded();
      const indexes: number[] = [];
      for (const [index, result] of results.entries()) {
        const place = settleReported(this.db, raw, result, standing.get(result.nodeId) ?? [], openCount(raw) - settled.count);
        if (place === "unknown") unknown.push(result.nodeId);
        else if (place !== "duplicate") {
          settled.add(result, place, now);
          indexes.push(index);
        }
      }
      for (const [chunkId, part] of settled.parts) this.writeResults(raw, chunkId, part.successes, part.keys, part.failures, now);
      const accepted = settled.count;
      this.stats.add(raw.id, settled.stats, settled.succeeded, accepted - settled.succeeded, now);
      raw.cost += settled.cost;
      if (accepted > 0) {
        this.start(raw, now);
        refreshReadyAt(this.db, raw);
        this.afterResults(raw, now, true);
      }
      return { accepted, duplicates: results.length - accepted - unknown.length, unknown, batch: toBatchRow(raw), settled: indexes };
    });
  }

  async *keys(tenant: string, batchId: string): AsyncGenerator<string[]> {
    yield* keysOf(this.db, tenant, batchId);
  }

  async *members(tenant: string, batchId: string, selection: MemberSelection): AsyncGenerator<MemberBlock> {
    yield* membersOf(this.db, tenant, batchId, selection);
  }

  async payload(tenant: string, batchId: string, key: string): Promise<string | null> {
    if (loadOwnBatch(this.db, tenant, batchId) === undefined) return null;
    const place = findItem(this.db, batchId, key)[0];
    return place === undefined ? null : payloadText(this.db, place.chunkId, place.index);
  }

  private toClaimed(chunk: RawChunk, raw: RawBatch): ClaimedChunk {
    return {
      id: chunk.id,
      tenant: chunk.tenant,
      batchId: chunk.batch_id,
      epoch: chunk.epoch,
      fence: chunk.fence,
      attempt: chunk.attempt,
      crashes: chunk.crashes,
      position: chunk.position,
      leaseUntil: chunk.lease_until ?? 0,
      workerId: chunk.worker_id ?? "",
      ...loadPayload(this.db, chunk.id),
      done: chunk.done ?? newBits(chunk.items),
      batch: toBatchRow(raw),
    };
  }

  /** Books what a commit spent; returns what of it no result carries. */
  private book(raw: RawBatch, entries: readonly LedgerEntry[]): NanoUsd {
    if (entries.length === 0) return 0;
    const { uncounted } = bookEntries(this.db, entries);
    Object.assign(raw, this.db.get<Pick<RawBatch, "standard" | "saved">>("SELECT standard, saved FROM batches WHERE id = ?", raw.id));
    return uncounted.get(raw.id) ?? 0;
  }

  private start(raw: RawBatch, now: number): void {
    if (raw.status !== "pending") return;
    moveBatch(this.db, raw, "start", "running");
    raw.started_at = now;
    saveBatch(this.db, raw);
    emitBatch(this.db, raw, "batch.started", now);
  }

  private handOn(raw: RawBatch, chunk: RawChunk, commit: Commit): void {
    for (const next of commit.next) insertChunk(this.db, { tenant: raw.tenant, batchId: raw.id, epoch: raw.epoch }, next, false);
    raw.open_chunks += commit.next.length;
    raw.retried += commit.retried;
    if (commit.retried === 0) return;
    const data = {
      batch_id: raw.id,
      operation: raw.operation,
      chunk: chunk.id,
      reason: "retry",
      items: commit.retried,
      attempt: chunk.attempt + 1,
      ...(commit.retriedBy === undefined ? {} : { categories: commit.retriedBy }),
      ...originOf(raw),
    };
    insertEvent(this.db, {
      tenant: raw.tenant,
      type: "chunk.retried",
      entity: { kind: "batch", id: raw.id },
      severity: "info",
      ts: commit.now,
      data,
    });
  }

  private writeResults(
    raw: RawBatch,
    chunkId: number | null,
    successes: SuccessBlock,
    keys: readonly string[] | null,
    failures: readonly NewFailure[],
    now: number,
  ): void {
    if (successes.count > 0) insertSegment(this.db, raw, chunkId, successes, keys, now);
    if (failures.length > 0) insertFailures(this.db, raw, chunkId, failures, now);
    raw.succeeded += successes.count;
    raw.failed += failures.length;
    Sums.of(this.db).flow.results(raw, successes.count, failures, now);
  }

  /** A transaction whose failure also forgets the decoded statistics it may have changed. */
  private writeStats<T>(work: () => T): T {
    try {
      return this.db.transaction(work);
    } catch (error) {
      this.stats.clear();
      throw error;
    }
  }

  /** True when the budget is spent; what has not started has failed then. */
  private stopOverBudget(raw: RawBatch, now: number): boolean {
    const failed = stopOverBudget(this.db, raw, now);
    if (failed !== null && failed > 0) this.stats.add(raw.id, new BatchStats(), 0, failed, now);
    return failed !== null;
  }

  private afterResults(raw: RawBatch, now: number, progress: boolean): void {
    // Items that a budget stopped are not failures of the work: they must not stop what still runs.
    const overBudget = this.stopOverBudget(raw, now);
    if (!overBudget && raw.max_failures !== null && raw.failed > raw.max_failures && !isFinal(raw.status) && !isActing(this.db, raw.id)) {
      cancelOpenWork(this.db, raw, "cancelled");
      raw.error = `Stopped: ${raw.failed} items failed, more than the ${raw.max_failures} that maxFailures allows`;
      closeBatch(this.db, raw, "fail", "failed", now);
    } else if (openCount(raw) === 0) {
      endIfSettled(this.db, raw, now);
    } else {
      saveBatch(this.db, raw);
      if (progress) emitProgress(this.db, raw, now, this.stats.recent(raw.id));
      return;
    }
    this.stats.drop(raw.id);
  }
}
