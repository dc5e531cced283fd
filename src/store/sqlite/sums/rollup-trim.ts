import type { RollupHorizons } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { WIDTHS } from "./widths.ts";
import { Sums } from "./sums.ts";

/** Buckets of one width taken off in one transaction. */
const AT_ONCE = 1440;
const NAME = "rollup_horizons";

/** What happened has no other source than its buckets: all of them go. Of batches only those that are gone, the rest is recounted from batches. */
const TABLES = [
  { name: "flow", only: "" },
  { name: "flow_bins", only: "" },
  { name: "job_rollups", only: " AND kept = 1" },
  { name: "job_bins", only: " AND kept = 1" },
  { name: "job_sizes", only: " AND jobs = 0" },
  { name: "job_errors", only: " AND jobs = 0" },
] as const;

/** Before these times there are no minutes, no hours, no days: each a whole bucket of the next width. */
export function horizonsOf(db: Database): RollupHorizons {
  const kept = db.get<{ value: string }>("SELECT value FROM meta WHERE name = ?", NAME);
  return kept === undefined ? { minutes: 0, hours: 0, days: 0 } : (JSON.parse(kept.value) as RollupHorizons);
}

/** Takes off some buckets before the horizons; false when none was left. */
export function trimRollups(db: Database, asked: RollupHorizons): boolean {
  const known = horizonsOf(db);
  const [minute, hour, day] = WIDTHS;
  // A horizon never goes back: what is gone does not come again when retention is set higher.
  const horizons: RollupHorizons = {
    minutes: Math.max(known.minutes, asked.minutes - (asked.minutes % hour)),
    hours: Math.max(known.hours, asked.hours - (asked.hours % day)),
    days: Math.max(known.days, asked.days - (asked.days % day)),
  };
  return db.transaction(() => {
    Sums.of(db).catchUp();
    db.run("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", NAME, JSON.stringify(horizons));
    let removed = 0;
    for (const { name, only } of TABLES) {
      for (const tenant of tenantsOf(db, name)) {
        for (const [width, before] of [
          [minute, horizons.minutes],
          [hour, horizons.hours],
          [day, horizons.days],
        ] as const) {
          const range = `FROM ${name} WHERE tenant = ? AND width = ? AND bucket < ?${only}`;
          const first = db.get<{ first: number | null }>(`SELECT MIN(bucket) AS first ${range}`, tenant, width, before)!.first;
          if (first !== null) removed += db.run(`DELETE ${range}`, tenant, width, Math.min(before, first + AT_ONCE * width));
        }
      }
    }
    if (removed > 0) Sums.of(db).jobs.rewritten();
    return removed > 0;
  });
}

/** By the primary key, from one to the next. */
function tenantsOf(db: Database, table: string): string[] {
  const tenants: string[] = [];
  for (;;) {
    const next = db.get<{ tenant: string | null }>(
      `SELECT MIN(tenant) AS tenant FROM ${table} WHERE tenant > ?`,
      tenants.at(-1) ?? "",
    )!.tenant;
    if (next === null) return tenants;
    tenants.push(next);
  }
}
