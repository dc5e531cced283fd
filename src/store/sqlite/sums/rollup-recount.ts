import { JOB_SUMS, SIZE_STEP, SIZE_SUMS } from "../../../model/job-totals.ts";
import { BIN_BASE, ZERO_BIN } from "../../../model/stats/sketch.ts";
import type { Finding } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { WIDTHS } from "./widths.ts";
import { Sums } from "./sums.ts";

const WIDTH_ROWS = `(SELECT column1 AS width FROM (VALUES ${WIDTHS.map((width) => `(${width})`).join(", ")}))`;
const TIMED = "completed_at IS NOT NULL AND started_at IS NOT NULL";

/** The buckets as the batches say they should be. */
const CELLS = `
  SELECT tenant, width, created_at - created_at % width AS bucket, operation, status, 0 AS kept, COUNT(*) AS jobs, SUM(total_items) AS items,
    SUM(succeeded) AS succeeded, SUM(failed) AS failed, SUM(cancelled) AS cancelled, SUM(expired) AS expired, SUM(retried) AS retried, SUM(cost) AS cost, SUM(standard) AS standard, SUM(saved) AS saved,
    COUNT(*) FILTER (WHERE ${TIMED}) AS timed, COALESCE(SUM(completed_at - started_at) FILTER (WHERE ${TIMED}), 0) AS run_ms,
    COALESCE(SUM(started_at - created_at) FILTER (WHERE ${TIMED}), 0) AS wait_ms
  FROM batches, ${WIDTH_ROWS} WHERE sealed = 1 GROUP BY 1, 2, 3, 4, 5`;
const BINS = `
  SELECT tenant, width, created_at - created_at % width AS bucket, operation, status, 0 AS kept, metric,
    CASE WHEN ms <= 0 THEN ${ZERO_BIN} ELSE CAST(ceil(ln(ms) / ${Math.log(BIN_BASE)}) AS INTEGER) END AS bin, COUNT(*) AS jobs
  FROM (
    SELECT tenant, created_at, operation, status, 'run' AS metric, completed_at - started_at AS ms FROM batches WHERE sealed = 1 AND ${TIMED} UNION ALL
    SELECT tenant, created_at, operation, status, 'wait', started_at - created_at FROM batches WHERE sealed = 1 AND ${TIMED} UNION ALL
    SELECT tenant, created_at, operation, status, 'total', completed_at - created_at FROM batches WHERE sealed = 1 AND ${TIMED}
  ), ${WIDTH_ROWS} GROUP BY 1, 2, 3, 4, 5, 7, 8`;

const SIZES = `
  SELECT tenant, width, created_at - created_at % width AS bucket, operation, (total_items + ${SIZE_STEP - 1}) / ${SIZE_STEP} AS step, COUNT(*) AS jobs, SUM(total_items) AS requests,
    SUM(succeeded) AS succeeded, SUM(failed) AS failed, COUNT(*) FILTER (WHERE ${TIMED}) AS timed, COALESCE(SUM(total_items) FILTER (WHERE ${TIMED}), 0) AS timed_requests,
    COALESCE(SUM(completed_at - started_at) FILTER (WHERE ${TIMED}), 0) AS run_ms
  FROM batches, ${WIDTH_ROWS} WHERE sealed = 1 GROUP BY 1, 2, 3, 4, 5`;
const ERRORS = `
  SELECT b.tenant AS tenant, width, b.created_at - b.created_at % width AS bucket, b.operation AS operation, code, SUM(failures) AS failures, COUNT(DISTINCT b.id) AS jobs
  FROM error_groups g JOIN batches b ON b.id = g.batch_id, ${WIDTH_ROWS} WHERE sealed = 1 AND failures > 0 GROUP BY 1, 2, 3, 4, 5`;

/** Writes all buckets anew from the batches; those of removed batches stay as they are. */
export function fillSums(db: Database): void {
  // What is behind would be added to what was just recounted.
  Sums.of(db).jobs.catchUp();
  fillRollups(db);
  fillAnalyses(db);
}

/** Those of the analyses; nothing is behind afterwards. */
export function fillAnalyses(db: Database): void {
  Sums.of(db).jobs.catchUp();
  db.run("DELETE FROM job_sizes");
  db.run("DELETE FROM job_errors");
  db.run(`INSERT INTO job_sizes (${[...SIZE_KEY, ...SIZE_SUMS].join(", ")}) ${SIZES}`);
  db.run(`INSERT INTO job_errors (${[...ERROR_KEY, ...ERROR_SUMS].join(", ")}) ${ERRORS}`);
}

/** Those of job_rollups and job_bins alone: an old schema has no others. */
export function fillRollups(db: Database): void {
  db.run("DELETE FROM job_rollups WHERE kept = 0");
  db.run("DELETE FROM job_bins WHERE kept = 0");
  db.run(`INSERT INTO job_rollups (tenant, width, bucket, operation, status, kept, ${JOB_SUMS.join(", ")}) ${CELLS}`);
  db.run(`INSERT INTO job_bins (tenant, width, bucket, operation, status, kept, metric, bin, jobs) ${BINS}`);
  Sums.of(db).jobs.rewritten();
}

const CELL_KEY = ["tenant", "width", "bucket", "operation", "status", "kept"];
const TEXTS = new Set(["tenant", "operation", "status", "metric", "code"]);
const BIN_KEY = [...CELL_KEY, "metric", "bin"];
const SIZE_KEY = ["tenant", "width", "bucket", "operation", "step"];
const ERROR_KEY = ["tenant", "width", "bucket", "operation", "code"];
const ERROR_SUMS = ["failures", "jobs"];

/** Holds what a recount found, by key: comparing it row by row with what is kept costs as much as reading both. */
function findAside(db: Database, name: string, key: readonly string[], sums: readonly string[], rows: string): void {
  db.exec(`DROP TABLE IF EXISTS temp.${name}`);
  // Typed as what it is compared with: an index of another type is not used.
  const typed = [...key, ...sums].map((column) => `${column} ${TEXTS.has(column) ? "TEXT" : "INTEGER"}`).join(", ");
  db.exec(`CREATE TEMP TABLE ${name} (${typed}, PRIMARY KEY (${key.join(", ")})) WITHOUT ROWID`);
  db.exec(`INSERT INTO ${name} (${[...key, ...sums].join(", ")}) SELECT ${[...key, ...sums].join(", ")} FROM (${rows})`);
}

/** Rows of either side that the other does not have, or has with other sums; nothing counts as zero. */
function differing(found: string, kept: string, key: readonly string[], sums: readonly string[]): string {
  const same = key.map((column) => `k.${column} = f.${column}`).join(" AND ");
  const columns = (side: string): string => key.map((column) => `${side}.${column} AS ${column}`).join(", ");
  return `
    SELECT ${columns("f")}, COALESCE(k.jobs, 0) AS was, f.jobs AS found FROM ${found} f LEFT JOIN ${kept} k ON ${same}
    WHERE ${sums.map((sum) => `COALESCE(k.${sum}, 0) <> f.${sum}`).join(" OR ")}
    UNION ALL
    SELECT ${columns("k")}, k.jobs, 0 FROM ${kept} k LEFT JOIN ${found} f ON ${same}
    WHERE ${key.includes("kept") ? "k.kept = 0 AND " : ""}f.jobs IS NULL AND (${sums.map((sum) => `k.${sum} <> 0`).join(" OR ")})`;
}

/** What the buckets are behind by is not expected in them. */
function takeOffMissing(db: Database): void {
  const less = (table: string, key: readonly string[], sums: readonly string[]): string =>
    `INSERT INTO ${table} (${[...key, ...sums].join(", ")}) VALUES (${[...key, ...sums].map(() => "?").join(", ")})
     ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${sums.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(", ")}`;
  const cell = less("temp.found_cells", CELL_KEY, JOB_SUMS);
  const bin = less("temp.found_bins", BIN_KEY, ["jobs"]);
  const size = less("temp.found_sizes", ["tenant", "operation", "step", "width", "bucket"], SIZE_SUMS);
  const error = less("temp.found_errors", ["tenant", "operation", "code", "width", "bucket"], ERROR_SUMS);
  const { jobs: cells, sizes, errors } = Sums.of(db).jobs.missing();
  for (const [sql, rows] of [
    [size, sizes],
    [error, errors],
  ] as const)
    for (const {
      key: [tenant, operation, name, minute],
      sums,
    } of rows)
      for (const width of WIDTHS) db.run(sql, tenant, operation, name, width, minute - (minute % width), ...sums.map((sum) => -sum));
  for (const {
    key: [tenant, operation, status, kept],
    minute,
    sums,
    bins,
  } of cells) {
    for (const width of WIDTHS) {
      const key = [tenant, width, minute - (minute % width), operation, status, kept];
      db.run(cell, ...key, ...sums.map((sum) => -sum));
      for (const [metric, number, jobs] of bins) db.run(bin, ...key, metric, number, -jobs);
    }
  }
}

/** Compares the buckets with their batches. */
export function recountRollups(db: Database, rebuild: boolean, findings: Finding[]): void {
  if (rebuild) Sums.of(db).catchUp();
  findAside(db, "found_cells", CELL_KEY, JOB_SUMS, CELLS);
  findAside(db, "found_bins", BIN_KEY, ["jobs"], BINS);
  findAside(db, "found_sizes", SIZE_KEY, SIZE_SUMS, SIZES);
  findAside(db, "found_errors", ERROR_KEY, ERROR_SUMS, ERRORS);
  takeOffMissing(db);
  const cells = db.all<{ operation: string; status: string; width: number; bucket: number; was: number; found: number }>(
    differing("found_cells", "job_rollups", CELL_KEY, JOB_SUMS),
  );
  const bins = db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM (${differing("found_bins", "job_bins", BIN_KEY, ["jobs"])})`)!.n;
  const first = cells[0];
  if (first !== undefined) {
    const bucket = `the ${first.width / 60_000} minutes from ${new Date(first.bucket).toISOString()}`;
    findings.push({
      batchId: null,
      repaired: rebuild,
      message: `${cells.length} sums over batches differ from a recount; the first: ${bucket} have ${first.was} ${first.status} ${first.operation} batches, recounted ${first.found}, or differ in items, times or cost`,
    });
  }
  if (bins > 0) findings.push({ batchId: null, repaired: rebuild, message: `${bins} bins of the times of batches differ from a recount` });
  const analyses = [
    ["sums over sizes of batches", differing("found_sizes", "job_sizes", SIZE_KEY, SIZE_SUMS)],
    ["sums over codes of errors", differing("found_errors", "job_errors", ERROR_KEY, ERROR_SUMS)],
  ] as const;
  let wrong = cells.length + bins;
  for (const [name, sql] of analyses) {
    const { n } = db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM (${sql})`)!;
    if (n > 0) findings.push({ batchId: null, repaired: rebuild, message: `${n} ${name} differ from a recount` });
    wrong += n;
  }
  if (rebuild && wrong > 0) fillSums(db);
}
