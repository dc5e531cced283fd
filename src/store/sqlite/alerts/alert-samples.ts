import type { Compare } from "../../../model/alert.ts";
import type { AlertBreach, AlertSample } from "../../alerts.ts";
import type { Database } from "../database/database.ts";

/** Where more samples count than this, looking up what follows each takes longer than reading all. */
const MOST_COUNTING = 20_000;

// Beside the largest of a group SQLite gives the other columns of the same row.
const IN_RANGE = `SELECT metric, instance, at, shape, number FROM alert_samples WHERE tenant = ?1 AND metric = ?2 AND at >= ?3 AND at <= ?4
  UNION ALL
  SELECT metric, instance, MAX(at) AS at, shape, number FROM alert_samples WHERE tenant = ?1 AND metric = ?2 AND at < ?3 GROUP BY instance`;

const OVER: Record<Compare, string> = { above: ">", atLeast: ">=", below: "<", atMost: "<=" };

export function alertSamples(
  db: Database,
  tenant: string,
  metric: string,
  range: { from: number; to: number },
  breach?: AlertBreach,
): AlertSample[] {
  const few = breach === undefined ? null : thatCount(db, tenant, metric, range, breach);
  return few ?? db.all<AlertSample>(`${IN_RANGE} ORDER BY at, instance`, tenant, metric, range.from, range.to);
}

/** Breaches, what is no value, and what follows either. Null: too many. */
function thatCount(
  db: Database,
  tenant: string,
  metric: string,
  { from, to }: { from: number; to: number },
  { compare, threshold }: AlertBreach,
): AlertSample[] | null {
  const counts = `(shape <> 'value' OR number ${OVER[compare]} ?5)`;
  const counting = db.all<AlertSample>(
    `SELECT * FROM (${IN_RANGE}) WHERE ${counts} LIMIT ${MOST_COUNTING + 1}`,
    tenant,
    metric,
    from,
    to,
    threshold,
  );
  if (counting.length > MOST_COUNTING) return null;
  const samples = [...counting];
  for (const { instance, at } of counting) {
    const next = db.get<AlertSample & { counts: 0 | 1 }>(
      `SELECT metric, instance, at, shape, number, ${counts} AS counts FROM alert_samples
       WHERE tenant = ?1 AND metric = ?2 AND instance = ?3 AND at > ?4 AND at <= ?6 ORDER BY at LIMIT 1`,
      tenant,
      metric,
      instance,
      at,
      threshold,
      to,
    );
    if (next === undefined) continue;
    const { counts: isCounted, ...sample } = next;
    if (isCounted === 0) samples.push(sample);
  }
  return samples.sort((a, b) => a.at - b.at || (a.instance < b.instance ? -1 : 1));
}
