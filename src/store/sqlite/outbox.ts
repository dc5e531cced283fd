import type { OutboxRow, OutboxStore } from "../port.ts";
import type { Database } from "./database/database.ts";

export class SqliteOutbox implements OutboxStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async due(now: number, limit: number, but: readonly (readonly [string, string])[] = []): Promise<OutboxRow[]> {
    const rows = this.db.all<Omit<OutboxRow, "reached"> & { reached: string | null }>(
      `SELECT id, tenant, channel, dedupe_key AS dedupeKey, subject, body, tries, next_at AS nextAt, reached FROM outbox
       WHERE next_at IS NOT NULL AND next_at <= ? AND (tenant, channel) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))
         AND NOT EXISTS (SELECT 1 FROM outbox first WHERE first.dedupe_key = outbox.follows AND first.next_at IS NOT NULL)
       ORDER BY next_at, id LIMIT ?`,
      now,
      JSON.stringify(but),
      limit,
    );
    return rows.map(({ reached, ...row }) => ({ ...row, reached: reached === null ? [] : (JSON.parse(reached) as string[]) }));
  }

  async delivered(id: number, now: number): Promise<void> {
    this.db.run("UPDATE outbox SET delivered_at = ?, next_at = NULL, tries = tries + 1 WHERE id = ?", now, id);
  }

  async failed(id: number, error: string, nextAt: number | null, reached?: readonly string[]): Promise<void> {
    this.db.run(
      "UPDATE outbox SET last_error = ?, next_at = ?, tries = tries + 1, reached = COALESCE(?, reached) WHERE id = ?",
      error,
      nextAt,
      reached === undefined ? null : JSON.stringify(reached),
      id,
    );
  }

  async delay(tenant: string, channel: string, until: number): Promise<void> {
    this.db.run("UPDATE outbox SET next_at = ? WHERE next_at < ? AND tenant = ? AND channel = ?", until, until, tenant, channel);
  }

  async hasten(tenant: string | null, channel: string, now: number): Promise<void> {
    this.db.run(
      "UPDATE outbox SET next_at = ? WHERE next_at > ? AND (? IS NULL OR tenant = ?) AND channel = ?",
      now,
      now,
      tenant,
      tenant,
      channel,
    );
  }

  async trim(before: number, limit: number): Promise<number> {
    return this.db.run(
      "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox INDEXED BY outbox_settled WHERE next_at IS NULL AND created_at < ? ORDER BY created_at LIMIT ?)",
      before,
      limit,
    );
  }

  async nextAt(): Promise<number | null> {
    return this.db.get<{ at: number | null }>("SELECT MIN(next_at) AS at FROM outbox WHERE next_at IS NOT NULL")!.at;
  }
}
