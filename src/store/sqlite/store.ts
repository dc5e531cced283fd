import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Store, UpkeepStore } from "../port.ts";
import { SqliteAccess } from "./access.ts";
import { SqliteAlerts } from "./alerts/alerts.ts";
import { SqliteAttempts } from "./attempts.ts";
import { SqliteAudit } from "./audit/audit.ts";
import { AuditAnchor } from "./audit/audit-anchor.ts";
import { rememberAnchor } from "./audit/audit-chain.ts";
import { SqliteBatches } from "./batches/batches.ts";
import { SqliteBulk } from "./batches/bulk.ts";
import { SqliteChannels } from "./alerts/channels.ts";
import { SqliteChunks } from "./chunks/chunks.ts";
import { Database } from "./database/database.ts";
import { SqliteEvents } from "./events.ts";
import { SqliteFailures } from "./failures/failures.ts";
import { SqliteFiles } from "./files.ts";
import { SqliteLedger } from "./ledger/ledger.ts";
import { lockDirectory } from "./database/lock.ts";
import { LongActs } from "./batches/long-acts.ts";
import { SqliteMonitor } from "./monitor/monitor.ts";
import { SqliteOpenAiBatches } from "./openai-batches.ts";
import { SqliteDead } from "./failures/dead.ts";
import { SqliteImpact } from "./streams/impact.ts";
import { SqliteOutbox } from "./outbox.ts";
import { SqliteRecords } from "./records.ts";
import { SqliteRequests } from "./streams/requests.ts";
import { SqliteResults } from "./chunks/results.ts";
import { migrate, SCHEMA_VERSION, schemaOf } from "./schema/schema.ts";
import { SqliteStreams } from "./streams/streams.ts";
import { StatsCache } from "./batches/stats-cache.ts";
import { SqliteUpkeep } from "./upkeep/upkeep.ts";

export interface SqliteOptions {
  /** Data directory; created when absent, locked for this process. */
  directory: string;
  /** NORMAL survives kill -9 of every process; FULL also a power cut, at one disk sync a commit. docs/decisions/0003. */
  synchronous: "NORMAL" | "FULL";
}

/** Opens the embedded store. Throws data_in_use, newer_schema, damaged_store. */
export function openSqliteStore(options: SqliteOptions): Store {
  mkdirSync(options.directory, { recursive: true });
  const unlock = lockDirectory(options.directory);
  try {
    const db = openMigrated(options);
    const stats = new StatsCache(db);
    const acts = new LongActs(db, stats);
    const batches = new SqliteBatches(db, stats, acts);
    const anchor = new AuditAnchor(options.directory, (mark) => rememberAnchor(db, mark));
    const audit = new SqliteAudit(db, anchor);
    const monitor = new SqliteMonitor(db);
    acts.resume();
    return {
      kind: "sqlite",
      batches,
      chunks: new SqliteChunks(db, stats),
      results: new SqliteResults(db),
      records: new SqliteRecords(db),
      files: new SqliteFiles(db),
      access: new SqliteAccess(db),
      events: new SqliteEvents(db),
      outbox: new SqliteOutbox(db),
      attempts: new SqliteAttempts(db),
      streams: new SqliteStreams(db, batches),
      openai: new SqliteOpenAiBatches(db),
      requests: new SqliteRequests(db),
      impact: new SqliteImpact(db),
      dead: new SqliteDead(db),
      failures: new SqliteFailures(db),
      audit,
      alerts: new SqliteAlerts(db),
      channels: new SqliteChannels(db),
      bulk: new SqliteBulk(db, stats, audit, acts),
      monitor,
      ledger: new SqliteLedger(db),
      upkeep: new SqliteUpkeep(db, stats, anchor),
      resources: () => ({ ...db.use(), caches: [db.cache(), stats.cache(), monitor.cache()] }),
      async probe(now) {
        db.run(
          "INSERT INTO meta (name, value) VALUES ('probed_at', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          String(now),
        );
      },
      async close() {
        await acts.close();
        await audit.close();
        db.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** A store that cannot be migrated is left closed, as if it had never been touched. */
function openMigrated(options: SqliteOptions): Database {
  const db = new Database(join(options.directory, "batchyard.db"), options.synchronous);
  try {
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A store of an older version is migrated only when no server holds it: a running one would no longer know its tables. */
function openAsItIs(options: SqliteOptions): Database {
  const db = new Database(join(options.directory, "batchyard.db"), options.synchronous);
  if (schemaOf(db) === SCHEMA_VERSION) return db;
  db.close();
  const unlock = lockDirectory(options.directory);
  try {
    return openMigrated(options);
  } finally {
    unlock();
  }
}

/** The versions of a store's schema before and after migrating it. Takes the lock: no server may run. */
export async function migrateSqliteStore(options: SqliteOptions): Promise<{ from: number; to: number }> {
  mkdirSync(options.directory, { recursive: true });
  const unlock = lockDirectory(options.directory);
  try {
    const db = new Database(join(options.directory, "batchyard.db"), options.synchronous);
    const from = schemaOf(db);
    migrate(db);
    const to = schemaOf(db);
    db.close();
    return { from, to };
  } finally {
    unlock();
  }
}

/** Upkeep beside a running server: checks and backups only read. Rebuilding takes the lock, so it waits for nobody and throws data_in_use. */
export function openSqliteUpkeep(options: SqliteOptions): { upkeep: UpkeepStore; close(): Promise<void> } {
  const db = openAsItIs(options);
  const own = new SqliteUpkeep(db, new StatsCache(db), new AuditAnchor(options.directory));
  const upkeep: UpkeepStore = {
    async verify(wanted) {
      const unlock = wanted.rebuild ? lockDirectory(options.directory) : () => {};
      try {
        return await own.verify(wanted);
      } finally {
        unlock();
      }
    },
    verifyAudit: (expected) => own.verifyAudit(expected),
    audit: () => own.audit(),
    backup: (path) => own.backup(path),
    size: () => own.size(),
    space: () => own.space(),
  };
  return { upkeep, close: async () => db.close() };
}
