import { jobTimes, SIZE_SUMS, sizeStep, type SizeSum } from "../../../model/job-totals.ts";
import type { Database } from "../database/database.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { WIDTHS } from "./widths.ts";

const MINUTE = 60_000;

/** The columns that decide what a batch adds, besides its errors. */
type Analysed = Pick<
  RawBatch,
  "tenant" | "operation" | "total_items" | "succeeded" | "failed" | "created_at" | "started_at" | "completed_at"
>;

/** Failures that stand in a batch, by error code. */
export type Errors = readonly [code: string, failures: number][];

/** What batches of one kind and minute add: by size, with sums in the order of SIZE_SUMS, or by error code, failures and jobs. */
interface Sum<Name> {
  key: [tenant: string, operation: string, name: Name, minute: number];
  sums: number[];
}
export interface AnalysesAdded {
  sizes: Sum<number>[];
  errors: Sum<string>[];
}

const EACH_WIDTH = `FROM (VALUES ${WIDTHS.map((width) => `(${width})`).join(", ")}) WHERE true`;
const ADD_SIZE = `INSERT INTO job_sizes (tenant, operation, step, width, bucket, ${SIZE_SUMS.join(", ")})
  SELECT ?1, ?2, ?3, column1, ?4 - ?4 % column1, ${SIZE_SUMS.map((_, n) => `?${n + 5}`).join(", ")} ${EACH_WIDTH}
  ON CONFLICT (tenant, width, bucket, operation, step) DO UPDATE SET ${SIZE_SUMS.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(", ")}`;
const ADD_ERROR = `INSERT INTO job_errors (tenant, operation, code, width, bucket, failures, jobs)
  SELECT ?1, ?2, ?3, column1, ?4 - ?4 % column1, ?5, ?6 ${EACH_WIDTH}
  ON CONFLICT (tenant, width, bucket, operation, code) DO UPDATE SET failures = failures + excluded.failures, jobs = jobs + excluded.jobs`;

/** What the analyses of monitoring read instead of batches: their sums by size and by error code, of those that are still there. */
export class AnalysisRollup {
  private readonly db: Database;
  private readonly sizes = new Map<string, Sum<number>>();
  private readonly errors = new Map<string, Sum<string>>();

  constructor(db: Database) {
    this.db = db;
  }

  add(batch: Analysed, errors: Errors, times: 1 | -1): void {
    const { tenant, operation } = batch;
    const minute = batch.created_at - (batch.created_at % MINUTE);
    add(this.sizes, [tenant, operation, sizeStep(batch.total_items), minute], sizeSums(batch), times);
    for (const [code, failures] of errors) add(this.errors, [tenant, operation, code, minute], [failures, 1], times);
  }

  forget(): void {
    this.sizes.clear();
    this.errors.clear();
  }

  take(): AnalysesAdded {
    const added = { sizes: changed(this.sizes), errors: changed(this.errors) };
    this.forget();
    return added;
  }

  write({ sizes, errors }: AnalysesAdded): void {
    for (const { key, sums } of sizes) this.db.run(ADD_SIZE, ...key, ...sums);
    for (const { key, sums } of errors) this.db.run(ADD_ERROR, ...key, ...sums);
  }
}

/** In the order of SIZE_SUMS. */
export function sizeSums(
  batch: Pick<Analysed, "total_items" | "succeeded" | "failed" | "created_at" | "started_at" | "completed_at">,
): number[] {
  const run = jobTimes(batch)?.run ?? null;
  const sums: Record<SizeSum, number> = {
    jobs: 1,
    requests: batch.total_items,
    succeeded: batch.succeeded,
    failed: batch.failed,
    timed: run === null ? 0 : 1,
    timed_requests: run === null ? 0 : batch.total_items,
    run_ms: run ?? 0,
  };
  return SIZE_SUMS.map((sum) => sums[sum]);
}

/** SQL of a JSON list, `Errors` of the row of `batches`. */
export const ERRORS_OF_BATCH = `CASE WHEN failed > 0 THEN (SELECT json_group_array(json_array(code, n)) FROM
  (SELECT code, SUM(failures) AS n FROM error_groups WHERE batch_id = batches.id AND failures > 0 GROUP BY code)) END`;

export function errorsOf(text: string | null): Errors {
  return text === null ? [] : (JSON.parse(text) as [string, number][]);
}

function add<Name>(all: Map<string, Sum<Name>>, key: Sum<Name>["key"], sums: readonly number[], times: 1 | -1): void {
  const name = JSON.stringify(key);
  let sum = all.get(name);
  if (sum === undefined) all.set(name, (sum = { key, sums: sums.map(() => 0) }));
  for (const [n, value] of sums.entries()) sum.sums[n]! += value * times;
}

function changed<Name>(all: ReadonlyMap<string, Sum<Name>>): Sum<Name>[] {
  return [...all.values()].filter(({ sums }) => sums.some((sum) => sum !== 0));
}
