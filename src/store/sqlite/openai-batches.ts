import type { SQLInputValue } from "node:sqlite";
import { openAiMoveFrom, type OpenAiStatus } from "../../model/openai-moves.ts";
import type { NewOpenAiBatch, OpenAiBatchRow, OpenAiBatchStore, OpenAiChange, OpenAiFault, OpenAiUsage } from "../openai-batches.ts";
import type { Database } from "./database/database.ts";
import { insertMessage } from "./rows/outbox-row.ts";
import { FINAL_OPENAI, inList, OPEN_OPENAI } from "./rows/in-list.ts";

interface Raw extends Omit<OpenAiBatchRow, "metadata" | "errors" | "usage"> {
  metadata: string | null;
  errors: string | null;
  usage: string | null;
}

const COLUMNS = `id, tenant, status, endpoint, input_file_id AS inputFileId, metadata, output_expires_after AS outputExpiresAfter, fingerprint,
  batch_id AS batchId, traceparent, model, errors, usage, total, completed, failed, output_file_id AS outputFileId, error_file_id AS errorFileId,
  created_at AS createdAt, expires_at AS expiresAt, in_progress_at AS inProgressAt, finalizing_at AS finalizingAt, completed_at AS completedAt,
  failed_at AS failedAt, expired_at AS expiredAt, cancelling_at AS cancellingAt, cancelled_at AS cancelledAt`;

const CHANGED: Record<keyof OpenAiChange, string> = {
  model: "model",
  errors: "errors",
  usage: "usage",
  total: "total",
  completed: "completed",
  failed: "failed",
  outputFileId: "output_file_id",
  errorFileId: "error_file_id",
};

export class SqliteOpenAiBatches implements OpenAiBatchStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async insert(batch: NewOpenAiBatch): Promise<void> {
    this.db.run(
      `INSERT INTO openai_batches (id, tenant, status, endpoint, input_file_id, metadata, output_expires_after, fingerprint, batch_id, traceparent, created_at, expires_at)
       VALUES (?, ?, 'validating', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      batch.id,
      batch.tenant,
      batch.endpoint,
      batch.inputFileId,
      batch.metadata === null ? null : JSON.stringify(batch.metadata),
      batch.outputExpiresAfter,
      batch.fingerprint,
      batch.batchId,
      batch.traceparent,
      batch.createdAt,
      batch.expiresAt,
    );
  }

  async get(tenant: string, id: string): Promise<OpenAiBatchRow | null> {
    return read(this.db.get<Raw>(`SELECT ${COLUMNS} FROM openai_batches WHERE id = ? AND tenant = ?`, id, tenant));
  }

  async list(tenant: string, page: { before: { createdAt: number; id: string } | null; limit: number }): Promise<OpenAiBatchRow[]> {
    const before = page.before ?? { createdAt: Number.MAX_SAFE_INTEGER, id: "" };
    return this.db
      .all<Raw>(
        `SELECT ${COLUMNS} FROM openai_batches WHERE tenant = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
        tenant,
        before.createdAt,
        before.id,
        page.limit,
      )
      .map((raw) => read(raw)!);
  }

  async repeated(tenant: string, fingerprint: string, since: number): Promise<OpenAiBatchRow | null> {
    return read(
      this.db.get<Raw>(
        `SELECT ${COLUMNS} FROM openai_batches WHERE tenant = ? AND fingerprint = ? AND created_at >= ? ORDER BY created_at DESC, id DESC LIMIT 1`,
        tenant,
        fingerprint,
        since,
      ),
    );
  }

  async open(): Promise<{ tenant: string; id: string }[]> {
    return this.db.all(`SELECT tenant, id FROM openai_batches WHERE status IN (${OPEN_OPENAI}) ORDER BY created_at, id`);
  }

  async move(
    tenant: string,
    id: string,
    to: OpenAiStatus,
    { change, messages, now }: Parameters<OpenAiBatchStore["move"]>[3],
  ): Promise<OpenAiBatchRow | null> {
    const sources = openAiMoveFrom(to);
    if (sources.length === 0) return null;
    const sets = ["status = ?", `${to}_at = ?`];
    const values: SQLInputValue[] = [to, now];
    for (const [name, value] of Object.entries(change)) {
      sets.push(`${CHANGED[name as keyof OpenAiChange]} = ?`);
      values.push(typeof value === "object" && value !== null ? JSON.stringify(value) : (value ?? null));
    }
    const from = inList(sources);
    return this.db.transaction(() => {
      const sql = `UPDATE openai_batches SET ${sets.join(", ")} WHERE id = ? AND tenant = ? AND status IN (${from})`;
      if (this.db.run(sql, ...values, id, tenant) === 0) return null;
      for (const message of messages) insertMessage(this.db, tenant, message, now);
      return read(this.db.get<Raw>(`SELECT ${COLUMNS} FROM openai_batches WHERE id = ?`, id));
    });
  }

  async remove(before: number, limit: number): Promise<number> {
    return this.db.run(
      `DELETE FROM openai_batches WHERE id IN (SELECT id FROM openai_batches WHERE created_at < ? AND status IN (${FINAL_OPENAI}) LIMIT ?)`,
      before,
      limit,
    );
  }
}

function read(raw: Raw | undefined): OpenAiBatchRow | null {
  if (raw === undefined) return null;
  return {
    ...raw,
    metadata: raw.metadata === null ? null : (JSON.parse(raw.metadata) as Record<string, string>),
    errors: raw.errors === null ? null : (JSON.parse(raw.errors) as OpenAiFault[]),
    usage: raw.usage === null ? null : (JSON.parse(raw.usage) as OpenAiUsage),
  };
}
