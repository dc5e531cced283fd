import { BatchyardError } from "../../../model/errors.ts";
import type { Database, Gathered } from "../database/database.ts";
import { FlowRollup } from "./flow-rollup.ts";
import { JobRollup } from "./job-rollup.ts";

/** Rows to catch up with before it is done: enough that most of what they add meets its like, few enough that it takes some milliseconds, 0.02 for each. A quarter as many make counting cost twice as much of a run. */
const WAITING = 1_000;

/**
 * All sums that monitoring reads, in buckets of a minute, an hour and a day. The buckets may be behind what they count: what they are
 * behind by is in the store, written by the transactions that were counted. They catch up before anybody reads them, and when
 * there is much to catch up with.
 */
export class Sums implements Gathered {
  private static readonly known = new WeakMap<Database, Sums>();
  readonly jobs: JobRollup;
  readonly flow: FlowRollup;
  private readonly db: Database;

  private constructor(db: Database) {
    this.db = db;
    const gather = (): void => db.gather(this);
    this.jobs = new JobRollup(db, gather);
    this.flow = new FlowRollup(db, gather);
  }

  /** There is one for a database. */
  static of(db: Database): Sums {
    let sums = Sums.known.get(db);
    if (sums === undefined) Sums.known.set(db, (sums = new Sums(db)));
    return sums;
  }

  flush(): void {
    this.jobs.flush();
    this.flow.flush();
    if (this.jobs.waiting + this.flow.waiting >= WAITING) this.catchUp();
  }

  forget(): void {
    this.jobs.forget();
    this.flow.forget();
  }

  /** Within a transaction: nothing is behind. */
  catchUp(): void {
    this.jobs.catchUp();
    this.flow.catchUp();
  }

  /** Reads buckets that nothing is behind. On a full disk they have caught up for as long as `read` takes, and no longer. */
  current<T>(read: () => T): T {
    const caughtUp = (): T => {
      this.catchUp();
      return read();
    };
    if (!this.isBehind()) return read();
    try {
      return this.db.transaction(caughtUp);
    } catch (error) {
      if (!(error instanceof BatchyardError && error.code === "storage_full")) throw error;
      try {
        return this.db.rehearse(caughtUp);
      } finally {
        this.jobs.rewritten();
      }
    }
  }

  private isBehind(): boolean {
    return this.flow.isBehind() || this.jobs.isBehind();
  }
}
