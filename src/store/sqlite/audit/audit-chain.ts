import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { iso } from "../../../model/clock.ts";
import type { AuditEntry, AuditFault, AuditVerdict, StoredAudit } from "../../port.ts";
import type { Anchored, AuditAnchor, Head, Mark } from "./audit-anchor.ts";
import type { Database } from "../database/database.ts";

export interface RawAudit extends Omit<AuditEntry, "before" | "after"> {
  seq: number;
  hash: string;
  before: string | null;
  after: string | null;
}

/** Entries verified without a pause: some ten milliseconds. */
const VERIFIED_AT_ONCE = 500;
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

/** Where the chain in the table begins: the last entry that retention removed. */
export function baseOf(db: Database): Head {
  const found = db.get<{ value: string }>("SELECT value FROM meta WHERE name = 'audit_base'");
  return found === undefined ? { seq: 0, hash: "" } : (JSON.parse(found.value) as Head);
}

/**
 * An entry the anchor is known to have stood at: the file never stands at an earlier one again, unless somebody put it there. Null = the
 * store never had an anchor.
 */
export function rememberedAnchor(db: Database): Mark | null {
  const found = db.get<{ value: string }>("SELECT value FROM meta WHERE name = 'audit_anchored'");
  if (found === undefined) return null;
  const mark = JSON.parse(found.value) as Partial<Mark> | number;
  return typeof mark === "object" && typeof mark.hash === "string" ? (mark as Mark) : { seq: 0, hash: "", at: 0 };
}

export function rememberAnchor(db: Database, { seq, hash, at }: Mark): void {
  db.run(
    "INSERT INTO meta (name, value) VALUES ('audit_anchored', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    JSON.stringify({ seq, hash, at }),
  );
}

/** Whether the anchor is gone, or older than it was known to be. Null = neither. */
export function anchorFault(anchored: Anchored | null, remembered: Mark | null): AuditFault | null {
  if (remembered === null || (anchored !== null && anchored.seq >= remembered.seq)) return null;
  const stood = remembered.seq === 0 ? "" : ` stood at entry ${remembered.seq} of ${iso(remembered.at)}`;
  return anchored === null
    ? {
        seq: remembered.seq,
        kind: "unanchored",
        message: `the file audit.anchor is missing or not readable${stood === "" ? "" : `; it${stood}`}: a rewritten log would not be noticed`,
      }
    : {
        seq: anchored.seq,
        kind: "rolled_back",
        message: `the file audit.anchor stands at entry ${anchored.seq}, but${stood}: somebody put back an older one`,
      };
}

/** Whether the table begins no later than the anchor allows: retention writes the file first. */
export function isBaseAllowed(base: Head, anchor: Anchored): boolean {
  const allowed = anchor.base ?? { seq: 0, hash: "" };
  return base.seq < allowed.seq || (base.seq === allowed.seq && base.hash === allowed.hash);
}

/** Whether the entry is still the same, unless retention removed it. */
export function isKept(db: Database, head: Head | null): boolean {
  if (head === null || head.seq <= baseOf(db).seq) return true;
  return db.get<{ hash: string }>("SELECT hash FROM audit WHERE seq = ?", head.seq)?.hash === head.hash;
}

/** Whether the entries up to this one are as they were written. */
export function isWhole(db: Database, end: Head): boolean {
  let last = baseOf(db);
  for (const row of db.iterate<RawAudit>("SELECT * FROM audit WHERE seq <= ? ORDER BY seq", end.seq)) {
    if (row.seq !== last.seq + 1 || row.hash !== chained(last.hash, row)) return false;
    last = { seq: row.seq, hash: row.hash };
  }
  return last.seq === end.seq && last.hash === end.hash;
}

/** The last entry, when all entries behind this head continue it; else null. */
export function continued(db: Database, head: Head): Mark | null {
  const here = db.get<{ hash: string; at: number }>("SELECT hash, at FROM audit WHERE seq = ?", head.seq);
  if (head.seq > 0 && here?.hash !== head.hash) return null;
  let last: Mark = { seq: head.seq, hash: head.hash, at: here?.at ?? 0 };
  for (const row of db.iterate<RawAudit>("SELECT * FROM audit WHERE seq > ? ORDER BY seq", head.seq)) {
    if (row.seq !== last.seq + 1 || row.hash !== chained(last.hash, row)) return null;
    last = { seq: row.seq, hash: row.hash, at: row.at };
  }
  return last;
}

/**
 * Reads the whole chain, in blocks that leave room for other work between them, and compares it with itself and its anchor.
 * `expected`: a head that was noted down elsewhere.
 */
export async function verifyChain(db: Database, file: AuditAnchor, expected?: Head): Promise<AuditVerdict> {
  // In this order: whoever writes meanwhile moves the file on first, then what is remembered of it.
  const remembered = rememberedAnchor(db);
  const anchor = file.read();
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
  const broken = anchorFault(anchor, remembered);
  if (broken !== null) say(broken.seq, broken.kind, broken.message);
  // Before the entries, as the anchor is, and both by one statement: what another process adds meanwhile is looked at another time.
  const { newest, given } = db.get<{ newest: number; given: number }>(
    `SELECT COALESCE((SELECT MAX(seq) FROM audit), 0) AS newest,
      COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) AS given`,
  )!;
  const base = baseOf(db);
  const allowed = anchor?.base ?? { seq: 0, hash: "" };
  if (anchor !== null && !isBaseAllowed(base, anchor))
    say(1, "missing", `entries up to ${base.seq} are missing, and the anchor knows of no retention that removed them`);
  for (const head of heads) {
    if (head.seq < base.seq)
      say(head.seq, "missing", `entry ${head.seq}, which ${head.of} knows, was removed by retention: compare a later one`);
    else if (base.seq > 0 && head.seq === base.seq && head.hash !== base.hash)
      say(head.seq, "rewritten", `entry ${head.seq} is not the one that ${head.of} knows: it or one before it was written anew`);
  }
  if (base.seq < allowed.seq) heads.push({ ...allowed, of: "the anchor" });
  // Retention may have removed it since.
  if (remembered !== null && remembered.seq > base.seq && remembered.hash !== anchor?.hash) heads.push({ ...remembered, of: "the store" });
  let last: Head = base;
  let entries = 0;
  for (let after = Number.MIN_SAFE_INTEGER; ;) {
    const rows = db.all<RawAudit>(`SELECT * FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${VERIFIED_AT_ONCE}`, after, newest);
    // What retention took off meanwhile is not missing.
    const moved = baseOf(db);
    if (moved.seq > last.seq) last = moved;
    for (const row of rows) {
      entries += 1;
      if (row.seq !== last.seq + 1) say(last.seq + 1, "missing", `entries ${last.seq + 1} to ${row.seq - 1} are missing`);
      else if (row.hash !== chained(last.hash, row)) say(row.seq, "altered", `entry ${row.seq} is not what was written there`);
      for (const head of heads) {
        if (head.seq === row.seq && head.hash !== row.hash)
          say(row.seq, "rewritten", `entry ${row.seq} is not the one that ${head.of} knows: it or one before it was written anew`);
      }
      last = { seq: row.seq, hash: row.hash };
      after = row.seq;
    }
    if (rows.length < VERIFIED_AT_ONCE) break;
    await setImmediate();
  }
  const end = Math.max(given, ...heads.map(({ seq }) => seq));
  if (end > last.seq) say(last.seq + 1, "missing", `entries ${last.seq + 1} to ${end} are missing at the end`);
  if (anchor === null && remembered === null && given > 0)
    say(last.seq, "unanchored", "there is no file audit.anchor: the next start of the server writes it");
  return { ok: found === 0, entries, head: entries === 0 ? null : last, found, faults };
}
