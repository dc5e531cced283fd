import type { SQLInputValue } from "node:sqlite";
import type { EventDraft, Severity, StoredEvent } from "../../model/event.ts";
import { randomText } from "../../model/ids.ts";
import type { EventStore } from "../port.ts";
import { insertEvent } from "./rows/batch-row.ts";
import type { Database } from "./database/database.ts";

interface RawEvent {
  seq: number;
  tenant: string;
  type: string;
  entity_kind: string;
  entity_id: string;
  severity: Severity;
  ts: number;
  data: string;
}

export class SqliteEvents implements EventStore {
  private readonly db: Database;
  private readonly logEpoch: string;

  constructor(db: Database) {
    this.db = db;
    db.run("INSERT INTO meta (name, value) VALUES ('event_epoch', ?) ON CONFLICT (name) DO NOTHING", randomText(6));
    this.logEpoch = db.get<{ value: string }>("SELECT value FROM meta WHERE name = 'event_epoch'")!.value;
  }

  async epoch(): Promise<string> {
    return this.logEpoch;
  }

  async append(events: EventDraft[]): Promise<void> {
    this.db.transaction(() => {
      for (const event of events) insertEvent(this.db, event);
    });
  }

  async read(after: number, limit: number, filter: { tenant?: string; entity?: string } = {}): Promise<StoredEvent[]> {
    const where = ["seq > ?"];
    const parameters: SQLInputValue[] = [after];
    if (filter.tenant !== undefined) {
      where.push("tenant = ?");
      parameters.push(filter.tenant);
    }
    if (filter.entity !== undefined) {
      where.push("entity_id = ?");
      parameters.push(filter.entity);
    }
    const rows = this.db.all<RawEvent>(`SELECT * FROM events WHERE ${where.join(" AND ")} ORDER BY seq LIMIT ?`, ...parameters, limit);
    return rows.map((row) => this.stored(row));
  }

  async critical(tenant: string, limit: number): Promise<StoredEvent[]> {
    return this.db
      .all<RawEvent>("SELECT * FROM events WHERE tenant = ? AND severity = 'critical' ORDER BY seq DESC LIMIT ?", tenant, limit)
      .map((row) => this.stored(row));
  }

  private stored(row: RawEvent): StoredEvent {
    return {
      seq: row.seq,
      epoch: this.logEpoch,
      tenant: row.tenant,
      type: row.type,
      entity: { kind: row.entity_kind, id: row.entity_id },
      severity: row.severity,
      ts: row.ts,
      data: JSON.parse(row.data) as Record<string, unknown>,
    };
  }

  async lastSeq(): Promise<number> {
    return this.db.get<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM events")!.seq ?? 0;
  }

  onAppend(listener: () => void): () => void {
    this.db.listeners.add(listener);
    return () => this.db.listeners.delete(listener);
  }

  async firstSeq(): Promise<number> {
    return this.db.get<{ seq: number | null }>("SELECT MIN(seq) AS seq FROM events")!.seq ?? 0;
  }

  async trim(options: { before: number; keep: number }): Promise<number> {
    const last = await this.lastSeq();
    return this.db.run("DELETE FROM events WHERE seq < ?1 AND (ts < ?2 OR seq <= ?3)", last, options.before, last - options.keep);
  }
}
