import { setImmediate } from "node:timers/promises";
import type { SQLInputValue } from "node:sqlite";
import type { EventDraft } from "../../../model/event.ts";
import type { BatchStanding } from "../../../model/batch.ts";
import { isFinal, type BatchStatus } from "../../../model/moves.ts";
import type { BulkActed, BulkAction, BulkFilter, BulkJob, BulkPlace, BulkProgress, BulkSlice, BulkStatus, BulkStore } from "../../bulk.ts";
import type { AuditEntry } from "../../port.ts";
import { endBatch, finishBatch, giveUpTries, pauseBatch, prioritiseBatch, resumeBatch } from "./acts.ts";
import { nextAct } from "../rows/act-row.ts";
import type { LongActs } from "./long-acts.ts";
import type { SqliteAudit } from "../audit/audit.ts";
import type { Mark } from "../audit/audit-anchor.ts";
import { insertEvent, loadOwnBatch } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import { isNarrowed, narrowing } from "./batch-conditions.ts";
import { JobPlaces } from "../sums/job-places.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { reopenItems } from "./retry.ts";
import type { StatsCache } from "./stats-cache.ts";

/** Batches looked at in one turn of the event loop when they have to be counted: some milliseconds. */
const COUNT_LOOKS = 1_000;
const ENDED_KEPT = 1_000;

interface RawBulk {
  id: string;
  tenant: string;
  action: BulkAction;
  priority: number | null;
  reason: string | null;
  filter: string;
  rate: number;
  total: number;
  done: number;
  failed: number;
  skipped: number;
  status: BulkStatus;
  created_at: number;
  starts_at: number;
  ended_at: number | null;
  after_at: number | null;
  after_id: string | null;
  error: string | null;
  actor: string;
  credential: string | null;
  address: string | null;
}

interface Looked extends BulkPlace {
  hit: number;
}

export class SqliteBulk implements BulkStore {
  private readonly db: Database;
  private readonly statistics: StatsCache;
  private readonly audit: SqliteAudit;
  private readonly acts: LongActs;
  private readonly places: JobPlaces;

  constructor(db: Database, statistics: StatsCache, audit: SqliteAudit, acts: LongActs) {
    this.db = db;
    this.acts = acts;
    this.statistics = statistics;
    this.audit = audit;
    this.places = new JobPlaces(db);
  }

  async count(tenant: string, filter: BulkFilter): Promise<number> {
    if (isSummed(filter)) return this.places.count({ tenant, ...filter });
    let total = 0;
    let after: BulkPlace | null = null;
    do {
      const found = this.look(tenant, filter, after, COUNT_LOOKS);
      total += found.batches.length;
      after = found.after;
      await setImmediate();
    } while (after !== null);
    return total;
  }

  async targets(tenant: string, filter: BulkFilter, after: BulkPlace | null, looks: number): ReturnType<BulkStore["targets"]> {
    return this.look(tenant, filter, after, looks);
  }

  /** One walk along the index for each status: the rest of the filter is a column, so that what does not match costs no search. */
  private look(
    tenant: string,
    filter: BulkFilter,
    after: BulkPlace | null,
    looks: number,
  ): { batches: BulkPlace[]; after: BulkPlace | null } {
    const walks = filter.statuses.map((status) => this.walk(tenant, status, filter, after, looks));
    // Where a walk was cut off, the others must not be ahead of it.
    const cuts = walks.filter((rows) => rows.length === looks).map((rows) => rows.at(-1)!);
    const cut = cuts.sort(newestFirst)[0] ?? null;
    const seen = walks.flat().filter((row) => cut === null || newestFirst(row, cut) <= 0);
    const batches = seen.filter((row) => row.hit === 1).sort(newestFirst);
    return { batches: batches.map(({ createdAt, id }) => ({ createdAt, id })), after: cut && { createdAt: cut.createdAt, id: cut.id } };
  }

  private walk(tenant: string, status: BatchStatus, filter: BulkFilter, after: BulkPlace | null, looks: number): Looked[] {
    const { where, parameters } = hits(filter);
    const place = after ?? { createdAt: filter.to, id: "" };
    return this.db.all<Looked>(
      `SELECT created_at AS createdAt, id, (${where}) AS hit FROM batches b
       WHERE sealed = 1 AND tenant = ? AND status = ? AND created_at >= ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
      ...parameters,
      tenant,
      status,
      filter.from,
      place.createdAt,
      place.id,
      looks,
    );
  }

  async add(job: BulkJob): Promise<void> {
    this.db.transaction(() => {
      this.db.run(
        `INSERT INTO bulk_jobs (id, tenant, action, priority, reason, filter, rate, total, done, failed, skipped, status, created_at, starts_at, ended_at,
           after_at, after_id, error, actor, credential, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        job.id,
        job.tenant,
        job.action,
        job.priority,
        job.reason,
        JSON.stringify(job.filter),
        job.rate,
        job.total,
        job.done,
        job.failed,
        job.skipped,
        job.status,
        job.createdAt,
        job.startsAt,
        job.endedAt,
        job.after?.createdAt ?? null,
        job.after?.id ?? null,
        job.error,
        job.actor,
        job.credential,
        job.address,
      );
      this.db.run(
        `DELETE FROM bulk_jobs WHERE tenant = ? AND ended_at IS NOT NULL AND id IN
           (SELECT id FROM bulk_jobs WHERE tenant = ? ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ${ENDED_KEPT})`,
        job.tenant,
        job.tenant,
      );
    });
  }

  async get(tenant: string, id: string): Promise<BulkJob | null> {
    const raw = this.db.get<RawBulk>("SELECT * FROM bulk_jobs WHERE tenant = ? AND id = ?", tenant, id);
    return raw === undefined ? null : toJob(raw);
  }

  async list(tenant: string, limit: number): Promise<BulkJob[]> {
    return this.db
      .all<RawBulk>("SELECT * FROM bulk_jobs WHERE tenant = ? ORDER BY created_at DESC, id DESC LIMIT ?", tenant, limit)
      .map(toJob);
  }

  async running(): Promise<BulkJob[]> {
    return this.db.all<RawBulk>("SELECT * FROM bulk_jobs WHERE ended_at IS NULL ORDER BY created_at, id").map(toJob);
  }

  async act(slice: BulkSlice): Promise<BulkActed | null> {
    const done = this.actedOn(slice);
    if (done === null) return null;
    const { head, ...acted } = done;
    if (acted.acted.length > 0) this.audit.committed(head);
    if (nextAct(this.db) === null) return acted;
    await this.acts.settle();
    const { tenant } = slice.job;
    return { ...acted, acted: acted.acted.map((batch) => standingOf(loadOwnBatch(this.db, tenant, batch.id) ?? batch)) };
  }

  private actedOn(slice: BulkSlice): ReturnType<SqliteBulk["actNow"]> {
    try {
      return this.db.transaction(() => this.actNow(slice));
    } catch (error) {
      this.statistics.clear();
      throw error;
    }
  }

  private actNow(slice: BulkSlice): (BulkActed & { head: Mark | null }) | null {
    const { job, batches, withinMs, entry, event } = slice;
    if (this.db.get("SELECT 1 FROM bulk_jobs WHERE id = ? AND ended_at IS NULL", job.id) === undefined) return null;
    const until = performance.now() + withinMs;
    const acted: BatchStanding[] = [];
    const entries: AuditEntry[] = [];
    let { skipped, after } = job;
    for (const place of batches) {
      const raw = loadOwnBatch(this.db, job.tenant, place.id);
      const before = raw === undefined ? null : standingOf(raw);
      if (raw !== undefined && before !== null && this.actOn(slice, raw)) {
        // One with very many chunks goes on to end behind this.
        const standing: BatchStanding = slice.job.action === "cancel" ? { ...standingOf(raw), status: "cancelled" } : standingOf(raw);
        acted.push(standing);
        entries.push(entry(before, standing));
      } else skipped += 1;
      after = place;
      if (performance.now() >= until) break;
    }
    const head = entries.length === 0 ? null : this.audit.write(entries);
    const done = job.done + acted.length;
    const progress = {
      total: Math.max(job.total, done + skipped + job.failed),
      done,
      skipped,
      failed: job.failed,
      after,
      error: job.error,
    };
    this.advanceNow(job.id, progress, null, event(progress));
    return { progress, acted, head };
  }

  private actOn({ job, failure, now }: BulkSlice, raw: RawBatch): boolean {
    switch (job.action) {
      case "retry":
        if (!isFinal(raw.status) || (raw.completed_at ?? Infinity) > job.createdAt) return false;
        return reopenItems(this.db, this.statistics, raw, { fingerprint: job.filter.fingerprint, code: job.filter.code }, now) > 0;
      case "cancel":
        return endBatch(this.db, raw, "cancelled", null, now);
      case "priority":
        return prioritiseBatch(this.db, raw, job.priority!, now);
      case "pause":
        return pauseBatch(this.db, raw, now);
      case "resume":
        return resumeBatch(this.db, raw, now);
      case "finish":
        return finishBatch(this.db, this.statistics, raw, failure!, now);
      case "dead_letter":
        return giveUpTries(this.db, this.statistics, raw, failure!, now);
    }
  }

  async advance(id: string, progress: BulkProgress, endedAt: number | null, event: EventDraft | null): Promise<boolean> {
    return this.db.transaction(() => this.advanceNow(id, progress, endedAt, event));
  }

  private advanceNow(id: string, progress: BulkProgress, endedAt: number | null, event: EventDraft | null): boolean {
    const { total, done, failed, skipped, after, error } = progress;
    const moved = this.db.run(
      `UPDATE bulk_jobs SET total = ?, done = ?, failed = ?, skipped = ?, after_at = ?, after_id = ?, error = ?, ended_at = ?,
           status = CASE WHEN ? IS NULL THEN status ELSE 'completed' END WHERE id = ? AND ended_at IS NULL`,
      total,
      done,
      failed,
      skipped,
      after?.createdAt ?? null,
      after?.id ?? null,
      error,
      endedAt,
      endedAt,
      id,
    );
    if (moved === 1 && event !== null) insertEvent(this.db, event);
    return moved === 1;
  }

  async cancel(tenant: string, id: string, now: number): Promise<boolean> {
    const sql = "UPDATE bulk_jobs SET status = 'cancelled', ended_at = ? WHERE tenant = ? AND id = ? AND ended_at IS NULL";
    return this.db.run(sql, now, tenant, id) === 1;
  }
}

function standingOf({ id, status, priority, epoch }: BatchStanding): BatchStanding {
  return { id, status, priority, epoch };
}

const newestFirst = (a: BulkPlace, b: BulkPlace): number => b.createdAt - a.createdAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/** The sums over batches tell it apart. */
function isSummed(filter: BulkFilter): boolean {
  const { fingerprint, code, ids, except } = filter;
  return [fingerprint, code, ids, except].every((part) => part === undefined) && !isNarrowed(filter);
}

/** What of the filter is not in the index walked along. */
function hits(filter: BulkFilter): { where: string; parameters: SQLInputValue[] } {
  const { operation, fingerprint, code, ids, except } = filter;
  const parameters: SQLInputValue[] = [];
  let where = "1";
  const add = (sql: string, value: SQLInputValue | undefined): void => {
    if (value === undefined) return;
    where += ` AND ${sql}`;
    parameters.push(value);
  };
  add("b.operation = ?", operation);
  for (const [sql, value] of narrowing(filter)) add(sql, value);
  add("b.id IN (SELECT value FROM json_each(?))", ids === undefined ? undefined : JSON.stringify(ids));
  add("b.id NOT IN (SELECT value FROM json_each(?))", except === undefined ? undefined : JSON.stringify(except));
  if (fingerprint !== undefined || code !== undefined) {
    where += " AND EXISTS (SELECT 1 FROM error_groups g WHERE g.batch_id = b.id AND g.failures > 0";
    if (fingerprint !== undefined) {
      where += " AND g.fingerprint = ?";
      parameters.push(fingerprint);
    }
    if (code !== undefined) {
      where += " AND g.code = ?";
      parameters.push(code);
    }
    where += ")";
  }
  return { where, parameters };
}

function toJob(raw: RawBulk): BulkJob {
  const { filter, created_at, starts_at, ended_at, after_at, after_id, ...same } = raw;
  return {
    ...same,
    filter: JSON.parse(filter) as BulkFilter,
    createdAt: created_at,
    startsAt: starts_at,
    endedAt: ended_at,
    after: after_at === null ? null : { createdAt: after_at, id: after_id! },
  };
}
