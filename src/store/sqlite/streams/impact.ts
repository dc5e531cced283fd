import type { ClosedWindow, ImpactStore, RuleChange } from "../../port.ts";
import type { Database } from "../database/database.ts";

/** Rows read in one go; the event loop turns in between. */
const BLOCKS_AT_ONCE = 200;
const WINDOWS_AT_ONCE = 5_000;

interface RawRules {
  id: number;
  tenant: string;
  stream: string;
  at: number;
  before: string | null;
  after: string;
  predicted: string | null;
  actual: string | null;
}

interface RawClosed {
  id: string;
  key: string;
  opened_at: number;
  closed_at: number;
  items: number;
  bytes: number;
  close_reason: string | null;
}

export class SqliteImpact implements ImpactStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async *blocks(tenant: string, stream: string, range: { from: number; to: number }): AsyncIterable<Uint8Array> {
    for (let after = 0; ;) {
      const rows = this.db.all<{ id: number; body: Uint8Array }>(
        "SELECT id, body FROM arrivals WHERE tenant = ? AND stream = ? AND id > ? AND to_at >= ? AND from_at < ? ORDER BY id LIMIT ?",
        tenant,
        stream,
        after,
        range.from,
        range.to,
        BLOCKS_AT_ONCE,
      );
      for (const { body } of rows) yield body;
      if (rows.length < BLOCKS_AT_ONCE) return;
      after = rows.at(-1)!.id;
      await turn();
    }
  }

  async trim({ before, keep }: { before: number; keep: number }): Promise<number> {
    return this.db.transaction(() => {
      const old = this.db.run("DELETE FROM arrivals WHERE to_at < ?", before);
      const many = this.db.run(
        `DELETE FROM arrivals WHERE id IN (
           SELECT id FROM (SELECT id, SUM(items) OVER (PARTITION BY tenant, stream ORDER BY id DESC) - items AS newer FROM arrivals) WHERE newer >= ?)`,
        keep,
      );
      return old + many;
    });
  }

  async *closed(tenant: string, stream: string, range: { from: number; to: number }): AsyncIterable<ClosedWindow[]> {
    for (let last = { at: range.from, id: "" }; ;) {
      const rows = this.db.all<RawClosed>(
        `SELECT id, key, opened_at, closed_at, items, bytes, close_reason FROM windows
         WHERE tenant = ?1 AND stream = ?2 AND state = 'closed' AND closed_at >= ?3 AND closed_at < ?4 AND (closed_at > ?3 OR id > ?5)
         ORDER BY closed_at, id LIMIT ?6`,
        tenant,
        stream,
        last.at,
        range.to,
        last.id,
        WINDOWS_AT_ONCE,
      );
      if (rows.length > 0)
        yield rows.map((raw) => ({
          id: raw.id,
          key: raw.key,
          openedAt: raw.opened_at,
          closedAt: raw.closed_at,
          items: raw.items,
          bytes: raw.bytes,
          reason: raw.close_reason ?? "unknown",
        }));
      if (rows.length < WINDOWS_AT_ONCE) return;
      last = { at: rows.at(-1)!.closed_at, id: rows.at(-1)!.id };
      await turn();
    }
  }

  async services(tenant: string, operation: string, limit: number): Promise<{ items: number; ms: number }[]> {
    return this.db.all<{ items: number; ms: number }>(
      `SELECT total_items AS items, completed_at - started_at AS ms FROM batches
       WHERE sealed = 1 AND tenant = ? AND operation = ? AND status IN ('completed', 'failed') AND started_at IS NOT NULL
       ORDER BY created_at DESC, id DESC LIMIT ?`,
      tenant,
      operation,
      limit,
    );
  }

  async addPreview(
    { tenant, stream, rules, at }: { tenant: string; stream: string; rules: string; at: number },
    until: number,
  ): Promise<void> {
    this.db.transaction(() => {
      this.db.run("DELETE FROM rule_previews WHERE at < ?", until);
      this.db.run("INSERT OR REPLACE INTO rule_previews (tenant, stream, rules, at) VALUES (?, ?, ?, ?)", tenant, stream, rules, at);
    });
  }

  async previewedAt(tenant: string, stream: string, rules: string): Promise<number | null> {
    const sql = "SELECT at FROM rule_previews WHERE tenant = ? AND stream = ? AND rules = ?";
    return this.db.get<{ at: number }>(sql, tenant, stream, rules)?.at ?? null;
  }

  async addRules({ tenant, stream, at, before, after }: Omit<RuleChange, "id" | "predicted" | "actual">): Promise<void> {
    const first = before === null ? null : JSON.stringify(before);
    const sql = "INSERT INTO stream_rules (tenant, stream, at, before, after) VALUES (?, ?, ?, ?, ?)";
    this.db.run(sql, tenant, stream, at, first, JSON.stringify(after));
  }

  async rules(tenant: string, stream: string, limit: number): Promise<RuleChange[]> {
    return this.db
      .all<RawRules>("SELECT * FROM stream_rules WHERE tenant = ? AND stream = ? ORDER BY id DESC LIMIT ?", tenant, stream, limit)
      .map(toRules);
  }

  async unsettledRules(limit: number): Promise<RuleChange[]> {
    const sql = "SELECT * FROM stream_rules WHERE before IS NOT NULL AND (predicted IS NULL OR actual IS NULL) ORDER BY id LIMIT ?";
    return this.db.all<RawRules>(sql, limit).map(toRules);
  }

  async settleRules(id: number, found: { predicted?: Record<string, unknown>; actual?: Record<string, unknown> }): Promise<void> {
    const [predicted, actual] = [found.predicted, found.actual].map((each) => (each === undefined ? null : JSON.stringify(each)));
    this.db.run(
      "UPDATE stream_rules SET predicted = COALESCE(predicted, ?), actual = COALESCE(actual, ?) WHERE id = ?",
      predicted ?? null,
      actual ?? null,
      id,
    );
  }
}

function toRules(raw: RawRules): RuleChange {
  const parsed = (text: string | null): Record<string, unknown> | null =>
    text === null ? null : (JSON.parse(text) as Record<string, unknown>);
  const { id, tenant, stream, at, before, after, predicted, actual } = raw;
  return {
    id,
    tenant,
    stream,
    at,
    before: parsed(before),
    after: JSON.parse(after) as Record<string, unknown>,
    predicted: parsed(predicted),
    actual: parsed(actual),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
