import { ArrivalBlock } from "../../../model/arrival-block.ts";
import type { NewArrivals } from "../../port.ts";
import type { Database } from "../database/database.ts";

/** Half a page of the database: a commit that adds to a block rewrites one page, and a block never leaves its page. */
const BLOCK_BYTES = 2_048;

interface Tail {
  id: number;
  block: ArrivalBlock;
}

/**
 * The blocks at the end of each stream's arrival log, which commits still add to. What is in memory is what the table holds: a
 * commit that fails takes its tails out of memory, and the next one begins new blocks.
 */
export class ArrivalTails {
  private readonly db: Database;
  /** By tenant and stream. */
  private readonly tails = new Map<string, Tail>();

  constructor(db: Database) {
    this.db = db;
  }

  /** Within the transaction that makes the items durable. */
  append({ tenant, stream, arrivals }: NewArrivals, now: number): void {
    if (arrivals.length === 0) return;
    const name = nameOf(tenant, stream);
    const tail = this.tails.get(name);
    if (tail === undefined || !this.grow(tail, arrivals, now)) {
      const block = new ArrivalBlock();
      block.add(now, arrivals);
      const id = this.db.insert(
        "INSERT INTO arrivals (tenant, stream, from_at, to_at, items, body) VALUES (?, ?, ?, ?, ?, ?)",
        tenant,
        stream,
        block.from,
        block.to,
        block.items,
        block.body(),
      );
      this.tails.set(name, { id, block });
    }
    if (this.tails.get(name)!.block.size >= BLOCK_BYTES) this.tails.delete(name);
  }

  forget(tenant: string, stream: string): void {
    this.tails.delete(nameOf(tenant, stream));
  }

  /** False when the block was trimmed meanwhile. */
  private grow({ id, block }: Tail, arrivals: NewArrivals["arrivals"], now: number): boolean {
    block.add(now, arrivals);
    const sql = "UPDATE arrivals SET from_at = min(from_at, ?1), to_at = max(to_at, ?2), items = ?3, body = ?4 WHERE id = ?5";
    return this.db.run(sql, now, now, block.items, block.body(), id) > 0;
  }
}

function nameOf(tenant: string, stream: string): string {
  return `${tenant}\n${stream}`;
}
