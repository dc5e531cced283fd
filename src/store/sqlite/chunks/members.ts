import { hasBit, newBits } from "../../../model/bits.ts";
import { isFinal } from "../../../model/moves.ts";
import { joinLines, splitLines } from "../../../model/item.ts";
import type { MemberBlock, MemberSelection } from "../../port.ts";
import { loadOwnBatch } from "../rows/batch-row.ts";
import { findItem, loadPayload, locateItems, type ItemPlace } from "../rows/chunk-row.ts";
import type { Database } from "../database/database.ts";

/** Failures looked up at once. */
const FAILURES_AT_ONCE = 1000;

/** The items of a batch with their payloads, a chunk at a time; ends early when the batch is removed meanwhile. */
export function membersOf(db: Database, tenant: string, batchId: string, selection: MemberSelection): Generator<MemberBlock> {
  if (loadOwnBatch(db, tenant, batchId) === undefined) return (function* () {})();
  if (selection === "all") return allOf(db, batchId);
  if (selection === "failed") return failedOf(db, tenant, batchId);
  return placed(
    db,
    [...locateItems(db, batchId, selection).values()].map((places) => places[0]!),
  );
}

function* allOf(db: Database, batchId: string): Generator<MemberBlock> {
  for (const id of chunksOf(db, batchId, "root = 1")) {
    const block = blockOf(db, id, null);
    if (block !== null) yield block;
  }
}

/** In the order they failed, then what was stopped before it ran. */
function* failedOf(db: Database, tenant: string, batchId: string): Generator<MemberBlock> {
  for (let after = 0; ;) {
    const rows = db.all<{ id: number; chunk_id: number | null; item: number | null; node_id: string }>(
      "SELECT id, chunk_id, item, node_id FROM failures WHERE batch_id = ? AND superseded IS NULL AND id > ? ORDER BY id LIMIT ?",
      batchId,
      after,
      FAILURES_AT_ONCE,
    );
    const places: ItemPlace[] = [];
    for (const { chunk_id: chunkId, item, node_id: key } of rows) {
      const place = chunkId === null || item === null ? findItem(db, batchId, key)[0] : { chunkId, index: item };
      if (place !== undefined) places.push(place);
    }
    yield* placed(db, places);
    if (rows.length < FAILURES_AT_ONCE) break;
    after = rows.at(-1)!.id;
  }
  const batch = loadOwnBatch(db, tenant, batchId);
  if (batch === undefined || !isFinal(batch.status) || batch.cancelled + batch.expired === 0) return;
  for (const id of chunksOf(db, batchId, "state = 'cancelled' AND settled + moved < items")) {
    const row = db.get<{ items: number; done: Uint8Array | null }>("SELECT items, done FROM chunks WHERE id = ?", id);
    if (row === undefined) return;
    const done = row.done ?? newBits(row.items);
    const open = Array.from({ length: row.items }, (_, index) => index).filter((index) => !hasBit(done, index));
    const block = blockOf(db, id, open);
    if (block !== null) yield block;
  }
}

/** Items at these places, read chunk by chunk: places of one chunk that follow each other cost one read. */
function* placed(db: Database, places: readonly ItemPlace[]): Generator<MemberBlock> {
  for (let i = 0; i < places.length;) {
    const { chunkId } = places[i]!;
    const indexes: number[] = [];
    while (i < places.length && places[i]!.chunkId === chunkId) indexes.push(places[i++]!.index);
    const block = blockOf(db, chunkId, indexes);
    if (block !== null) yield block;
  }
}

/** Null: its batch was removed. */
function blockOf(db: Database, chunkId: number, indexes: readonly number[] | null): MemberBlock | null {
  if (db.get("SELECT 1 FROM payloads WHERE chunk_id = ?", chunkId) === undefined) return null;
  const payload = loadPayload(db, chunkId);
  if (indexes === null) return payload;
  const texts = splitLines(payload.body);
  return { keys: indexes.map((index) => payload.keys[index]!), body: joinLines(indexes.map((index) => texts[index]!)) };
}

/** Ids of the chunks of a batch in order, one look-up each: nothing stays open between two of them. */
function* chunksOf(db: Database, batchId: string, condition: string): Generator<number> {
  for (let after = 0; ;) {
    const next = db.get<{ id: number }>(
      `SELECT id FROM chunks WHERE batch_id = ? AND ${condition} AND id > ? ORDER BY id LIMIT 1`,
      batchId,
      after,
    );
    if (next === undefined) return;
    after = next.id;
    yield after;
  }
}
