import { isFinal } from "../../../model/moves.ts";
import { priorityName } from "../../../model/priority.ts";
import { BatchStats } from "../../../model/stats/batch-stats.ts";
import { CHUNKS_AT_ONCE, dropAct, isActing, isBeingEnded, ITEMS_AT_ONCE, saveAct, type LongAct } from "../rows/act-row.ts";
import { cancelChunks, cancelOpenWork, emitBatch, emitProgress, moveBatch, openCount, saveBatch } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import { closeBatch, endIfSettled } from "./ending.ts";
import { failOpenItems, triedCount } from "./finish.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { StatsCache } from "./stats-cache.ts";

type Ending = "cancelled" | "expired" | "failed";

/** Acts on a batch, each within a transaction that has loaded it. False: it does not apply to the state the batch is in, and nothing changed. */

export function pauseBatch(db: Database, raw: RawBatch, now: number): boolean {
  if (!moveBatch(db, raw, "pause", "paused")) return false;
  saveBatch(db, raw);
  emitBatch(db, raw, "batch.paused", now);
  return true;
}

export function resumeBatch(db: Database, raw: RawBatch, now: number): boolean {
  const moved = raw.started_at === null ? moveBatch(db, raw, "resume_unstarted", "pending") : moveBatch(db, raw, "resume", "running");
  if (!moved) return false;
  saveBatch(db, raw);
  emitBatch(db, raw, "batch.resumed", now);
  return true;
}

/** One with very many chunks is only begun to end, which LongActs goes on with; what somebody holds of it is taken away at once. */
export function endBatch(db: Database, raw: RawBatch, as: Ending, error: string | null, now: number): boolean {
  if (isFinal(raw.status)) return false;
  if (isBeingEnded(db, raw.id)) return true;
  if (raw.open_chunks <= CHUNKS_AT_ONCE) {
    endNow(db, raw, as, error, now);
    return true;
  }
  cancelChunks(db, raw, stoppedAs(as), "leased");
  saveAct(db, raw.id, { kind: "end", as, error, now });
  saveBatch(db, raw);
  return true;
}

/** The next of its chunks; true = it has ended. */
export function endNext(db: Database, raw: RawBatch, { as, error, now }: LongAct & { kind: "end" }): boolean {
  if (raw.open_chunks <= CHUNKS_AT_ONCE) {
    endNow(db, raw, as, error, now);
    return true;
  }
  cancelChunks(db, raw, stoppedAs(as), CHUNKS_AT_ONCE);
  saveBatch(db, raw);
  return false;
}

function endNow(db: Database, raw: RawBatch, as: Ending, error: string | null, now: number): void {
  cancelOpenWork(db, raw, stoppedAs(as));
  raw.error = error;
  closeBatch(db, raw, as === "cancelled" ? "cancel" : as === "expired" ? "expire" : "fail", as, now);
}

function stoppedAs(as: Ending): "cancelled" | "expired" {
  return as === "expired" ? "expired" : "cancelled";
}

/** `priority`: rank. */
export function prioritiseBatch(db: Database, raw: RawBatch, priority: number, now: number): boolean {
  if (isFinal(raw.status)) return false;
  raw.priority = priority;
  saveBatch(db, raw);
  emitProgress(db, raw, now, null, { priority: priorityName(priority) });
  return true;
}

/** Everything open fails; of very many items the first ones with the next slice of the long act this begins. */
export function finishBatch(
  db: Database,
  statistics: StatsCache,
  raw: RawBatch,
  failure: { error: string; code: string },
  now: number,
): boolean {
  if (isFinal(raw.status) || isBeingEnded(db, raw.id)) return false;
  if (openCount(raw) > ITEMS_AT_ONCE) {
    saveAct(db, raw.id, { kind: "finish", ...failure, chunk: 0, unreported: 1, now });
    return true;
  }
  dropAct(db, raw.id);
  const failed = failOpenItems(db, raw, failure, now);
  statistics.add(raw.id, new BatchStats(), 0, failed, now);
  statistics.drop(raw.id);
  endIfSettled(db, raw, now);
  return true;
}

/** What waits to be tried again fails; false also where nothing does, or where a long act is under way. */
export function giveUpTries(
  db: Database,
  statistics: StatsCache,
  raw: RawBatch,
  failure: { error: string; code: string },
  now: number,
): boolean {
  if (isFinal(raw.status) || isActing(db, raw.id)) return false;
  const tried = triedCount(db, raw.id);
  if (tried === 0) return false;
  if (tried > ITEMS_AT_ONCE) {
    saveAct(db, raw.id, { kind: "finish", tried: true, ...failure, chunk: 0, unreported: 1, now });
    return true;
  }
  statistics.add(raw.id, new BatchStats(), 0, failOpenItems(db, raw, failure, now, "tried"), now);
  if (openCount(raw) === 0) {
    statistics.drop(raw.id);
    endIfSettled(db, raw, now);
    return true;
  }
  saveBatch(db, raw);
  emitProgress(db, raw, now, statistics.recent(raw.id));
  return true;
}
