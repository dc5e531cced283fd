import { binOf } from "../../model/stats/sketch.ts";
import { addJobs, JOB_SUMS, JOB_TIMES, jobTimes, jobTotals, noJobs, type JobTotals } from "../../model/job-totals.ts";
import type { RawBatch } from "./raw-batch.ts";
import type { Database, Gathered } from "./database.ts";

const MINUTE = 60_000;
/** Widths of the buckets kept, milliseconds, narrowest first; each divides the next. */
export const WIDTHS = [MINUTE, 60 * MINUTE, 1440 * MINUTE] as const;

/** The columns that decide what a batch adds. */
export type Rolled = Pick<
  RawBatch,
  | "tenant"
  | "operation"
  | "status"
  | "total_items"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "expired"
  | "retried"
  | "cost"
  | "standard"
  | "saved"
  | "created_at"
  | "started_at"
  | "completed_at"
>;
export const ROLLED_COLUMNS =
  "tenant, operation, status, total_items, succeeded, failed, cancelled, expired, retried, cost, standard, saved, created_at, started_at, completed_at";

/** Buckets whose changes are told apart. */
const MAX_CHANGES = 10_000;

/** One bucket of one kind of batch. kept = 1: batches that retention removed. */
interface Cell {
  key: [tenant: string, operation: string, status: string, kept: 0 | 1];
  minute: number;
  totals: JobTotals;
  /** `metric` → bin → batches */
  bins: Map<string, Map<number, number>>;
}

const ADD_CELL = `INSERT INTO job_rollups (tenant, operation, status, kept, width, bucket, ${JOB_SUMS.join(", ")})
  VALUES (?, ?, ?, ?, ?, ?, ${JOB_SUMS.map(() => "?").join(", ")})
  ON CONFLICT (tenant, width, bucket, operation, status, kept) DO UPDATE SET ${JOB_SUMS.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(", ")}`;
const ADD_BIN = `INSERT INTO job_bins (tenant, operation, status, kept, width, bucket, metric, bin, jobs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant, width, bucket, operation, status, kept, metric, bin) DO UPDATE SET jobs = jobs + excluded.jobs`;

/**
 * Sums over batches by the minute, hour and day they were created in: what monitoring reads instead of batches. Changes of one
 * transaction are gathered and written with it, so that a bucket always equals a recount over its batches.
 */
export class JobRollup implements Gathered {
  private static readonly known = new WeakMap<Database, JobRollup>();
  private readonly db: Database;
  private readonly cells = new Map<string, Cell>();
  /** Buckets this process has changed → how often. */
  private readonly changes = new Map<string, number>();
  /** Grows when everything may have changed. */
  private epoch = 0;

  private constructor(db: Database) {
    this.db = db;
  }

  /** There is one for a database. */
  static of(db: Database): JobRollup {
    let rollup = JobRollup.known.get(db);
    if (rollup === undefined) JobRollup.known.set(db, (rollup = new JobRollup(db)));
    return rollup;
  }

  /** A batch stands differently now; null = it did not count before. */
  changed(before: Rolled | null, after: Rolled): void {
    if (before !== null && sameSums(before, after)) return;
    if (before !== null) this.add(before, -1, 0);
    this.add(after, 1, 0);
  }

  /** Retention removes the batch: its sums stay, apart from those that can be recounted. */
  removed(batch: Rolled): void {
    this.add(batch, -1, 0);
    this.add(batch, 1, 1);
  }

  /** Equal numbers say that the bucket is as it was. */
  changesOf(tenant: string, width: number, bucket: number): number {
    return this.epoch + (this.changes.get(`${tenant} ${width} ${bucket}`) ?? 0);
  }

  /** The buckets were written anew. */
  rewritten(): void {
    // Above every number handed out so far.
    this.epoch += 1 + Math.max(0, ...this.changes.values());
    this.changes.clear();
  }

  flush(): void {
    if (this.changes.size > MAX_CHANGES) this.rewritten();
    for (const { key, minute, totals, bins } of this.cells.values()) {
      for (const width of WIDTHS) {
        const bucket = minute - (minute % width);
        const name = `${key[0]} ${width} ${bucket}`;
        this.changes.set(name, (this.changes.get(name) ?? 0) + 1);
        this.db.run(ADD_CELL, ...key, width, bucket, ...JOB_SUMS.map((sum) => totals[sum]));
        for (const [metric, counts] of bins) {
          for (const [bin, jobs] of counts) if (jobs !== 0) this.db.run(ADD_BIN, ...key, width, bucket, metric, bin, jobs);
        }
      }
    }
    this.cells.clear();
  }

  forget(): void {
    this.cells.clear();
  }

  private add(batch: Rolled, times: 1 | -1, kept: 0 | 1): void {
    const minute = batch.created_at - (batch.created_at % MINUTE);
    const name = `${kept} ${minute} ${batch.status} ${batch.operation} ${batch.tenant}`;
    let cell = this.cells.get(name);
    if (cell === undefined) {
      cell = { key: [batch.tenant, batch.operation, batch.status, kept], minute, totals: noJobs(), bins: new Map() };
      this.cells.set(name, cell);
    }
    addJobs(cell.totals, jobTotals(batch), times);
    const measured = jobTimes(batch);
    if (measured !== null) {
      for (const metric of JOB_TIMES) {
        let counts = cell.bins.get(metric);
        if (counts === undefined) cell.bins.set(metric, (counts = new Map()));
        const bin = binOf(measured[metric]);
        counts.set(bin, (counts.get(bin) ?? 0) + times);
      }
    }
    this.db.gather(this);
  }
}

function sameSums(before: Rolled, after: Rolled): boolean {
  return (
    before.status === after.status &&
    before.total_items === after.total_items &&
    before.succeeded === after.succeeded &&
    before.failed === after.failed &&
    before.cancelled === after.cancelled &&
    before.expired === after.expired &&
    before.retried === after.retried &&
    before.cost === after.cost &&
    before.standard === after.standard &&
    before.saved === after.saved &&
    before.started_at === after.started_at &&
    before.completed_at === after.completed_at
  );
}
