import { setImmediate } from "node:timers/promises";
import { isFinal } from "../../../model/moves.ts";
import { BatchStats } from "../../../model/stats/batch-stats.ts";
import { dropAct, nextAct, type LongAct } from "../rows/act-row.ts";
import { endNext } from "./acts.ts";
import { loadBatch, saveBatch } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import { endIfSettled } from "./ending.ts";
import { failNextItems } from "./finish.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { takeBackNext } from "./retry.ts";
import type { StatsCache } from "./stats-cache.ts";

/**
 * Acts on batches with very many items, some items a transaction. What is left to do stands in the store (batch_acts), so that whoever
 * opens it next goes on; between two slices anybody may work on the batch, and every counter equals a recount.
 */
export class LongActs {
  private readonly db: Database;
  private readonly statistics: StatsCache;
  private running: Promise<void> | null = null;
  private isClosed = false;

  constructor(db: Database, statistics: StatsCache) {
    this.db = db;
    this.statistics = statistics;
  }

  /** Resolves when nothing is left to do. Throws what a slice throws; what is left stays. */
  settle(): Promise<void> {
    if (this.running === null) {
      this.running = this.run().finally(() => {
        this.running = null;
      });
    }
    return this.running;
  }

  /** Goes on with what a process left that died. */
  resume(): void {
    // What a slice throws, a full disk for example, is thrown again to whoever acts next.
    if (nextAct(this.db) !== null) this.settle().catch(() => undefined);
  }

  /** No slice begins any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.running?.catch(() => undefined);
  }

  private async run(): Promise<void> {
    for (let next = nextAct(this.db); next !== null && !this.isClosed; next = nextAct(this.db)) {
      const { batchId, act } = next;
      try {
        this.db.transaction(() => this.slice(batchId, act));
      } catch (error) {
        this.statistics.clear();
        throw error;
      }
      await setImmediate();
      if (this.isClosed) return;
    }
  }

  private slice(batchId: string, act: LongAct): void {
    const raw = loadBatch(this.db, batchId);
    if (raw === undefined || isFinal(raw.status) || (act.kind === "retry" && raw.epoch !== act.epoch)) return dropAct(this.db, batchId);
    if (act.kind === "end") {
      if (endNext(this.db, raw, act)) this.statistics.drop(batchId);
      return;
    }
    const isDone = act.kind === "retry" ? takeBackNext(this.db, this.statistics, raw, act) : this.finish(raw, act);
    if (!isDone) return saveBatch(this.db, raw);
    dropAct(this.db, batchId);
    saveBatch(this.db, raw);
    this.statistics.drop(batchId);
    endIfSettled(this.db, raw, act.now);
  }

  private finish(raw: RawBatch, act: LongAct & { kind: "finish" }): boolean {
    const { failed, isDone } = failNextItems(this.db, raw, act);
    this.statistics.add(raw.id, new BatchStats(), 0, failed, act.now);
    return isDone;
  }
}
