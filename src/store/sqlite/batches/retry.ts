import { joinLines, splitLines, type ItemResult } from "../../../model/item.ts";
import type { RetrySelection } from "../../port.ts";
import { ITEMS_AT_ONCE, saveAct, type LongAct } from "../rows/act-row.ts";
import { emitBatch, moveBatch, refreshReadyAt } from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import { insertChunk, loadPayload } from "../rows/chunk-row.ts";
import { awaitDependencies } from "./ending.ts";
import type { Database } from "../database/database.ts";
import { Sums } from "../sums/sums.ts";
import type { StatsCache } from "./stats-cache.ts";

interface FailedRow {
  id: number;
  chunk_id: number | null;
  item: number | null;
  node_id: string;
  fingerprint: string;
  dismissed: number | null;
}

/**
 * Starts the next epoch of a final batch: failures are taken back (their rows stay, marked superseded) and their items
 * go into new chunks; without a selection, cancelled and expired items are reopened too. Returns how many items run again.
 */
export function reopenItems(db: Database, statistics: StatsCache, raw: RawBatch, selection: RetrySelection, now: number): number {
  const everything = selection.fingerprint === undefined && selection.nodeIds === undefined && selection.code === undefined;
  // Those named one by one are as many as a request has room for.
  const matching = selection.nodeIds === undefined ? countFailures(db, raw, selection) : 0;
  const rows = matching > ITEMS_AT_ONCE ? [] : selectFailures(db, raw.id, selection);
  const failures = Math.max(matching, rows.length);
  const stopped = everything ? raw.cancelled + raw.expired : 0;
  if (failures + stopped === 0) return 0;

  moveBatch(db, raw, "retry", "pending");
  raw.epoch += 1;
  raw.completed_at = raw.error = raw.started_at = null;
  raw.failed -= rows.length;
  // A deadline that has passed was that of the run that ended; the new one would expire at once.
  if (raw.deadline_at !== null && raw.deadline_at <= now) {
    raw.deadline_at = null;
    db.run("UPDATE batches SET deadline_at = NULL WHERE id = ?", raw.id);
  }
  if (everything) {
    raw.cancelled = raw.expired = 0;
    raw.open_chunks += db.run(
      "UPDATE chunks SET state = 'pending', epoch = ?, available_at = ?, crashes = 0 WHERE batch_id = ? AND state = 'cancelled' AND settled + moved < items",
      raw.epoch,
      now,
      raw.id,
    );
  }
  if (matching > ITEMS_AT_ONCE) {
    const until = db.get<{ id: number }>("SELECT MAX(id) AS id FROM failures WHERE batch_id = ? AND superseded IS NULL", raw.id)!.id;
    const { fingerprint = null, code = null } = selection;
    saveAct(db, raw.id, { kind: "retry", epoch: raw.epoch, until, fingerprint, code, now });
  }
  takeBack(db, statistics, raw, rows, now);
  refreshReadyAt(db, raw);
  emitBatch(db, raw, "batch.resumed", now, { retry: failures + stopped });
  // Saves it.
  awaitDependencies(db, raw, now);
  return failures + stopped;
}

/** The next of them, of a batch that has been reopened. True: there are no more. Does not save the batch. */
export function takeBackNext(db: Database, statistics: StatsCache, raw: RawBatch, act: LongAct & { kind: "retry" }): boolean {
  const { fingerprint, code, until, now } = act;
  const columns = "SELECT id, chunk_id, item, node_id, fingerprint, dismissed FROM failures";
  const standing = "batch_id = ? AND superseded IS NULL AND id <= ?";
  const order = `ORDER BY id LIMIT ${ITEMS_AT_ONCE}`;
  const rows =
    fingerprint !== null
      ? db.all<FailedRow>(`${columns} INDEXED BY failures_group WHERE ${standing} AND fingerprint = ? ${order}`, raw.id, until, fingerprint)
      : code === null
        ? db.all<FailedRow>(`${columns} INDEXED BY failures_batch WHERE ${standing} ${order}`, raw.id, until)
        : db.all<FailedRow>(
            `${columns} INDEXED BY failures_group WHERE ${standing}
               AND fingerprint = (SELECT fingerprint FROM error_groups WHERE batch_id = ? AND code = ? AND failures > 0
                 AND EXISTS (SELECT 1 FROM failures f WHERE f.batch_id = error_groups.batch_id AND f.fingerprint = error_groups.fingerprint AND f.superseded IS NULL AND f.id <= ?) LIMIT 1)
             ${order}`,
            raw.id,
            until,
            raw.id,
            code,
            until,
          );
  raw.failed -= rows.length;
  takeBack(db, statistics, raw, rows.sort(byChunk), now);
  refreshReadyAt(db, raw);
  // Of a code there may be more groups than the one that ended here.
  return code === null ? rows.length < ITEMS_AT_ONCE : rows.length === 0;
}

/** From the counters. */
function countFailures(db: Database, raw: RawBatch, { fingerprint, code }: RetrySelection): number {
  if (fingerprint === undefined && code === undefined) return raw.failed;
  return db.get<{ n: number }>(
    "SELECT COALESCE(SUM(failures), 0) AS n FROM error_groups WHERE batch_id = ?1 AND (?2 IS NULL OR fingerprint = ?2) AND (?3 IS NULL OR code = ?3)",
    raw.id,
    fingerprint ?? null,
    code ?? null,
  )!.n;
}

function selectFailures(db: Database, batchId: string, { nodeIds, fingerprint, code }: RetrySelection): FailedRow[] {
  const columns = "SELECT id, chunk_id, item, node_id, fingerprint, dismissed FROM failures WHERE batch_id = ? AND superseded IS NULL";
  const coded = code === undefined ? null : codedGroups(db, batchId, code);
  const found =
    nodeIds !== undefined
      ? [...new Set(nodeIds)].flatMap((nodeId) => db.all<FailedRow>(`${columns} AND node_id = ?`, batchId, nodeId))
      : fingerprint !== undefined
        ? db.all<FailedRow>(`${columns} AND fingerprint = ?`, batchId, fingerprint)
        : db.all<FailedRow>(columns, batchId);
  return found
    .filter((row) => (fingerprint === undefined || row.fingerprint === fingerprint) && (coded === null || coded.has(row.fingerprint)))
    .sort(byChunk);
}

function codedGroups(db: Database, batchId: string, code: string): Set<string> {
  const rows = db.all<{ fingerprint: string }>("SELECT fingerprint FROM error_groups WHERE batch_id = ? AND code = ?", batchId, code);
  return new Set(rows.map((row) => row.fingerprint));
}

const byChunk = (a: FailedRow, b: FailedRow): number => (a.chunk_id ?? 0) - (b.chunk_id ?? 0) || (a.item ?? 0) - (b.item ?? 0);

function takeBack(db: Database, statistics: StatsCache, raw: RawBatch, rows: readonly FailedRow[], now: number): void {
  Sums.of(db).jobs.moving(raw.id);
  const byGroup = new Map<string, { failures: number; dismissed: number }>();
  const stats = statistics.load(raw.id);
  for (let i = 0; i < rows.length;) {
    const chunkId = rows[i]!.chunk_id;
    const same: FailedRow[] = [];
    while (i < rows.length && rows[i]!.chunk_id === chunkId) same.push(rows[i++]!);
    for (const row of same) {
      const { line, created_at: at } = db.get<{ line: string; created_at: number }>(
        "UPDATE failures SET superseded = ? WHERE id = ? RETURNING line, created_at",
        raw.epoch,
        row.id,
      )!;
      stats.takeBack(at, (JSON.parse(line) as ItemResult).qualityScore ?? null);
      const group = byGroup.get(row.fingerprint) ?? { failures: 0, dismissed: 0 };
      group.failures += 1;
      if (row.dismissed !== null) group.dismissed += 1;
      byGroup.set(row.fingerprint, group);
      // A result reported without a chunk can be reported again.
      if (chunkId === null) db.run("DELETE FROM recorded WHERE batch_id = ? AND key = ?", raw.id, row.node_id);
    }
    if (chunkId !== null) reissue(db, raw, chunkId, same, now);
  }
  if (rows.length > 0) statistics.replace(raw.id, stats);
  for (const [fingerprint, { failures, dismissed }] of byGroup) {
    db.run(
      "UPDATE error_groups SET failures = failures - ?, dismissed = dismissed - ? WHERE batch_id = ? AND fingerprint = ?",
      failures,
      dismissed,
      raw.id,
      fingerprint,
    );
  }
  db.run("DELETE FROM error_groups WHERE batch_id = ? AND failures = 0", raw.id);
}

function reissue(db: Database, raw: RawBatch, chunkId: number, rows: readonly FailedRow[], now: number): void {
  const { keys, body } = loadPayload(db, chunkId);
  const texts = splitLines(body);
  const items = rows.map((row) => row.item!);
  const position = db.get<{ position: number }>("SELECT position FROM chunks WHERE id = ?", chunkId)!.position;
  insertChunk(
    db,
    { tenant: raw.tenant, batchId: raw.id, epoch: raw.epoch },
    {
      position,
      keys: items.map((item) => keys[item]!),
      body: joinLines(items.map((item) => texts[item]!)),
      attempt: 0,
      availableAt: now,
      crashes: 0,
    },
    false,
  );
  raw.open_chunks += 1;
}
