import { hasBit, newBits, setBit } from "../../../model/bits.ts";
import { fingerprint } from "../../../model/failure.ts";
import { iso } from "../../../model/clock.ts";
import type { ItemResult } from "../../../model/item.ts";
import type { NewFailure } from "../../port.ts";
import { ITEMS_AT_ONCE, saveAct, type LongAct } from "../rows/act-row.ts";
import { openCount, refreshReadyAt } from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { loadKeys, type RawChunk } from "../rows/chunk-row.ts";
import type { Database } from "../database/database.ts";
import { Sums } from "../sums/sums.ts";
import { insertFailures } from "../failures/failure-rows.ts";

/** Of a row of `chunks`: it is on its way through a provider's batch API, and so paid for. */
export const IN_ATTEMPT =
  "EXISTS (SELECT 1 FROM attempts WHERE attempts.chunk_id = chunks.id AND attempts.epoch = chunks.epoch AND attempts.state <> 'ingested')";

const OPEN = "state IN ('pending', 'leased')";
/** Of a row of `chunks`: its items failed, and wait until they are tried again. */
const TRIED = `state = 'pending' AND attempt > 0 AND NOT ${IN_ATTEMPT}`;

const CHUNKS_OF = { open: OPEN, pending: `state = 'pending' AND NOT ${IN_ATTEMPT}`, tried: TRIED } as const;

/** Items that wait to be tried again. */
export function triedCount(db: Database, batchId: string): number {
  return db.get<{ n: number }>(
    `SELECT COALESCE(SUM(items - settled - moved), 0) AS n FROM chunks WHERE batch_id = ? AND ${TRIED}`,
    batchId,
  )!.n;
}

/**
 * Settles every open item of a batch as failed, each with its own row; `pending`: only items that nobody works on, here or at a
 * provider, nor was told of; `tried`: only those that wait to be tried again. Saves nothing of the batch row itself, nor its statistics. Returns how many.
 */
export function failOpenItems(
  db: Database,
  raw: RawBatch,
  failure: { error: string; code: string },
  now: number,
  which: keyof typeof CHUNKS_OF = "open",
): number {
  const failed = (nodeId: string, index: number | null, attempt: number): NewFailure => failureOf(failure, nodeId, index, attempt, now);
  const open = openCount(raw);
  let unreported = open;
  const chunks = db.all<RawChunk>(`SELECT * FROM chunks WHERE batch_id = ? AND ${CHUNKS_OF[which]} ORDER BY id`, raw.id);
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
  if (which !== "open") {
    raw.open_chunks -= chunks.length;
    refreshReadyAt(db, raw);
    return open - unreported;
  }
  const nameless = freshNames(db, raw.id, unreported, 1).names.map((name) => failed(name, null, 0));
  insertFailures(db, raw, null, nameless, now);
  Sums.of(db).flow.results(raw, 0, nameless, now);
  raw.failed += nameless.length;
  raw.running = raw.leased_chunks = raw.open_chunks = 0;
  return open;
}

/**
 * The next open items of a batch that is finished, or whose tries are given up, as many as fit into one transaction. What works on them
 * loses its lease. Moves the act on and saves it; saves nothing of the batch row. `isDone`: no item is open.
 */
export function failNextItems(db: Database, raw: RawBatch, act: LongAct & { kind: "finish" }): { failed: number; isDone: boolean } {
  const { now, tried: isTried = false } = act;
  const failure = (nodeId: string, index: number | null, attempt: number): NewFailure => failureOf(act, nodeId, index, attempt, now);
  const write = (chunkId: number | null, failures: readonly NewFailure[]): void => {
    insertFailures(db, raw, chunkId, failures, now);
    Sums.of(db).flow.results(raw, 0, failures, now);
    raw.failed += failures.length;
  };
  let left = ITEMS_AT_ONCE;
  while (left > 0) {
    const chunk = db.get<RawChunk>(
      `SELECT * FROM chunks WHERE batch_id = ? AND id >= ? AND ${isTried ? TRIED : OPEN} ORDER BY id LIMIT 1`,
      raw.id,
      act.chunk,
    );
    if (chunk === undefined) break;
    const done = chunk.done ?? newBits(chunk.items);
    const failures: NewFailure[] = [];
    for (const [index, key] of loadKeys(db, chunk.id).entries()) {
      if (failures.length === left) break;
      if (hasBit(done, index)) continue;
      failures.push(failure(key, index, chunk.attempt));
      setBit(done, index);
    }
    write(chunk.id, failures);
    if (chunk.state === "leased") {
      raw.leased_chunks -= 1;
      raw.running -= chunk.items - chunk.settled - chunk.moved;
    }
    const isSettled = chunk.settled + failures.length + chunk.moved === chunk.items;
    if (isSettled) raw.open_chunks -= 1;
    db.run(
      "UPDATE chunks SET state = ?, settled = settled + ?, done = ?, lease_until = NULL, fence = fence + 1 WHERE id = ?",
      isSettled ? "done" : "pending",
      failures.length,
      done,
      chunk.id,
    );
    act.chunk = chunk.id;
    left -= failures.length;
  }
  if (left > 0 && !isTried) {
    const { names, next } = freshNames(db, raw.id, Math.min(left, openCount(raw)), act.unreported);
    write(
      null,
      names.map((name) => failure(name, null, 0)),
    );
    act.unreported = next;
    left -= names.length;
  }
  refreshReadyAt(db, raw);
  saveAct(db, raw.id, act);
  return { failed: ITEMS_AT_ONCE - left, isDone: left > 0 || openCount(raw) === 0 };
}

function failureOf(
  failure: { error: string; code: string },
  nodeId: string,
  index: number | null,
  attempt: number,
  now: number,
): NewFailure {
  const { error, code } = failure;
  const result: ItemResult = { nodeId, success: false, error, errorCode: code, retries: attempt, createdAt: iso(now)! };
  return {
    nodeId,
    index,
    fingerprint: fingerprint(code, error).fingerprint,
    error,
    code,
    category: "permanent",
    line: JSON.stringify(result),
  };
}

/** Announced items that nobody reported have no key of their own: they are numbered, without the numbers of an earlier epoch that still stand. */
function freshNames(db: Database, batchId: string, count: number, from: number): { names: string[]; next: number } {
  const names: string[] = [];
  let next = from;
  for (; names.length < count; next++) {
    const name = `unreported_${next}`;
    const standing = "SELECT 1 FROM failures WHERE batch_id = ? AND node_id = ? AND superseded IS NULL AND chunk_id IS NULL";
    if (db.get(standing, batchId, name) === undefined) names.push(name);
  }
  return { names, next };
}
