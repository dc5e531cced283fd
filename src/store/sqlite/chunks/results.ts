import type { SQLInputValue } from "node:sqlite";
import type { ErrorCategory } from "../../../model/item.ts";
import type { ErrorGroup, ResultCursor, ResultFilter, ResultStore } from "../../port.ts";
import { loadOwnBatch } from "../rows/batch-row.ts";
import { findItem } from "../rows/chunk-row.ts";
import { linesOf, type RawSegment } from "../rows/segment-row.ts";
import type { Database } from "../database/database.ts";

export class SqliteResults implements ResultStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async page(
    tenant: string,
    batchId: string,
    filter: ResultFilter,
    cursor: ResultCursor | null,
    limit: number,
  ): ReturnType<ResultStore["page"]> {
    if (loadOwnBatch(this.db, tenant, batchId) === undefined) return { lines: [], next: null };
    const lines: string[] = [];
    const wantsSuccesses = filter.success !== false && filter.error === undefined && filter.fingerprint === undefined;
    if (wantsSuccesses && cursor?.part !== "failures") {
      const next = this.successes(batchId, filter, cursor, limit, lines);
      if (next !== null) return { lines, next };
    }
    if (filter.success === true) return { lines, next: null };
    return { lines, next: this.failures(batchId, filter, cursor?.part === "failures" ? cursor.id : 0, limit, lines) };
  }

  async groups(tenant: string, batchId: string): Promise<ErrorGroup[]> {
    if (loadOwnBatch(this.db, tenant, batchId) === undefined) return [];
    const rows = this.db.all<{
      fingerprint: string;
      error: string;
      code: string;
      category: ErrorCategory;
      failures: number;
      first_seen: number;
      last_seen: number;
      examples: string;
    }>("SELECT * FROM error_groups WHERE batch_id = ? AND failures > 0 ORDER BY failures DESC, fingerprint", batchId);
    return rows.map((row) => ({
      fingerprint: row.fingerprint,
      error: row.error,
      code: row.code,
      category: row.category,
      count: row.failures,
      firstSeen: row.first_seen,
      lastSeen: row.last_seen,
      examples: JSON.parse(row.examples) as string[],
    }));
  }

  /** Fills `lines` from segments on; null when there are no more. One segment is read at a time. */
  private successes(
    batchId: string,
    filter: ResultFilter,
    cursor: ResultCursor | null,
    limit: number,
    lines: string[],
  ): ResultCursor | null {
    const chunks = filter.nodeId === undefined ? null : this.chunksOf(batchId, filter.nodeId);
    let id = cursor?.id ?? 0;
    let skip = cursor?.skip ?? 0;
    for (;;) {
      const segment = this.db.get<RawSegment>(
        "SELECT id, chunk_id, columns, keys, body FROM segments WHERE batch_id = ? AND id >= ? ORDER BY id LIMIT 1",
        batchId,
        id,
      );
      if (segment === undefined) return null;
      if (segment.id !== id) skip = 0;
      if (chunks === null || segment.chunk_id === null || chunks.has(segment.chunk_id)) {
        const all = linesOf(this.db, segment);
        for (let i = skip; i < all.length; i++) {
          if (lines.length === limit) return { part: "successes", id: segment.id, skip: i };
          const line = all[i]!;
          if (filter.nodeId === undefined || (JSON.parse(line) as { nodeId: string }).nodeId === filter.nodeId) lines.push(line);
        }
      }
      id = segment.id + 1;
      skip = 0;
    }
  }

  private failures(batchId: string, filter: ResultFilter, from: number, limit: number, lines: string[]): ResultCursor | null {
    const room = limit - lines.length;
    const where = ["batch_id = ?", "superseded IS NULL", "id >= ?"];
    const parameters: SQLInputValue[] = [batchId, from];
    if (filter.nodeId !== undefined) {
      where.push("node_id = ?");
      parameters.push(filter.nodeId);
    }
    if (filter.fingerprint !== undefined) {
      where.push("fingerprint = ?");
      parameters.push(filter.fingerprint);
    }
    if (filter.error !== undefined) {
      where.push("error LIKE ? ESCAPE '\\'");
      parameters.push(`%${filter.error.replace(/[\\%_]/g, "\\$&")}%`);
    }
    const rows = this.db.all<{ id: number; line: string }>(
      `SELECT id, line FROM failures WHERE ${where.join(" AND ")} ORDER BY id LIMIT ?`,
      ...parameters,
      room + 1,
    );
    for (const row of rows.slice(0, room)) lines.push(row.line);
    return rows.length > room ? { part: "failures", id: rows[room]!.id, skip: 0 } : null;
  }

  private chunksOf(batchId: string, nodeId: string): Set<number> {
    return new Set(findItem(this.db, batchId, nodeId).map((place) => place.chunkId));
  }
}
