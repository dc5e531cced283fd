import type { FilePage, FileRow, FileStore } from "../port.ts";
import type { Database } from "./database/database.ts";

const COLUMNS = "id, tenant, name, content_type AS contentType, bytes, sha256, purpose, created_at AS createdAt, expires_at AS expiresAt";

/** A list that is paged through more slowly than this starts anew. */
const REMEMBERED_MS = 86_400_000;

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

  async list(tenant: string, { before, limit, order = "newest", purposes }: FilePage): Promise<FileRow[]> {
    const oldest = order === "oldest";
    const place = before ?? (oldest ? { createdAt: -1, id: "" } : { createdAt: Number.MAX_SAFE_INTEGER, id: "" });
    const named = (purposes ?? []).filter((purpose) => purpose !== null);
    const wanted = [
      ...(named.length > 0 ? [`purpose IN (${named.map(() => "?").join(", ")})`] : []),
      ...(purposes?.includes(null) === true ? ["purpose IS NULL"] : []),
    ];
    const [than, direction] = oldest ? [">", "ASC"] : ["<", "DESC"];
    return this.db.all<FileRow>(
      `SELECT ${COLUMNS} FROM files WHERE tenant = ? AND (created_at, id) ${than} (?, ?) ${wanted.length > 0 ? `AND (${wanted.join(" OR ")})` : ""}
       ORDER BY created_at ${direction}, id ${direction} LIMIT ?`,
      tenant,
      place.createdAt,
      place.id,
      ...named,
      limit,
    );
  }

  async delete(tenant: string, id: string, now: number): Promise<boolean> {
    return this.db.transaction(() => {
      this.db.run("DELETE FROM removed_files WHERE removed_at < ?", now - REMEMBERED_MS);
      this.db.run(
        "INSERT OR REPLACE INTO removed_files (id, tenant, created_at, removed_at) SELECT id, tenant, created_at, ? FROM files WHERE id = ? AND tenant = ?",
        now,
        id,
        tenant,
      );
      return this.db.run("DELETE FROM files WHERE id = ? AND tenant = ?", id, tenant) > 0;
    });
  }

  async place(tenant: string, id: string, now: number): Promise<{ createdAt: number; id: string } | null> {
    const row = this.db.get<{ createdAt: number }>(
      `SELECT created_at AS createdAt FROM files WHERE id = ?1 AND tenant = ?2
       UNION ALL SELECT created_at FROM removed_files WHERE id = ?1 AND tenant = ?2 AND removed_at >= ?3 LIMIT 1`,
      id,
      tenant,
      now - REMEMBERED_MS,
    );
    return row === undefined ? null : { createdAt: row.createdAt, id };
  }

  async usedBy(tenant: string, id: string): Promise<string | null> {
    const open = "tenant = ? AND completed_at IS NULL AND input IS NOT NULL AND json_extract(input, '$.file_id') = ?";
    return this.db.get<{ id: string }>(`SELECT id FROM batches WHERE ${open} LIMIT 1`, tenant, id)?.id ?? null;
  }

  async expired(now: number, limit: number): Promise<FileRow[]> {
    return this.db.all<FileRow>(`SELECT ${COLUMNS} FROM files WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?`, now, limit);
  }
}
