import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { setImmediate, setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import type { AuditEntry, AuditFault, AuditVerdict, StoredAudit } from "../../port.ts";
import type { Database } from "../database/database.ts";

export interface RawAudit extends Omit<AuditEntry, "before" | "after"> {
  seq: number;
  hash: string;
  before: string | null;
  after: string | null;
}

/** Between two writes of the anchor: a thousand entries a second would else keep a processor busy with it. */
const REST_MS = 5;
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

export interface Head {
  seq: number;
  hash: string;
}

/** `base`: the last entry that retention removed, where the chain that is kept begins; absent = none was. */
export interface Anchored extends Head {
  base?: Head;
}

/**
 * The head of the chain, kept in a file beside the store: whoever cuts or rewrites the table does not thereby change it. Nobody waits
 * for the file: it is written behind the entries, one write after the other, each with the newest head there is when it starts. When
 * the process dies it is behind by what was written during one or two such writes and the rest between them, never ahead.
 */
export class AuditAnchor {
  private readonly path: string;
  private wanted: Head | null = null;
  private written: Head | null = null;
  private base: Head | null;
  private writing: Promise<void> | null = null;

  constructor(directory: string) {
    this.path = join(directory, "audit.anchor");
    this.base = this.read()?.base ?? null;
  }

  read(): Anchored | null {
    try {
      const found = JSON.parse(readFileSync(this.path, "utf8")) as Partial<Anchored>;
      const { base } = found;
      return isHead(found) ? { seq: found.seq, hash: found.hash, ...(isHead(base) ? { base } : {}) } : null;
    } catch {
      return null;
    }
  }

  /** The file is the old one or the new one, whenever the process dies. */
  write(head: Head, base: Head | null): void {
    this.base = base;
    writeFileSync(this.fresh, this.textOf(head), { mode: 0o600 });
    renameSync(this.fresh, this.path);
  }

  /** From now on the chain may begin after this entry. In the file before entries go, so that it never begins later than the file allows. */
  async rebase(base: Head): Promise<void> {
    await this.settled();
    const head = this.read();
    if (head !== null) this.write(head, base);
  }

  /** An entry was committed: the file is to follow. */
  follow(head: Head): void {
    this.wanted = head;
    this.writing ??= this.catchUp();
  }

  /** Resolves when the file has what was handed over so far, or could not be written. */
  async settled(): Promise<void> {
    if (this.wanted !== this.written) this.writing ??= this.catchUp();
    await this.writing;
  }

  private get fresh(): string {
    return `${this.path}.new`;
  }

  private textOf(head: Head): string {
    return `${JSON.stringify(this.base === null ? head : { ...head, base: this.base })}\n`;
  }

  private async catchUp(): Promise<void> {
    try {
      while (this.wanted !== null && this.wanted !== this.written) {
        const head = this.wanted;
        await writeFile(this.fresh, this.textOf(head), { mode: 0o600 });
        await rename(this.fresh, this.path);
        this.written = head;
        if (this.wanted !== head) await pause(REST_MS);
      }
    } catch {
      // The disk is full, say: the anchor stays behind, which is found out only if the log is touched, and the next entry tries again.
    } finally {
      this.writing = null;
    }
  }
}

function isHead(found: Partial<Head> | undefined): found is Head {
  return typeof found?.seq === "number" && typeof found.hash === "string";
}

/** Where the chain in the table begins: the last entry that retention removed. */
export function baseOf(db: Database): Head {
  const found = db.get<{ value: string }>("SELECT value FROM meta WHERE name = 'audit_base'");
  return found === undefined ? { seq: 0, hash: "" } : (JSON.parse(found.value) as Head);
}

/** Whether the table begins no later than the anchor allows: retention writes the file first. */
export function isBaseAllowed(base: Head, anchor: Anchored): boolean {
  const allowed = anchor.base ?? { seq: 0, hash: "" };
  return base.seq < allowed.seq || (base.seq === allowed.seq && base.hash === allowed.hash);
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
export function continued(db: Database, head: Head): Head | null {
  let last = head;
  if (head.seq > 0 && db.get<{ hash: string }>("SELECT hash FROM audit WHERE seq = ?", head.seq)?.hash !== head.hash) return null;
  for (const row of db.iterate<RawAudit>("SELECT * FROM audit WHERE seq > ? ORDER BY seq", head.seq)) {
    if (row.seq !== last.seq + 1 || row.hash !== chained(last.hash, row)) return null;
    last = { seq: row.seq, hash: row.hash };
  }
  return last;
}

/**
 * Reads the whole chain, in blocks that leave room for other work between them, and compares it with itself and its anchor.
 * `expected`: a head that was noted down elsewhere.
 */
export async function verifyChain(db: Database, anchor: Anchored | null, expected?: Head): Promise<AuditVerdict> {
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
  if (anchor === null && given > 0)
    say(last.seq, "unanchored", "the file audit.anchor is missing or not readable, so a rewritten log would not be noticed");
  return { ok: found === 0, entries, head: entries === 0 ? null : last, found, faults };
}
