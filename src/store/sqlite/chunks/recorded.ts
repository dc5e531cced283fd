import { hasBit, newBits, setBit } from "../../../model/bits.ts";
import { loadChunk, type ItemPlace } from "../rows/chunk-row.ts";
import type { Database } from "../database/database.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { toNanoUsd, type NanoUsd } from "../../../model/money.ts";
import { BatchStats } from "../../../model/stats/batch-stats.ts";
import { SuccessBlock } from "../../../model/success-block.ts";
import type { NewFailure, RecordedResult } from "../../port.ts";

/** Where an item stands; null for one that was only announced. */
export interface Place {
  chunkId: number | null;
  index: number | null;
}

/** Reported results, gathered by chunk, so that a report of a thousand is a few rows and not a thousand. */
export class Recorded {
  readonly parts = new Map<number | null, { successes: SuccessBlock; keys: string[] | null; failures: NewFailure[] }>();
  readonly stats = new BatchStats();
  count = 0;
  succeeded = 0;
  cost: NanoUsd = 0;

  add(result: RecordedResult, place: Place, now: number): void {
    let part = this.parts.get(place.chunkId);
    if (part === undefined) {
      part = { successes: new SuccessBlock(), keys: place.chunkId === null ? [] : null, failures: [] };
      this.parts.set(place.chunkId, part);
    }
    const { text, retries, durationMs, qualityScore, cost } = result;
    this.count += 1;
    if (result.failure === null) {
      this.succeeded += 1;
      part.successes.add({ item: place.index ?? part.keys!.length, text, retries, at: now, durationMs, qualityScore, cost });
      part.keys?.push(result.nodeId);
    } else part.failures.push({ ...result.failure, nodeId: result.nodeId, index: place.index });
    if (durationMs !== null) this.stats.addDuration(durationMs);
    if (qualityScore !== null) this.stats.addScore(qualityScore);
    if (cost !== null) this.cost += toNanoUsd(cost);
  }
}

/** Does this key have a result that stands? */
export function isSettled(db: Database, raw: RawBatch, key: string, place: ItemPlace | undefined): boolean {
  if (place === undefined) return db.get("SELECT 1 FROM recorded WHERE batch_id = ? AND key = ?", raw.id, key) !== undefined;
  const chunk = loadChunk(db, place.chunkId)!;
  return chunk.done !== null && hasBit(chunk.done, place.index);
}

/** Marks one reported item as settled and says where it stands; `open` items have no result yet. */
export function settleReported(
  db: Database,
  raw: RawBatch,
  result: RecordedResult,
  standing: readonly ItemPlace[],
  open: number,
): Place | "duplicate" | "unknown" {
  for (const place of standing) {
    const chunk = loadChunk(db, place.chunkId)!;
    const done = chunk.done ?? newBits(chunk.items);
    // Settled here, or handed on to a successor, which was looked at before (newest first).
    if (hasBit(done, place.index)) continue;
    if (chunk.state !== "pending") return "unknown";
    setBit(done, place.index);
    const finished = chunk.settled + 1 + chunk.moved === chunk.items;
    // Whoever lost a lease on it did not end it: nothing is taken under that fence.
    db.run(
      "UPDATE chunks SET done = ?, settled = settled + 1, state = ?, fence = fence + ? WHERE id = ?",
      done,
      finished ? "done" : "pending",
      finished ? 1 : 0,
      chunk.id,
    );
    if (finished) raw.open_chunks -= 1;
    return place;
  }
  if (raw.announced === 0) return standing.length > 0 ? "duplicate" : "unknown";
  if (open === 0) return "unknown";
  const isNew = db.run("INSERT INTO recorded (batch_id, key) VALUES (?, ?) ON CONFLICT DO NOTHING", raw.id, result.nodeId) > 0;
  return isNew ? { chunkId: null, index: null } : "duplicate";
}
