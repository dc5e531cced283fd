import { createHash } from "node:crypto";
import type { AuditEntry, AuditStore } from "../port.ts";
import type { Database } from "./database.ts";

/** Each row's hash covers the row and the hash before it: a row that is edited, removed or moved breaks the chain after it. */
export class SqliteAudit implements AuditStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async append(entry: AuditEntry): Promise<void> {
    this.db.transaction(() => {
      const previous = this.db.get<{ hash: string }>("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")?.hash ?? "";
      const before = entry.before === undefined ? null : JSON.stringify(entry.before);
      const after = entry.after === undefined ? null : JSON.stringify(entry.after);
      const row = [
        entry.tenant,
        entry.at,
        entry.actor,
        entry.credential,
        entry.address,
        entry.action,
        entry.target,
        before,
        after,
        entry.outcome,
      ] as const;
      const hash = createHash("sha256")
        .update(JSON.stringify([previous, ...row]))
        .digest("hex");
      this.db.run(
        "INSERT INTO audit (tenant, at, actor, credential, address, action, target, before, after, outcome, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ...row,
        hash,
      );
    });
  }

  async list(tenant: string, page: { before: number | null; limit: number }): ReturnType<AuditStore["list"]> {
    const rows = this.db.all<
      Omit<AuditEntry, "before" | "after"> & { seq: number; hash: string; before: string | null; after: string | null }
    >(
      "SELECT * FROM audit WHERE tenant = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
      tenant,
      page.before ?? Number.MAX_SAFE_INTEGER,
      page.limit,
    );
    return rows.map((row) => ({ ...row, before: parse(row.before), after: parse(row.after) }));
  }
}

function parse(text: string | null): unknown {
  return text === null ? undefined : (JSON.parse(text) as unknown);
}
