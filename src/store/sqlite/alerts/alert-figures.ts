import { ALERT_TICK_MS } from "../../../model/alert.ts";
import { toNanoUsd } from "../../../model/money.ts";
import type { RunOptions } from "../../../model/batch.ts";
import type { AlertFigures } from "../../alerts.ts";
import type { Database } from "../database/database.ts";
import { horizonsOf } from "../sums/rollup-trim.ts";
import { Sums } from "../sums/sums.ts";
import { WIDTHS } from "../sums/widths.ts";

/** Reads the facts of one tenant. Every statement goes along an index over what is open or recent. */
export function alertFigures(db: Database, tenant: string, { since, now }: { since: number; now: number }): AlertFigures {
  return {
    firstBatchAt: Sums.of(db).current(() => firstBatchAt(db, tenant)),
    operations: operations(db, tenant, since),
    newErrorClasses: db.all(
      `SELECT operation, COUNT(*) AS classes FROM alert_error_classes
       WHERE tenant = ?1 AND first_seen >= ?2
         AND fingerprint NOT IN (SELECT fingerprint FROM failure_mutes WHERE tenant = ?1 AND (until IS NULL OR until > ?3))
       GROUP BY operation ORDER BY operation`,
      tenant,
      since,
      now,
    ),
    providers: db.all(
      `SELECT provider, MIN(timeout_at) AS timeoutAt FROM attempts
       WHERE due_at IS NOT NULL AND tenant = ? AND state IN ('validating', 'in_progress', 'finalizing') GROUP BY provider ORDER BY provider`,
      tenant,
    ),
    budgets: budgets(db, tenant),
    channels: db.all(
      `SELECT channel, MAX(tries) AS tries FROM outbox
       WHERE tenant = ? AND delivered_at IS NULL AND tries > 0 AND (next_at IS NOT NULL OR created_at >= ?) GROUP BY channel ORDER BY channel`,
      tenant,
      now - GIVEN_UP_MS,
    ),
    lastArrivals: lastArrivals(db, tenant),
  };
}

/** A message that was given up counts against its channel for a day after three days of tries. */
const GIVEN_UP_MS = 4 * 86_400_000;

/**
 * By the minute as long as minutes are kept. What is older is known by its hours and days, and by nothing but a count of none once those
 * are gone, too: then it is as old as the minutes that are kept.
 */
function firstBatchAt(db: Database, tenant: string): number | null {
  const first = (width: number): number =>
    db.get<{ at: number | null }>("SELECT MIN(bucket) AS at FROM job_rollups WHERE tenant = ? AND width = ?", tenant, width)!.at ??
    Infinity;
  const [minute, hour, day] = WIDTHS.map(first) as [number, number, number];
  const { minutes: horizon } = horizonsOf(db);
  const older = [hour, day].filter((at) => at < horizon);
  if (Math.min(minute, ...older) < Infinity) return Math.min(minute, ...older);
  return db.get("SELECT 1 FROM batch_counts WHERE tenant = ? LIMIT 1", tenant) === undefined ? null : horizon;
}

function operations(db: Database, tenant: string, since: number): AlertFigures["operations"] {
  const counts = db.all<{ operation: string; pending: number; running: number }>(
    `SELECT operation, SUM(CASE WHEN status = 'pending' THEN batches ELSE 0 END) AS pending, SUM(CASE WHEN status = 'running' THEN batches ELSE 0 END) AS running
     FROM batch_counts WHERE tenant = ? AND batches > 0 GROUP BY operation ORDER BY operation`,
    tenant,
  );
  const longest = new Map(
    db
      .all<{ operation: string; ms: number }>(
        `SELECT operation, MAX(completed_at - started_at) AS ms FROM batches
         WHERE tenant = ? AND completed_at >= ? AND completed_at IS NOT NULL AND started_at IS NOT NULL GROUP BY operation`,
        tenant,
        since - ALERT_TICK_MS,
      )
      .map((row) => [row.operation, row.ms]),
  );
  return counts.map(({ operation, pending, running }) => ({
    operation,
    pending,
    running,
    oldestPendingAt:
      pending === 0
        ? null
        : (db.get<{ at: number }>(
            "SELECT created_at AS at FROM batches INDEXED BY batches_status WHERE sealed = 1 AND tenant = ? AND status = 'pending' AND operation = ? ORDER BY created_at, id LIMIT 1",
            tenant,
            operation,
          )?.at ?? null),
    oldestStartAt:
      running === 0
        ? null
        : db.get<{ at: number | null }>(
            "SELECT MIN(started_at) AS at FROM batches INDEXED BY batches_status WHERE sealed = 1 AND status = 'running' AND tenant = ? AND operation = ?",
            tenant,
            operation,
          )!.at,
    longestMs: longest.get(operation) ?? null,
  }));
}

/** Of batches that run now: there are few. */
function budgets(db: Database, tenant: string): AlertFigures["budgets"] {
  const rows = db.all<{ operation: string; cost: number; options: string }>(
    `SELECT operation, cost, options FROM batches WHERE status = 'running' AND tenant = ? AND cost > 0 AND instr(options, '"budgetUsd"') > 0`,
    tenant,
  );
  const worst = new Map<string, number>();
  for (const { operation, cost, options } of rows) {
    const { budgetUsd } = JSON.parse(options) as RunOptions;
    if (budgetUsd === undefined) continue;
    const budget = toNanoUsd(budgetUsd);
    const percent = budget === 0 ? 100 : (cost * 100) / budget;
    worst.set(operation, Math.max(worst.get(operation) ?? 0, percent));
  }
  return [...worst].map(([operation, percent]) => ({ operation, percent })).sort((a, b) => (a.operation < b.operation ? -1 : 1));
}

function lastArrivals(db: Database, tenant: string): AlertFigures["lastArrivals"] {
  const streams = db.all<{ stream: string }>(
    "SELECT name AS stream FROM streams WHERE tenant = ? UNION SELECT 'detections' ORDER BY 1",
    tenant,
  );
  return streams.flatMap(({ stream }) => {
    const last = db.get<{ at: number }>(
      "SELECT to_at AS at FROM arrivals WHERE tenant = ? AND stream = ? ORDER BY id DESC LIMIT 1",
      tenant,
      stream,
    );
    return last === undefined ? [] : [{ stream, at: last.at }];
  });
}
