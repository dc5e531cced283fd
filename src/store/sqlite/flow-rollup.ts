import { sourceOf, type FlowMeasure, type GaugeMeasure } from "../../model/flow.ts";
import type { EventDraft } from "../../model/event.ts";
import { jobTimes } from "../../model/job-totals.ts";
import { binOf } from "../../model/stats/sketch.ts";
import type { NewFailure } from "../port.ts";
import type { RawBatch } from "./raw-batch.ts";
import type { Database, Gathered } from "./database.ts";
import { WIDTHS } from "./job-rollup.ts";

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

const ADD_COUNT = `INSERT INTO flow (tenant, source, width, bucket, metric, value) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant, width, bucket, source, metric) DO UPDATE SET value = value + excluded.value`;
const ADD_BIN = `INSERT INTO flow_bins (tenant, source, width, bucket, metric, bin, value) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant, width, bucket, source, metric, bin) DO UPDATE SET value = value + excluded.value`;

/** Counts what happens, by the minute, hour and day it happens in, within the transaction that makes it happen. */
export class FlowRollup implements Gathered {
  private static readonly known = new WeakMap<Database, FlowRollup>();
  private readonly db: Database;
  private readonly cells = new Map<string, Cell>();
  /** Keys counted apart in the current hour, by tenant and stream. */
  private readonly keys = new Map<string, Set<string>>();
  private keysHour = 0;

  private constructor(db: Database) {
    this.db = db;
  }

  /** There is one for a database. */
  static of(db: Database): FlowRollup {
    let rollup = FlowRollup.known.get(db);
    if (rollup === undefined) FlowRollup.known.set(db, (rollup = new FlowRollup(db)));
    return rollup;
  }

  /** Everything that is an event is counted by it. */
  event(event: EventDraft): void {
    const { type, tenant, ts, data } = event;
    const operation = typeof data["operation"] === "string" ? this.cell(tenant, ts, sourceOf.operation(data["operation"])) : null;
    switch (type) {
      case "batch.created":
      case "batch.started":
      case "batch.completed":
      case "batch.failed":
      case "batch.cancelled":
      case "batch.expired":
        return count(operation, type.replace("batch.", "batches."), 1);
      case "batch.resumed":
        return data["retry"] === undefined ? undefined : count(operation, "batches.reprocessed", 1);
      case "chunk.retried":
        for (const [category, items] of Object.entries(record(data["categories"]))) count(operation, `retries.${category}`, number(items));
        return count(operation, "items.retried", number(data["items"]));
      case "chunk.stalled":
        return count(operation, "chunks.lost", 1);
      case "item.received":
      case "window.opened":
      case "window.closed":
        return this.window(event);
      default:
        return;
    }
  }

  /** Items that have a final result. */
  results(raw: Pick<RawBatch, "tenant" | "operation">, succeeded: number, failures: readonly NewFailure[], now: number): void {
    if (succeeded + failures.length === 0) return;
    const cell = this.cell(raw.tenant, now, sourceOf.operation(raw.operation));
    if (succeeded > 0) count(cell, "items.succeeded", succeeded);
    if (failures.length > 0) count(cell, "items.failed", failures.length);
    for (const failure of failures) count(cell, `failures.${failure.category}`, 1);
  }

  /** The times of a batch that has just ended. */
  ended(raw: RawBatch, now: number): void {
    const times = jobTimes(raw);
    if (times === null) return;
    const cell = this.cell(raw.tenant, now, sourceOf.operation(raw.operation));
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

  flush(): void {
    for (const { tenant, minute, source, counts, measures } of this.cells.values()) {
      for (const width of WIDTHS) {
        // A key is counted by the hour and the day: there are many.
        if (width === MINUTE && source.startsWith("key:")) continue;
        const bucket = minute - (minute % width);
        for (const [metric, value] of counts) this.db.run(ADD_COUNT, tenant, source, width, bucket, metric, value);
        for (const [metric, bins] of measures) {
          for (const [bin, value] of bins) this.db.run(ADD_BIN, tenant, source, width, bucket, metric, bin, value);
        }
      }
    }
    this.cells.clear();
  }

  forget(): void {
    this.cells.clear();
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

  private cell(tenant: string, now: number, source: string): Cell {
    const minute = now - (now % MINUTE);
    const name = `${minute} ${source} ${tenant}`;
    let cell = this.cells.get(name);
    if (cell === undefined) {
      cell = { tenant, minute, source, counts: new Map(), measures: new Map() };
      this.cells.set(name, cell);
    }
    this.db.gather(this);
    return cell;
  }
}

function count(cell: Cell | null, metric: string, value: number): void {
  if (cell !== null) cell.counts.set(metric, (cell.counts.get(metric) ?? 0) + value);
}

function measure(cell: Cell, metric: FlowMeasure | GaugeMeasure, value: number): void {
  let bins = cell.measures.get(metric);
  if (bins === undefined) cell.measures.set(metric, (bins = new Map()));
  const bin = binOf(value);
  bins.set(bin, (bins.get(bin) ?? 0) + 1);
}

function record(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
