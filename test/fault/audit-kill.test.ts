import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import type { AuditVerdict } from "../../src/store/port.ts";
import { openSqliteStore, openSqliteUpkeep } from "../../src/store/sqlite/store.ts";
import { FORGERIES, forgeSqlite } from "../contract/store/adapters.ts";
import { Child, endChildren } from "../support/child.ts";
import { folders } from "../support/folder.ts";

const WRITER = join(import.meta.dirname, "..", "support", "audit-writer.ts");
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
async function goOn(directory: string): Promise<void> {
  const store = openSqliteStore({ directory, synchronous: "NORMAL" });
  await store.audit.append({
    tenant: "acme",
    at: 2,
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
