import type { EventDraft, Severity } from "../../../model/event.ts";
import type { BatchRow, RunOptions } from "../../../model/batch.ts";
import { openItems } from "../../../model/batch.ts";
import { batchMoveFrom, isFinal, type BatchMove, type BatchStatus } from "../../../model/moves.ts";
import { iso } from "../../../model/clock.ts";
import { priorityName } from "../../../model/priority.ts";
import type { BatchStats } from "../../../model/stats/batch-stats.ts";
import { etaAt, meanRate, recentRate } from "../../../model/stats/rate.ts";
import type { BatchTrace } from "../../../model/trace.ts";
import type { Database } from "../database/database.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { Sums } from "../sums/sums.ts";

export function toBatchRow(raw: RawBatch): BatchRow {
  return {
    id: raw.id,
    tenant: raw.tenant,
    operation: raw.operation,
    status: raw.status,
    epoch: raw.epoch,
    name: raw.name,
    description: raw.description,
    priority: raw.priority,
    filters: JSON.parse(raw.filters) as Record<string, unknown>,
    options: JSON.parse(raw.options) as RunOptions,
    input: raw.input === null ? null : (JSON.parse(raw.input) as BatchRow["input"]),
    metadata: raw.metadata === null ? null : (JSON.parse(raw.metadata) as Record<string, unknown>),
    executor: raw.executor,
    stream: raw.stream,
    streamKey: raw.stream_key,
    closeReason: raw.close_reason,
    dependsOn: JSON.parse(raw.depends_on) as string[],
    replayOf: raw.replay_of,
    tags: JSON.parse(raw.tags) as string[],
    warnings: JSON.parse(raw.warnings) as string[],
    totalItems: raw.total_items,
    succeeded: raw.succeeded,
    failed: raw.failed,
    cancelled: raw.cancelled,
    expired: raw.expired,
    running: raw.running,
    retried: raw.retried,
    late: raw.late,
    leasedChunks: raw.leased_chunks,
    openChunks: raw.open_chunks,
    cost: raw.cost,
    standard: raw.standard,
    saved: raw.saved,
    error: raw.error,
    createdAt: raw.created_at,
    startedAt: raw.started_at,
    completedAt: raw.completed_at,
    deadlineAt: raw.deadline_at,
    trace: raw.trace === null ? null : traceOf(raw.trace),
  };
}

function traceOf(text: string): BatchTrace {
  const [context = "", parent = null] = text.split(" ");
  return { context, parent };
}

export function traceText(trace: BatchTrace | null): string | null {
  if (trace === null) return null;
  return trace.parent === null ? trace.context : `${trace.context} ${trace.parent}`;
}

/** Items without a final state. */
export function openCount(raw: RawBatch): number {
  return openItems({
    totalItems: raw.total_items,
    succeeded: raw.succeeded,
    failed: raw.failed,
    cancelled: raw.cancelled,
    expired: raw.expired,
  });
}

export function loadBatch(db: Database, id: string): RawBatch | undefined {
  return db.get<RawBatch>("SELECT * FROM batches WHERE id = ?", id);
}

/** Sealed and of this tenant, else undefined: what is another's looks exactly like what is not there. */
export function loadOwnBatch(db: Database, tenant: string, id: string): RawBatch | undefined {
  const raw = loadBatch(db, id);
  return raw !== undefined && raw.tenant === tenant && raw.sealed === 1 ? raw : undefined;
}

/** Writes back everything a move may change. */
export function saveBatch(db: Database, raw: RawBatch): void {
  if (raw.sealed === 1) Sums.of(db).jobs.moving(raw.id);
  db.run(
    `UPDATE batches SET status = ?, epoch = ?, priority = ?, total_items = ?, succeeded = ?, failed = ?, cancelled = ?, expired = ?, running = ?,
       retried = ?, late = ?, cost = ?, leased_chunks = ?, open_chunks = ?, sealed = ?, deps_open = ?, ready_at = ?, served_at = ?, max_failures = ?, announced = ?,
       started_at = ?, completed_at = ?, error = ? WHERE id = ?`,
    raw.status,
    raw.epoch,
    raw.priority,
    raw.total_items,
    raw.succeeded,
    raw.failed,
    raw.cancelled,
    raw.expired,
    raw.running,
    raw.retried,
    raw.late,
    raw.cost,
    raw.leased_chunks,
    raw.open_chunks,
    raw.sealed,
    raw.deps_open,
    raw.ready_at,
    raw.served_at,
    raw.max_failures,
    raw.announced,
    raw.started_at,
    raw.completed_at,
    raw.error,
    raw.id,
  );
}

/** The ledger has booked requests of a batch; nano-dollars. */
export function addSavings(db: Database, id: string, standard: number, paid: number): void {
  if (standard === 0 && paid === 0) return;
  Sums.of(db).jobs.moving(id);
  db.run("UPDATE batches SET standard = standard + ?, saved = saved + ? WHERE id = ?", standard, standard - paid, id);
}

export function insertEvent(db: Database, event: EventDraft): void {
  db.run(
    "INSERT INTO events (tenant, type, entity_kind, entity_id, severity, ts, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
    event.tenant,
    event.type,
    event.entity.kind,
    event.entity.id,
    event.severity,
    event.ts,
    JSON.stringify(event.data),
  );
  Sums.of(db).flow.event(event);
  db.announce();
}

/** What every batch event carries. */
export function countsOf(raw: RawBatch): Record<string, unknown> {
  return {
    batch_id: raw.id,
    operation: raw.operation,
    status: raw.status,
    epoch: raw.epoch,
    total: raw.total_items,
    processed: raw.succeeded + raw.failed,
    succeeded: raw.succeeded,
    failed: raw.failed,
    cancelled: raw.cancelled,
    expired: raw.expired,
    ...originOf(raw),
  };
}

/** The window that a batch was, for events about it; empty for a batch that no stream made. */
export function originOf(raw: Pick<RawBatch, "stream" | "stream_key">): Record<string, unknown> {
  return raw.stream === null ? {} : { stream: raw.stream, key: raw.stream_key };
}

export function emitBatch(
  db: Database,
  raw: RawBatch,
  type: string,
  now: number,
  extra: Record<string, unknown> = {},
  severity: Severity = "info",
): void {
  insertEvent(db, {
    tenant: raw.tenant,
    type,
    entity: { kind: "batch", id: raw.id },
    severity,
    ts: now,
    data: { ...countsOf(raw), ...extra },
  });
}

/** floor(ended / total · 100), 100 only when final. */
function progressOf(raw: RawBatch): number {
  if (isFinal(raw.status)) return 100;
  if (raw.total_items === 0) return 0;
  return Math.min(99, Math.floor(((raw.total_items - openCount(raw)) / raw.total_items) * 100));
}

/** `stats`: those of the batch, where they are known; without them nothing is said of rate and end of one that is still open. */
export function emitProgress(
  db: Database,
  raw: RawBatch,
  now: number,
  stats: BatchStats | null,
  extra: Record<string, unknown> = {},
): void {
  const speed = stats === null && !isFinal(raw.status) ? {} : speedOf(raw, stats, now);
  emitBatch(db, raw, "batch.progress", now, { progress: progressOf(raw), ...speed, ...extra });
}

/** Items per second, and the time of the end at that rate; null = unknown. */
function speedOf(raw: RawBatch, stats: BatchStats | null, now: number): { rate: number | null; eta: string | null } {
  const standing = { ...raw, totalItems: raw.total_items, startedAt: raw.started_at, completedAt: raw.completed_at };
  const rate = stats === null ? meanRate(standing) : recentRate(standing, stats, now);
  return { rate: rate === null ? null : Math.round(rate * 1000) / 1000, eta: iso(etaAt(standing, rate, now)) };
}

/** Longer options, filters and metadata are only told to those who ask for the batch: the log is kept for a day. */
const MOST_TOLD = 4096;

/** The batch of the HTTP contract, as it is when it is made: what batch.created carries besides the counts. */
export function createdOf(raw: RawBatch): Record<string, unknown> {
  const told = (name: string, text: string | null): Record<string, unknown> =>
    text === null || text.length > MOST_TOLD ? {} : { [name]: JSON.parse(text) as unknown };
  return {
    id: raw.id,
    progress: progressOf(raw),
    created_at: iso(raw.created_at),
    total_items: raw.total_items,
    processed_items: raw.succeeded + raw.failed,
    succeeded_items: raw.succeeded,
    failed_items: raw.failed,
    retried_items: raw.retried,
    ...told("filters", raw.filters),
    ...told("options", raw.options),
    ...told("metadata", raw.metadata),
    name: raw.name,
    description: raw.description,
    priority: priorityName(raw.priority),
    ...(raw.close_reason === null ? {} : { close_reason: raw.close_reason }),
    executor: raw.executor,
    depends_on: JSON.parse(raw.depends_on) as unknown,
    tags: JSON.parse(raw.tags) as unknown,
    ...(raw.deadline_at === null ? {} : { deadline_at: iso(raw.deadline_at) }),
    ...(raw.replay_of === null ? {} : { replay_of: raw.replay_of }),
  };
}

/** The one place where a batch changes its status: checks the table of moves, keeps the counts by status. False = the move does not exist from here. */
export function moveBatch(db: Database, raw: RawBatch, move: BatchMove, to: BatchStatus): boolean {
  if (!batchMoveFrom(move).includes(raw.status)) return false;
  countStatus(db, raw, -1);
  raw.status = to;
  countStatus(db, raw, 1);
  return true;
}

export function countStatus(db: Database, raw: Pick<RawBatch, "tenant" | "operation" | "status">, change: 1 | -1): void {
  db.run(
    `INSERT INTO batch_counts (tenant, operation, status, batches) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (tenant, operation, status) DO UPDATE SET batches = batches + ?4`,
    raw.tenant,
    raw.operation,
    raw.status,
    change,
  );
}

/** Earliest time a pending chunk of the batch may run; null = none is pending. */
export function refreshReadyAt(db: Database, raw: RawBatch): void {
  raw.ready_at = db.get<{ at: number | null }>(
    "SELECT MIN(available_at) AS at FROM chunks WHERE batch_id = ? AND state = 'pending'",
    raw.id,
  )!.at;
}

/** Settles everything open: chunks become cancelled under a new fence, so that late commits are refused. */
export function cancelOpenWork(db: Database, raw: RawBatch, as: "cancelled" | "expired"): void {
  raw[as] += openCount(raw);
  db.run(
    "UPDATE chunks SET state = 'cancelled', lease_until = NULL, fence = fence + 1 WHERE batch_id = ? AND state IN ('pending', 'leased')",
    raw.id,
  );
  raw.running = raw.leased_chunks = raw.open_chunks = 0;
}

/** The same for some chunks only, which are all of those that somebody holds, or so many of those that wait. */
export function cancelChunks(db: Database, raw: RawBatch, as: "cancelled" | "expired", which: "leased" | number): void {
  const chosen =
    which === "leased"
      ? "SELECT id FROM chunks INDEXED BY chunks_leased WHERE state = 'leased' AND batch_id = ?"
      : `SELECT id FROM chunks INDEXED BY chunks_pending WHERE state = 'pending' AND batch_id = ? LIMIT ${which}`;
  const rows = db.all<{ open: number }>(
    `UPDATE chunks SET state = 'cancelled', lease_until = NULL, fence = fence + 1 WHERE id IN (${chosen}) RETURNING items - settled - moved AS open`,
    raw.id,
  );
  raw[as] += rows.reduce((sum, { open }) => sum + open, 0);
  raw.open_chunks -= rows.length;
  if (which === "leased") raw.running = raw.leased_chunks = 0;
  refreshReadyAt(db, raw);
}
