import type { SQLInputValue } from "node:sqlite";
import { addJobs, JOB_SUMS, jobTimes, jobTotals, noJobs, type JobTime, type JobTotals } from "../../../model/job-totals.ts";
import type { CacheFigures } from "../../../model/cache-figures.ts";
import type { BatchStatus } from "../../../model/moves.ts";
import { binOf, Sketch } from "../../../model/stats/sketch.ts";
import { FLOW_MEASURES, type FlowMeasure, type GaugeMeasure } from "../../../model/flow.ts";
import type {
  AnalysisFilter,
  Distribution,
  ErrorSums,
  FlowFilter,
  FlowPoint,
  GaugeSample,
  JobError,
  JobFacts,
  JobFilter,
  JobPoint,
  MeasuredPoint,
  MonitorStore,
  RollupHorizons,
  SizeSums,
  TimePoint,
} from "../../port.ts";
import type { BatchRow } from "../../../model/batch.ts";
import { Analyses } from "./analyses.ts";
import { toBatchRow } from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";
import { BucketSketches } from "./bucket-sketches.ts";
import { Sums } from "../sums/sums.ts";
import { JobPlaces, narrowed, pieces } from "../sums/job-places.ts";
import { WIDTHS } from "../sums/widths.ts";
import { horizonsOf, trimRollups } from "../sums/rollup-trim.ts";

export class SqliteMonitor implements MonitorStore {
  private readonly db: Database;
  private readonly places: JobPlaces;
  private readonly sketches: BucketSketches;
  private readonly analyses: Analyses;
  private readonly sums: Sums;

  constructor(db: Database) {
    this.db = db;
    this.places = new JobPlaces(db);
    this.sketches = new BucketSketches(db);
    this.analyses = new Analyses(db);
    this.sums = Sums.of(db);
  }

  cache(): CacheFigures {
    return this.sketches.cache();
  }

  async jobs(filter: JobFilter, widthMs: number | null): Promise<JobPoint[]> {
    return this.sums.current(() => this.jobsNow(filter, widthMs));
  }

  async times(filter: JobFilter, metric: JobTime, widthMs: number | null): Promise<TimePoint[]> {
    return this.sums.current(() => this.timesNow(filter, metric, widthMs));
  }

  async count(filter: JobFilter): Promise<number> {
    return this.places.count(filter);
  }

  async page(filter: JobFilter, offset: number, limit: number): Promise<BatchRow[]> {
    const { where, parameters } = narrowed(filter);
    const seat = this.places.seat(filter, offset);
    return this.db
      .all<RawBatch>(
        `SELECT * FROM batches WHERE sealed = 1 AND tenant = ? AND created_at >= ? AND created_at < ?${where} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
        filter.tenant,
        filter.from,
        seat.to,
        ...parameters,
        limit,
        seat.skip,
      )
      .map(toBatchRow);
  }

  async sizes(filter: AnalysisFilter): Promise<SizeSums[]> {
    return this.sums.current(() => this.analyses.sizes(filter));
  }

  async errorCodes(filter: AnalysisFilter, ids: number): Promise<ErrorSums[]> {
    return this.sums.current(() => this.analyses.errors(filter, ids));
  }

  async slowest(filter: AnalysisFilter, limit: number): Promise<JobFacts[]> {
    return this.sums.current(() => this.analyses.slowest(filter, limit));
  }

  async errors(tenant: string, batchIds: readonly string[]): Promise<JobError[]> {
    // CROSS JOIN: from the batches asked for to their errors.
    return this.db.all<JobError>(
      `SELECT g.batch_id AS batchId, g.code, g.category, g.error, g.failures AS count
       FROM json_each(?) asked CROSS JOIN batches b ON b.id = asked.value CROSS JOIN error_groups g ON g.batch_id = b.id
       WHERE b.tenant = ? AND g.failures > 0 ORDER BY asked.key, g.failures DESC, g.fingerprint`,
      JSON.stringify(batchIds),
      tenant,
    );
  }

  async flow(filter: FlowFilter, widthMs: number | null): Promise<FlowPoint[]> {
    return this.sums.current(() => this.flowNow(filter, widthMs));
  }

  async measured(
    filter: Omit<FlowFilter, "metrics">,
    metric: FlowMeasure | GaugeMeasure,
    widthMs: number | null,
  ): Promise<MeasuredPoint[]> {
    return this.sums.current(() => this.measuredNow(filter, metric, widthMs));
  }

  async distributions(filter: Omit<FlowFilter, "metrics">): Promise<Distribution[]> {
    return this.sums.current(() => this.distributionsNow(filter));
  }

  async trim(before: RollupHorizons): Promise<boolean> {
    return trimRollups(this.db, before);
  }

  async sample(tenant: string, gauges: readonly GaugeSample[], now: number): Promise<void> {
    this.db.transaction(() => {
      for (const { source, metric, value } of gauges) this.sums.flow.sample(tenant, source, metric, value, now);
    });
  }

  private jobsNow(filter: JobFilter, widthMs: number | null): JobPoint[] {
    const points = new Map<string, JobPoint>();
    const add = (at: number, operation: string, status: BatchStatus, totals: JobTotals): void => {
      const name = `${at} ${status} ${operation}`;
      let point = points.get(name);
      if (point === undefined) points.set(name, (point = { at, operation, status, totals: noJobs() }));
      addJobs(point.totals, totals);
    };
    const sums = JOB_SUMS.map((sum) => `SUM(${sum}) AS ${sum}`).join(", ");
    for (const piece of pieces(filter.from, filter.to, widthMs ?? Infinity)) {
      const at = widthMs === null ? "?" : "bucket - bucket % ?";
      const by = widthMs ?? filter.from;
      if (piece.width === 0) {
        for (const row of this.places.partly(filter, piece)) {
          add(widthMs === null ? by : row.created_at - (row.created_at % widthMs), row.operation, row.status, jobTotals(row));
        }
        continue;
      }
      const { where, parameters } = narrowed(filter);
      const rows = this.db.all<{ at: number; operation: string; status: BatchStatus } & JobTotals>(
        `SELECT ${at} AS at, operation, status, ${sums} FROM job_rollups
         WHERE tenant = ? AND width = ? AND bucket >= ? AND bucket < ?${where} GROUP BY 1, 2, 3 HAVING SUM(jobs) > 0`,
        by,
        filter.tenant,
        piece.width,
        piece.from,
        piece.to,
        ...parameters,
      );
      for (const row of rows) add(row.at, row.operation, row.status, row);
    }
    return [...points.values()].sort((a, b) => a.at - b.at || compare(a.operation, b.operation) || compare(a.status, b.status));
  }

  private timesNow(filter: JobFilter, metric: JobTime, widthMs: number | null): TimePoint[] {
    const points = new Map<number, Sketch>();
    const sketchAt = (at: number): Sketch => {
      let sketch = points.get(at);
      if (sketch === undefined) points.set(at, (sketch = new Sketch()));
      return sketch;
    };
    for (const piece of pieces(filter.from, filter.to, widthMs ?? Infinity)) {
      if (piece.width === 0) {
        for (const row of this.places.partly(filter, piece)) {
          const times = jobTimes(row);
          const at = widthMs === null ? filter.from : row.created_at - (row.created_at % widthMs);
          if (times !== null) sketchAt(at).addBin(binOf(times[metric]), 1);
        }
        continue;
      }
      for (const [bucket, sketch] of this.sketches.of(filter, metric, piece)) {
        sketchAt(widthMs === null ? filter.from : bucket - (bucket % widthMs)).merge(sketch);
      }
    }
    return [...points].map(([at, sketch]) => ({ at, sketch })).sort((a, b) => a.at - b.at);
  }

  private flowNow(filter: FlowFilter, widthMs: number | null): FlowPoint[] {
    const points = new Map<string, FlowPoint>();
    for (const part of flowParts(filter, widthMs, horizonsOf(this.db))) {
      const rows = this.db.all<FlowPoint>(
        `SELECT ${part.at} AS at, source, metric, SUM(value) AS value FROM flow WHERE ${part.where}${anyOf("metric", filter.metrics, ".")} GROUP BY 1, 2, 3`,
        ...part.parameters,
        ...(filter.metrics ?? []).flatMap((metric) => range(metric, ".")),
      );
      for (const row of rows) {
        const name = `${row.at} ${row.source} ${row.metric}`;
        const point = points.get(name);
        if (point === undefined) points.set(name, row);
        else point.value += row.value;
      }
    }
    return [...points.values()].sort((a, b) => a.at - b.at || compare(a.source, b.source) || compare(a.metric, b.metric));
  }

  private distributionsNow(filter: Omit<FlowFilter, "metrics">): Distribution[] {
    const found = new Map<string, Distribution>();
    for (const part of flowParts(filter, null, horizonsOf(this.db))) {
      // The first parameter is that of the bucket's time.
      const rows = this.db.all<{ source: string; metric: FlowMeasure; bin: number; value: number }>(
        `SELECT source, metric, bin, SUM(value) AS value FROM flow_bins WHERE ? IS NOT NULL AND ${part.where} AND metric IN (${FLOW_MEASURES.map(() => "?").join(", ")})
         GROUP BY 1, 2, 3`,
        ...part.parameters,
        ...FLOW_MEASURES,
      );
      for (const { source, metric, bin, value } of rows) {
        const name = `${metric} ${source}`;
        let distribution = found.get(name);
        if (distribution === undefined) found.set(name, (distribution = { source, metric, sketch: new Sketch() }));
        distribution.sketch.addBin(bin, value);
      }
    }
    return [...found.values()];
  }

  private measuredNow(filter: Omit<FlowFilter, "metrics">, metric: FlowMeasure | GaugeMeasure, widthMs: number | null): MeasuredPoint[] {
    const points = new Map<string, MeasuredPoint>();
    for (const part of flowParts(filter, widthMs, horizonsOf(this.db))) {
      const rows = this.db.all<{ at: number; source: string; bin: number; value: number }>(
        `SELECT ${part.at} AS at, source, bin, SUM(value) AS value FROM flow_bins WHERE ${part.where} AND metric = ? GROUP BY 1, 2, 3`,
        ...part.parameters,
        metric,
      );
      for (const row of rows) {
        const name = `${row.at} ${row.source}`;
        let point = points.get(name);
        if (point === undefined) points.set(name, (point = { at: row.at, source: row.source, sketch: new Sketch() }));
        point.sketch.addBin(row.bin, row.value);
      }
    }
    return [...points.values()].sort((a, b) => a.at - b.at || compare(a.source, b.source));
  }
}

interface FlowPart {
  /** SQL of the bucket's time; its parameter is the first. */
  at: string;
  where: string;
  parameters: SQLInputValue[];
}

/** The range in whole buckets: minutes at the edges, hours where only keys are asked for, which are not counted by the minute, and what is left of earlier times. */
function flowParts(filter: Omit<FlowFilter, "metrics">, widthMs: number | null, horizons: RollupHorizons): FlowPart[] {
  const [minute, hour, day] = WIDTHS;
  const finest = filter.sources.every((source) => source.startsWith("key:")) ? hour : minute;
  const widthAt = (at: number): number => (at < horizons.hours ? day : at < horizons.minutes ? hour : finest);
  const from = filter.from - (filter.from % widthAt(filter.from));
  const last = widthAt(filter.to - 1);
  const to = Math.ceil(filter.to / last) * last;
  const bounds = [from, ...[horizons.hours, horizons.minutes].filter((bound) => bound > from && bound < to), to];
  return bounds
    .slice(1)
    .flatMap((end, n) => pieces(bounds[n]!, end, Math.max(widthMs ?? Infinity, widthAt(bounds[n]!))))
    .filter((piece) => piece.width > 0)
    .map((piece) => ({
      at: widthMs === null ? "?" : "bucket - bucket % ?",
      where: `tenant = ? AND width = ? AND bucket >= ? AND bucket < ?${anyOf("source", filter.sources, ":/")}`,
      parameters: [
        widthMs ?? filter.from,
        filter.tenant,
        piece.width,
        piece.from,
        piece.to,
        ...filter.sources.flatMap((source) => range(source, ":/")),
      ],
    }));
}

/** One of these names, or begins like one that ends in a separator. */
function anyOf(column: string, names: readonly string[] | undefined, separators: string): string {
  if (names === undefined) return "";
  if (names.length === 0) return " AND 0";
  return ` AND (${names.map((name) => (isBeginning(name, separators) ? `(${column} >= ? AND ${column} < ?)` : `${column} = ?`)).join(" OR ")})`;
}

function range(name: string, separators: string): string[] {
  if (!isBeginning(name, separators)) return [name];
  return [name, name.slice(0, -1) + String.fromCharCode(name.charCodeAt(name.length - 1) + 1)];
}

function isBeginning(name: string, separators: string): boolean {
  return separators.includes(name.at(-1) ?? " ");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
