import { isFinal, type BatchMove, type BatchStatus } from "../../../model/moves.ts";
import { dropAct, isActing } from "../rows/act-row.ts";
import {
  cancelOpenWork,
  countsOf,
  emitBatch,
  emitProgress,
  loadBatch,
  loadOwnBatch,
  moveBatch,
  openCount,
  saveBatch,
} from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";
import { insertMessage } from "../rows/outbox-row.ts";
import { Sums } from "../sums/sums.ts";

/** Ends a batch whose items have all ended. Saves it. */
export function endIfSettled(db: Database, raw: RawBatch, now: number): void {
  if (raw.sealed === 0 || isFinal(raw.status) || openCount(raw) > 0) return;
  if (isActing(db, raw.id)) return saveBatch(db, raw);
  const completed = raw.succeeded > 0 || raw.total_items === 0;
  if (!completed && raw.error === null) {
    const group = db.get<{ error: string }>("SELECT error FROM error_groups WHERE batch_id = ? ORDER BY failures DESC LIMIT 1", raw.id);
    raw.error =
      raw.total_items === 1
        ? (group?.error ?? "The item failed")
        : `All ${raw.total_items} items failed${group === undefined ? "" : `, most with: ${group.error}`}`;
  }
  closeBatch(db, raw, completed ? "complete" : "fail", completed ? "completed" : "failed", now);
}

/** Moves an open batch to a final state, tells everyone who waits for it, and saves it. The counters must already be final. */
export function closeBatch(db: Database, raw: RawBatch, move: BatchMove, to: BatchStatus, now: number): void {
  if (!moveBatch(db, raw, move, to)) return;
  raw.completed_at = now;
  raw.running = raw.leased_chunks = raw.open_chunks = 0;
  raw.ready_at = null;
  if (raw.deps_open > 0) db.run("DELETE FROM batch_deps WHERE batch_id = ?", raw.id);
  dropAct(db, raw.id);
  raw.deps_open = 0;
  saveBatch(db, raw);
  Sums.of(db).flow.ended(raw, now);
  emitProgress(db, raw, now, null);
  const end = { progress: 100, duration_ms: now - (raw.started_at ?? raw.created_at) };
  emitBatch(db, raw, `batch.${to}`, now, raw.error === null ? end : { ...end, error: raw.error }, to === "failed" ? "critical" : "info");
  notifyEnd(db, raw, now);
  releaseDependents(db, raw, now);
}

function notifyEnd(db: Database, raw: RawBatch, now: number): void {
  const channels = JSON.parse(raw.notify) as string[];
  const subject = `Batch ${raw.name ?? raw.id} ${raw.status}`;
  const body = JSON.stringify({ type: `batch.${raw.status}`, ...countsOf(raw), name: raw.name, error: raw.error });
  for (const channel of channels) {
    const keyOf = (epoch: number): string => `end:${raw.id}:${epoch}:${channel}`;
    insertMessage(db, raw.tenant, { channel, dedupeKey: keyOf(raw.epoch), follows: keyOf(raw.epoch - 1), subject, body }, now);
  }
}

/** A completed batch frees those that wait for it; one that ended otherwise takes them along. */
function releaseDependents(db: Database, ended: RawBatch, now: number): void {
  const waiting = db.all<{ batch_id: string }>("SELECT batch_id FROM batch_deps WHERE depends_on = ?", ended.id);
  db.run("DELETE FROM batch_deps WHERE depends_on = ?", ended.id);
  for (const { batch_id: id } of waiting) {
    const raw = loadBatch(db, id);
    if (raw === undefined || isFinal(raw.status)) continue;
    if (ended.status !== "completed") {
      failWith(db, raw, ended, now);
      continue;
    }
    raw.deps_open -= 1;
    saveBatch(db, raw);
    // One without items has nothing but its dependencies to wait for.
    if (raw.deps_open === 0) endIfSettled(db, raw, now);
  }
}

/**
 * At the start of each epoch: counts the dependencies that are still open, and takes the batch along with one that ended
 * without completing. A retried batch asks anew, because the batches it waited for have gone on in the meantime.
 */
export function awaitDependencies(db: Database, raw: RawBatch, now: number): void {
  let broken: RawBatch | null = null;
  for (const id of new Set(JSON.parse(raw.depends_on) as string[])) {
    const dependency = loadOwnBatch(db, raw.tenant, id);
    if (dependency === undefined || dependency.status === "completed") continue;
    if (isFinal(dependency.status)) broken ??= dependency;
    else raw.deps_open += db.run("INSERT INTO batch_deps (batch_id, depends_on) VALUES (?, ?)", raw.id, id);
  }
  saveBatch(db, raw);
  if (broken !== null) failWith(db, raw, broken, now);
  else if (raw.deps_open === 0) endIfSettled(db, raw, now);
}

function failWith(db: Database, raw: RawBatch, dependency: RawBatch, now: number): void {
  cancelOpenWork(db, raw, "cancelled");
  raw.error = `Batch ${dependency.id}, which this one depends on, ended as ${dependency.status}`;
  closeBatch(db, raw, "fail", "failed", now);
}
