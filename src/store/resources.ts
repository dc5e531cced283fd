import type { CacheFigures } from "../model/cache-figures.ts";

/** What the store uses of its process, since that started. */
export interface StoreResources {
  /** Connections that are open. */
  connections: number;
  /** Writers that wait for one; null = nobody can: the connection does its work within a turn of the event loop. */
  waiting: number | null;
  /** Time that connections were in use, added up, milliseconds. */
  busyMs: number;
  transactions: number;
  /** Of these, those that took longer than 100 ms. */
  slowTransactions: number;
  /** Reads and writes outside of transactions. */
  statements: number;
  caches: CacheFigures[];
}
