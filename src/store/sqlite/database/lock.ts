import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BatchyardError } from "../../../model/errors.ts";

/**
 * One process a data directory. The lock is an open EXCLUSIVE transaction on `lock.db`: the operating system frees it
 * however the holder dies, kill -9 included. `lock.json` beside it only tells a refused process who holds it.
 */
export function lockDirectory(directory: string): () => void {
  const db = new DatabaseSync(join(directory, "lock.db"));
  const holderFile = join(directory, "lock.json");
  try {
    db.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    const holder = readHolder(holderFile);
    throw new BatchyardError("data_in_use", { path: directory, pid: holder.pid, since: holder.since }, { cause });
  }
  writeFileSync(holderFile, JSON.stringify({ pid: process.pid, since: new Date().toISOString() }));
  return () => {
    db.exec("ROLLBACK");
    db.close();
  };
}

function readHolder(file: string): { pid: string; since: string } {
  try {
    const holder = JSON.parse(readFileSync(file, "utf8")) as { pid: number; since: string };
    return { pid: String(holder.pid), since: holder.since };
  } catch {
    return { pid: "unknown", since: "unknown" };
  }
}
