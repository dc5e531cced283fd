import type { CacheFigures } from "../../../model/cache-figures.ts";
import { BatchStats } from "../../../model/stats/batch-stats.ts";
import type { Database } from "../database/database.ts";

/** Decoded statistics kept. */
const KEPT = 64;
/** Bytes that a character of the stored text takes when it is decoded, about: numbers in maps. */
const DECODED = 8;

/**
 * The statistics of batches that are being committed to, decoded: this process is the only writer. There is one for the whole
 * store, because two would overwrite each other; after a transaction that failed it must be cleared.
 */
export class StatsCache {
  private readonly db: Database;
  private readonly kept = new Map<string, BatchStats>();
  private hits = 0;
  private misses = 0;

  constructor(db: Database) {
    this.db = db;
  }

  /** Adds results to a batch's statistics and writes them. */
  add(batchId: string, delta: BatchStats, succeeded: number, failed: number, now: number): void {
    if (succeeded + failed === 0) return;
    let stats = this.kept.get(batchId);
    if (stats !== undefined) this.hits += 1;
    else {
      this.misses += 1;
      stats = this.load(batchId);
      if (this.kept.size >= KEPT) this.kept.delete(this.kept.keys().next().value!);
      this.kept.set(batchId, stats);
    }
    stats.merge(delta);
    stats.timeline.add(now, succeeded, failed);
    this.write(batchId, stats);
  }

  /** As it stands, not to be changed: what was added to lately is here, the rest is read. */
  recent(batchId: string): BatchStats {
    return this.kept.get(batchId) ?? this.load(batchId);
  }

  /** A copy of what is stored. */
  load(batchId: string): BatchStats {
    return BatchStats.decode(this.db.get<{ body: string }>("SELECT body FROM batch_stats WHERE batch_id = ?", batchId)?.body ?? null);
  }

  replace(batchId: string, stats: BatchStats): void {
    this.kept.delete(batchId);
    this.write(batchId, stats);
  }

  /** The batch has ended: nothing will be added soon. */
  drop(batchId: string): void {
    this.kept.delete(batchId);
  }

  clear(): void {
    this.kept.clear();
  }

  cache(): CacheFigures {
    let chars = 0;
    for (const stats of this.kept.values()) chars += stats.encode().length;
    return { name: "batch_statistics", entries: this.kept.size, limit: KEPT, hits: this.hits, misses: this.misses, bytes: chars * DECODED };
  }

  private write(batchId: string, stats: BatchStats): void {
    this.db.run(
      "INSERT INTO batch_stats (batch_id, body) VALUES (?1, ?2) ON CONFLICT (batch_id) DO UPDATE SET body = ?2",
      batchId,
      stats.encode(),
    );
  }
}
