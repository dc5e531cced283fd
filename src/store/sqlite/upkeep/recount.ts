import { countBits } from "../../../model/bits.ts";
import type { ItemResult } from "../../../model/item.ts";
import { toNanoUsd } from "../../../model/money.ts";
import { isFinal } from "../../../model/moves.ts";
import { BatchStats } from "../../../model/stats/batch-stats.ts";
import { StoredBlock } from "../../../model/success-block.ts";
import type { Finding } from "../../port.ts";
import { recountLedgerDays, recountLedgerGroups, uncountedCost } from "../ledger/ledger-recount.ts";
import { addSavings, loadBatch, openCount, saveBatch } from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";
import { recountRollups } from "../sums/rollup-recount.ts";
import { Sums } from "../sums/sums.ts";
import type { StatsCache } from "../batches/stats-cache.ts";

/** `false`: the two sides of this check are both recounted, so nothing says which one is right. */
type Report = (message: string, mendable?: boolean) => void;

/**
 * Compares everything a batch maintains with what it is derived from, and with `rebuild` writes what was recounted. The
 * order is that of derivation: results → chunks → groups and statistics → the batch. Returns how many chunks it looked at.
 */
export function recountBatch(db: Database, stats: StatsCache, id: string, rebuild: boolean, findings: Finding[]): number {
  const raw = loadBatch(db, id)!;
  const report: Report = (message, mendable = true) => findings.push({ batchId: id, message, repaired: rebuild && mendable });
  const chunks = recountChunks(db, id, rebuild, report);
  recountGroups(db, id, rebuild, report);
  const { counted, cost: carried } = statisticsOf(db, id);
  recountLedgerGroups(db, id, rebuild, report);
  const cost = carried + uncountedCost(db, id);
  const kept = stats.load(id);
  const same =
    kept.durationCount === counted.durationCount &&
    kept.scoreCounts.every((n, i) => n === counted.scoreCounts[i]) &&
    JSON.stringify(kept.timeline.encode()) === JSON.stringify(counted.timeline.encode());
  if (!same) {
    report(`statistics cover ${eventsIn(kept)}, recounted ${eventsIn(counted)}`);
    if (rebuild) stats.replace(id, counted);
  }
  const recounted = recountColumns(db, raw, cost, report);
  if (rebuild) saveBatch(db, recounted);
  recountSavings(db, raw, rebuild, report);
  return chunks;
}

/** What the requests of a batch would have cost one by one, against the ledger. */
function recountSavings(db: Database, raw: RawBatch, rebuild: boolean, report: Report): void {
  const booked = db.get<{ standard: number; paid: number }>(
    "SELECT COALESCE(SUM(standard), 0) AS standard, COALESCE(SUM(paid), 0) AS paid FROM ledger_groups WHERE tenant = ? AND batch_id = ?",
    raw.tenant,
    raw.id,
  )!;
  const saved = booked.standard - booked.paid;
  if (raw.standard !== booked.standard) report(`standard is ${raw.standard}, recounted ${booked.standard}`);
  if (raw.saved !== saved) report(`saved is ${raw.saved}, recounted ${saved}`);
  const standard = booked.standard - raw.standard;
  if (rebuild) addSavings(db, raw.id, standard, standard - (saved - raw.saved));
}

/** What is not one batch's: batches by operation and status, records by collection, items by open window. */
export function recountTotals(db: Database, rebuild: boolean, findings: Finding[]): void {
  const batches = db.all<{ tenant: string; operation: string; status: string; kept: number; found: number }>(
    `SELECT COALESCE(k.tenant, f.tenant) AS tenant, COALESCE(k.operation, f.operation) AS operation, COALESCE(k.status, f.status) AS status,
       COALESCE(k.batches, 0) AS kept, COALESCE(f.n, 0) AS found FROM batch_counts k FULL OUTER JOIN
       (SELECT tenant, operation, status, COUNT(*) AS n FROM batches WHERE sealed = 1 GROUP BY tenant, operation, status) f
       ON f.tenant = k.tenant AND f.operation = k.operation AND f.status = k.status
     WHERE COALESCE(k.batches, 0) <> COALESCE(f.n, 0)`,
  );
  const setBatches =
    "INSERT INTO batch_counts (tenant, operation, status, batches) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, operation, status) DO UPDATE SET batches = ?4";
  for (const row of batches) {
    findings.push({
      batchId: null,
      repaired: rebuild,
      message: `${row.kept} ${row.status} ${row.operation} batches by the counters, recounted ${row.found}`,
    });
    if (rebuild) db.run(setBatches, row.tenant, row.operation, row.status, row.found);
  }
  const collections = db.all<{ tenant: string; name: string; kept: number; found: number }>(
    `SELECT COALESCE(k.tenant, f.tenant) AS tenant, COALESCE(k.name, f.name) AS name, COALESCE(k.records, 0) AS kept, COALESCE(f.n, 0) AS found
     FROM collections k FULL OUTER JOIN (SELECT tenant, collection AS name, COUNT(*) AS n FROM records GROUP BY tenant, collection) f
       ON f.tenant = k.tenant AND f.name = k.name
     WHERE COALESCE(k.records, 0) <> COALESCE(f.n, 0)`,
  );
  for (const row of collections) {
    findings.push({
      batchId: null,
      repaired: rebuild,
      message: `collection ${row.name} counts ${row.kept} records, recounted ${row.found}`,
    });
    if (rebuild)
      db.run(
        "INSERT INTO collections (tenant, name, records) VALUES (?1, ?2, ?3) ON CONFLICT (tenant, name) DO UPDATE SET records = ?3",
        row.tenant,
        row.name,
        row.found,
      );
  }
  recountLedgerDays(db, rebuild, findings);
  const letters = db.all<{ tenant: string; stream: string; reason: string; kept: number; found: number }>(
    `SELECT COALESCE(k.tenant, f.tenant) AS tenant, COALESCE(k.stream, f.stream) AS stream, COALESCE(k.reason, f.reason) AS reason,
       COALESCE(k.letters, 0) AS kept, COALESCE(f.n, 0) AS found FROM dead_letter_counts k FULL OUTER JOIN
       (SELECT tenant, stream, reason, COUNT(*) AS n FROM dead_letters GROUP BY tenant, stream, reason) f
       ON f.tenant = k.tenant AND f.stream = k.stream AND f.reason = k.reason
     WHERE COALESCE(k.letters, 0) <> COALESCE(f.n, 0)`,
  );
  const setLetters =
    "INSERT INTO dead_letter_counts (tenant, stream, reason, letters) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, stream, reason) DO UPDATE SET letters = ?4";
  for (const row of letters) {
    findings.push({
      batchId: null,
      repaired: rebuild,
      message: `stream ${row.stream} counts ${row.kept} dead letters (${row.reason}), recounted ${row.found}`,
    });
    if (rebuild) db.run(setLetters, row.tenant, row.stream, row.reason, row.found);
  }
  const windows = db.all<{ id: string; kept: number; found: number }>(
    `SELECT w.id, w.items AS kept, COALESCE(SUM(i.items - i.skipped), 0) AS found FROM windows w LEFT JOIN window_items i ON i.window_id = w.id
     WHERE w.state = 'open' GROUP BY w.id HAVING kept <> found`,
  );
  for (const row of windows) {
    findings.push({
      batchId: row.id,
      repaired: rebuild && row.found > 0,
      message: `open window ${row.id} counts ${row.kept} items, recounted ${row.found}`,
    });
    if (rebuild && row.found > 0) db.run("UPDATE windows SET items = ? WHERE id = ?", row.found, row.id);
  }
  recountRollups(db, rebuild, findings);
}

/** Each chunk's `settled` against its results, `moved` against its marks. */
function recountChunks(db: Database, id: string, rebuild: boolean, report: Report): number {
  const results = new Map<number, number>();
  const rows = db.iterate<{ chunk: number; n: number }>(
    `SELECT chunk_id AS chunk, SUM(n) AS n FROM (
       SELECT chunk_id, results AS n FROM segments WHERE batch_id = ?1 UNION ALL SELECT chunk_id, 1 FROM failures WHERE batch_id = ?1
     ) WHERE chunk_id IS NOT NULL GROUP BY chunk_id`,
    id,
  );
  for (const row of rows) results.set(row.chunk, row.n);
  const wrong: { id: number; settled: number; moved: number }[] = [];
  let chunks = 0;
  for (const chunk of db.iterate<{ id: number; settled: number; moved: number; done: Uint8Array | null }>(
    "SELECT id, settled, moved, done FROM chunks WHERE batch_id = ?",
    id,
  )) {
    chunks += 1;
    const settled = results.get(chunk.id) ?? 0;
    const moved = Math.max(0, (chunk.done === null ? 0 : countBits(chunk.done)) - settled);
    if (chunk.settled !== settled) report(`chunk ${chunk.id} counts ${chunk.settled} settled items, recounted ${settled}`);
    if (chunk.moved !== moved) report(`chunk ${chunk.id} counts ${chunk.moved} items handed on, recounted ${moved}`);
    if (chunk.settled !== settled || chunk.moved !== moved) wrong.push({ id: chunk.id, settled, moved });
  }
  if (rebuild)
    for (const chunk of wrong) db.run("UPDATE chunks SET settled = ?, moved = ? WHERE id = ?", chunk.settled, chunk.moved, chunk.id);
  return chunks;
}

function recountGroups(db: Database, id: string, rebuild: boolean, report: Report): void {
  const rows = db.all<{ fingerprint: string; kept: number | null; found: number | null; kept_dismissed: number; dismissed: number }>(
    `SELECT COALESCE(g.fingerprint, f.fingerprint) AS fingerprint, g.failures AS kept, f.n AS found, COALESCE(g.dismissed, 0) AS kept_dismissed,
       COALESCE(f.d, 0) AS dismissed FROM
       (SELECT fingerprint, failures, dismissed FROM error_groups WHERE batch_id = ?1) g FULL OUTER JOIN
       (SELECT fingerprint, COUNT(*) AS n, COUNT(dismissed) AS d FROM failures WHERE batch_id = ?1 AND superseded IS NULL GROUP BY fingerprint) f
       ON f.fingerprint = g.fingerprint
     WHERE COALESCE(g.failures, 0) <> COALESCE(f.n, 0) OR COALESCE(g.dismissed, 0) <> COALESCE(f.d, 0)`,
    id,
  );
  if (rebuild && rows.length > 0) Sums.of(db).jobs.moving(id);
  for (const row of rows) {
    if (row.kept !== row.found) report(`error group ${row.fingerprint} counts ${row.kept ?? 0} failures, recounted ${row.found ?? 0}`);
    if (row.kept_dismissed !== row.dismissed)
      report(`error group ${row.fingerprint} counts ${row.kept_dismissed} dismissed failures, recounted ${row.dismissed}`);
    if (!rebuild) continue;
    if (row.found === null) db.run("DELETE FROM error_groups WHERE batch_id = ? AND fingerprint = ?", id, row.fingerprint);
    else if (row.kept !== null)
      db.run(
        "UPDATE error_groups SET failures = ?, dismissed = ? WHERE batch_id = ? AND fingerprint = ?",
        row.found,
        row.dismissed,
        id,
        row.fingerprint,
      );
    else restoreGroup(db, id, row.fingerprint);
  }
}

/** A group made again from its failures. Their rows do not keep the category, so the one that is never retried is assumed. */
function restoreGroup(db: Database, id: string, fingerprint: string): void {
  db.run(
    `INSERT INTO error_groups (batch_id, fingerprint, error, code, category, failures, dismissed, first_seen, last_seen, examples, tenant, operation, created_at)
     SELECT batch_id, fingerprint, MIN(f.error), COALESCE(json_extract(MIN(line), '$.errorCode'), 'unknown'), 'permanent', COUNT(*), COUNT(dismissed), MIN(f.created_at), MAX(f.created_at), json_array(MIN(node_id)),
       b.tenant, b.operation, b.created_at
     FROM failures f JOIN batches b ON b.id = f.batch_id WHERE batch_id = ? AND fingerprint = ? AND superseded IS NULL GROUP BY batch_id, fingerprint`,
    id,
    fingerprint,
  );
}

/** From the results; of failures that a retry took back the durations and cost stay in, as that work was done and paid for. */
function statisticsOf(db: Database, id: string): { counted: BatchStats; cost: number } {
  const counted = new BatchStats();
  let cost = 0;
  const add = (result: { durationMs?: number | null; qualityScore?: number | null; cost?: number | null }): void => {
    if (typeof result.durationMs === "number") counted.addDuration(result.durationMs);
    if (typeof result.qualityScore === "number") counted.addScore(result.qualityScore);
    if (typeof result.cost === "number") cost += toNanoUsd(result.cost);
  };
  for (const row of db.iterate<{ columns: Uint8Array; results: number; created_at: number }>(
    "SELECT columns, results, created_at FROM segments WHERE batch_id = ? ORDER BY id",
    id,
  )) {
    const block = new StoredBlock(row.columns, "");
    for (let i = 0; i < block.count; i++)
      add({ durationMs: block.durationMs(i), qualityScore: block.qualityScore(i), cost: block.cost(i) });
    counted.timeline.add(row.created_at, row.results, 0);
  }
  for (const row of db.iterate<{ line: string; created_at: number; superseded: number | null }>(
    "SELECT line, created_at, superseded FROM failures WHERE batch_id = ? ORDER BY id",
    id,
  )) {
    const result = JSON.parse(row.line) as ItemResult;
    add(result);
    counted.timeline.add(row.created_at, 0, 1);
    if (row.superseded !== null) counted.takeBack(row.created_at, result.qualityScore ?? null);
  }
  return { counted, cost };
}

function eventsIn(stats: BatchStats): string {
  const ended = stats.timeline.points().reduce((sum, point) => sum + point.succeeded + point.failed, 0);
  return `${ended} results, ${stats.durationCount} durations and ${stats.scoreCounts.reduce((sum, n) => sum + n, 0)} scores`;
}

/** The batch row as its chunks and results say it should be. */
function recountColumns(db: Database, raw: RawBatch, cost: number, report: Report): RawBatch {
  const chunks = db.get<{
    root_items: number;
    open_chunks: number;
    leased: number;
    running: number;
    open_items: number;
    stopped: number;
    ready: number | null;
  }>(
    `SELECT COALESCE(SUM(items) FILTER (WHERE root = 1), 0) AS root_items,
       COUNT(*) FILTER (WHERE state IN ('pending', 'leased')) AS open_chunks, COUNT(*) FILTER (WHERE state = 'leased') AS leased,
       COALESCE(SUM(items - settled - moved) FILTER (WHERE state = 'leased'), 0) AS running,
       COALESCE(SUM(items - settled - moved) FILTER (WHERE state IN ('pending', 'leased')), 0) AS open_items,
       COALESCE(SUM(items - settled - moved) FILTER (WHERE state = 'cancelled'), 0) AS stopped,
       MIN(available_at) FILTER (WHERE state = 'pending') AS ready
     FROM chunks WHERE batch_id = ?`,
    raw.id,
  )!;
  const total = chunks.root_items + raw.announced;
  const succeeded = db.get<{ n: number }>("SELECT COALESCE(SUM(results), 0) AS n FROM segments WHERE batch_id = ?", raw.id)!.n;
  const failed = db.get<{ n: number }>("SELECT COUNT(*) AS n FROM failures WHERE batch_id = ? AND superseded IS NULL", raw.id)!.n;
  const stopped = isFinal(raw.status) ? total - succeeded - failed : raw.announced === 0 ? chunks.stopped : raw.cancelled + raw.expired;
  const truth: Partial<RawBatch> = {
    total_items: total,
    succeeded,
    failed,
    ...stoppedAs(raw, stopped),
    leased_chunks: chunks.leased,
    open_chunks: chunks.open_chunks,
    running: chunks.running,
    ready_at: chunks.ready,
    deps_open: isFinal(raw.status) ? 0 : openDependencies(db, raw),
    cost,
  };
  for (const [column, value] of Object.entries(truth)) {
    const kept = raw[column as keyof RawBatch];
    if (kept !== value) report(`${column} is ${kept}, recounted ${value}`);
  }
  const recounted = { ...raw, ...truth };
  if (raw.announced === 0 && openCount(recounted) !== chunks.open_items)
    report(`${openCount(recounted)} items are open by the results, ${chunks.open_items} by the chunks`, false);
  if (raw.announced === 0 && stopped !== chunks.stopped)
    report(`${stopped} items were stopped by the results, ${chunks.stopped} by the chunks`, false);
  return recounted;
}

/** Only the sum of cancelled and expired items can be recounted; the difference is laid to the kind the batch ended as. */
function stoppedAs(raw: RawBatch, stopped: number): Pick<RawBatch, "cancelled" | "expired"> {
  if (raw.cancelled + raw.expired === stopped) return { cancelled: raw.cancelled, expired: raw.expired };
  const expired = raw.status === "expired" ? Math.max(0, stopped - raw.cancelled) : Math.min(raw.expired, stopped);
  return { expired, cancelled: stopped - expired };
}

/** Those it was linked to at the start of its epoch and that have not ended since; one that was freed does not wait again when its dependency is retried. */
function openDependencies(db: Database, raw: RawBatch): number {
  return db.get<{ n: number }>("SELECT COUNT(*) AS n FROM batch_deps WHERE batch_id = ?", raw.id)!.n;
}
