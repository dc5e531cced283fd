import type { RequestState } from "../../../model/request-states.ts";
import type { NewRequest, RequestEnd, RequestRow, RequestStore } from "../../requests.ts";
import type { Database } from "../database/database.ts";
import { insertMessage } from "../rows/outbox-row.ts";

/** A row as it is shown: its state is its outcome, else that of its batch; without a batch its window is still open. */
const ROWS = `SELECT id, tenant, jobType, model, customId, fingerprint, webhook, batchId, createdAt, endedAt, state FROM (
  SELECT r.id, r.tenant, r.job_type AS jobType, r.model, r.custom_id AS customId, r.fingerprint, r.webhook, r.batch_id AS batchId,
    r.created_at AS createdAt, r.ended_at AS endedAt, r.outcome,
    CASE WHEN r.outcome IS NOT NULL THEN r.outcome WHEN b.id IS NULL THEN 'waiting' WHEN b.started_at IS NULL THEN 'batched' ELSE 'running' END AS state
  FROM requests r LEFT JOIN batches b ON b.id = r.batch_id AND b.sealed = 1)`;

/** Within the transaction of the window that takes it. */
export function insertRequest(db: Database, request: NewRequest): void {
  db.run(
    `INSERT INTO requests (id, tenant, job_type, model, custom_id, fingerprint, webhook, batch_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    request.id,
    request.tenant,
    request.jobType,
    request.model,
    request.customId,
    request.fingerprint,
    request.webhook,
    request.batchId,
    request.createdAt,
  );
}

/** Within the transaction that takes its item out of its window. */
export function withdrawRequest(db: Database, tenant: string, id: string, now: number): void {
  db.run("UPDATE requests SET outcome = 'cancelled', ended_at = ? WHERE id = ? AND tenant = ? AND outcome IS NULL", now, id, tenant);
}

export class SqliteRequests implements RequestStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async get(tenant: string, id: string): Promise<RequestRow | null> {
    return this.one(`${ROWS} WHERE id = ? AND tenant = ?`, id, tenant);
  }

  async openWith(tenant: string, jobType: string, customId: string): Promise<RequestRow | null> {
    return this.one(`${ROWS} WHERE tenant = ? AND jobType = ? AND customId = ? AND outcome IS NULL`, tenant, jobType, customId);
  }

  async list(
    tenant: string,
    filter: { jobType?: string | undefined; state?: RequestState | undefined },
    page: { before: { createdAt: number; id: string } | null; limit: number },
  ): Promise<RequestRow[]> {
    const before = page.before ?? { createdAt: Number.MAX_SAFE_INTEGER, id: "" };
    const where = ["tenant = ?", "(createdAt, id) < (?, ?)"];
    const given: (string | number)[] = [tenant, before.createdAt, before.id];
    if (filter.jobType !== undefined) {
      where.push("jobType = ?");
      given.push(filter.jobType);
    }
    if (filter.state !== undefined) {
      where.push("state = ?");
      given.push(filter.state);
    }
    return this.db.all<RequestRow>(`${ROWS} WHERE ${where.join(" AND ")} ORDER BY createdAt DESC, id DESC LIMIT ?`, ...given, page.limit);
  }

  async ofBatch(tenant: string, batchId: string, wanted: { ids: readonly string[] } | { limit: number }): Promise<RequestRow[]> {
    return "ids" in wanted
      ? this.db.all<RequestRow>(
          `${ROWS} WHERE tenant = ? AND batchId = ? AND id IN (SELECT value FROM json_each(?))`,
          tenant,
          batchId,
          JSON.stringify(wanted.ids),
        )
      : this.db.all<RequestRow>(`${ROWS} WHERE tenant = ? AND batchId = ? AND outcome IS NULL LIMIT ?`, tenant, batchId, wanted.limit);
  }

  async open(): Promise<{ tenant: string; batchId: string }[]> {
    return this.db.all("SELECT DISTINCT tenant, batch_id AS batchId FROM requests WHERE outcome IS NULL");
  }

  async settle(tenant: string, ended: readonly RequestEnd[], now: number): Promise<string[]> {
    return this.db.transaction(() => {
      const changed: string[] = [];
      for (const { id, outcome, message } of ended) {
        const rows = this.db.run(
          "UPDATE requests SET outcome = ?3, ended_at = ?4 WHERE id = ?1 AND tenant = ?2 AND (outcome IS NULL OR (?3 = 'done' AND outcome <> 'done'))",
          id,
          tenant,
          outcome,
          now,
        );
        if (rows === 0) continue;
        changed.push(id);
        if (message !== null) insertMessage(this.db, tenant, message, now);
      }
      return changed;
    });
  }

  async remove(before: number, limit: number): Promise<number> {
    return this.db.run(
      `DELETE FROM requests WHERE id IN (SELECT id FROM requests r WHERE ended_at < ?
         AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = r.batch_id) ORDER BY ended_at LIMIT ?)`,
      before,
      limit,
    );
  }

  private one(sql: string, ...parameters: string[]): RequestRow | null {
    return this.db.get<RequestRow>(sql, ...parameters) ?? null;
  }
}
