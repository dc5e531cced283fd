import type { NewFailure } from "../../port.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";
import { Sums } from "../sums/sums.ts";

const EXAMPLES = 5;
const HOUR_MS = 3_600_000;
/** Kinds of a tenant told apart within an hour: errors that are all different must not make as many rows. */
const KINDS_AN_HOUR = 500;

/** Writes final failures and their groups. The batch's `failed` counter is the caller's. */
export function insertFailures(db: Database, raw: RawBatch, chunkId: number | null, failures: readonly NewFailure[], now: number): void {
  if (failures.length === 0) return;
  Sums.of(db).jobs.moving(raw.id);
  const groups = new Map<string, { first: NewFailure; count: number; examples: string[] }>();
  for (const failure of failures) {
    db.run(
      "INSERT INTO failures (batch_id, chunk_id, item, epoch, node_id, fingerprint, error, created_at, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      raw.id,
      chunkId,
      failure.index,
      raw.epoch,
      failure.nodeId,
      failure.fingerprint,
      failure.error,
      now,
      failure.line,
    );
    const group = groups.get(failure.fingerprint);
    if (group === undefined) groups.set(failure.fingerprint, { first: failure, count: 1, examples: [failure.nodeId] });
    else {
      group.count += 1;
      if (group.examples.length < EXAMPLES) group.examples.push(failure.nodeId);
    }
  }
  for (const [fingerprint, group] of groups) {
    const stored = db.get<{ examples: string }>(
      "SELECT examples FROM error_groups WHERE batch_id = ? AND fingerprint = ?",
      raw.id,
      fingerprint,
    );
    const examples = [...new Set([...(stored === undefined ? [] : (JSON.parse(stored.examples) as string[])), ...group.examples])].slice(
      0,
      EXAMPLES,
    );
    db.run(
      `INSERT INTO error_groups (batch_id, fingerprint, error, code, category, failures, first_seen, last_seen, examples, tenant, operation, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11)
       ON CONFLICT (batch_id, fingerprint) DO UPDATE SET failures = failures + ?6, last_seen = ?7, examples = ?8`,
      raw.id,
      fingerprint,
      group.first.error,
      group.first.code,
      group.first.category,
      group.count,
      now,
      JSON.stringify(examples),
      raw.tenant,
      raw.operation,
      raw.created_at,
    );
    countKind(db, raw, group.first, group.count, now);
  }
}

/** One more of this kind in this hour. */
function countKind(db: Database, raw: RawBatch, failure: NewFailure, count: number, now: number): void {
  const hour = now - (now % HOUR_MS);
  const stream = raw.stream ?? "";
  const isKnown = (fingerprint: string): boolean =>
    db.get(
      "SELECT 1 FROM failure_hours WHERE tenant = ? AND hour = ? AND fingerprint = ? AND operation = ? AND stream = ?",
      raw.tenant,
      hour,
      fingerprint,
      raw.operation,
      stream,
    ) !== undefined;
  const isFull = (): boolean =>
    db.get<{ n: number }>("SELECT COUNT(*) AS n FROM failure_hours WHERE tenant = ? AND hour = ?", raw.tenant, hour)!.n >= KINDS_AN_HOUR;
  const fingerprint = isKnown(failure.fingerprint) || !isFull() ? failure.fingerprint : "";
  db.run(
    `INSERT INTO failure_hours (tenant, hour, fingerprint, operation, stream, failures, error, code, category, first_seen, last_seen, batch_id, node_id)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)
     ON CONFLICT (tenant, hour, fingerprint, operation, stream) DO UPDATE SET failures = failures + ?6, error = ?7, last_seen = ?10, batch_id = ?11, node_id = ?12`,
    raw.tenant,
    hour,
    fingerprint,
    raw.operation,
    stream,
    count,
    failure.error,
    failure.code,
    failure.category,
    now,
    raw.id,
    failure.nodeId,
  );
}
