import { setImmediate } from "node:timers/promises";
import type { SQLInputValue } from "node:sqlite";
import type { AuditEntry, AuditFilter, AuditStore, AuditVerdict, StoredAudit } from "../../port.ts";
import type { AuditAnchor, Mark } from "./audit-anchor.ts";
import {
  anchorFault,
  baseOf,
  chained,
  isBaseAllowed,
  isKept,
  isWhole,
  continued,
  rememberAnchor,
  rememberedAnchor,
  toStored,
  verifyChain,
  type RawAudit,
} from "./audit-chain.ts";
import { insertEvent } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";

const SCAN_ROWS = 500;
const NO_HEAD: Mark = { seq: 0, hash: "", at: 0 };

/** Each row's hash covers the row and the hash before it: a row that is edited, removed or moved breaks the chain after it. */
export class SqliteAudit implements AuditStore {
  private readonly db: Database;
  private readonly anchor: AuditAnchor;
  /** The last entry this process knows of, by the anchor or because it wrote it; null = the log is not what was written: it gets no new anchor. */
  private known: Mark | null;
  private readonly found: Awaited<ReturnType<AuditStore["anchoring"]>>;

  constructor(db: Database, anchor: AuditAnchor) {
    this.db = db;
    this.anchor = anchor;
    const remembered = rememberedAnchor(db);
    const anchored = anchor.read();
    const fault = anchorFault(anchored, remembered);
    this.found = { fault, adopted: null };
    this.known = null;
    if (fault !== null) return;
    if (anchored === null) {
      // A store that never had an anchor (an older version wrote it, or it was restored from a backup) gets one.
      this.known = this.last();
      this.found.adopted = this.known.seq === 0 ? null : { seq: this.known.seq, hash: this.known.hash };
      this.begin(this.known);
      return;
    }
    // What came behind the anchor before the process died is taken over only if it continues the chain.
    this.known = isKept(db, remembered) ? continued(db, anchored) : null;
    if (this.known === null) {
      const message = "the log is not the one that was written: batchyard audit verify tells what of it was changed";
      this.found.fault = { seq: anchored.seq, kind: "rewritten", message };
      return;
    }
    if (remembered === null) rememberAnchor(db, { ...anchored, at: this.known.at });
    if (this.known.seq !== anchored.seq) anchor.follow(this.known);
  }

  async append(entry: AuditEntry): Promise<void> {
    this.committed(
      this.db.transaction(() => {
        const head = this.write([entry]);
        this.tell(entry);
        return head;
      }),
    );
  }

  /** Acts only: a page that shows the audited views would otherwise hear of its own reading, and read again. */
  private tell({ tenant, at, actor, action, target, outcome }: AuditEntry): void {
    if (action.endsWith("_access")) return;
    const data = { actor, action, target, outcome };
    insertEvent(this.db, { tenant, type: "audit.recorded", entity: { kind: "audit", id: target }, severity: "info", ts: at, data });
  }

  /** One entry or more, within a transaction of the caller, who hands the answer to `committed` once they are in the log for good. */
  write(entries: readonly AuditEntry[]): Mark | null {
    let last = this.last();
    const holds = this.continues(last);
    for (const entry of entries) {
      const before = entry.before === undefined ? null : JSON.stringify(entry.before);
      const after = entry.after === undefined ? null : JSON.stringify(entry.after);
      const row = { ...entry, before, after };
      const hash = chained(last.hash, row);
      const seq = this.db.insert(
        "INSERT INTO audit (tenant, at, actor, credential, address, action, target, before, after, outcome, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.tenant,
        row.at,
        row.actor,
        row.credential,
        row.address,
        row.action,
        row.target,
        before,
        after,
        row.outcome,
        hash,
      );
      last = { seq, hash, at: row.at };
    }
    return holds ? last : null;
  }

  committed(head: Mark | null): void {
    this.known = head;
    if (head !== null) this.anchor.follow(head);
  }

  /** Resolves when the anchor has all entries, and the disk the anchor. */
  close(): Promise<void> {
    return this.anchor.close();
  }

  async anchoring(): ReturnType<AuditStore["anchoring"]> {
    return this.found;
  }

  async accept(by: Parameters<AuditStore["accept"]>[0], reason: string): Promise<AuditVerdict | null> {
    const { ok, faults } = await this.verify();
    if (ok) return null;
    const anchor = this.anchor.read();
    const mark = this.db.transaction(() => {
      const before = { anchor, remembered: rememberedAnchor(this.db), faults };
      const entry = {
        ...by,
        action: "audit.anchor_accepted",
        target: "audit.anchor",
        before,
        after: { reason },
        outcome: "SUCCESS" as const,
      };
      this.write([entry]);
      const last = this.last();
      // Before the file: whoever dies in between has accepted nothing.
      rememberAnchor(this.db, last);
      return last;
    });
    const base = baseOf(this.db);
    this.anchor.write(mark, base.seq === 0 ? null : base);
    this.found.fault = null;
    this.committed(mark);
    return this.verify();
  }

  async list(tenant: string, page: { before: number | null; limit: number; filter?: AuditFilter }): Promise<StoredAudit[]> {
    const { where, parameters } = narrowed(page.filter ?? {});
    return this.db
      .all<RawAudit>(
        `SELECT * FROM audit WHERE tenant = ? AND seq < ?${where} ORDER BY seq DESC LIMIT ?`,
        tenant,
        page.before ?? Number.MAX_SAFE_INTEGER,
        ...parameters,
        page.limit,
      )
      .map(toStored);
  }

  scan(tenant: string | null, filter: AuditFilter = {}): AsyncIterable<StoredAudit[]> {
    return scanAudit(this.db, tenant, filter);
  }

  async verify(expected?: { seq: number; hash: string }): Promise<AuditVerdict> {
    await this.anchor.settled();
    return verifyChain(this.db, this.anchor, expected);
  }

  /** Only from the beginning, only what is as it was written, and never the newest entry. */
  async trim(before: number, limit: number, by: Pick<AuditEntry, "tenant" | "actor" | "at">): Promise<number> {
    const anchored = this.anchor.read();
    if (!this.continues(this.last()) || anchored === null || !isBaseAllowed(baseOf(this.db), anchored)) return 0;
    const end = this.firstKept(before, limit) - 1;
    const base = this.db.get<Mark>("SELECT seq, hash, at FROM audit WHERE seq = ?", end);
    if (base === undefined || !isWhole(this.db, base)) return 0;
    await this.anchor.rebase(base);
    const { removed, head } = this.db.transaction(() => {
      const gone = this.db.run("DELETE FROM audit WHERE seq <= ?", base.seq);
      this.db.run(
        "INSERT INTO meta (name, value) VALUES ('audit_base', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        JSON.stringify(base),
      );
      const entry = { ...by, credential: null, address: null, action: "audit.trimmed", target: `${base.seq}:${base.hash}` };
      return { removed: gone, head: this.write([{ ...entry, before: { entries: gone }, after: null, outcome: "SUCCESS" }]) };
    });
    this.committed(head);
    return removed;
  }

  async due(before: number, limit: number): Promise<number> {
    const first = this.db.get<{ seq: number | null }>("SELECT MIN(seq) AS seq FROM audit")!.seq;
    return first === null ? 0 : Math.max(0, this.firstKept(before, limit) - first);
  }

  /** Entries are in the order they came, so this reads at most `limit` of them. */
  private firstKept(before: number, limit: number): number {
    const last = this.last().seq;
    const rows = this.db.all<{ seq: number; at: number }>("SELECT seq, at FROM audit ORDER BY seq LIMIT ?", limit);
    const kept = rows.find(({ seq, at }) => at >= before || seq === last);
    return kept?.seq ?? (rows.at(-1)?.seq ?? 0) + 1;
  }

  /** A log that was cut or rewritten gets no new anchor: else the next entry would cover it up. */
  private continues(last: Mark): boolean {
    return this.known !== null && this.known.seq === last.seq && this.known.hash === last.hash;
  }

  /** File first: a store that remembers an anchor has one. */
  private begin(head: Mark): void {
    const base = baseOf(this.db);
    this.anchor.write(head, base.seq === 0 ? null : base);
    rememberAnchor(this.db, head);
  }

  private last(): Mark {
    return this.db.get<Mark>("SELECT seq, hash, at FROM audit ORDER BY seq DESC LIMIT 1") ?? NO_HEAD;
  }
}

/** In the order they were written, in blocks that leave room for other work between them. */
export async function* scanAudit(db: Database, tenant: string | null, filter: AuditFilter = {}): AsyncGenerator<StoredAudit[]> {
  const { where, parameters } = narrowed(filter);
  for (let after = 0; ;) {
    const rows = db.all<RawAudit>(
      `SELECT * FROM audit WHERE (?1 IS NULL OR tenant = ?1) AND seq > ?2${where} ORDER BY seq LIMIT ${SCAN_ROWS}`,
      tenant,
      after,
      ...parameters,
    );
    if (rows.length > 0) yield rows.map(toStored);
    if (rows.length < SCAN_ROWS) return;
    after = rows.at(-1)!.seq;
    await setImmediate();
  }
}

function narrowed({ action, actor, target, outcome, from, to }: AuditFilter): { where: string; parameters: SQLInputValue[] } {
  const conditions: [string, SQLInputValue | undefined][] = [
    ["action = ?", action],
    ["actor = ?", actor],
    ["target = ?", target],
    ["outcome = ?", outcome],
    ["at >= ?", from],
    ["at < ?", to],
  ];
  const asked = conditions.filter((condition): condition is [string, SQLInputValue] => condition[1] !== undefined);
  return { where: asked.map(([sql]) => ` AND ${sql}`).join(""), parameters: asked.map(([, value]) => value) };
}
