import { isFinal } from "../../../model/moves.ts";
import { cancelOpenWork, emitBatch, moveBatch, saveBatch } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import { closeBatch } from "./ending.ts";
import type { RawBatch } from "../database/raw-batch.ts";

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

export function endBatch(db: Database, raw: RawBatch, as: "cancelled" | "expired" | "failed", error: string | null, now: number): boolean {
  if (isFinal(raw.status)) return false;
  cancelOpenWork(db, raw, as === "expired" ? "expired" : "cancelled");
  raw.error = error;
  closeBatch(db, raw, as === "cancelled" ? "cancel" : as === "expired" ? "expire" : "fail", as, now);
  return true;
}

/** `priority`: rank. */
export function prioritiseBatch(db: Database, raw: RawBatch, priority: number, now: number): boolean {
  if (isFinal(raw.status)) return false;
  raw.priority = priority;
  saveBatch(db, raw);
  emitBatch(db, raw, "batch.progress", now, { priority });
  return true;
}
