import type { FileRow, FileStore } from "../port.ts";
import type { Database } from "./database.ts";

const COLUMNS = "id, tenant, name, content_type AS contentType, bytes, sha256, purpose, created_at AS createdAt, expires_at AS expiresAt";

export class SqliteFiles implements FileStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async insert(file: FileRow): Promise<void> {
    this.db.run(
      "INSERT INTO files (id, tenant, name, content_type, bytes, sha256, purpose, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      file.id,
      file.tenant,
      file.name,
      file.contentType,
      file.bytes,
      file.sha256,
      file.purpose,
      file.createdAt,
      file.expiresAt,
    );
  }

  async get(tenant: string, id: string): Promise<FileRow | null> {
    return this.db.get<FileRow>(`SELECT ${COLUMNS} FROM files WHERE id = ? AND tenant = ?`, id, tenant) ?? null;
  }

  async list(tenant: string, page: { before: { createdAt: number; id: string } | null; limit: number }): Promise<FileRow[]> {
    const before = page.before ?? { createdAt: Number.MAX_SAFE_INTEGER, id: "" };
    return this.db.all<FileRow>(
      `SELECT ${COLUMNS} FROM files WHERE tenant = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
      tenant,
      before.createdAt,
      before.id,
      page.limit,
    );
  }

  async delete(tenant: string, id: string): Promise<boolean> {
    return this.db.run("DELETE FROM files WHERE id = ? AND tenant = ?", id, tenant) > 0;
  }

  async usedBy(tenant: string, id: string): Promise<string | null> {
    const open = "tenant = ? AND completed_at IS NULL AND json_extract(input, '$.file_id') = ?";
    return this.db.get<{ id: string }>(`SELECT id FROM batches WHERE ${open} LIMIT 1`, tenant, id)?.id ?? null;
  }

  async expired(now: number, limit: number): Promise<FileRow[]> {
    return this.db.all<FileRow>(`SELECT ${COLUMNS} FROM files WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?`, now, limit);
  }
}
