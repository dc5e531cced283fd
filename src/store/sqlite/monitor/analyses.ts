import { SIZE_STEP, SIZE_SUMS, type SizeSum } from "../../../model/job-totals.ts";
import type { AnalysisFilter, ErrorSums, JobFacts, SizeSums } from "../../port.ts";
import { sizeSums } from "../sums/analysis-rollup.ts";
import type { Database } from "../database/database.ts";
import { narrowed, pieces } from "../sums/job-places.ts";
import { WIDTHS } from "../sums/widths.ts";

const DAY = WIDTHS[2];
/** As the index on it has it. */
const DAY_OF_CREATION = `created_at - created_at % ${DAY}`;
const RUN_MS = "completed_at - started_at";

interface Run {
  id: string;
  run: number;
}

/** What monitoring analyses: within a catch-up of the sums. The cost goes by the days, operations and codes of the range, not by its batches. */
export class Analyses {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  sizes(filter: AnalysisFilter): SizeSums[] {
    const bySize = new Map<number, SizeSums>();
    const add = (step: number, sums: readonly number[]): void => {
      let size = bySize.get(step);
      if (size === undefined) bySize.set(step, (size = { step, ...noSums() }));
      for (const [n, sum] of SIZE_SUMS.entries()) size[sum] += sums[n]!;
    };
    const { where, parameters } = narrowed(filter);
    for (const piece of pieces(filter.from, filter.to, Infinity)) {
      const range = [filter.tenant, piece.from, piece.to, ...parameters];
      if (piece.width === 0) {
        const rows = this.db.all<Parameters<typeof sizeSums>[0] & { step: number }>(
          `SELECT (total_items + ${SIZE_STEP - 1}) / ${SIZE_STEP} AS step, total_items, succeeded, failed, created_at, started_at, completed_at FROM batches
           WHERE sealed = 1 AND tenant = ? AND created_at >= ? AND created_at < ?${where}`,
          ...range,
        );
        for (const row of rows) add(row.step, sizeSums(row));
        continue;
      }
      const rows = this.db.all<{ step: number } & Record<SizeSum, number>>(
        `SELECT step, ${SIZE_SUMS.map((sum) => `SUM(${sum}) AS ${sum}`).join(", ")} FROM job_sizes
         WHERE tenant = ? AND bucket >= ? AND bucket < ?${where} AND width = ? GROUP BY step HAVING SUM(jobs) > 0`,
        ...range,
        piece.width,
      );
      for (const row of rows)
        add(
          row.step,
          SIZE_SUMS.map((sum) => row[sum]),
        );
    }
    return [...bySize.values()].sort((a, b) => a.step - b.step);
  }

  /** Most failures first. */
  errors(filter: AnalysisFilter, ids: number): ErrorSums[] {
    const byCode = new Map<string, { failures: number; jobs: number }>();
    for (const row of this.errorRows(filter)) {
      const sum = byCode.get(row.code) ?? { failures: 0, jobs: 0 };
      byCode.set(row.code, { failures: sum.failures + row.failures, jobs: sum.jobs + row.jobs });
    }
    const days = this.errorDays(filter);
    return [...byCode]
      .map(([code, sums]) => ({ code, ...sums, ...this.newest(filter, code, days.get(code) ?? [], Math.min(ids, sums.jobs)) }))
      .sort((a, b) => b.failures - a.failures || (a.code < b.code ? -1 : 1));
  }

  private errorRows(filter: AnalysisFilter): { code: string; failures: number; jobs: number }[] {
    const { where, parameters } = narrowed(filter);
    return pieces(filter.from, filter.to, Infinity).flatMap((piece) => {
      const range = [filter.tenant, piece.from, piece.to, ...parameters];
      if (piece.width > 0)
        return this.db.all<{ code: string; failures: number; jobs: number }>(
          `SELECT code, SUM(failures) AS failures, SUM(jobs) AS jobs FROM job_errors
           WHERE tenant = ? AND bucket >= ? AND bucket < ?${where} AND width = ? GROUP BY code HAVING SUM(jobs) > 0`,
          ...range,
          piece.width,
        );
      const own = where.replace("operation", "b.operation");
      return this.db.all<{ code: string; failures: number; jobs: number }>(
        `SELECT code, SUM(failures) AS failures, COUNT(DISTINCT batch_id) AS jobs FROM batches b INDEXED BY batches_newest CROSS JOIN error_groups g ON g.batch_id = b.id
         WHERE b.sealed = 1 AND b.tenant = ? AND b.created_at >= ? AND b.created_at < ?${own} AND g.failures > 0 GROUP BY code`,
        ...range,
      );
    });
  }

  /** Code → days it occurs in, newest first. */
  private errorDays(filter: AnalysisFilter): Map<string, number[]> {
    const { where, parameters } = narrowed(filter);
    const rows = this.db.all<{ code: string; day: number }>(
      `SELECT DISTINCT code, bucket AS day FROM job_errors WHERE tenant = ? AND width = ${DAY} AND bucket > ? AND bucket < ?${where} AND jobs > 0 ORDER BY bucket DESC`,
      filter.tenant,
      filter.from - DAY,
      filter.to,
      ...parameters,
    );
    const days = new Map<string, number[]>();
    for (const { code, day } of rows) {
      const known = days.get(code);
      if (known === undefined) days.set(code, [day]);
      else known.push(day);
    }
    return days;
  }

  /** The newest batches in which a failure of this code stands, and what the newest of them says most often. */
  private newest(
    filter: AnalysisFilter,
    code: string,
    days: readonly number[],
    limit: number,
  ): Pick<ErrorSums, "batchIds" | "category" | "error"> {
    const { where, parameters } = narrowed(filter);
    const batchIds: string[] = [];
    for (const day of days) {
      if (batchIds.length >= limit) break;
      const rows = this.db.all<{ id: string }>(
        `SELECT batch_id AS id FROM error_groups INDEXED BY error_groups_newest WHERE failures > 0 AND tenant = ? AND code = ? AND created_at >= ? AND created_at < ?${where}
         GROUP BY created_at, batch_id ORDER BY created_at DESC, batch_id DESC LIMIT ?`,
        filter.tenant,
        code,
        Math.max(filter.from, day),
        Math.min(filter.to, day + DAY),
        ...parameters,
        limit - batchIds.length,
      );
      batchIds.push(...rows.map(({ id }) => id));
    }
    const text = this.db.get<Pick<ErrorSums, "category" | "error">>(
      "SELECT category, error FROM error_groups WHERE batch_id = ? AND code = ? AND failures > 0 ORDER BY failures DESC, fingerprint LIMIT 1",
      batchIds[0] ?? "",
      code,
    );
    return { batchIds, category: text?.category ?? "permanent", error: text?.error ?? "" };
  }

  /** The batches that ran longest, of those that have ended. */
  slowest(filter: AnalysisFilter, limit: number): JobFacts[] {
    const { where, parameters } = narrowed(filter);
    const days = this.db.all<{ operation: string; day: number }>(
      `SELECT DISTINCT operation, bucket AS day FROM job_rollups WHERE tenant = ? AND width = ${DAY} AND bucket > ? AND bucket < ?${where} AND kept = 0 AND timed > 0`,
      filter.tenant,
      filter.from - DAY,
      filter.to,
      ...parameters,
    );
    // Whole days first: what they have as the slowest spares a look at the rest of those that are in the range in part.
    const isWhole = ({ day }: { day: number }): number => (day >= filter.from && day + DAY <= filter.to ? 0 : 1);
    let top: Run[] = [];
    for (const { operation, day } of days.sort((a, b) => isWhole(a) - isWhole(b))) {
      const rows = this.db.all<Run>(
        `SELECT id, ${RUN_MS} AS run FROM batches INDEXED BY batches_slowest
         WHERE sealed = 1 AND started_at IS NOT NULL AND completed_at IS NOT NULL AND tenant = ? AND operation = ? AND ${DAY_OF_CREATION} = ?
           AND ${RUN_MS} >= ? AND created_at >= ? AND created_at < ? ORDER BY ${RUN_MS} DESC, id DESC LIMIT ?`,
        filter.tenant,
        operation,
        day,
        top.length < limit ? Number.MIN_SAFE_INTEGER : top.at(-1)!.run,
        filter.from,
        filter.to,
        limit,
      );
      if (rows.length > 0) top = [...top, ...rows].sort((a, b) => b.run - a.run || (a.id < b.id ? 1 : -1)).slice(0, limit);
    }
    return top.map(({ id }) =>
      this.db.get<JobFacts>(
        "SELECT id, operation, created_at AS createdAt, started_at AS startedAt, completed_at AS completedAt, total_items AS totalItems, succeeded, failed FROM batches WHERE id = ?",
        id,
      )!,
    );
  }
}

function noSums(): Record<SizeSum, number> {
  return { jobs: 0, requests: 0, succeeded: 0, failed: 0, timed: 0, timed_requests: 0, run_ms: 0 };
}
