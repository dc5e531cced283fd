import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import type { AuditVerdict } from "../../src/store/port.ts";
import { openSqliteStore, openSqliteUpkeep } from "../../src/store/sqlite/store.ts";
import { FORGERIES, forgeSqlite } from "../contract/store/adapters.ts";
import { Child, endChildren } from "../support/child.ts";
import { folders } from "../support/folder.ts";

const WRITER = join(import.meta.dirname, "..", "support", "programs", "audit-writer.ts");
const ANCHORED = 3;
const newFolder = folders();
afterEach(endChildren);

/** A log of a process that died by kill -9 with entries behind its anchor. */
async function killed(behind: number): Promise<string> {
  const directory = newFolder();
  const child = new Child(process.execPath, ["--conditions=batchyard-source", WRITER, directory, String(ANCHORED), String(behind)]);
  expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
  expect(anchorOf(directory)).toBe(ANCHORED);
  return directory;
}

const anchorOf = (directory: string): number => (JSON.parse(readFileSync(join(directory, "audit.anchor"), "utf8")) as { seq: number }).seq;

/** As `batchyard audit verify` asks, beside a server or without one. */
async function verdictOf(directory: string): Promise<AuditVerdict> {
  const { upkeep, close } = openSqliteUpkeep({ directory, synchronous: "NORMAL" });
  const verdict = await upkeep.verifyAudit();
  await close();
  return verdict;
}

/** A server starts, writes one more entry and stops. */
async function goOn(directory: string, at = 2): Promise<void> {
  const store = openSqliteStore({ directory, synchronous: "NORMAL" });
  await store.audit.append({
    tenant: "acme",
    at,
    actor: "b",
    credential: null,
    address: null,
    action: "later",
    target: "t",
    before: null,
    after: null,
    outcome: "SUCCESS",
  });
  await store.close();
}

/** A server starts, and an admin takes the log as it is. */
async function accept(directory: string, reason: string): Promise<AuditVerdict | null> {
  const store = openSqliteStore({ directory, synchronous: "NORMAL" });
  const by = { tenant: "acme", at: 3, actor: "admin", credential: null, address: null };
  const verdict = await store.audit.accept(by, reason);
  await store.close();
  return verdict;
}

function change(directory: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(directory, "batchyard.db"), { timeout: 10_000 });
  work(db);
  db.close();
}

describe("an audit log whose server died by kill -9 before the anchor followed", () => {
  it("is whole, and the next start takes over what came behind the anchor", async () => {
    const directory = await killed(5);
    expect(await verdictOf(directory)).toMatchObject({ ok: true, entries: ANCHORED + 5 });
    const store = openSqliteStore({ directory, synchronous: "NORMAL" });
    expect(await store.audit.verify()).toMatchObject({ ok: true });
    expect(await store.audit.anchoring()).toEqual({ fault: null, adopted: null });
    expect(anchorOf(directory)).toBe(ANCHORED + 5);
    await store.close();
    await goOn(directory);
    expect(await verdictOf(directory)).toMatchObject({ ok: true, entries: ANCHORED + 6 });
    expect(anchorOf(directory)).toBe(ANCHORED + 6);
  });

  it.each(FORGERIES.filter((how) => how !== "cut"))("'%s' is found, also after a start and another entry", async (how) => {
    const directory = await killed(2);
    change(directory, (db) => forgeSqlite(db, how));
    expect((await verdictOf(directory)).ok).toBe(false);
    await goOn(directory);
    expect((await verdictOf(directory)).ok).toBe(false);
  });

  it("a cut that takes an anchored entry with it is found, also after a start and more entries than were cut", async () => {
    const directory = await killed(2);
    for (let n = 0; n < 3; n++) change(directory, (db) => forgeSqlite(db, "cut"));
    expect((await verdictOf(directory)).ok).toBe(false);
    for (let n = 0; n < 4; n++) await goOn(directory);
    expect((await verdictOf(directory)).faults.map(({ kind }) => kind)).toContain("rewritten");
    expect(anchorOf(directory)).toBe(ANCHORED);
  });

  it("an entry behind the anchor that was edited is found, and not taken over", async () => {
    const directory = await killed(3);
    change(directory, (db) => db.exec(`UPDATE audit SET actor = 'somebody else' WHERE seq = ${ANCHORED + 2}`));
    expect((await verdictOf(directory)).faults).toMatchObject([{ seq: ANCHORED + 2, kind: "altered" }]);
    await goOn(directory);
    expect((await verdictOf(directory)).ok).toBe(false);
    expect(anchorOf(directory)).toBe(ANCHORED);
  });
});

it("an audit log that a server writes meanwhile is whole for whoever verifies it from outside", async () => {
  const directory = newFolder();
  const child = new Child(process.execPath, ["--conditions=batchyard-source", WRITER, directory, "1500", "Infinity"]);
  await child.line(/^anchored$/);
  const verdicts: AuditVerdict[] = [];
  // Of nothing else but a log that grows does it prove anything.
  const grown = (): number => new Set(verdicts.map(({ entries }) => entries)).size;
  while (grown() < 5) verdicts.push(await verdictOf(directory));
  expect(verdicts.flatMap(({ faults }) => faults)).toEqual([]);
});

describe("an anchor that somebody touched while no server ran", () => {
  const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
  const path = (directory: string): string => join(directory, "audit.anchor");
  const textOf = (directory: string): string | null => (existsSync(path(directory)) ? readFileSync(path(directory), "utf8") : null);

  it.each([
    ["removed", "unanchored", "is missing or not readable; it stood at entry 4 of 2026-01-02T03:04:05.000Z"],
    ["emptied", "unanchored", "is missing or not readable; it stood at entry 4 of 2026-01-02T03:04:05.000Z"],
    ["put back to an older one", "rolled_back", "stands at entry 2, but stood at entry 4 of 2026-01-02T03:04:05.000Z"],
  ] as const)("%s: it is never written anew in silence, only when an admin says why", async (how, kind, message) => {
    const directory = newFolder();
    for (let n = 0; n < 2; n++) await goOn(directory);
    const older = readFileSync(path(directory));
    for (let n = 0; n < 2; n++) await goOn(directory, AT);
    const change = {
      removed: () => rmSync(path(directory)),
      emptied: () => writeFileSync(path(directory), ""),
      "put back to an older one": () => writeFileSync(path(directory), older),
    }[how];
    change();
    const touched = textOf(directory);
    const fault = { kind, message: expect.stringContaining(message) as unknown };
    expect(await verdictOf(directory)).toMatchObject({ ok: false, entries: 4, faults: [fault] });
    // However often a server starts and writes.
    for (let n = 0; n < 2; n++) {
      const store = openSqliteStore({ directory, synchronous: "NORMAL" });
      expect(await store.audit.anchoring()).toMatchObject({ fault, adopted: null });
      await store.close();
      await goOn(directory);
      expect(await verdictOf(directory)).toMatchObject({ ok: false, entries: 5 + n, faults: [fault] });
    }
    expect(textOf(directory)).toBe(touched);

    expect(await accept(directory, "moved to another disk")).toMatchObject({ ok: true, entries: 7 });
    expect([await verdictOf(directory), anchorOf(directory)]).toMatchObject([{ ok: true }, 7]);
    expect(await accept(directory, "again")).toBeNull();
    const store = openSqliteStore({ directory, synchronous: "NORMAL" });
    expect(await store.audit.anchoring()).toEqual({ fault: null, adopted: null });
    expect((await store.audit.list("acme", { before: null, limit: 1 }))[0]).toMatchObject({
      actor: "admin",
      action: "audit.anchor_accepted",
      before: { anchor: how === "put back to an older one" ? { seq: 2 } : null, remembered: { seq: 4 }, faults: [{ kind }] },
      after: { reason: "moved to another disk" },
    });
    await store.close();
    await goOn(directory);
    expect([await verdictOf(directory), anchorOf(directory)]).toMatchObject([{ ok: true }, 8]);
  });

  it("a log that was written anew is found although the store was made to forget that it had an anchor", async () => {
    const directory = newFolder();
    for (let n = 0; n < 4; n++) await goOn(directory);
    change(directory, (db) => {
      forgeSqlite(db, "rewrite");
      db.exec("DELETE FROM meta WHERE name = 'audit_anchored'");
    });
    for (let n = 0; n < 2; n++) await goOn(directory);
    expect((await verdictOf(directory)).faults.map(({ kind }) => kind)).toContain("rewritten");
    expect(anchorOf(directory)).toBe(4);
  });

  it("one that was made to fit a log that was written anew does not fit what the store remembers", async () => {
    const directory = newFolder();
    for (let n = 0; n < 4; n++) await goOn(directory);
    change(directory, (db) => {
      forgeSqlite(db, "rewrite");
      writeFileSync(path(directory), JSON.stringify(db.prepare("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").get()));
    });
    await goOn(directory);
    expect((await verdictOf(directory)).faults.map(({ kind }) => kind)).toEqual(["rewritten"]);
  });

  it("a backup put in the place of a newer store lacks what came after it until an admin accepts that", async () => {
    const directory = newFolder();
    for (let n = 0; n < 2; n++) await goOn(directory);
    const { upkeep, close } = openSqliteUpkeep({ directory, synchronous: "NORMAL" });
    const copy = join(newFolder(), "copy.db");
    await upkeep.backup(copy);
    await close();
    for (let n = 0; n < 2; n++) await goOn(directory);
    for (const rest of ["-wal", "-shm"]) rmSync(join(directory, `batchyard.db${rest}`), { force: true });
    writeFileSync(join(directory, "batchyard.db"), readFileSync(copy));
    await goOn(directory);
    expect((await verdictOf(directory)).faults).toMatchObject([{ kind: "missing", seq: 4 }]);
    expect(await accept(directory, "restored from last night's backup")).toMatchObject({ ok: true, entries: 4 });
    await goOn(directory);
    expect(await verdictOf(directory)).toMatchObject({ ok: true, entries: 5 });
  });

  it("a store that never had one gets it, and says so", async () => {
    const directory = newFolder();
    for (let n = 0; n < 2; n++) await goOn(directory);
    change(directory, (db) => db.exec("DELETE FROM meta WHERE name = 'audit_anchored'"));
    rmSync(path(directory));
    const store = openSqliteStore({ directory, synchronous: "NORMAL" });
    expect(await store.audit.anchoring()).toMatchObject({ fault: null, adopted: { seq: 2 } });
    expect(await store.audit.verify()).toMatchObject({ ok: true });
    await store.close();
  });
});
