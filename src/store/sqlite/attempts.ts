import type { SQLInputValue } from "node:sqlite";
import { ATTEMPT_STATES, attemptMoveFrom, isEnded, isUpstream, type AttemptState } from "../../model/attempt-moves.ts";
import type { BatchStatus, ChunkState } from "../../model/moves.ts";
import type { AttemptChange, AttemptRow, AttemptStore, AttemptSums, LeasedAttempt, NewAttempt } from "../attempts.ts";
import type { Database } from "./database/database.ts";
import { inList } from "./rows/in-list.ts";

/** Field of a row → its column. `report` is JSON, `cancelSent` 0 or 1. */
const COLUMNS = {
  id: "id",
  tenant: "tenant",
  batchId: "batch_id",
  operation: "operation",
  chunkId: "chunk_id",
  epoch: "epoch",
  provider: "provider",
  model: "model",
  endpoint: "endpoint",
  state: "state",
  lines: "lines",
  tokens: "tokens",
  bytes: "bytes",
  sha256: "sha256",
  inputFileId: "input_file_id",
  upstreamId: "upstream_id",
  upstreamStatus: "upstream_status",
  outputFileId: "output_file_id",
  errorFileId: "error_file_id",
  createdAt: "created_at",
  uploadedAt: "uploaded_at",
  sentAt: "sent_at",
  endedAt: "ended_at",
  collectedAt: "collected_at",
  timeoutAt: "timeout_at",
  dueAt: "due_at",
  misses: "misses",
  polls: "polls",
  cancelSent: "cancel_sent",
  errorCode: "error_code",
  error: "error",
  report: "report",
} as const satisfies Record<keyof AttemptRow, string>;

const SELECTED = Object.entries(COLUMNS)
  .map(([field, column]) => `a.${column} AS ${field}`)
  .join(", ");

const LEASED = `SELECT ${SELECTED}, CASE WHEN c.epoch = a.epoch THEN c.state END AS chunk, b.status AS batch
  FROM attempts a LEFT JOIN chunks c ON c.id = a.chunk_id LEFT JOIN batches b ON b.id = a.batch_id`;

/** The provider counts their tokens, or soon will. */
const ENQUEUED = inList(ATTEMPT_STATES.filter((state) => state === "create_sent" || isUpstream(state)));

const REPORT_SUMS = ["lines", "succeeded", "failed", "missing", "duplicates", "unknown", "unreadable"]
  .map((field) => `COALESCE(SUM(report ->> '${field}'), 0) AS ${field}`)
  .join(", ");

type Raw = Omit<AttemptRow, "report" | "cancelSent"> & { report: string | null; cancelSent: number };

export class SqliteAttempts implements AttemptStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async prepare(attempt: NewAttempt): Promise<boolean> {
    return this.db.transaction(() => {
      if (attempt.chunkId !== null && this.openOf(attempt.chunkId, attempt.epoch) !== undefined) return false;
      this.insert({ ...attempt, state: "prepared", dueAt: attempt.createdAt });
      return true;
    });
  }

  async stray(of: AttemptRow, { id, upstreamId, now }: { id: string; upstreamId: string; now: number }): Promise<AttemptRow | null> {
    return this.db.transaction(() => {
      if (this.db.get("SELECT 1 FROM attempts WHERE provider = ? AND upstream_id = ?", of.provider, upstreamId) !== undefined) return null;
      const { tenant, batchId, operation, epoch, provider, model, endpoint, lines, tokens, bytes, sha256, inputFileId } = of;
      const same = { tenant, batchId, operation, epoch, provider, model, endpoint, lines, tokens, bytes, sha256, inputFileId };
      this.insert({ ...same, id, upstreamId, chunkId: null, state: "validating", createdAt: now, timeoutAt: now, dueAt: now });
      return this.load(id)!;
    });
  }

  async get(id: string): Promise<AttemptRow | null> {
    return this.load(id) ?? null;
  }

  async ofChunk(chunkId: number, epoch: number): Promise<AttemptRow | null> {
    return this.openOf(chunkId, epoch) ?? null;
  }

  async lease(owner: string, { now, leaseMs, limit }: { now: number; leaseMs: number; limit: number }): Promise<LeasedAttempt[]> {
    return this.db.transaction(() => {
      const due = this.db.all<Raw & Pick<LeasedAttempt, "chunk" | "batch">>(
        `${LEASED} WHERE a.due_at <= ?1 AND (a.owner IS NULL OR a.owner = ?2 OR a.lease_until < ?1) ORDER BY a.due_at, a.id LIMIT ?3`,
        now,
        owner,
        limit,
      );
      for (const { id } of due) this.hold(owner, id, now + leaseMs);
      return due.map(toLeased);
    });
  }

  async take(owner: string, id: string, { now, leaseMs }: { now: number; leaseMs: number }): Promise<LeasedAttempt | null> {
    return this.db.transaction(() => {
      const found = this.db.get<Raw & Pick<LeasedAttempt, "chunk" | "batch">>(
        `${LEASED} WHERE a.id = ?1 AND (a.owner IS NULL OR a.owner = ?2 OR a.lease_until < ?3)`,
        id,
        owner,
        now,
      );
      if (found === undefined) return null;
      this.hold(owner, id, now + leaseMs);
      return toLeased(found);
    });
  }

  async move(owner: string, id: string, to: AttemptState, change: AttemptChange, now: number): Promise<AttemptRow | null> {
    const ended = isEnded(to) && to !== "ingested" ? { endedAt: now } : {};
    const last = to === "ingested" ? { dueAt: null } : {};
    return this.write(owner, id, { misses: 0, polls: 0, ...change, ...ended, ...last, state: to }, inList(attemptMoveFrom(to)));
  }

  async note(owner: string, id: string, change: AttemptChange): Promise<AttemptRow | null> {
    return this.write(owner, id, change, null);
  }

  async hurry(batchId: string | null, now: number): Promise<void> {
    this.db.run("UPDATE attempts SET due_at = ?1 WHERE due_at > ?1 AND (?2 IS NULL OR batch_id = ?2)", now, batchId);
  }

  async nextDueAt(owner: string): Promise<number | null> {
    return this.db.get<{ at: number | null }>(
      "SELECT MIN(CASE WHEN owner IS NULL OR owner = ? THEN due_at ELSE MAX(due_at, lease_until + 1) END) AS at FROM attempts WHERE due_at IS NOT NULL",
      owner,
    )!.at;
  }

  async open(tenant: string, batchId: string, limit: number): Promise<AttemptRow[]> {
    return this.db
      .all<Raw>(
        `SELECT ${SELECTED} FROM attempts a WHERE a.tenant = ? AND a.batch_id = ? AND a.due_at IS NOT NULL ORDER BY a.due_at, a.id LIMIT ?`,
        tenant,
        batchId,
        limit,
      )
      .map(toRow);
  }

  async reports(tenant: string, batchId: string): Promise<AttemptSums> {
    return this.db.get<AttemptSums>(
      `SELECT COUNT(*) AS attempts, COALESCE(SUM(chunk_id IS NULL), 0) AS strays, ${REPORT_SUMS}
       FROM attempts WHERE tenant = ? AND batch_id = ? AND state = 'ingested'`,
      tenant,
      batchId,
    )!;
  }

  async refusals(): Promise<{ provider: string; model: string; message: string }[]> {
    // The other columns are those of the row with the greatest ended_at. What was put off here, unsent, has no upload or no message of a limit.
    return this.db
      .all<{ provider: string; model: string; message: string; at: number }>(
        `SELECT provider, model, error AS message, MAX(ended_at) AS at FROM attempts
         WHERE error_code = 'token_limit_exceeded' AND sent_at IS NOT NULL AND error IS NOT NULL GROUP BY provider, model ORDER BY provider, model`,
      )
      .map(({ provider, model, message }) => ({ provider, model, message }));
  }

  async ofBatch(tenant: string, batchId: string, limit: number): Promise<AttemptRow[]> {
    return this.db
      .all<Raw>(
        `SELECT ${SELECTED} FROM attempts a WHERE a.tenant = ? AND a.batch_id = ? ORDER BY a.created_at, a.id LIMIT ?`,
        tenant,
        batchId,
        limit,
      )
      .map(toRow);
  }

  async enqueuedTokens(): Promise<{ provider: string; model: string; tokens: number }[]> {
    return this.db.all(
      `SELECT provider, model, SUM(tokens) AS tokens FROM attempts WHERE due_at IS NOT NULL AND state IN (${ENQUEUED}) GROUP BY provider, model`,
    );
  }

  private load(id: string): AttemptRow | undefined {
    const raw = this.db.get<Raw>(`SELECT ${SELECTED} FROM attempts a WHERE a.id = ?`, id);
    return raw === undefined ? undefined : toRow(raw);
  }

  private openOf(chunkId: number, epoch: number): AttemptRow | undefined {
    const raw = this.db.get<Raw>(
      `SELECT ${SELECTED} FROM attempts a WHERE a.chunk_id = ? AND a.epoch = ? AND a.state <> 'ingested'`,
      chunkId,
      epoch,
    );
    return raw === undefined ? undefined : toRow(raw);
  }

  private insert(row: Partial<AttemptRow>): void {
    const entries = Object.entries(row) as [keyof AttemptRow, unknown][];
    const columns = entries.map(([field]) => COLUMNS[field]).join(", ");
    this.db.run(
      `INSERT INTO attempts (${columns}) VALUES (${entries.map(() => "?").join(", ")})`,
      ...entries.map(([field, value]) => toColumn(field, value)),
    );
  }

  private hold(owner: string, id: string, until: number): void {
    this.db.run("UPDATE attempts SET owner = ?, lease_until = ? WHERE id = ?", owner, until, id);
  }

  /** `from`: list of states the attempt must be in; null = any but ingested. */
  private write(owner: string, id: string, change: Partial<AttemptRow>, from: string | null): AttemptRow | null {
    const entries = Object.entries(change) as [keyof AttemptRow, unknown][];
    const changed = this.db.run(
      `UPDATE attempts SET ${entries.map(([field]) => `${COLUMNS[field]} = ?`).join(", ")}
       WHERE id = ? AND owner = ? AND ${from === null ? "state <> 'ingested'" : `state IN (${from})`}`,
      ...entries.map(([field, value]) => toColumn(field, value)),
      id,
      owner,
    );
    return changed === 0 ? null : this.load(id)!;
  }
}

function toColumn(field: keyof AttemptRow, value: unknown): SQLInputValue {
  if (field === "report") return value === null ? null : JSON.stringify(value);
  if (field === "cancelSent") return value === true ? 1 : 0;
  return (value ?? null) as string | number | null;
}

function toRow(raw: Raw): AttemptRow {
  return {
    ...raw,
    cancelSent: raw.cancelSent === 1,
    report: raw.report === null ? null : (JSON.parse(raw.report) as AttemptRow["report"]),
  };
}

function toLeased({ chunk, batch, ...raw }: Raw & { chunk: ChunkState | null; batch: BatchStatus | null }): LeasedAttempt {
  return { ...toRow(raw), chunk, batch };
}
