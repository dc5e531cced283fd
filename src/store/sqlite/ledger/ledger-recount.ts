import type { NanoUsd } from "../../../model/money.ts";
import type { Finding } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { SUMS, type RawSums } from "./ledger.ts";

/** Each maintained sum as it follows from lines. */
const FROM_LINES: Record<keyof RawSums, string> = {
  requests: "COUNT(*)",
  unpriced: "COUNT(*) - COUNT(standard)",
  uncounted: "COUNT(*) - COALESCE(SUM(counted), 0)",
  input: "COALESCE(SUM(input), 0)",
  cached: "COALESCE(SUM(cached), 0)",
  cache_write: "COALESCE(SUM(cache_write), 0)",
  audio_input: "COALESCE(SUM(audio_input), 0)",
  output: "COALESCE(SUM(output), 0)",
  reasoning: "COALESCE(SUM(reasoning), 0)",
  audio_output: "COALESCE(SUM(audio_output), 0)",
  standard: "COALESCE(SUM(standard), 0)",
  paid: "COALESCE(SUM(paid), 0)",
  paid_uncounted: "COALESCE(SUM(paid) FILTER (WHERE counted = 0), 0)",
};

/** What was spent on requests of a batch whose results were not kept: the part of its cost that no result carries. */
export function uncountedCost(db: Database, batchId: string): NanoUsd {
  return db.get<{ paid: number }>(
    `SELECT COALESCE(SUM(l.paid), 0) AS paid FROM ledger_attempts a JOIN ledger_lines l ON l.attempt_id = a.id
     WHERE a.batch_id = ? AND l.counted = 0`,
    batchId,
  )!.paid;
}

/** The sums of a batch's groups against their lines. */
export function recountLedgerGroups(db: Database, batchId: string, rebuild: boolean, report: (message: string) => void): void {
  const groups = db.all<RawSums & { id: number; model: string }>(
    "SELECT * FROM ledger_groups WHERE batch_id = ? AND closed = 0 ORDER BY id",
    batchId,
  );
  if (groups.length === 0) return;
  const found = new Map<number, RawSums>();
  const rows = db.iterate<RawSums & { group_id: number }>(
    `SELECT group_id, ${SUMS.map((sum) => `${FROM_LINES[sum]} AS ${sum}`).join(", ")}
     FROM ledger_attempts a JOIN ledger_lines l ON l.attempt_id = a.id WHERE a.batch_id = ? GROUP BY group_id`,
    batchId,
  );
  for (const row of rows) found.set(row.group_id, row);
  for (const group of groups) {
    const counted = found.get(group.id);
    for (const sum of SUMS) {
      const truth = counted?.[sum] ?? 0;
      if (group[sum] === truth) continue;
      report(`ledger of ${group.model}: ${sum} is ${group[sum]}, recounted ${truth}`);
      if (rebuild) db.run(`UPDATE ledger_groups SET ${sum} = ? WHERE id = ?`, truth, group.id);
    }
  }
}

/** The sums of each day against the groups of all batches. */
export function recountLedgerDays(db: Database, rebuild: boolean, findings: Finding[]): void {
  const key = ["tenant", "day", "operation", "provider", "model", "tier"];
  const sums = SUMS.map((sum) => `SUM(${sum}) AS ${sum}`).join(", ");
  const wrong = db.all<
    RawSums & { tenant: string; day: number; operation: string; provider: string; model: string; tier: string; kept: string | null }
  >(
    `SELECT ${key.map((name) => `COALESCE(g.${name}, d.${name}) AS ${name}`).join(", ")}, ${SUMS.map((sum) => `COALESCE(g.${sum}, 0) AS ${sum}`).join(", ")},
       CASE WHEN d.day IS NULL THEN NULL ELSE json_object(${SUMS.map((sum) => `'${sum}', d.${sum}`).join(", ")}) END AS kept
     FROM (SELECT ${key.join(", ")}, ${sums} FROM ledger_groups GROUP BY ${key.join(", ")}) g
     FULL OUTER JOIN ledger_days d ON ${key.map((name) => `d.${name} = g.${name}`).join(" AND ")}
     WHERE ${SUMS.map((sum) => `COALESCE(g.${sum}, 0) <> COALESCE(d.${sum}, 0)`).join(" OR ")}`,
  );
  for (const row of wrong) {
    const kept = row.kept === null ? null : (JSON.parse(row.kept) as RawSums);
    for (const sum of SUMS.filter((name) => (kept?.[name] ?? 0) !== row[name])) {
      findings.push({
        batchId: null,
        repaired: rebuild,
        message: `ledger of day ${row.day}, ${row.operation} on ${row.model}: ${sum} is ${kept?.[sum] ?? 0}, recounted ${row[sum]}`,
      });
    }
    if (!rebuild) continue;
    db.run(
      `INSERT INTO ledger_days (${key.join(", ")}, ${SUMS.join(", ")}) VALUES (${[...key, ...SUMS].map(() => "?").join(", ")})
       ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${SUMS.map((sum) => `${sum} = excluded.${sum}`).join(", ")}`,
      row.tenant,
      row.day,
      row.operation,
      row.provider,
      row.model,
      row.tier,
      ...SUMS.map((sum) => row[sum]),
    );
  }
}
