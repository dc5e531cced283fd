import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditEntry, AuditFault, AuditVerdict, StoredAudit } from "../port.ts";
import type { Database } from "./database.ts";

export interface RawAudit extends Omit<AuditEntry, "before" | "after"> {
  seq: number;
  hash: string;
  before: string | null;
  after: string | null;
}

/** Faults told one by one; the first says where to look. */
const FAULTS_TOLD = 20;

/** Covers the row and the hash before it. */
export function chained(previous: string, row: Omit<RawAudit, "seq" | "hash">): string {
  const { tenant, at, actor, credential, address, action, target, before, after, outcome } = row;
  return createHash("sha256")
    .update(JSON.stringify([previous, tenant, at, actor, credential, address, action, target, before, after, outcome]))
    .digest("hex");
}

export function toStored({ seq, tenant, at, actor, credential, address, action, target, outcome, hash, ...row }: RawAudit): StoredAudit {
  const parsed = (text: string | null): unknown => (text === null ? undefined : (JSON.parse(text) as unknown));
  return {
    seq,
    tenant,
    at,
    actor,
    credential,
    address,
    action,
    target,
    before: parsed(row.before),
    after: parsed(row.after),
    outcome,
    hash,
  };
}

export interface Head {
  seq: number;
  hash: string;
}

/**
 * The head of the chain, kept in a file beside the store: whoever cuts or rewrites the table does not thereby change it. It may be one
 * entry behind (the process died in between), never ahead.
 */
export class AuditAnchor {
  private readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, "audit.anchor");
  }

  read(): Head | null {
    try {
      const found = JSON.parse(readFileSync(this.path, "utf8")) as Partial<Head>;
      return typeof found.seq === "number" && typeof found.hash === "string" ? { seq: found.seq, hash: found.hash } : null;
    } catch {
      return null;
    }
  }

  /** The file is the old one or the new one, whenever the process dies. */
  write(head: Head): void {
    const fresh = `${this.path}.new`;
    writeFileSync(fresh, `${JSON.stringify(head)}\n`, { mode: 0o600 });
    renameSync(fresh, this.path);
  }
}

/** Reads the whole chain and compares it with itself and its anchor. `expected`: a head that was noted down elsewhere. */
export function verifyChain(db: Database, anchor: Head | null, expected?: Head): AuditVerdict {
  const faults: AuditFault[] = [];
  let found = 0;
  const say = (seq: number, kind: AuditFault["kind"], message: string): void => {
    found += 1;
    if (faults.length < FAULTS_TOLD) faults.push({ seq, kind, message });
  };
  const heads = [
    ...(anchor === null ? [] : [{ ...anchor, of: "the anchor" }]),
    ...(expected === undefined ? [] : [{ ...expected, of: "the given head" }]),
  ];
  let last: Head = { seq: 0, hash: "" };
  let entries = 0;
  for (const row of db.iterate<RawAudit>("SELECT * FROM audit ORDER BY seq")) {
    entries += 1;
    if (row.seq !== last.seq + 1) say(last.seq + 1, "missing", `entries ${last.seq + 1} to ${row.seq - 1} are missing`);
    else if (row.hash !== chained(last.hash, row)) say(row.seq, "altered", `entry ${row.seq} is not what was written there`);
    for (const head of heads) {
      if (head.seq === row.seq && head.hash !== row.hash)
        say(row.seq, "rewritten", `entry ${row.seq} is not the one that ${head.of} knows: it or one before it was written anew`);
    }
    last = { seq: row.seq, hash: row.hash };
  }
  const given = db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?.seq ?? 0;
  const end = Math.max(given, ...heads.map(({ seq }) => seq));
  if (end > last.seq) say(last.seq + 1, "missing", `entries ${last.seq + 1} to ${end} are missing at the end`);
  if (anchor === null && given > 0)
    say(last.seq, "unanchored", "the file audit.anchor is missing or not readable, so a rewritten log would not be noticed");
  return { ok: found === 0, entries, head: entries === 0 ? null : last, found, faults };
}
