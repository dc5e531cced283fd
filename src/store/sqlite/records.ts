import type { SQLInputValue } from "node:sqlite";
import type { CollectionRecord, RecordFilter, RecordStore, WriteMode } from "../port.ts";
import type { Database } from "./database/database.ts";

interface RawRecord {
  key: string;
  data: string;
  writer: string | null;
  created_at: number;
  updated_at: number;
}

export class SqliteRecords implements RecordStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async collections(tenant: string): Promise<{ name: string; records: number }[]> {
    return this.db.all("SELECT name, records FROM collections WHERE tenant = ? AND records > 0 ORDER BY name", tenant);
  }

  async get(tenant: string, collection: string, key: string): Promise<CollectionRecord | null> {
    const raw = this.load(tenant, collection, key);
    return raw === undefined ? null : toRecord(raw);
  }

  async list(
    tenant: string,
    collection: string,
    filter: RecordFilter,
    page: { after: string | null; limit: number },
  ): Promise<CollectionRecord[]> {
    const where = ["tenant = ?", "collection = ?"];
    const parameters: SQLInputValue[] = [tenant, collection];
    const add = (sql: string, ...values: SQLInputValue[]): void => {
      where.push(sql);
      parameters.push(...values);
    };
    if (page.after !== null) add("key > ?", page.after);
    if (filter.createdAfter !== undefined) add("created_at >= ?", filter.createdAfter);
    if (filter.createdBefore !== undefined) add("created_at <= ?", filter.createdBefore);
    // Top-level fields compared as JSON values; the field name is data, never SQL. Quotes cannot be escaped in a path, so such names are compared by key.
    for (const [field, value] of Object.entries(filter.equals)) {
      if (typeof value === "number") {
        add(
          "EXISTS (SELECT 1 FROM json_each(data) AS field WHERE field.key = ? AND field.type IN ('integer', 'real') AND field.value = ?)",
          field,
          value,
        );
      } else {
        add(
          "EXISTS (SELECT 1 FROM json_each(data) AS field WHERE field.key = ? AND field.type || ':' || COALESCE(field.value, '') = ?)",
          field,
          typed(value),
        );
      }
    }
    for (const tag of filter.tags ?? []) add("EXISTS (SELECT 1 FROM json_each(data, '$.tags') AS tag WHERE tag.value = ?)", tag);
    return this.db
      .all<RawRecord>(`SELECT * FROM records WHERE ${where.join(" AND ")} ORDER BY key LIMIT ?`, ...parameters, page.limit)
      .map(toRecord);
  }

  async put(
    tenant: string,
    collection: string,
    rows: { key: string; data: Record<string, unknown>; writer: string | null }[],
    mode: WriteMode,
    now: number,
  ): Promise<("inserted" | "updated" | "exists")[]> {
    return this.db.transaction(() => {
      let added = 0;
      const actions = rows.map((row) => {
        const existing = this.load(tenant, collection, row.key);
        if (existing === undefined) {
          this.db.run(
            "INSERT INTO records (tenant, collection, key, data, writer, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            tenant,
            collection,
            row.key,
            JSON.stringify(row.data),
            row.writer,
            now,
            now,
          );
          added += 1;
          return "inserted";
        }
        if (mode === "insert") return row.writer !== null && existing.writer === row.writer ? "inserted" : "exists";
        const data = mode === "replace" ? row.data : { ...(JSON.parse(existing.data) as Record<string, unknown>), ...row.data };
        this.db.run(
          "UPDATE records SET data = ?, writer = ?, updated_at = ? WHERE tenant = ? AND collection = ? AND key = ?",
          JSON.stringify(data),
          row.writer,
          now,
          tenant,
          collection,
          row.key,
        );
        // The same writer again: its first try was an insert that it does not know of.
        return row.writer !== null && existing.writer === row.writer && existing.created_at === existing.updated_at
          ? "inserted"
          : "updated";
      });
      this.count(tenant, collection, added);
      return actions;
    });
  }

  async delete(tenant: string, collection: string, key: string): Promise<boolean> {
    return this.db.transaction(() => {
      const deleted = this.db.run("DELETE FROM records WHERE tenant = ? AND collection = ? AND key = ?", tenant, collection, key);
      this.count(tenant, collection, -deleted);
      return deleted > 0;
    });
  }

  async deleteOlder(tenant: string, collection: string | null, before: number, limit: number): Promise<number> {
    return this.db.transaction(() => {
      const old = this.db.all<{ collection: string; key: string }>(
        "SELECT collection, key FROM records WHERE tenant = ?1 AND (?2 IS NULL OR collection = ?2) AND updated_at < ?3 LIMIT ?4",
        tenant,
        collection,
        before,
        limit,
      );
      for (const row of old) {
        this.db.run("DELETE FROM records WHERE tenant = ? AND collection = ? AND key = ?", tenant, row.collection, row.key);
        this.count(tenant, row.collection, -1);
      }
      return old.length;
    });
  }

  private load(tenant: string, collection: string, key: string): RawRecord | undefined {
    return this.db.get<RawRecord>("SELECT * FROM records WHERE tenant = ? AND collection = ? AND key = ?", tenant, collection, key);
  }

  private count(tenant: string, collection: string, change: number): void {
    if (change === 0) return;
    this.db.run(
      "INSERT INTO collections (tenant, name, records) VALUES (?1, ?2, ?3) ON CONFLICT (tenant, name) DO UPDATE SET records = records + ?3",
      tenant,
      collection,
      change,
    );
  }
}

function toRecord(raw: RawRecord): CollectionRecord {
  return { key: raw.key, data: JSON.parse(raw.data) as Record<string, unknown>, createdAt: raw.created_at, updatedAt: raw.updated_at };
}

/** A value as json_each shows it, with its type, so that "1" and true and null stay different. Numbers are compared as numbers: as texts, 1e21 and 0.1 + 0.2 have several. */
function typed(value: unknown): string {
  if (value === null) return "null:";
  if (typeof value === "boolean") return value ? "true:1" : "false:0";
  if (typeof value === "string") return `text:${value}`;
  return `${Array.isArray(value) ? "array" : "object"}:${JSON.stringify(value)}`;
}
