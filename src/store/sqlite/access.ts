import type { AccessStore, ApiKeyRow, IdempotencyRow, Role, SessionRow } from "../port.ts";
import type { Database } from "./database/database.ts";

const KEY =
  "id, tenant, name, role, hash, hint, created_at AS createdAt, expires_at AS expiresAt, revoked_at AS revokedAt, last_used_at AS lastUsedAt, batch_id AS batchId";

export class SqliteAccess implements AccessStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async insertKey(key: ApiKeyRow): Promise<void> {
    this.db.run(
      "INSERT INTO api_keys (id, tenant, name, role, hash, hint, created_at, expires_at, revoked_at, last_used_at, batch_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      key.id,
      key.tenant,
      key.name,
      key.role,
      key.hash,
      key.hint,
      key.createdAt,
      key.expiresAt,
      key.revokedAt,
      key.lastUsedAt,
      key.batchId,
    );
  }

  async keyByHash(hash: string): Promise<ApiKeyRow | null> {
    return this.db.get<ApiKeyRow>(`SELECT ${KEY} FROM api_keys WHERE hash = ?`, hash) ?? null;
  }

  async keys(tenant: string): Promise<ApiKeyRow[]> {
    return this.db.all<ApiKeyRow>(`SELECT ${KEY} FROM api_keys WHERE tenant = ? ORDER BY created_at, id`, tenant);
  }

  async keyUsed(id: string, at: number): Promise<void> {
    this.db.run("UPDATE api_keys SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at < ?1)", at, id);
  }

  async revokeKey(tenant: string, id: string, now: number): Promise<boolean> {
    return this.db.transaction(() => {
      const revoked =
        this.db.run("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND tenant = ? AND revoked_at IS NULL", now, id, tenant) > 0;
      if (revoked) {
        this.db.run("DELETE FROM sessions WHERE key_id = ?", id);
        this.db.run("DELETE FROM sign_ins WHERE key_id = ?", id);
      }
      return revoked;
    });
  }

  async insertSession(session: SessionRow): Promise<void> {
    this.db.transaction(() => {
      this.db.run("DELETE FROM sessions WHERE expires_at <= ?", session.createdAt);
      this.db.run(
        "INSERT INTO sessions (hash, tenant, key_id, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        session.hash,
        session.tenant,
        session.keyId,
        session.role,
        session.createdAt,
        session.expiresAt,
      );
    });
  }

  async session(hash: string, now: number): Promise<SessionRow | null> {
    return (
      this.db.get<SessionRow>(
        "SELECT hash, tenant, key_id AS keyId, role, created_at AS createdAt, expires_at AS expiresAt FROM sessions WHERE hash = ? AND expires_at > ?",
        hash,
        now,
      ) ?? null
    );
  }

  async deleteSession(hash: string): Promise<void> {
    this.db.run("DELETE FROM sessions WHERE hash = ?", hash);
  }

  async insertSignIn(signIn: { hash: string; keyId: string; tenant: string; role: Role; expiresAt: number }): Promise<void> {
    this.db.run(
      "INSERT INTO sign_ins (hash, tenant, key_id, role, expires_at) VALUES (?, ?, ?, ?, ?)",
      signIn.hash,
      signIn.tenant,
      signIn.keyId,
      signIn.role,
      signIn.expiresAt,
    );
  }

  async takeSignIn(hash: string, now: number): Promise<{ keyId: string; tenant: string; role: Role } | null> {
    const row = this.db.get<{ keyId: string; tenant: string; role: Role; expiresAt: number }>(
      "DELETE FROM sign_ins WHERE hash = ? RETURNING key_id AS keyId, tenant, role, expires_at AS expiresAt",
      hash,
    );
    return row === undefined || row.expiresAt <= now ? null : { keyId: row.keyId, tenant: row.tenant, role: row.role };
  }

  async reserve(row: IdempotencyRow, expireBefore: number): Promise<IdempotencyRow | null> {
    return this.db.transaction(() => {
      this.db.run("DELETE FROM idempotency WHERE created_at < ?", expireBefore);
      const inserted = this.db.run(
        "INSERT INTO idempotency (tenant, key, request_hash, status, body, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        row.tenant,
        row.key,
        row.requestHash,
        row.status,
        row.body,
        row.createdAt,
      );
      if (inserted > 0) return null;
      return this.db.get<IdempotencyRow>(
        "SELECT tenant, key, request_hash AS requestHash, status, body, created_at AS createdAt FROM idempotency WHERE tenant = ? AND key = ?",
        row.tenant,
        row.key,
      )!;
    });
  }

  async settle(tenant: string, key: string, status: number, body: string): Promise<void> {
    this.db.run("UPDATE idempotency SET status = ?, body = ? WHERE tenant = ? AND key = ?", status, body, tenant, key);
  }

  async unreserve(tenant: string, key: string): Promise<void> {
    this.db.run("DELETE FROM idempotency WHERE tenant = ? AND key = ? AND status IS NULL", tenant, key);
  }
}
