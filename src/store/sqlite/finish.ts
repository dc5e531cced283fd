import { hasBit, newBits, setBit } from "../../model/bits.ts";
import { fingerprint } from "../../model/failure.ts";
import { iso } from "../../model/clock.ts";
import type { ItemResult } from "../../model/item.ts";
import type { NewFailure } from "../port.ts";
import { openCount, refreshReadyAt } from "./batch-row.ts";
import type { RawBatch } from "./raw-batch.ts";
import { loadKeys, type RawChunk } from "./chunk-row.ts";
import type { Database } from "./database.ts";
import { Sums } from "./sums.ts";
import { insertFailures } from "./failure-rows.ts";

/** Of a row of `chunks`: it is on its way through a provider's batch API, and so paid for. */
export const IN_ATTEMPT =
  "EXISTS (SELECT 1 FROM attempts WHERE attempts.chunk_id = chunks.id AND attempts.epoch = chunks.epoch AND attempts.state <> 'ingested')";

/**
 * Settles every open item of a batch as failed, each with its own row; `pending`: only items that nobody works on, here or at a
 * provider, nor was told of. Saves nothing of the batch row itself, nor its statistics. Returns how many.
 */
export function failOpenItems(
  db: Database,
  raw: RawBatch,
  failure: { error: string; code: string },
  now: number,
  which: "open" | "pending" = "open",
): number {
  const group = fingerprint(failure.code, failure.error).fingerprint;
  const failed = (nodeId: string, index: number | null, attempt: number): NewFailure => {
    const result: ItemResult = {
      nodeId,
      success: false,
      error: failure.error,
      errorCode: failure.code,
      retries: attempt,
      createdAt: iso(now)!,
    };
    return {
      nodeId,
      index,
      fingerprint: group,
      error: failure.error,
      code: failure.code,
      category: "permanent",
      line: JSON.stringify(result),
    };
  };
  const open = openCount(raw);
  let unreported = open;
  const chunks = db.all<RawChunk>(
    which === "open"
      ? "SELECT * FROM chunks WHERE batch_id = ? AND state IN ('pending', 'leased') ORDER BY id"
      : `SELECT * FROM chunks WHERE batch_id = ? AND state = 'pending' AND NOT ${IN_ATTEMPT} ORDER BY id`,
    raw.id,
  );
  for (const chunk of chunks) {
    const keys = loadKeys(db, chunk.id);
    const failures: NewFailure[] = [];
    const done = chunk.done ?? newBits(chunk.items);
    for (const [index, key] of keys.entries()) {
      if (hasBit(done, index)) continue;
      failures.push(failed(key, index, chunk.attempt));
      setBit(done, index);
    }
    insertFailures(db, raw, chunk.id, failures, now);
    Sums.of(db).flow.results(raw, 0, failures, now);
    raw.failed += failures.length;
    unreported -= failures.length;
    db.run(
      "UPDATE chunks SET state = 'done', settled = items - moved, done = ?, lease_until = NULL, fence = fence + 1 WHERE id = ?",
      done,
      chunk.id,
    );
  }
  if (which === "pending") {
    raw.open_chunks -= chunks.length;
    refreshReadyAt(db, raw);
    return open - unreported;
  }
  const nameless = freshNames(db, raw.id, unreported).map((name) => failed(name, null, 0));
  insertFailures(db, raw, null, nameless, now);
  Sums.of(db).flow.results(raw, 0, nameless, now);
  raw.failed += nameless.length;
  raw.running = raw.leased_chunks = raw.open_chunks = 0;
  return open;
}

/** Announced items that nobody reported have no key of their own: they are numbered, without the numbers of an earlier epoch that still stand. */
function freshNames(db: Database, batchId: string, count: number): string[] {
  if (count === 0) return [];
  const rows = db.all<{ name: string }>(
    "SELECT node_id AS name FROM failures WHERE batch_id = ? AND superseded IS NULL AND chunk_id IS NULL",
    batchId,
  );
  const taken = new Set(rows.map((row) => row.name));
  const names: string[] = [];
  for (let number = 1; names.length < count; number++) {
    const name = `unreported_${number}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
}
