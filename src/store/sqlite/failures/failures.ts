import type { SQLInputValue } from "node:sqlite";
import type { ErrorCategory } from "../../../model/item.ts";
import type { FailureClass, FailureFilter, FailureMute, FailureStore, FailureSums, MutedFailures } from "../../failures.ts";
import type { Database } from "../database/database.ts";
import { IN_FORCE, muteKind, mutedFailures, unmuteKind } from "./failure-mutes.ts";

const HOUR_MS = 3_600_000;

type RawClass = Pick<FailureClass, "fingerprint" | "error" | "code" | "category" | "failures" | "lastSeen" | "batchId" | "nodeId">;

interface Part {
  fingerprint: string;
  hour: number;
  operation: string;
  stream: string;
  failures: number;
  firstSeen: number;
}

export class SqliteFailures implements FailureStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async classes(filter: FailureFilter, limit: number): Promise<FailureClass[]> {
    const { where, parameters } = within(filter);
    // Text and example are those of the row that MAX found.
    const rows = this.db.all<RawClass>(
      `SELECT fingerprint, error, code, category, SUM(failures) AS failures, MAX(last_seen) AS lastSeen, batch_id AS batchId, node_id AS nodeId
       FROM failure_hours WHERE ${where} GROUP BY fingerprint ORDER BY failures DESC, fingerprint LIMIT ?`,
      ...parameters,
      limit,
    );
    const parts = this.db.all<Part>(
      `SELECT fingerprint, hour, operation, stream, failures, first_seen AS firstSeen FROM failure_hours
       WHERE ${where} AND fingerprint IN (SELECT value FROM json_each(?)) ORDER BY hour`,
      ...parameters,
      JSON.stringify(rows.map(({ fingerprint }) => fingerprint)),
    );
    const byKind = Map.groupBy(parts, ({ fingerprint }) => fingerprint);
    return rows.map((row) => {
      const own = byKind.get(row.fingerprint) ?? [];
      const operations = summed(own, ({ operation }) => operation);
      return {
        ...row,
        firstSeen: Math.min(...own.map(({ firstSeen }) => firstSeen)),
        firstEver: this.firstEver(filter.tenant, row.fingerprint, operations),
        operations,
        streams: summed(own, ({ stream }) => stream).filter(({ name }) => name !== ""),
        hours: [...Map.groupBy(own, ({ hour }) => hour)].map(([at, same]) => ({ at, failures: total(same) })),
      };
    });
  }

  async sums(filter: FailureFilter): Promise<FailureSums> {
    const { where, parameters } = within(filter);
    const { classes } = this.db.get<{ classes: number }>(
      `SELECT COUNT(DISTINCT fingerprint) AS classes FROM failure_hours WHERE ${where}`,
      ...parameters,
    )!;
    const byCategory = this.db.all<{ category: ErrorCategory; failures: number }>(
      `SELECT category, SUM(failures) AS failures FROM failure_hours WHERE ${where} GROUP BY category ORDER BY failures DESC, category`,
      ...parameters,
    );
    return { classes, failures: total(byCategory), byCategory };
  }

  async mute(mute: Omit<FailureMute, "error" | "code">): Promise<{ before: FailureMute | null; after: FailureMute } | null> {
    return this.db.transaction(() => muteKind(this.db, mute));
  }

  async unmute(tenant: string, fingerprint: string, now: number): Promise<FailureMute | null> {
    return this.db.transaction(() => unmuteKind(this.db, tenant, fingerprint, now));
  }

  async mutes(filter: FailureFilter, now: number, limit: number): Promise<MutedFailures[]> {
    const { where, parameters } = within({ ...filter, muted: undefined });
    return mutedFailures(this.db, { tenant: filter.tenant, where, parameters, now, limit });
  }

  async trim(before: number): Promise<void> {
    this.db.run("DELETE FROM failure_hours WHERE hour < ?", before - HOUR_MS);
    this.db.run("DELETE FROM failure_mutes WHERE until < ?", before);
  }

  private firstEver(tenant: string, fingerprint: string, operations: readonly { name: string }[]): number | null {
    const seen = operations.flatMap(({ name }) => {
      const row = this.db.get<{ at: number }>(
        "SELECT first_seen AS at FROM alert_error_classes WHERE tenant = ? AND operation = ? AND fingerprint = ?",
        tenant,
        name,
        fingerprint,
      );
      return row === undefined ? [] : [row.at];
    });
    return seen.length === 0 ? null : Math.min(...seen);
  }
}

function within({ tenant, from, to, operation, muted }: FailureFilter): { where: string; parameters: SQLInputValue[] } {
  const conditions = ["tenant = ? AND hour >= ? AND hour < ?"];
  const parameters: SQLInputValue[] = [tenant, from - (from % HOUR_MS), to];
  if (operation !== undefined) {
    conditions.push("operation = ?");
    parameters.push(operation);
  }
  if (muted !== undefined) {
    conditions.push(`fingerprint ${muted.only ? "IN" : "NOT IN"} (SELECT fingerprint FROM failure_mutes WHERE tenant = ? AND ${IN_FORCE})`);
    parameters.push(tenant, muted.now);
  }
  return { where: conditions.join(" AND "), parameters };
}

function summed<T extends { failures: number }>(parts: readonly T[], nameOf: (part: T) => string): { name: string; failures: number }[] {
  return [...Map.groupBy(parts, nameOf)]
    .map(([name, own]) => ({ name, failures: total(own) }))
    .sort((a, b) => b.failures - a.failures || (a.name < b.name ? -1 : 1));
}

function total(parts: readonly { failures: number }[]): number {
  return parts.reduce((sum, { failures }) => sum + failures, 0);
}
