import { keyHash } from "../../../model/key-hash.ts";
import { splitLines } from "../../../model/item.ts";
import type { ChunkState } from "../../../model/moves.ts";
import type { ChunkView, NewChunk } from "../../port.ts";
import type { Database } from "../database/database.ts";

export interface RawChunk {
  id: number;
  tenant: string;
  batch_id: string;
  epoch: number;
  state: ChunkState;
  root: number;
  position: number;
  items: number;
  settled: number;
  moved: number;
  attempt: number;
  crashes: number;
  available_at: number;
  fence: number;
  lease_until: number | null;
  worker_id: string | null;
  done: Uint8Array | null;
}

export function toView(chunk: RawChunk): ChunkView {
  return {
    id: chunk.id,
    epoch: chunk.epoch,
    state: chunk.state,
    position: chunk.position,
    items: chunk.items,
    settled: chunk.settled,
    attempt: chunk.attempt,
    crashes: chunk.crashes,
    availableAt: chunk.available_at,
    leaseUntil: chunk.lease_until,
    workerId: chunk.worker_id,
  };
}

export function loadChunk(db: Database, id: number): RawChunk | undefined {
  return db.get<RawChunk>("SELECT * FROM chunks WHERE id = ?", id);
}

/** Adds a chunk with its payload; `root` false for successors of an earlier chunk. */
export function insertChunk(db: Database, owner: { tenant: string; batchId: string; epoch: number }, chunk: NewChunk, root: boolean): void {
  const id = db.insert(
    "INSERT INTO chunks (tenant, batch_id, epoch, state, root, position, items, attempt, crashes, available_at) VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)",
    owner.tenant,
    owner.batchId,
    owner.epoch,
    root ? 1 : 0,
    chunk.position,
    chunk.keys.length,
    chunk.attempt,
    chunk.crashes,
    chunk.availableAt,
  );
  const hashes = new Uint32Array(chunk.keys.length);
  for (let i = 0; i < hashes.length; i++) hashes[i] = keyHash(chunk.keys[i]!);
  db.run(
    "INSERT INTO payloads (chunk_id, batch_id, hashes, keys, body) VALUES (?, ?, ?, ?, ?)",
    id,
    owner.batchId,
    new Uint8Array(hashes.buffer),
    JSON.stringify(chunk.keys),
    chunk.body,
  );
}

export function loadPayload(db: Database, chunkId: number): { keys: string[]; body: string } {
  const row = db.get<{ keys: string; body: string }>("SELECT keys, body FROM payloads WHERE chunk_id = ?", chunkId)!;
  return { keys: JSON.parse(row.keys) as string[], body: row.body };
}

/** Without reading the body, which lies behind the keys and may be large. */
export function loadKeys(db: Database, chunkId: number): string[] {
  return JSON.parse(db.get<{ keys: string }>("SELECT keys FROM payloads WHERE chunk_id = ?", chunkId)!.keys) as string[];
}

/** Where an item stands: its chunk, and its index in there. */
export interface ItemPlace {
  chunkId: number;
  index: number;
}

/** Newest chunk first: where the items with this key stand. */
export function findItem(db: Database, batchId: string, key: string): ItemPlace[] {
  return locateItems(db, batchId, [key]).get(key) ?? [];
}

/**
 * Newest chunk first: where the items with each of these keys stand; keys without an item are left out. Reads four bytes an item of
 * the batch, once however many keys there are, then verifies the hits.
 */
export function locateItems(db: Database, batchId: string, keys: readonly string[]): Map<string, ItemPlace[]> {
  const wanted = new Set(keys);
  const hashesWanted = new Set(keys.map(keyHash));
  const only = hashesWanted.size === 1 ? hashesWanted.values().next().value! : null;
  const hits = new Map<number, number[]>();
  for (const row of db.iterate<{ chunk_id: number; hashes: Uint8Array }>(
    "SELECT chunk_id, hashes FROM payloads WHERE batch_id = ?",
    batchId,
  )) {
    const hashes = new Uint32Array(row.hashes.buffer, row.hashes.byteOffset, row.hashes.byteLength >> 2);
    if (only !== null && !hashes.includes(only)) continue;
    const indexes: number[] = [];
    for (let index = 0; index < hashes.length; index++) if (hashesWanted.has(hashes[index]!)) indexes.push(index);
    if (indexes.length > 0) hits.set(row.chunk_id, indexes);
  }
  const found = new Map<string, ItemPlace[]>();
  for (const chunkId of [...hits.keys()].sort((a, b) => b - a)) {
    const chunkKeys = JSON.parse(db.get<{ keys: string }>("SELECT keys FROM payloads WHERE chunk_id = ?", chunkId)!.keys) as string[];
    for (const index of hits.get(chunkId)!) {
      const key = chunkKeys[index]!;
      if (!wanted.has(key)) continue;
      const places = found.get(key);
      if (places === undefined) found.set(key, [{ chunkId, index }]);
      else places.push({ chunkId, index });
    }
  }
  return found;
}

export function payloadText(db: Database, chunkId: number, index: number): string {
  return splitLines(loadPayload(db, chunkId).body)[index]!;
}
