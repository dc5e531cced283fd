import type { SQLInputValue } from "node:sqlite";
import type { JobFilter } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { ROLLED_COLUMNS, type Rolled } from "./job-rollup.ts";
import { WIDTHS } from "./widths.ts";
import { Sums } from "./sums.ts";

/** A part of a range: whole buckets of one width, or, with width 0, less than a bucket, which is counted from the batches themselves. */
export interface Piece {
  width: number;
  from: number;
  to: number;
}

/** Splits [from, to) into the widest buckets that fit. `widest` bounds them. */
export function pieces(from: number, to: number, widest: number): Piece[] {
  if (from >= to) return [];
  for (const width of WIDTHS.toReversed()) {
    if (width > widest) continue;
    const first = Math.ceil(from / width) * width;
    const last = Math.floor(to / width) * width;
    if (first >= last) continue;
    return [...pieces(from, first, width - 1), { width, from: first, to: last }, ...pieces(last, to, width - 1)];
  }
  return [{ width: 0, from, to }];
}

/** Batches by their place in the order of creation, found by the sums over buckets: the cost does not grow with their number. */
export class JobPlaces {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** Batches of the range. */
  count(filter: JobFilter): number {
    return Sums.of(this.db).current(() => {
      const jobs = pieces(filter.from, filter.to, Infinity).flatMap((piece) => this.counted(filter, piece).map((bucket) => bucket.jobs));
      return jobs.reduce((sum, n) => sum + n, 0);
    });
  }

  /** Where position `offset`, newest first, is: `skip` batches before `to`. */
  seat(filter: JobFilter, offset: number): { to: number; skip: number } {
    return Sums.of(this.db).current(() => this.seatIn(filter, pieces(filter.from, filter.to, Infinity).toReversed(), offset));
  }

  /** Where position `skip` of the pieces, last first, is: so many batches before `to`. Whole buckets are passed by their sums. */
  private seatIn(filter: JobFilter, last: readonly Piece[], skip: number): { to: number; skip: number } {
    let to = filter.to;
    let left = skip;
    for (const piece of last) {
      for (const { bucket, jobs } of this.counted(filter, piece)) {
        if (jobs > left) {
          const narrower = WIDTHS.filter((width) => width < piece.width).at(-1);
          if (narrower === undefined) return { to: piece.width === 0 ? piece.to : Math.min(filter.to, bucket + piece.width), skip: left };
          return this.seatIn(filter, [{ width: narrower, from: bucket, to: bucket + piece.width }], left);
        }
        left -= jobs;
        to = bucket;
      }
    }
    return { to, skip: left };
  }

  /** Batches by bucket, last first; a piece of less than a bucket is one. */
  private counted(filter: JobFilter, piece: Piece): { bucket: number; jobs: number }[] {
    const { where, parameters } = narrowed(filter);
    const within = [filter.tenant, piece.from, piece.to, ...parameters];
    if (piece.width === 0) {
      const sql = `SELECT COUNT(*) AS jobs FROM batches WHERE sealed = 1 AND tenant = ? AND created_at >= ? AND created_at < ?${where}`;
      return [{ bucket: piece.from, jobs: this.db.get<{ jobs: number }>(sql, ...within)!.jobs }];
    }
    return this.db.all(
      `SELECT bucket, SUM(jobs) AS jobs FROM job_rollups WHERE tenant = ? AND bucket >= ? AND bucket < ?${where} AND width = ? AND kept = 0
       GROUP BY bucket HAVING SUM(jobs) > 0 ORDER BY bucket DESC`,
      ...within,
      piece.width,
    );
  }

  /** Batches of less than a bucket. */
  partly(filter: JobFilter, piece: Piece): IterableIterator<Rolled> {
    const { where, parameters } = narrowed(filter);
    return this.db.iterate<Rolled>(
      `SELECT ${ROLLED_COLUMNS} FROM batches WHERE sealed = 1 AND tenant = ? AND created_at >= ? AND created_at < ?${where}`,
      filter.tenant,
      piece.from,
      piece.to,
      ...parameters,
    );
  }
}

export function narrowed(filter: JobFilter): { where: string; parameters: SQLInputValue[] } {
  const { operation, statuses } = filter;
  const parameters: SQLInputValue[] = [];
  let where = "";
  if (operation !== undefined) {
    where += " AND operation = ?";
    parameters.push(operation);
  }
  if (statuses !== undefined) {
    where += ` AND status IN (${statuses.map(() => "?").join(", ")})`;
    parameters.push(...statuses);
  }
  return { where, parameters };
}
