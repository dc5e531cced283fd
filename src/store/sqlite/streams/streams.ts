import type { EventDraft } from "../../../model/event.ts";
import { splitLines } from "../../../model/item.ts";
import type {
  DeadGroup,
  DeadLetter,
  NewArrivals,
  DeadSelection,
  NewDeadLetter,
  PacedRequeue,
  PipelineSample,
  WindowClosed,
  QueueRow,
  RecoveredWindow,
  StreamRow,
  StreamStore,
  WindowChange,
  WindowClosing,
} from "../../port.ts";
import { ArrivalTails } from "./arrival-tails.ts";
import { insertEvent } from "../rows/batch-row.ts";
import type { SqliteBatches } from "../batches/batches.ts";
import type { Database } from "../database/database.ts";
import { Sums } from "../sums/sums.ts";
import { addLetter, discardLetters, dropLetters, letterGroups, lettersOf, pacedRequeues, saveRequeue } from "./dead-letters.ts";
import { insertRequest, withdrawRequest } from "./requests.ts";
import { dropFront, insertItems, windowItems, windowChunks, withdrawItems } from "./window-items.ts";

/** As many as OpenTelemetry keeps of a span's links. */
const TRACES_KEPT = 128;

interface RawStream {
  tenant: string;
  name: string;
  definition: string;
  paused: number;
  created_at: number;
  updated_at: number;
}

interface RawWindow {
  id: string;
  tenant: string;
  stream: string;
  key: string;
  opened_at: number;
  last_item_at: number;
  items: number;
  bytes: number;
  held: number;
}

export class SqliteStreams implements StreamStore {
  private readonly db: Database;
  private readonly batches: SqliteBatches;
  private readonly tails: ArrivalTails;

  constructor(db: Database, batches: SqliteBatches) {
    this.db = db;
    this.batches = batches;
    this.tails = new ArrivalTails(db);
  }

  async definitions(): Promise<StreamRow[]> {
    return this.db.all<RawStream>("SELECT * FROM streams ORDER BY tenant, name").map((raw) => ({
      tenant: raw.tenant,
      name: raw.name,
      definition: JSON.parse(raw.definition) as Record<string, unknown>,
      paused: raw.paused === 1,
      createdAt: raw.created_at,
      updatedAt: raw.updated_at,
    }));
  }

  async save(stream: StreamRow): Promise<void> {
    this.db.run(
      `INSERT INTO streams (tenant, name, definition, paused, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (tenant, name) DO UPDATE SET definition = ?3, paused = ?4, updated_at = ?6`,
      stream.tenant,
      stream.name,
      JSON.stringify(stream.definition),
      stream.paused ? 1 : 0,
      stream.createdAt,
      stream.updatedAt,
    );
  }

  async remove(tenant: string, name: string): Promise<boolean> {
    return this.db.transaction(() => {
      this.tails.forget(tenant, name);
      for (const table of ["dead_letters", "requeues", "arrivals", "stream_rules"])
        this.db.run(`DELETE FROM ${table} WHERE tenant = ? AND stream = ?`, tenant, name);
      return this.db.run("DELETE FROM streams WHERE tenant = ? AND name = ?", tenant, name) > 0;
    });
  }

  async open(): Promise<RecoveredWindow[]> {
    return this.db.all<RawWindow>("SELECT * FROM windows WHERE state = 'open' ORDER BY opened_at, id").map((raw) => {
      const rows = windowItems(this.db, raw.id);
      return {
        id: raw.id,
        tenant: raw.tenant,
        stream: raw.stream,
        key: raw.key,
        openedAt: raw.opened_at,
        lastItemAt: raw.last_item_at,
        items: raw.items,
        bytes: raw.bytes,
        held: raw.held === 1,
        keys: rows.flatMap((row) => row.keys),
        sizes: rows.flatMap((row) => splitLines(row.body).map((text) => Buffer.byteLength(text))),
      };
    });
  }

  async commit(step: {
    changes: readonly WindowChange[];
    deadLetters: readonly NewDeadLetter[];
    arrivals: readonly NewArrivals[];
    now: number;
  }): Promise<boolean[]> {
    try {
      return this.db.transaction(() => {
        for (const letter of step.deadLetters) addLetter(this.db, letter);
        for (const each of step.arrivals) this.tails.append(each, step.now);
        return step.changes.map((change) => this.apply(change, step.now));
      });
    } catch (error) {
      for (const { tenant, stream } of step.arrivals) this.tails.forget(tenant, stream);
      throw error;
    }
  }

  async traces(tenant: string, windowId: string): Promise<string[]> {
    const row = this.db.get<{ traces: string | null }>("SELECT traces FROM windows WHERE id = ? AND tenant = ?", windowId, tenant);
    return [...new Set(row?.traces?.split(" ") ?? [])];
  }

  async deadLetters(
    tenant: string,
    stream: string,
    page: { after: number; limit: number; selection?: DeadSelection },
  ): Promise<DeadLetter[]> {
    return lettersOf(this.db, tenant, stream, page);
  }

  async deadLetterGroups(tenant: string): Promise<DeadGroup[]> {
    return letterGroups(this.db, tenant);
  }

  async discardLetters(tenant: string, stream: string, selection: DeadSelection, limit: number): Promise<number> {
    return discardLetters(this.db, tenant, stream, selection, limit);
  }

  async pacedRequeues(): Promise<PacedRequeue[]> {
    return pacedRequeues(this.db);
  }

  async pace(requeue: PacedRequeue): Promise<void> {
    saveRequeue(this.db, requeue);
  }

  async closed(tenant: string, batchId: string): Promise<WindowClosed | null> {
    const row = this.db.get<WindowClosed>(
      `SELECT stream, opened_at AS openedAt, closed_at AS closedAt, lag_ms AS lagMs, close_reason AS reason FROM windows
       WHERE id = ? AND tenant = ? AND state = 'closed' AND close_reason IS NOT NULL`,
      batchId,
      tenant,
    );
    return row === undefined ? null : { ...row };
  }

  async samples(tenant: string, stream: string | null, range: { from: number; to: number; limit: number }): Promise<PipelineSample[]> {
    return this.db
      .all<{ opened_at: number; closed_at: number; started_at: number | null; completed_at: number | null }>(
        `SELECT w.opened_at, w.closed_at, b.started_at, b.completed_at FROM windows w JOIN batches b ON b.id = w.id
         WHERE w.tenant = ?1 AND w.state = 'closed' AND w.closed_at >= ?2 AND w.closed_at < ?3 AND (?4 IS NULL OR w.stream = ?4)
         ORDER BY w.closed_at DESC LIMIT ?5`,
        tenant,
        range.from,
        range.to,
        stream,
        range.limit,
      )
      .map((row) => ({ openedAt: row.opened_at, closedAt: row.closed_at, startedAt: row.started_at, completedAt: row.completed_at }));
  }

  async queues(tenant: string, since: number): Promise<QueueRow[]> {
    const counts = this.db.all<{ operation: string; pending: number; running: number }>(
      `SELECT operation, SUM(CASE WHEN status = 'pending' THEN batches ELSE 0 END) AS pending, SUM(CASE WHEN status = 'running' THEN batches ELSE 0 END) AS running
       FROM batch_counts WHERE tenant = ? AND batches > 0 GROUP BY operation ORDER BY operation`,
      tenant,
    );
    const ended = this.db.all<{ operation: string; n: number; mean: number | null }>(
      "SELECT operation, COUNT(*) AS n, AVG(completed_at - started_at) AS mean FROM batches WHERE tenant = ? AND completed_at IS NOT NULL AND completed_at >= ? AND status IN ('completed', 'failed') GROUP BY operation",
      tenant,
      since,
    );
    return counts.map(({ operation, pending, running }) => {
      const recent = ended.find((row) => row.operation === operation);
      // By what waits, never by history: the planner would walk through all batches of the operation.
      const oldest =
        pending === 0
          ? undefined
          : this.db.get<{ id: string; created_at: number }>(
              "SELECT id, created_at FROM batches INDEXED BY batches_status WHERE sealed = 1 AND tenant = ? AND status = 'pending' AND operation = ? ORDER BY created_at, id LIMIT 1",
              tenant,
              operation,
            );
      return {
        operation,
        pending,
        running,
        ended: recent?.n ?? 0,
        meanMs: recent?.mean ?? null,
        oldest: oldest === undefined ? null : { id: oldest.id, createdAt: oldest.created_at },
      };
    });
  }

  async holdBatches(tenant: string, stream: string, goesOn: readonly string[], now: number): Promise<string[]> {
    return this.db.transaction(() =>
      this.db
        .all<{ id: string }>(
          `SELECT id FROM batches WHERE tenant = ? AND stream = ? AND sealed = 1
             AND (status = 'pending' OR (status = 'running' AND executor NOT IN (SELECT value FROM json_each(?)))) ORDER BY created_at, id`,
          tenant,
          stream,
          JSON.stringify(goesOn),
        )
        .filter(({ id }) => this.hold(tenant, id, now))
        .map(({ id }) => id),
    );
  }

  async releaseBatches(tenant: string, stream: string, now: number): Promise<string[]> {
    return this.db.transaction(() => {
      const held = this.db.all<{ id: string }>(
        "SELECT id FROM windows WHERE tenant = ? AND stream = ? AND batch_held = 1 ORDER BY opened_at, id",
        tenant,
        stream,
      );
      this.db.run("UPDATE windows SET batch_held = 0 WHERE tenant = ? AND stream = ? AND batch_held = 1", tenant, stream);
      return held.filter(({ id }) => this.batches.resumeNow(tenant, id, now) !== null).map(({ id }) => id);
    });
  }

  private hold(tenant: string, id: string, now: number): boolean {
    if (this.batches.pauseNow(tenant, id, now) === null) return false;
    this.db.run("UPDATE windows SET batch_held = 1 WHERE id = ?", id);
    return true;
  }

  /** True when the window closed. */
  private apply(change: WindowChange, now: number): boolean {
    const { window, adds, closes, drops } = change;
    if (!change.opens && !this.isOpen(window.id)) {
      if (adds === null && drops === 0 && (change.withdrawn ?? []).length === 0) return false;
      throw new Error(`window ${window.id} takes no more items: it is closed`);
    }
    dropLetters(this.db, window, change.requeued);
    if (drops > 0) dropFront(this.db, window.id, drops);
    if (change.withdrawn !== undefined && change.withdrawn.length > 0) {
      withdrawItems(this.db, window.id, change.withdrawn);
      for (const id of change.withdrawn) withdrawRequest(this.db, window.tenant, id, now);
    }
    for (const request of change.requests ?? []) insertRequest(this.db, request);
    if (window.items === 0) {
      this.db.run("DELETE FROM windows WHERE id = ? AND state = 'open'", window.id);
      return false;
    }
    this.write(change, now);
    if (change.traces !== undefined && change.traces.length > 0) this.addTraces(window.id, change.traces);
    if (adds !== null) this.tell("item.received", change, now, { count: adds.keys.length, ...adds.says });
    if (closes === null) {
      if (adds !== null) insertItems(this.db, window.id, adds);
      return false;
    }
    this.close(change, closes, now);
    return true;
  }

  private addTraces(id: string, traces: readonly string[]): void {
    // Each is 55 characters long, so what is cut off is whole ones.
    this.db.run(
      "UPDATE windows SET traces = substr(CASE WHEN traces IS NULL THEN ?1 ELSE traces || ' ' || ?1 END, 1, ?2) WHERE id = ?3",
      traces.join(" "),
      TRACES_KEPT * 56 - 1,
      id,
    );
  }

  private isOpen(id: string): boolean {
    return this.db.get("SELECT 1 FROM windows WHERE id = ? AND state = 'open'", id) !== undefined;
  }

  /** The window's own row, and window.opened when it is new. */
  private write({ window, opens, closes }: WindowChange, now: number): void {
    const state = closes === null ? "open" : "closed";
    const closedAt = closes === null ? null : now;
    const held = window.held ? 1 : 0;
    if (!opens) {
      this.db.run(
        "UPDATE windows SET last_item_at = ?, items = ?, bytes = ?, held = ?, state = ?, closed_at = ?, lag_ms = ?, close_reason = ? WHERE id = ? AND state = 'open'",
        window.lastItemAt,
        window.items,
        window.bytes,
        held,
        state,
        closedAt,
        closes?.lagMs ?? null,
        closes?.reason ?? null,
        window.id,
      );
      return;
    }
    this.db.run(
      "INSERT INTO windows (id, tenant, stream, key, state, opened_at, last_item_at, items, bytes, held, closed_at, lag_ms, close_reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      window.id,
      window.tenant,
      window.stream,
      window.key,
      state,
      window.openedAt,
      window.lastItemAt,
      window.items,
      window.bytes,
      held,
      closedAt,
      closes?.lagMs ?? null,
      closes?.reason ?? null,
    );
    // An urgent item goes alone, past the windows.
    if (closes?.reason !== "fast_path") {
      this.tell("window.opened", { window }, now, { count: window.items, started_at: iso(window.openedAt) });
    }
  }

  private close(change: WindowChange, closes: WindowClosing, now: number): void {
    const { window, adds } = change;
    const rows = change.opens ? [] : windowItems(this.db, window.id);
    if (adds !== null) rows.push({ keys: adds.keys, body: adds.body });
    if (!change.opens) this.db.run("DELETE FROM window_items WHERE window_id = ?", window.id);
    this.tell("window.closed", change, now, {
      count: window.items,
      started_at: iso(window.openedAt),
      closed_at: iso(now),
      close_reason: closes.reason,
      ...closes.says,
    });
    Sums.of(this.db).flow.lag(window.tenant, window.stream, closes.lagMs, now);
    const batch = {
      ...closes.batch,
      id: window.id,
      tenant: window.tenant,
      stream: window.stream,
      streamKey: window.key,
      closeReason: closes.reason,
      createdAt: now,
    };
    const seal = { tenant: window.tenant, batchId: window.id, now, maxFailures: closes.maxFailures, announcedItems: 0 };
    this.batches.createNow(batch, windowChunks(rows, closes, now), seal);
    if (closes.heldBatch === true) this.hold(window.tenant, window.id, now);
  }

  private tell(type: string, { window }: Pick<WindowChange, "window">, now: number, data: Record<string, unknown>): void {
    const event: EventDraft = {
      tenant: window.tenant,
      type,
      entity: { kind: "window", id: window.id },
      severity: "info",
      ts: now,
      data: { batch_id: window.id, stream: window.stream, key: window.key, ...data },
    };
    insertEvent(this.db, event);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
