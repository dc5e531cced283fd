import { watch } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const opened = (data: string): DatabaseSync => new DatabaseSync(join(data, "batchyard.db"), { readOnly: true });

function read(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
}

/** One number out of a store, also while another process writes it. */
export function storedNumber(data: string, sql: string): number {
  const db = opened(data);
  try {
    return read(db, sql);
  } finally {
    db.close();
  }
}

/** Resolves when that number fulfils a condition: looked at again whenever the store was written. */
export async function untilStored(data: string, sql: string, holds: (n: number) => boolean): Promise<void> {
  // One connection for all looks: opening one writes to the files that are watched.
  const db = opened(data);
  try {
    await new Promise<void>((resolve) => {
      let due = false;
      const look = (): void => {
        due = false;
        if (!holds(read(db, sql))) return;
        watcher.close();
        resolve();
      };
      const watcher = watch(data, () => {
        if (due) return;
        due = true;
        setImmediate(look);
      });
      look();
    });
  } finally {
    db.close();
  }
}
