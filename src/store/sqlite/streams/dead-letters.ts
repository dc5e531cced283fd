import type { DeadGroup, DeadLetter, DeadSelection, NewDeadLetter, PacedRequeue } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { Sums } from "../sums/sums.ts";

interface RawLetter {
  id: number;
  tenant: string;
  stream: string;
  item_key: string | null;
  body: string;
  reason: string;
  at: number;
}

export function addLetter(db: Database, letter: NewDeadLetter): void {
  const { tenant, stream, itemKey, text, reason, at } = letter;
  db.run(
    "INSERT INTO dead_letters (tenant, stream, item_key, body, reason, at) VALUES (?, ?, ?, ?, ?, ?)",
    tenant,
    stream,
    itemKey,
    text,
    reason,
    at,
  );
  Sums.of(db).flow.deadLetter(tenant, stream, at);
}

/** Those that went back into a window. */
export function dropLetters(db: Database, { tenant, stream }: { tenant: string; stream: string }, ids: readonly number[]): void {
  for (const id of ids) db.run("DELETE FROM dead_letters WHERE id = ? AND tenant = ? AND stream = ?", id, tenant, stream);
}

export function lettersOf(
  db: Database,
  tenant: string,
  stream: string,
  page: { after: number; limit: number; selection?: DeadSelection },
): DeadLetter[] {
  const { reason = null, ids } = page.selection ?? {};
  return db
    .all<RawLetter>(
      `SELECT * FROM dead_letters WHERE tenant = ?1 AND stream = ?2 AND id > ?3 AND (?4 IS NULL OR reason = ?4)
         AND (?5 IS NULL OR id IN (SELECT value FROM json_each(?5))) ORDER BY id LIMIT ?6`,
      tenant,
      stream,
      page.after,
      reason,
      ids === undefined ? null : JSON.stringify(ids),
      page.limit,
    )
    .map((raw) => ({
      id: raw.id,
      tenant: raw.tenant,
      stream: raw.stream,
      itemKey: raw.item_key,
      text: raw.body,
      reason: raw.reason,
      at: raw.at,
    }));
}

export function letterGroups(db: Database, tenant: string): DeadGroup[] {
  return db.all<{ queue: string; reason: string; count: number; oldest: number; newest: number }>(
    `SELECT c.stream AS queue, c.reason, c.letters AS count,
       (SELECT at FROM dead_letters d WHERE d.tenant = c.tenant AND d.stream = c.stream AND d.reason = c.reason ORDER BY d.id LIMIT 1) AS oldest,
       (SELECT at FROM dead_letters d WHERE d.tenant = c.tenant AND d.stream = c.stream AND d.reason = c.reason ORDER BY d.id DESC LIMIT 1) AS newest
     FROM dead_letter_counts c WHERE c.tenant = ? AND c.letters > 0 ORDER BY c.stream, c.letters DESC, c.reason`,
    tenant,
  );
}

/** Returns how many went. */
export function discardLetters(db: Database, tenant: string, stream: string, selection: DeadSelection, limit: number): number {
  return db.run(
    `DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE tenant = ?1 AND stream = ?2 AND (?3 IS NULL OR reason = ?3)
       AND (?4 IS NULL OR id IN (SELECT value FROM json_each(?4))) ORDER BY id LIMIT ?5)`,
    tenant,
    stream,
    selection.reason ?? null,
    selection.ids === undefined ? null : JSON.stringify(selection.ids),
    limit,
  );
}

export function pacedRequeues(db: Database): PacedRequeue[] {
  return db
    .all<Omit<PacedRequeue, "selection"> & { selection: string }>("SELECT * FROM requeues ORDER BY tenant, stream")
    .map((raw) => ({ ...raw, selection: JSON.parse(raw.selection) as DeadSelection }));
}

/** One of which nothing is left is forgotten. */
export function saveRequeue(db: Database, { tenant, stream, selection, rest, rate, after }: PacedRequeue): void {
  if (rest === 0) db.run("DELETE FROM requeues WHERE tenant = ? AND stream = ?", tenant, stream);
  else
    db.run(
      `INSERT INTO requeues (tenant, stream, selection, rest, rate, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (tenant, stream) DO UPDATE SET selection = ?3, rest = ?4, rate = ?5, after = ?6`,
      tenant,
      stream,
      JSON.stringify(selection),
      rest,
      rate,
      after,
    );
}
