import { hasBit } from "../../model/bits.ts";
import { fingerprint } from "../../model/failure.ts";
import { iso } from "../../model/clock.ts";
import type { ItemResult } from "../../model/item.ts";
import type { NewFailure } from "../port.ts";
import { openCount, type RawBatch } from "./batch-row.ts";
import { loadPayload, type RawChunk } from "./chunk-row.ts";
import type { Database } from "./database.ts";
import { insertFailures } from "./failure-rows.ts";

/** Settles every open item of a batch as failed, each with its own row. Saves nothing of the batch row itself. */
export function failOpenItems(db: Database, raw: RawBatch, failure: { error: string; code: string }, now: number): void {
  const group = fingerprint(failure.code, failure.error).fingerprint;
  const failed = (nodeId: string, index: number | null, attempt: number): NewFailure => {
    const result: ItemResult = { nodeId, success: false, error: failure.error, errorCode: failure.code, retries: attempt, createdAt: iso(now)! };
    return { nodeId, index, fingerprint: group, error: failure.error, code: failure.code, category: "permanent", line: JSON.stringify(result) };
  };
  let unreported = openCount(raw);
  const chunks = db.all<RawChunk>("SELECT * FROM chunks WHERE batch_id = ? AND state IN ('pending', 'leased') ORDER BY id", raw.id);
  for (const chunk of chunks) {
    const { keys } = loadPayload(db, chunk.id);
    const failures: NewFailure[] = [];
    for (const [index, key] of keys.entries()) {
      if (chunk.done === null || !hasBit(chunk.done, index)) failures.push(failed(key, index, chunk.attempt));
    }
    insertFailures(db, raw, chunk.id, failures, now);
    raw.failed += failures.length;
    unreported -= failures.length;
    db.run("UPDATE chunks SET state = 'done', settled = items - moved, lease_until = NULL, fence = fence + 1 WHERE id = ?", chunk.id);
  }
  // Announced items that nobody reported have no key of their own.
  const nameless = Array.from({ length: unreported }, (_, n) => failed(`unreported_${n + 1}`, null, 0));
  insertFailures(db, raw, null, nameless, now);
  raw.failed += nameless.length;
  raw.running = raw.leased_chunks = raw.open_chunks = 0;
}
