/** What a bare program takes to store items in chunks, run a no-op over them and store the results: no leases, no retries, no counters. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Measured } from "../throughput.ts";
import { payload } from "./payload.ts";

const CHUNK = 500;
const [items, directory] = [Number(process.argv[2]), process.argv[3]!];
const db = new DatabaseSync(join(directory, "floor.db"));
db.exec(
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE chunks (id INTEGER PRIMARY KEY, state TEXT, body TEXT); CREATE TABLE results (chunk INTEGER, body TEXT)",
);
const insert = db.prepare("INSERT INTO chunks (state, body) VALUES ('pending', ?)");
const next = db.prepare("SELECT id, body FROM chunks WHERE id > ? ORDER BY id LIMIT 1");
const settle = db.prepare("INSERT INTO results (chunk, body) VALUES (?, ?)");
const finish = db.prepare("UPDATE chunks SET state = 'done' WHERE id = ?");
const handler = async (item: unknown): Promise<{ result: unknown }> => ({ result: item });

const started = performance.now();
for (let from = 0; from < items; from += CHUNK) {
  const chunk = Array.from({ length: Math.min(CHUNK, items - from) }, (_, i) => payload(from + i));
  insert.run(JSON.stringify(chunk));
}
const added = performance.now();
for (let last = 0; ;) {
  const row = next.get(last) as { id: number; body: string } | undefined;
  if (row === undefined) break;
  last = row.id;
  const results: unknown[] = [];
  for (const item of JSON.parse(row.body) as unknown[]) results.push((await handler(item)).result);
  db.exec("BEGIN IMMEDIATE");
  settle.run(row.id, JSON.stringify(results));
  finish.run(row.id);
  db.exec("COMMIT");
}
const ended = performance.now();
db.close();
const measured: Measured = {
  items,
  addSeconds: (added - started) / 1000,
  totalSeconds: (ended - started) / 1000,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
};
console.log(JSON.stringify(measured));
