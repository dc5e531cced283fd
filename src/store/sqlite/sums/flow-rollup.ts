import { sourceOf, type FlowMeasure, type GaugeMeasure } from "../../../model/flow.ts";
import type { EventDraft } from "../../../model/event.ts";
import { jobTimes } from "../../../model/job-totals.ts";
import { binOf } from "../../../model/stats/sketch.ts";
import type { NewFailure } from "../../port.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";
import { WIDTHS } from "./widths.ts";

const MINUTE = 60_000;
/** Keys of a stream that are counted apart in one hour; the rest goes together as OTHER_KEYS. */
const MAX_KEYS = 1000;
const OTHER_KEYS = "__other__";

interface Cell {
  tenant: string;
  minute: number;
  source: string;
  counts: Map<string, number>;
  measures: Map<FlowMeasure | GaugeMeasure, Map<number, number>>;
}

/** A cell as the log keeps it. */
type FlowAdded = [
  tenant: string,
  minute: number,
  source: string,
  counts: [metric: string, value: number][],
  measures: [metric: FlowMeasure | GaugeMeasure, bin: number, value: number][],
];

/** Into buckets of each of these widths. */
const adding = (widths: readonly number[]): { count: string; bin: string } => {
  const each = `column1, ?3 - ?3 % column1`;
  const from = `FROM (VALUES ${widths.map((width) => `(${width})`).join(", ")}) WHERE true`;
  return {
    count: `INSERT INTO flow (tenant, source, width, bucket, metric, value) SELECT ?1, ?2, ${each}, ?4, ?5 ${from}
      ON CONFLICT (tenant, width, bucket, source, metric) DO UPDATE SET value = value + excluded.value`,
    bin: `INSERT INTO flow_bins (tenant, source, width, bucket, metric, bin, value) SELECT ?1, ?2, ${each}, ?4, ?5, ?6 ${from}
      ON CONFLICT (tenant, width, bucket, source, metric, bin) DO UPDATE SET value = value + excluded.value`,
  };
};
const ADD = adding(WIDTHS);
/** A key is counted by the hour and the day: there are many. */
const ADD_TO_KEY = adding(WIDTHS.slice(1));

/** The place in `segments` up to which results are in the buckets; in `meta`. */
const COUNTED = "sums_segment";

/**
 * Counts what happens, by the minute, hour and day it happens in. The transaction that makes it happen notes it in a log (sums_log), one
 * row for all of it; results that succeeded stand in `segments` anyway. Catching up adds both to the buckets.
 */
export class FlowRollup {
  private readonly db: Database;
  private readonly gather: () => void;
  private readonly cells = new Map<string, Cell>();
  /** Keys counted apart in the current hour, by tenant and stream. */
  private readonly keys = new Map<string, Set<string>>();
  private keysHour = 0;

  /** Rows that catching up has to look at, as far as this process wrote them. */
  private rows = 0;

  /** `gather`: the current transaction has to flush, or forget. */
  constructor(db: Database, gather: () => void) {
    this.db = db;
    this.gather = gather;
  }

  get waiting(): number {
    return this.rows;
  }

  /** Everything that is an event is counted by it. */
  event(event: EventDraft): void {
    const { type, tenant, ts, data } = event;
    const { operation, stream } = data;
    const cells = typeof operation === "string" ? this.cellsOf(tenant, ts, operation, typeof stream === "string" ? stream : null) : [];
    const add = (metric: string, value: number): void => {
      for (const cell of cells) count(cell, metric, value);
    };
    switch (type) {
      case "batch.created":
      case "batch.started":
      case "batch.completed":
      case "batch.failed":
      case "batch.cancelled":
      case "batch.expired":
        return add(type.replace("batch.", "batches."), 1);
      case "batch.resumed":
        return data["retry"] === undefined ? undefined : add("batches.reprocessed", 1);
      case "chunk.retried":
        for (const [category, items] of Object.entries(record(data["categories"]))) add(`retries.${category}`, number(items));
        return add("items.retried", number(data["items"]));
      case "chunk.stalled":
        return add("chunks.lost", 1);
      case "item.received":
      case "window.opened":
      case "window.closed":
        return this.window(event);
      default:
        return;
    }
  }

  /** Items that have a final result; those that succeeded are in a segment of their batch and of `now`. */
  results(raw: Pick<RawBatch, "tenant" | "operation" | "stream">, succeeded: number, failures: readonly NewFailure[], now: number): void {
    if (succeeded > 0) {
      this.rows += 1;
      this.gather();
    }
    if (failures.length === 0) return;
    for (const cell of this.cellsOf(raw.tenant, now, raw.operation, raw.stream)) {
      count(cell, "items.failed", failures.length);
      for (const failure of failures) count(cell, `failures.${failure.category}`, 1);
    }
  }

  /** The times of a batch that has just ended. */
  ended(raw: RawBatch, now: number): void {
    const times = jobTimes(raw);
    if (times === null) return;
    for (const cell of this.cellsOf(raw.tenant, now, raw.operation, raw.stream))
      for (const metric of ["wait", "run", "total"] as const) measure(cell, metric, times[metric]);
  }

  /** A stream refused an item and kept it aside. */
  deadLetter(tenant: string, stream: string, now: number): void {
    count(this.cell(tenant, now, sourceOf.stream(stream)), "dead_letters", 1);
  }

  /** How much later than its rule a window closed, milliseconds. */
  lag(tenant: string, stream: string, lagMs: number, now: number): void {
    measure(this.cell(tenant, now, sourceOf.stream(stream)), "lag", lagMs);
  }

  /** A gauge has this value now. */
  sample(tenant: string, source: string, metric: GaugeMeasure, value: number, now: number): void {
    measure(this.cell(tenant, now, source), metric, value);
  }

  /** Before the transaction ends. */
  flush(): void {
    const added = this.take();
    if (added.length === 0) return;
    this.db.run("INSERT INTO sums_log (body) VALUES (?)", JSON.stringify(added));
    this.rows += 1;
  }

  /** The transaction failed. */
  forget(): void {
    this.cells.clear();
  }

  /** Within a transaction: the buckets hold everything that has happened. */
  catchUp(): void {
    for (const { body } of this.db.all<{ body: string }>("SELECT body FROM sums_log")) this.merge(JSON.parse(body) as FlowAdded[]);
    this.mergeSegments();
    this.write(this.take());
    this.db.run("DELETE FROM sums_log");
    this.rows = 0;
  }

  isBehind(): boolean {
    const { last, counted } = this.segments();
    return last > counted || this.db.get("SELECT 1 FROM sums_log LIMIT 1") !== undefined;
  }

  private segments(): { last: number; counted: number } {
    const last = this.db.get<{ id: number | null }>("SELECT MAX(id) AS id FROM segments")!.id ?? 0;
    return { last, counted: Number(this.db.get<{ value: string }>("SELECT value FROM meta WHERE name = ?", COUNTED)?.value ?? 0) };
  }

  private mergeSegments(): void {
    const { last, counted } = this.segments();
    if (last <= counted) return;
    const rows = this.db.all<{ tenant: string; operation: string; stream: string | null; minute: number; results: number }>(
      `SELECT tenant, operation, stream, s.created_at - s.created_at % ${MINUTE} AS minute, SUM(results) AS results
       FROM segments s CROSS JOIN batches b ON b.id = s.batch_id WHERE s.id > ? GROUP BY 1, 2, 3, 4`,
      counted,
    );
    for (const { tenant, operation, stream, minute, results } of rows)
      for (const source of sourcesOf(operation, stream)) count(this.cellAt(tenant, minute, source), "items.succeeded", results);
    this.db.run("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", COUNTED, String(last));
  }

  private take(): FlowAdded[] {
    const added: FlowAdded[] = [];
    for (const { tenant, minute, source, counts, measures } of this.cells.values()) {
      const bins: FlowAdded[4] = [];
      for (const [metric, own] of measures) for (const [bin, value] of own) bins.push([metric, bin, value]);
      if (counts.size + bins.length > 0) added.push([tenant, minute, source, [...counts], bins]);
    }
    this.cells.clear();
    return added;
  }

  private merge(added: readonly FlowAdded[]): void {
    for (const [tenant, minute, source, counts, measures] of added) {
      const cell = this.cellAt(tenant, minute, source);
      for (const [metric, value] of counts) count(cell, metric, value);
      for (const [metric, bin, value] of measures) addBin(cell, metric, bin, value);
    }
  }

  private write(added: readonly FlowAdded[]): void {
    for (const [tenant, minute, source, counts, measures] of added) {
      const sql = source.startsWith("key:") ? ADD_TO_KEY : ADD;
      for (const counted of counts) this.db.run(sql.count, tenant, source, minute, ...counted);
      for (const measured of measures) this.db.run(sql.bin, tenant, source, minute, ...measured);
    }
  }

  private window({ type, tenant, ts, data }: EventDraft): void {
    const stream = String(data["stream"]);
    const cell = this.cell(tenant, ts, sourceOf.stream(stream));
    const key = this.cell(tenant, ts, sourceOf.key(stream, this.keyOf(tenant, stream, String(data["key"]), ts)));
    if (type === "window.opened") return count(cell, "windows.opened", 1);
    const items = number(data["count"]);
    if (type === "item.received") {
      count(cell, "items.received", items);
      return count(key, "items.received", items);
    }
    count(cell, `windows.closed.${String(data["close_reason"])}`, 1);
    count(cell, "windows.items", items);
    count(key, "windows.closed", 1);
    count(key, "windows.items", items);
    const age = Date.parse(String(data["closed_at"])) - Date.parse(String(data["started_at"]));
    measure(cell, "age", age);
    measure(key, "age", age);
    measure(cell, "items", items);
  }

  private keyOf(tenant: string, stream: string, key: string, now: number): string {
    const hour = Math.floor(now / 3_600_000);
    if (hour !== this.keysHour) this.keys.clear();
    this.keysHour = hour;
    const name = `${tenant}/${stream}`;
    let keys = this.keys.get(name);
    if (keys === undefined) this.keys.set(name, (keys = new Set()));
    if (!keys.has(key) && keys.size >= MAX_KEYS) return OTHER_KEYS;
    keys.add(key);
    return key;
  }

  /** Where what happens to a batch is counted: for its operation, and for the stream that made it. */
  private cellsOf(tenant: string, now: number, operation: string, stream: string | null): Cell[] {
    return sourcesOf(operation, stream).map((source) => this.cell(tenant, now, source));
  }

  /** Of the minute that `now` is in; something will be added to it. */
  private cell(tenant: string, now: number, source: string): Cell {
    this.gather();
    return this.cellAt(tenant, now - (now % MINUTE), source);
  }

  private cellAt(tenant: string, minute: number, source: string): Cell {
    const name = `${minute} ${source} ${tenant}`;
    let cell = this.cells.get(name);
    if (cell === undefined) this.cells.set(name, (cell = { tenant, minute, source, counts: new Map(), measures: new Map() }));
    return cell;
  }
}

function sourcesOf(operation: string, stream: string | null): string[] {
  return stream === null ? [sourceOf.operation(operation)] : [sourceOf.operation(operation), sourceOf.runs(stream)];
}

function count(cell: Cell, metric: string, value: number): void {
  cell.counts.set(metric, (cell.counts.get(metric) ?? 0) + value);
}

function measure(cell: Cell, metric: FlowMeasure | GaugeMeasure, value: number): void {
  addBin(cell, metric, binOf(value), 1);
}

function addBin(cell: Cell, metric: FlowMeasure | GaugeMeasure, bin: number, values: number): void {
  let bins = cell.measures.get(metric);
  if (bins === undefined) cell.measures.set(metric, (bins = new Map()));
  bins.set(bin, (bins.get(bin) ?? 0) + values);
}

function record(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
