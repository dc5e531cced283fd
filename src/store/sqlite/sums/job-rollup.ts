import { binOf } from "../../../model/stats/sketch.ts";
import { addJobs, JOB_SUMS, JOB_TIMES, jobTimes, jobTotals, noJobs, type JobTotals } from "../../../model/job-totals.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { AnalysisRollup, ERRORS_OF_BATCH, errorsOf, type AnalysesAdded, type Errors } from "./analysis-rollup.ts";
import type { Database } from "../database/database.ts";
import { WIDTHS } from "./widths.ts";

const MINUTE = 60_000;

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
const COLUMNS = [
  "tenant",
  "operation",
  "status",
  "total_items",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
  "retried",
  "cost",
  "standard",
  "saved",
  "created_at",
  "started_at",
  "completed_at",
] as const satisfies readonly (keyof Rolled)[];
export const ROLLED_COLUMNS = COLUMNS.join(", ");

/** Buckets whose changes are told apart. */
const MAX_CHANGES = 10_000;

/** What batches of one kind add to the minute they were created in. kept = 1: batches that retention removed. */
interface Cell {
  key: [tenant: string, operation: string, status: string, kept: 0 | 1];
  minute: number;
  totals: JobTotals;
  /** `metric` → bin → batches */
  bins: Map<string, Map<number, number>>;
}

/** How the batch was counted last; null = it was not. The first of many moves writes it, the others find it there. */
const FALL_BEHIND = `INSERT INTO sums_behind (batch_id, counted, errors)
  SELECT id, CASE WHEN sealed = 1 THEN json_array(${ROLLED_COLUMNS}) END, ${ERRORS_OF_BATCH} FROM batches WHERE id = ? ON CONFLICT DO NOTHING`;

/** What is on its way into the buckets. */
type Added = { jobs: JobsAdded[] } & AnalysesAdded;

/** A cell on its way into the buckets; sums in the order of JOB_SUMS. */
export interface JobsAdded {
  key: Cell["key"];
  minute: number;
  sums: number[];
  bins: [metric: string, bin: number, jobs: number][];
}

const EACH_WIDTH = `FROM (VALUES ${WIDTHS.map((width) => `(${width})`).join(", ")}) WHERE true`;
const ADD_CELL = `INSERT INTO job_rollups (tenant, operation, status, kept, width, bucket, ${JOB_SUMS.join(", ")})
  SELECT ?1, ?2, ?3, ?4, column1, ?5 - ?5 % column1, ${JOB_SUMS.map((_, n) => `?${n + 6}`).join(", ")} ${EACH_WIDTH}
  ON CONFLICT (tenant, width, bucket, operation, status, kept) DO UPDATE SET ${JOB_SUMS.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(", ")}`;
const ADD_BIN = `INSERT INTO job_bins (tenant, operation, status, kept, width, bucket, metric, bin, jobs)
  SELECT ?1, ?2, ?3, ?4, column1, ?5 - ?5 % column1, ?6, ?7, ?8 ${EACH_WIDTH}
  ON CONFLICT (tenant, width, bucket, operation, status, kept, metric, bin) DO UPDATE SET jobs = jobs + excluded.jobs`;

/**
 * Sums over batches by the minute, hour and day they were created in: what monitoring reads instead of batches. A batch moves
 * many times between two looks at the sums: the transaction of its first move notes how it was counted (sums_behind), and catching up
 * adds the difference to how it stands then. What is counted is so at any time as durable as the batch itself.
 */
export class JobRollup {
  private readonly db: Database;
  private readonly gather: () => void;
  private readonly cells = new Map<string, Cell>();
  private readonly analyses: AnalysisRollup;
  /** Batches known to be in sums_behind. */
  private readonly behind = new Set<string>();
  /** Buckets this process has changed → how often. */
  private readonly changes = new Map<string, number>();
  /** Grows when everything may have changed. */
  private epoch = 0;

  /** `gather`: the current transaction has to flush, or forget. */
  constructor(db: Database, gather: () => void) {
    this.db = db;
    this.gather = gather;
    this.analyses = new AnalysisRollup(db);
  }

  /** Rows that catching up has to look at, as far as this process wrote them. */
  get waiting(): number {
    return this.behind.size;
  }

  /** The row of a sealed batch or its groups of errors are about to change, or an unsealed one to be sealed. */
  moving(id: string): void {
    if (this.behind.has(id)) return;
    this.db.run(FALL_BEHIND, id);
    this.behind.add(id);
    this.gather();
  }

  /** Retention removes a batch that is not behind: its sums stay, apart from those that can be recounted. */
  removed(batch: Rolled & { id: string }): void {
    this.add(batch, -1, 0);
    this.add(batch, 1, 1);
    const { errors } = this.db.get<{ errors: string | null }>(`SELECT ${ERRORS_OF_BATCH} AS errors FROM batches WHERE id = ?`, batch.id)!;
    this.analyses.add(batch, errorsOf(errors), -1);
    this.gather();
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

  /** Before the transaction ends. */
  flush(): void {
    this.write(this.take());
  }

  /** The transaction failed. */
  forget(): void {
    this.cells.clear();
    this.analyses.forget();
    this.behind.clear();
  }

  isBehind(): boolean {
    return this.db.get("SELECT 1 FROM sums_behind LIMIT 1") !== undefined;
  }

  /** Within a transaction: the buckets equal a recount over their batches. */
  catchUp(): void {
    this.write(this.missing());
    this.db.run("DELETE FROM sums_behind");
    this.behind.clear();
  }

  /** What the buckets would have to be given for that. */
  missing(): Added {
    const rows = this.db.all<Rolled & { counted: string | null; errors: string | null; standing: string | null }>(
      `SELECT counted, errors, ${ERRORS_OF_BATCH} AS standing, ${ROLLED_COLUMNS} FROM sums_behind CROSS JOIN batches ON batches.id = batch_id WHERE sealed = 1`,
    );
    for (const { counted, errors, standing, ...batch } of rows) {
      if (counted !== null) this.count(rolled(counted), errorsOf(errors), -1);
      this.count(batch, errorsOf(standing), 1);
    }
    return this.take();
  }

  private count(batch: Rolled, errors: Errors, times: 1 | -1): void {
    this.add(batch, times, 0);
    this.analyses.add(batch, errors, times);
  }

  private take(): Added {
    const added: JobsAdded[] = [];
    for (const { key, minute, totals, bins } of this.cells.values()) {
      const sums = JOB_SUMS.map((sum) => totals[sum]);
      const counts: JobsAdded["bins"] = [];
      for (const [metric, own] of bins) for (const [bin, jobs] of own) if (jobs !== 0) counts.push([metric, bin, jobs]);
      if (counts.length > 0 || sums.some((sum) => sum !== 0)) added.push({ key, minute, sums, bins: counts });
    }
    this.cells.clear();
    return { jobs: added, ...this.analyses.take() };
  }

  private write(added: Added): void {
    if (this.changes.size > MAX_CHANGES) this.rewritten();
    this.analyses.write(added);
    for (const { key, minute, sums, bins } of added.jobs) {
      for (const width of WIDTHS) {
        const name = `${key[0]} ${width} ${minute - (minute % width)}`;
        this.changes.set(name, (this.changes.get(name) ?? 0) + 1);
      }
      this.db.run(ADD_CELL, ...key, minute, ...sums);
      for (const bin of bins) this.db.run(ADD_BIN, ...key, minute, ...bin);
    }
  }

  private add(batch: Rolled, times: 1 | -1, kept: 0 | 1): void {
    const minute = batch.created_at - (batch.created_at % MINUTE);
    const cell = this.cell([batch.tenant, batch.operation, batch.status, kept], minute);
    addJobs(cell.totals, jobTotals(batch), times);
    const measured = jobTimes(batch);
    if (measured !== null) for (const metric of JOB_TIMES) addBin(cell, metric, binOf(measured[metric]), times);
  }

  private cell(key: Cell["key"], minute: number): Cell {
    const [tenant, operation, status, kept] = key;
    const name = `${kept} ${minute} ${status} ${operation} ${tenant}`;
    let cell = this.cells.get(name);
    if (cell === undefined) this.cells.set(name, (cell = { key, minute, totals: noJobs(), bins: new Map() }));
    return cell;
  }
}

function addBin(cell: Cell, metric: string, bin: number, jobs: number): void {
  let counts = cell.bins.get(metric);
  if (counts === undefined) cell.bins.set(metric, (counts = new Map()));
  counts.set(bin, (counts.get(bin) ?? 0) + jobs);
}

function rolled(counted: string): Rolled {
  const values = JSON.parse(counted) as unknown[];
  return Object.fromEntries(COLUMNS.map((column, n) => [column, values[n]])) as unknown as Rolled;
}
