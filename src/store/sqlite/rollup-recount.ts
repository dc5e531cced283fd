import { JOB_SUMS } from "../../model/job-totals.ts";
import { BIN_BASE, ZERO_BIN } from "../../model/stats/sketch.ts";
import type { Finding } from "../port.ts";
import type { Database } from "./database.ts";
import { JobRollup, WIDTHS } from "./job-rollup.ts";

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

/** Writes the buckets anew from the batches; those of removed batches stay as they are. */
export function fillRollups(db: Database): void {
  db.run("DELETE FROM job_rollups WHERE kept = 0");
  db.run("DELETE FROM job_bins WHERE kept = 0");
  db.run(`INSERT INTO job_rollups (tenant, width, bucket, operation, status, kept, ${JOB_SUMS.join(", ")}) ${CELLS}`);
  db.run(`INSERT INTO job_bins (tenant, width, bucket, operation, status, kept, metric, bin, jobs) ${BINS}`);
  JobRollup.of(db).rewritten();
}

/** Compares the buckets with their batches. */
export function recountRollups(db: Database, rebuild: boolean, findings: Finding[]): void {
  const differs = JOB_SUMS.map((sum) => `COALESCE(k.${sum}, 0) <> COALESCE(f.${sum}, 0)`).join(" OR ");
  const cells = db.all<{ operation: string; status: string; width: number; bucket: number; kept: number; found: number }>(
    `SELECT COALESCE(k.operation, f.operation) AS operation, COALESCE(k.status, f.status) AS status, COALESCE(k.width, f.width) AS width,
       COALESCE(k.bucket, f.bucket) AS bucket, COALESCE(k.jobs, 0) AS kept, COALESCE(f.jobs, 0) AS found
     FROM (SELECT * FROM job_rollups WHERE kept = 0) k FULL OUTER JOIN (${CELLS}) f
       ON f.tenant = k.tenant AND f.width = k.width AND f.bucket = k.bucket AND f.operation = k.operation AND f.status = k.status
     WHERE ${differs}`,
  );
  const bins = db.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM (SELECT * FROM job_bins WHERE kept = 0) k FULL OUTER JOIN (${BINS}) f
       ON f.tenant = k.tenant AND f.width = k.width AND f.bucket = k.bucket AND f.operation = k.operation AND f.status = k.status AND f.metric = k.metric AND f.bin = k.bin
     WHERE COALESCE(k.jobs, 0) <> COALESCE(f.jobs, 0)`,
  )!.n;
  const first = cells[0];
  if (first !== undefined) {
    const bucket = `the ${first.width / 60_000} minutes from ${new Date(first.bucket).toISOString()}`;
    findings.push({
      batchId: null,
      repaired: rebuild,
      message: `${cells.length} sums over batches differ from a recount; the first: ${bucket} have ${first.kept} ${first.status} ${first.operation} batches, recounted ${first.found}, or differ in items, times or cost`,
    });
  }
  if (bins > 0) findings.push({ batchId: null, repaired: rebuild, message: `${bins} bins of the times of batches differ from a recount` });
  if (rebuild && cells.length + bins > 0) fillRollups(db);
}
