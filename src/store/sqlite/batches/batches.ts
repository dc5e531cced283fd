import type { BatchRow } from "../../../model/batch.ts";
import { toNanoUsd } from "../../../model/money.ts";
import { isFinal, type BatchStatus } from "../../../model/moves.ts";
import type { BatchStats } from "../../../model/stats/batch-stats.ts";
import type {
  BatchCounts,
  BatchFilter,
  BatchPage,
  BatchStore,
  FootprintRow,
  NewBatch,
  NewChunk,
  RemovalOptions,
  RemovedBatch,
  RetrySelection,
  RunnableBatch,
  SealRequest,
} from "../../port.ts";
import { BEING_ENDED, isActing } from "../rows/act-row.ts";
import { endBatch, finishBatch, pauseBatch, prioritiseBatch, resumeBatch } from "./acts.ts";
import {
  countStatus,
  createdOf,
  emitBatch,
  loadBatch,
  loadOwnBatch,
  refreshReadyAt,
  saveBatch,
  toBatchRow,
  traceText,
} from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { insertChunk } from "../rows/chunk-row.ts";
import { BatchLists } from "./batch-lists.ts";
import type { Database } from "../database/database.ts";
import { awaitDependencies } from "./ending.ts";
import type { LongActs } from "./long-acts.ts";
import { JobPlaces } from "../sums/job-places.ts";
import { WIDTHS } from "../sums/widths.ts";
import { Removal } from "./removal.ts";
import { SortedBatches } from "./sorted-batches.ts";
import { Sums } from "../sums/sums.ts";
import type { StatsCache } from "./stats-cache.ts";
import { reopenItems } from "./retry.ts";

export class SqliteBatches implements BatchStore {
  private readonly db: Database;
  private readonly statistics: StatsCache;
  private readonly acts: LongActs;
  private readonly sorting: SortedBatches;
  private readonly lists: BatchLists;
  private readonly removal: Removal;

  constructor(db: Database, statistics: StatsCache, acts: LongActs) {
    this.db = db;
    this.statistics = statistics;
    this.acts = acts;
    this.sorting = new SortedBatches(db);
    this.lists = new BatchLists(db, new JobPlaces(db));
    this.removal = new Removal(db);
  }

  async create(batch: NewBatch, chunks: NewChunk[], seal: SealRequest): Promise<BatchRow> {
    return this.db.transaction(() => this.createNow(batch, chunks, seal));
  }

  /** The same within a transaction of the caller. */
  createNow(batch: NewBatch, chunks: NewChunk[], seal: SealRequest): BatchRow {
    this.insert(batch);
    this.addChunks(batch.tenant, batch.id, chunks);
    return this.sealNow(seal);
  }

  async stage(batch: NewBatch): Promise<void> {
    this.db.transaction(() => this.insert(batch));
  }

  async append(tenant: string, batchId: string, chunks: NewChunk[]): Promise<void> {
    this.db.transaction(() => this.addChunks(tenant, batchId, chunks));
  }

  async seal(request: SealRequest): Promise<BatchRow> {
    return this.db.transaction(() => this.sealNow(request));
  }

  async discard(selection: { batchId: string } | { olderThan: number }): Promise<number> {
    const ids =
      "batchId" in selection
        ? this.db.all<{ id: string }>("SELECT id FROM batches WHERE id = ? AND sealed = 0", selection.batchId)
        : this.db.all<{ id: string }>("SELECT id FROM batches WHERE sealed = 0 AND created_at < ?", selection.olderThan);
    for (const { id } of ids) this.db.transaction(() => this.removal.erase(id));
    return ids.length;
  }

  async get(tenant: string, id: string): Promise<BatchRow | null> {
    const raw = loadOwnBatch(this.db, tenant, id);
    return raw === undefined ? null : toBatchRow(raw);
  }

  async stats(tenant: string, id: string): Promise<BatchStats> {
    const raw = loadOwnBatch(this.db, tenant, id);
    return this.statistics.load(raw === undefined ? "" : id);
  }

  list(filter: BatchFilter, page: Parameters<BatchStore["list"]>[1]): Promise<BatchPage> {
    return this.lists.list(filter, page);
  }

  async sorted(filter: BatchFilter, page: Parameters<BatchStore["sorted"]>[1]): ReturnType<BatchStore["sorted"]> {
    const { ids, next } = this.sorting.page(filter, page);
    return { batches: ids.map((id) => toBatchRow(loadBatch(this.db, id)!)), next };
  }

  total(filter: BatchFilter): ReturnType<BatchStore["total"]> {
    return this.lists.total(filter);
  }

  async budgeted(tenant: string, page: Parameters<BatchStore["budgeted"]>[1]): Promise<BatchRow[]> {
    const { createdAt, id } = page.before ?? { createdAt: Number.MAX_SAFE_INTEGER, id: "" };
    return this.db
      .all<RawBatch>(
        `SELECT * FROM batches INDEXED BY batches_budget WHERE budget IS NOT NULL AND completed_at IS NULL AND sealed = 1 AND tenant = ?
           AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
        tenant,
        createdAt,
        id,
        page.limit,
      )
      .map(toBatchRow);
  }

  async counts(tenant: string): Promise<BatchCounts> {
    const rows = this.db.all<{ operation: string; status: BatchStatus; batches: number }>(
      "SELECT operation, status, batches FROM batch_counts WHERE tenant = ? AND batches > 0",
      tenant,
    );
    const byOperation: BatchCounts["byOperation"] = {};
    for (const row of rows) (byOperation[row.operation] ??= {})[row.status] = row.batches;
    return { byOperation };
  }

  async pause(tenant: string, id: string, now: number): Promise<BatchRow | null> {
    return this.pauseNow(tenant, id, now);
  }

  /** The same within a transaction of the caller. */
  pauseNow(tenant: string, id: string, now: number): BatchRow | null {
    return this.change(tenant, id, (raw) => pauseBatch(this.db, raw, now));
  }

  async resume(tenant: string, id: string, now: number): Promise<BatchRow | null> {
    return this.resumeNow(tenant, id, now);
  }

  /** The same within a transaction of the caller. */
  resumeNow(tenant: string, id: string, now: number): BatchRow | null {
    return this.change(tenant, id, (raw) => resumeBatch(this.db, raw, now));
  }

  async end(
    tenant: string,
    id: string,
    as: "cancelled" | "expired" | "failed",
    error: string | null,
    now: number,
  ): Promise<BatchRow | null> {
    const begun = this.change(tenant, id, (raw) => endBatch(this.db, raw, as, error, now));
    return begun === null ? null : this.settled(begun);
  }

  async finish(tenant: string, id: string, failure: { error: string; code: string }, now: number): Promise<BatchRow | null> {
    const begun = this.change(tenant, id, (raw) => finishBatch(this.db, this.statistics, raw, failure, now));
    return begun === null ? null : this.settled(begun);
  }

  async bringForward(tenant: string, id: string, deadlineAt: number): Promise<void> {
    this.db.transaction(() => {
      const raw = loadOwnBatch(this.db, tenant, id);
      if (raw === undefined || isFinal(raw.status)) return;
      this.db.run("UPDATE batches SET deadline_at = ?1 WHERE id = ?2 AND (deadline_at IS NULL OR deadline_at > ?1)", deadlineAt, id);
      this.db.run("UPDATE attempts SET timeout_at = ?1 WHERE batch_id = ?2 AND due_at IS NOT NULL AND timeout_at > ?1", deadlineAt, id);
    });
  }

  async setPriority(tenant: string, id: string, priority: number, now: number): Promise<BatchRow | null> {
    return this.change(tenant, id, (raw) => prioritiseBatch(this.db, raw, priority, now));
  }

  async retry(tenant: string, id: string, selection: RetrySelection, now: number): Promise<{ batch: BatchRow; items: number } | null> {
    const begun = this.db.transaction(() => {
      const raw = loadOwnBatch(this.db, tenant, id);
      if (raw === undefined || !isFinal(raw.status)) return null;
      const items = reopenItems(this.db, this.statistics, raw, selection, now);
      return { batch: toBatchRow(raw), items };
    });
    return begun === null ? null : { ...begun, batch: await this.settled(begun.batch) };
  }

  /** As it stands when what was begun with it is done. */
  private async settled(batch: BatchRow): Promise<BatchRow> {
    if (!isActing(this.db, batch.id)) return batch;
    await this.acts.settle();
    return toBatchRow(loadBatch(this.db, batch.id)!);
  }

  remove(tenant: string | null, before: number, options: RemovalOptions): Promise<number> {
    return this.removal.remove(tenant, before, options);
  }

  async removed(tenant: string, id: string): Promise<RemovedBatch | null> {
    return this.removal.trace(tenant, id);
  }

  async footprint(tenant: string | null): Promise<FootprintRow[]> {
    return Sums.of(this.db).current(() =>
      this.db.all<FootprintRow>(
        `SELECT bucket AS day, status, SUM(jobs) AS batches, SUM(items) AS items FROM job_rollups
         WHERE tenant IN (SELECT tenant FROM batch_counts WHERE ?1 IS NULL OR tenant = ?1) AND width = ${WIDTHS[2]} AND kept = 0 GROUP BY bucket, status HAVING SUM(jobs) > 0 ORDER BY bucket, status`,
        tenant,
      ),
    );
  }

  async runnable(now: number, options: Parameters<BatchStore["runnable"]>[1]): Promise<RunnableBatch[]> {
    const executors = options.executors === null ? "" : ` AND executor IN (${marks(options.executors)})`;
    const notExecutors = options.notExecutors.length === 0 ? "" : ` AND executor NOT IN (${marks(options.notExecutors)})`;
    const operations = options.operations === undefined ? "" : ` AND operation IN (${marks(options.operations)})`;
    const extra = [...(options.executors ?? []), ...options.notExecutors, ...(options.operations ?? [])];
    const open = `sealed = 1 AND deps_open = 0 AND ready_at IS NOT NULL AND status IN ('pending', 'running') AND id NOT IN ${BEING_ENDED}`;
    const found: RunnableBatch[] = [];
    for (let priority = 3; priority >= 0; priority--) {
      // Skip from tenant to tenant over the index: the cost grows with tenants that have work, not with their batches.
      let tenant = "";
      for (;;) {
        const next = this.db.get<{ tenant: string }>(
          `SELECT tenant FROM batches WHERE ${open} AND priority = ? AND tenant > ? ORDER BY tenant LIMIT 1`,
          priority,
          tenant,
        );
        if (next === undefined) break;
        tenant = next.tenant;
        const rows = this.db.all<{ id: string; operation: string; ready_at: number; leased_chunks: number; max_leased: number | null }>(
          `SELECT id, operation, ready_at, leased_chunks, max_leased FROM batches WHERE ${open} AND priority = ? AND tenant = ? AND ready_at <= ?
             AND (max_leased IS NULL OR leased_chunks < max_leased)${executors}${notExecutors}${operations} ORDER BY served_at, ready_at LIMIT ?`,
          priority,
          tenant,
          now,
          ...extra,
          options.perTenant,
        );
        for (const row of rows) {
          found.push({
            id: row.id,
            tenant,
            operation: row.operation,
            priority,
            readyAt: row.ready_at,
            leasedChunks: row.leased_chunks,
            maxLeasedChunks: row.max_leased,
          });
        }
      }
    }
    return found;
  }

  async nextReadyAt(now: number): Promise<number | null> {
    const open = "sealed = 1 AND deps_open = 0 AND ready_at IS NOT NULL AND status IN ('pending', 'running')";
    return this.db.get<{ at: number | null }>(
      `SELECT MIN(ready_at) AS at FROM batches INDEXED BY batches_ready WHERE ${open} AND ready_at > ?`,
      now,
    )!.at;
  }

  async overdue(now: number, limit: number): Promise<{ tenant: string; id: string }[]> {
    return this.db.all(
      `SELECT tenant, id FROM batches WHERE deadline_at IS NOT NULL AND completed_at IS NULL AND sealed = 1 AND deadline_at <= ?
       AND NOT EXISTS (SELECT 1 FROM openai_batches WHERE batch_id = batches.id AND status = 'cancelling') ORDER BY deadline_at LIMIT ?`,
      now,
      limit,
    );
  }

  async nextDeadlineAt(): Promise<number | null> {
    return this.db.get<{ at: number | null }>(
      "SELECT MIN(deadline_at) AS at FROM batches WHERE deadline_at IS NOT NULL AND completed_at IS NULL AND sealed = 1",
    )!.at;
  }

  private insert(batch: NewBatch): void {
    this.db.run(
      `INSERT INTO batches (id, tenant, operation, status, priority, created_at, served_at, deadline_at, executor, stream, stream_key, close_reason, name, description,
         filters, options, input, notify, metadata, depends_on, tags, warnings, max_leased, trace, replay_of, budget) VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      batch.id,
      batch.tenant,
      batch.operation,
      batch.priority,
      batch.createdAt,
      batch.createdAt,
      batch.deadlineAt,
      batch.executor,
      batch.stream,
      batch.streamKey,
      batch.closeReason,
      batch.name,
      batch.description,
      JSON.stringify(batch.filters),
      JSON.stringify(batch.options),
      batch.input === null ? null : JSON.stringify(batch.input),
      JSON.stringify(batch.notify),
      batch.metadata === null ? null : JSON.stringify(batch.metadata),
      JSON.stringify(batch.dependsOn),
      JSON.stringify(batch.tags),
      JSON.stringify(batch.warnings),
      batch.maxLeasedChunks,
      traceText(batch.trace),
      batch.replayOf,
      batch.options.budgetUsd === undefined ? null : toNanoUsd(batch.options.budgetUsd),
    );
  }

  private addChunks(tenant: string, batchId: string, chunks: NewChunk[]): void {
    const items = chunks.reduce((sum, chunk) => sum + chunk.keys.length, 0);
    const open = this.db.run(
      "UPDATE batches SET total_items = total_items + ?, open_chunks = open_chunks + ? WHERE id = ? AND tenant = ? AND sealed = 0",
      items,
      chunks.length,
      batchId,
      tenant,
    );
    if (open === 0) throw new Error(`batch ${batchId} takes no more items: it was sealed or discarded`);
    for (const chunk of chunks) insertChunk(this.db, { tenant, batchId, epoch: 1 }, chunk, true);
  }

  private sealNow(request: SealRequest): BatchRow {
    const raw = loadBatch(this.db, request.batchId);
    if (raw === undefined || raw.tenant !== request.tenant || raw.sealed === 1)
      throw new Error(`batch ${request.batchId} cannot be sealed: it was sealed or discarded before`);
    raw.sealed = 1;
    raw.announced = request.announcedItems;
    raw.total_items += request.announcedItems;
    raw.max_failures = request.maxFailures;
    countStatus(this.db, raw, 1);
    this.db.run(
      "INSERT INTO batch_tags (tenant, tag, created_at, batch_id) SELECT DISTINCT ?, value, ?, ? FROM json_each(?)",
      raw.tenant,
      raw.created_at,
      raw.id,
      raw.tags,
    );
    refreshReadyAt(this.db, raw);
    saveBatch(this.db, raw);
    emitBatch(this.db, raw, "batch.created", request.now, createdOf(raw));
    awaitDependencies(this.db, raw, request.now);
    return toBatchRow(raw);
  }

  private change(tenant: string, id: string, work: (raw: RawBatch) => boolean): BatchRow | null {
    return this.db.transaction(() => {
      const raw = loadOwnBatch(this.db, tenant, id);
      return raw !== undefined && work(raw) ? toBatchRow(raw) : null;
    });
  }
}

function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}
