import type { SQLInputValue } from "node:sqlite";
import type { FailureMute, MutedFailures } from "../../failures.ts";
import type { Database } from "../database/database.ts";

/** Takes one parameter: now. */
export const IN_FORCE = "(until IS NULL OR until > ?)";

interface RawMute extends Omit<FailureMute, "untilChange"> {
  untilChange: number;
}

const COLUMNS = "tenant, fingerprint, error, code, reason, actor AS by, at, until, until_change AS untilChange";

/** The newest hour with this kind gives its text, so a kind that was ever counted is found without a look at all of them. */
export function muteKind(
  db: Database,
  mute: Omit<FailureMute, "error" | "code">,
): { before: FailureMute | null; after: FailureMute } | null {
  const { tenant, fingerprint, reason, by, at, until, untilChange } = mute;
  const known = db.get<{ error: string; code: string }>(
    "SELECT error, code FROM failure_hours WHERE tenant = ? AND fingerprint = ? ORDER BY hour DESC LIMIT 1",
    tenant,
    fingerprint,
  );
  if (known === undefined) return null;
  const before = unmuteKind(db, tenant, fingerprint, at);
  db.run(
    `INSERT OR REPLACE INTO failure_mutes (tenant, fingerprint, error, code, reason, actor, at, until, until_change)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    tenant,
    fingerprint,
    known.error,
    known.code,
    reason,
    by,
    at,
    until,
    Number(untilChange),
  );
  // Where it has failed so far, so that a failure that nobody has taken note of yet is not taken for a change.
  db.run(
    `INSERT INTO alert_error_classes (tenant, operation, fingerprint, first_seen)
     SELECT tenant, operation, fingerprint, MIN(first_seen) FROM failure_hours WHERE tenant = ? AND fingerprint = ? GROUP BY operation ON CONFLICT DO NOTHING`,
    tenant,
    fingerprint,
  );
  return { before, after: { ...mute, ...known } };
}

export function unmuteKind(db: Database, tenant: string, fingerprint: string, now: number): FailureMute | null {
  const found = db.get<RawMute>(
    `SELECT ${COLUMNS} FROM failure_mutes WHERE tenant = ? AND fingerprint = ? AND ${IN_FORCE}`,
    tenant,
    fingerprint,
    now,
  );
  if (found === undefined) return null;
  db.run("DELETE FROM failure_mutes WHERE tenant = ? AND fingerprint = ?", tenant, fingerprint);
  return muteOf(found);
}

/** `where`: which hours count, with its parameters. */
export function mutedFailures(
  db: Database,
  asked: { tenant: string; where: string; parameters: readonly SQLInputValue[]; now: number; limit: number },
): MutedFailures[] {
  const { tenant, where, parameters, now, limit } = asked;
  const rows = db.all<RawMute & Pick<MutedFailures, "failures" | "lastSeen">>(
    `WITH listed AS (SELECT * FROM failure_mutes WHERE tenant = ? AND ${IN_FORCE} ORDER BY at DESC, fingerprint LIMIT ?),
       counted AS (SELECT fingerprint AS kind, SUM(failures) AS failures, MAX(last_seen) AS lastSeen FROM failure_hours
         WHERE ${where} AND fingerprint IN (SELECT fingerprint FROM listed) GROUP BY fingerprint)
     SELECT ${COLUMNS}, COALESCE(failures, 0) AS failures, lastSeen FROM listed LEFT JOIN counted ON kind = fingerprint ORDER BY at DESC, fingerprint`,
    tenant,
    now,
    limit,
    ...parameters,
  );
  return rows.map((row) => ({ ...muteOf(row), failures: row.failures, lastSeen: row.lastSeen }));
}

/** Failures (id after `after`, up to `last`) of a kind in an operation that never had it end the mutes that were to hold until then. */
export function endChangedMutes(db: Database, after: number, last: number): void {
  db.run(
    `DELETE FROM failure_mutes WHERE until_change = 1 AND EXISTS
       (SELECT 1 FROM failures f JOIN batches b ON b.id = f.batch_id
        WHERE f.id > ?1 AND f.id <= ?2 AND f.fingerprint = failure_mutes.fingerprint AND b.tenant = failure_mutes.tenant
          AND NOT EXISTS (SELECT 1 FROM alert_error_classes c WHERE c.tenant = b.tenant AND c.operation = b.operation AND c.fingerprint = f.fingerprint))`,
    after,
    last,
  );
}

function muteOf({ untilChange, ...row }: RawMute): FailureMute {
  const { tenant, fingerprint, error, code, reason, by, at, until } = row;
  return { tenant, fingerprint, error, code, reason, by, at, until, untilChange: untilChange === 1 };
}
