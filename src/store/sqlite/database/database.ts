import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { CacheFigures } from "../../../model/cache-figures.ts";
import { BatchyardError } from "../../../model/errors.ts";
import type { StoreResources } from "../../resources.ts";
import { Checkpointer } from "./checkpointer.ts";

/** SQLite result codes that say "the disk", not "the program": FULL 13, IOERR 10, READONLY 8. */
const DISK_CODES = new Set([8, 10, 13]);
const BUSY_MS = 5000;
/** The event loop stands still for so long: whoever waits for an answer notices. */
const SLOW_MS = 100;
/** CORRUPT 11, NOTADB 26. */
const DAMAGE_CODES = new Set([11, 26]);

/** Sums that a transaction gathers in memory and writes once before it commits. */
export interface Gathered {
  flush(): void;
  /** The transaction failed. */
  forget(): void;
}

/** One connection, its prepared statements and its transactions. Everything is synchronous: a transaction is one turn of the event loop. */
export class Database {
  readonly path: string;
  private readonly connection: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  /** Called after each commit that asked for it with `announce`. */
  readonly listeners = new Set<() => void>();
  private announced = false;
  private busyMs = 0;
  private transactions = 0;
  private slowTransactions = 0;
  /** Statements outside of transactions. */
  private single = 0;
  /** Times that a prepared statement was asked for. */
  private prepared = 0;
  /** What the current transaction has gathered and not yet written. */
  private readonly gathered = new Set<Gathered>();
  private readonly checkpointer: Checkpointer;

  constructor(path: string, synchronous: "NORMAL" | "FULL") {
    this.path = path;
    try {
      // A backup, a doctor or the checkpointer of an earlier connection holds locks briefly: wait for them from the first statement on.
      this.connection = new DatabaseSync(path, { timeout: BUSY_MS });
      // WAL: readers never wait for the writer.
      // cache 16 MiB, no mmap: both count as this process's memory; the system caches the file anyway. Automatic checkpoints only at 64 MiB: the
      // Checkpointer is usually earlier.
      this.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA foreign_keys = OFF;
         PRAGMA cache_size = -16384; PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 16384; PRAGMA temp_store = MEMORY`,
      );
    } catch (error) {
      throw this.translate(error);
    }
    this.checkpointer = new Checkpointer(path, () => this.exec("PRAGMA wal_checkpoint(PASSIVE)"));
  }

  exec(sql: string): void {
    this.connection.exec(sql);
  }

  get<T>(sql: string, ...parameters: SQLInputValue[]): T | undefined {
    return this.alone(() => this.statement(sql).get(...parameters)) as T | undefined;
  }

  all<T>(sql: string, ...parameters: SQLInputValue[]): T[] {
    return this.alone(() => this.statement(sql).all(...parameters)) as T[];
  }

  /** Rows one by one, for results that do not fit in memory. Finish it before the next write. */
  iterate<T>(sql: string, ...parameters: SQLInputValue[]): IterableIterator<T> {
    return this.statement(sql).iterate(...parameters) as IterableIterator<T>;
  }

  /** Number of rows changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    this.weigh(parameters);
    return Number(this.alone(() => this.statement(sql).run(...parameters)).changes);
  }

  /** Rowid of the row inserted. */
  insert(sql: string, ...parameters: SQLInputValue[]): number {
    this.weigh(parameters);
    return Number(this.alone(() => this.statement(sql).run(...parameters)).lastInsertRowid);
  }

  /** All of `work` or nothing of it. Disk errors come out as storage_full or damaged_store. */
  transaction<T>(work: () => T): T {
    if (this.connection.isTransaction) return work();
    const startedAt = performance.now();
    const value = this.atomically(work);
    const ms = performance.now() - startedAt;
    this.transactions += 1;
    this.busyMs += ms;
    if (ms > SLOW_MS) this.slowTransactions += 1;
    // What was committed stays committed, whatever a listener does.
    this.tell();
    return value;
  }

  private atomically<T>(work: () => T): T {
    try {
      this.exec("BEGIN IMMEDIATE");
      const value = work();
      for (const sums of this.gathered) sums.flush();
      this.gathered.clear();
      this.exec("COMMIT");
      return value;
    } catch (error) {
      this.announced = false;
      for (const sums of this.gathered) sums.forget();
      this.gathered.clear();
      // SQLite itself rolls back on FULL and IOERR; then there is nothing left to roll back.
      if (this.connection.isTransaction) this.exec("ROLLBACK");
      throw this.translate(error);
    }
  }

  /** Reads of one state, without the right to write: others write meanwhile. */
  snapshot<T>(read: () => T): T {
    this.exec("BEGIN");
    try {
      return read();
    } finally {
      this.exec("COMMIT");
    }
  }

  /** What `work` reads after what it writes, of which nothing stays and nothing goes to the disk. */
  rehearse<T>(work: () => T): T {
    if (this.connection.isTransaction) return work();
    this.exec("BEGIN IMMEDIATE");
    try {
      return work();
    } finally {
      if (this.connection.isTransaction) this.exec("ROLLBACK");
    }
  }

  /** The current transaction wrote something others wait for. */
  announce(): void {
    this.announced = true;
  }

  /** Has `sums` written as the last thing of the current transaction. */
  gather(sums: Gathered): void {
    if (!this.connection.isTransaction) throw new Error("sums are gathered within a transaction");
    this.gathered.add(sums);
  }

  /** Closing runs the last checkpoint, so that the file is whole without its log. */
  close(): void {
    this.checkpointer.close();
    this.statements.clear();
    this.connection.close();
  }

  /** Every statement also touches a page or two besides its values. */
  private weigh(parameters: readonly SQLInputValue[]): void {
    let chars = 4096;
    for (const value of parameters) {
      if (typeof value === "string") chars += value.length;
      else if (value instanceof Uint8Array) chars += value.length;
    }
    this.checkpointer.wrote(chars);
  }

  private tell(): void {
    if (!this.announced) return;
    this.announced = false;
    for (const listener of this.listeners) listener();
  }

  /** What it has done since it was opened. */
  use(): Omit<StoreResources, "caches"> {
    const { busyMs, transactions, slowTransactions, single } = this;
    return { connections: 1, waiting: null, busyMs, transactions, slowTransactions, statements: single };
  }

  cache(): CacheFigures {
    const entries = this.statements.size;
    return { name: "statements", entries, limit: null, hits: this.prepared - entries, misses: entries, bytes: null };
  }

  /** Within a transaction the time is the transaction's. */
  private alone<T>(work: () => T): T {
    if (this.connection.isTransaction) return this.translated(work);
    const startedAt = performance.now();
    try {
      return this.translated(work);
    } finally {
      this.single += 1;
      this.busyMs += performance.now() - startedAt;
    }
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    this.prepared += 1;
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** Statements outside a transaction meet a full disk or damage too. */
  private translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.translate(error);
    }
  }

  private translate(error: unknown): unknown {
    const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
    const reason = error instanceof Error ? error.message : String(error);
    if (DISK_CODES.has(code)) return new BatchyardError("storage_full", { reason }, { cause: error, retryAfterSeconds: 30 });
    if (DAMAGE_CODES.has(code)) return new BatchyardError("damaged_store", { path: this.path, reason }, { cause: error });
    return error;
  }
}
