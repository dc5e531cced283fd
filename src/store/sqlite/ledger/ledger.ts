import { dayOf, type CostSums, type LedgerEntry, type Tokens } from "../../../model/ledger.ts";
import type { NanoUsd } from "../../../model/money.ts";
import type { CostGroup, CostQuery, LedgerStore } from "../../port.ts";
import { addSavings, loadBatch, saveBatch } from "../rows/batch-row.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";

/** Maintained sums, in `ledger_groups` (of one batch) and `ledger_days` (of all), in this order. */
export const SUMS = [
  "requests",
  "unpriced",
  "uncounted",
  "input",
  "cached",
  "cache_write",
  "audio_input",
  "output",
  "reasoning",
  "audio_output",
  "standard",
  "paid",
  "paid_uncounted",
] as const;
export type RawSums = Record<(typeof SUMS)[number], number>;

const ADDED = SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
const VALUES = SUMS.map(() => "?").join(", ");
const ADD_TO_GROUP = `INSERT INTO ledger_groups (tenant, batch_id, day, operation, provider, model, tier, factor, price_version, ${SUMS.join(", ")})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ${VALUES})
  ON CONFLICT (batch_id, day, operation, provider, model, tier, factor, price_version, tenant) DO UPDATE SET ${ADDED}`;
const ADD_TO_DAY = `INSERT INTO ledger_days (tenant, day, operation, provider, model, tier, ${SUMS.join(", ")})
  VALUES (?, ?, ?, ?, ?, ?, ${VALUES})
  ON CONFLICT (tenant, day, operation, provider, model, tier) DO UPDATE SET ${ADDED}`;
const ADD_LINE = `INSERT INTO ledger_lines (attempt_id, custom_id, group_id, counted, at, input, cached, cache_write, audio_input, output, reasoning, audio_output, standard, paid)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** What lines share: one row of `ledger_groups`. */
interface Group {
  key: [
    tenant: string,
    batchId: string,
    day: number,
    operation: string,
    provider: string,
    model: string,
    tier: string,
    factor: string,
    version: string,
  ];
  id: number;
  added: RawSums;
}

export interface Booked {
  booked: number;
  repeated: number;
  /** By batch: how the money changed that was spent on requests whose result was not the one kept. */
  uncounted: Map<string, NanoUsd>;
}

/**
 * Books entries within the current transaction, each once per (attempt, customId). A repeated one adds nothing; that its
 * result was kept after all is noted.
 */
export function bookEntries(db: Database, entries: readonly LedgerEntry[]): Booked {
  const attempts = new Map<string, number>();
  const groups = new Map<string, Group>();
  const result: Booked = { booked: 0, repeated: 0, uncounted: new Map() };
  for (const entry of entries) {
    const attemptId = attemptOf(db, attempts, entry);
    const group = groupOf(db, groups, entry);
    const { tokens, price, counted } = entry;
    const isNew =
      db.run(
        ADD_LINE,
        attemptId,
        entry.customId,
        group.id,
        counted ? 1 : 0,
        entry.at,
        tokens.input,
        tokens.cachedInput,
        tokens.cacheWrite,
        tokens.audioInput,
        tokens.output,
        tokens.reasoning,
        tokens.audioOutput,
        price?.standard ?? null,
        price?.paid ?? null,
      ) > 0;
    if (isNew) {
      result.booked += 1;
      add(group.added, entry);
      if (!counted) spend(result, entry.batchId, price?.paid ?? 0);
    } else {
      result.repeated += 1;
      if (counted) {
        // The line may have come with this very booking: its sums must be there before they change.
        flush(db, groups);
        keepAfterAll(db, attemptId, entry, result);
      }
    }
  }
  flush(db, groups);
  // Repeated entries may name another model than the line that stands; nothing is booked under it.
  for (const { id } of groups.values()) db.run("DELETE FROM ledger_groups WHERE id = ? AND requests = 0", id);
  return result;
}

/** Writes what was added to each group since the last time. */
function flush(db: Database, groups: Map<string, Group>): void {
  for (const group of groups.values()) {
    if (group.added.requests === 0) continue;
    addSums(db, group.key, group.added);
    group.added = noSums();
  }
}

function attemptOf(db: Database, known: Map<string, number>, entry: LedgerEntry): number {
  const key = `${entry.tenant}\0${entry.attempt}`;
  let id = known.get(key);
  if (id !== undefined) return id;
  const find = "SELECT id, batch_id FROM ledger_attempts WHERE tenant = ? AND attempt = ?";
  const row = db.get<{ id: number; batch_id: string }>(find, entry.tenant, entry.attempt);
  // Lines are found by the batch of their attempt: one of two batches would be counted for either.
  if (row !== undefined && row.batch_id !== entry.batchId)
    throw new Error(`attempt ${entry.attempt} belongs to ${row.batch_id}, not to ${entry.batchId}`);
  id =
    row?.id ??
    db.insert("INSERT INTO ledger_attempts (tenant, attempt, batch_id) VALUES (?, ?, ?)", entry.tenant, entry.attempt, entry.batchId);
  known.set(key, id);
  return id;
}

function groupOf(db: Database, known: Map<string, Group>, entry: LedgerEntry): Group {
  const { tenant, batchId, operation, provider, model, tier, price } = entry;
  const key: Group["key"] = [tenant, batchId, dayOf(entry.at), operation, provider, model, tier, price?.factor ?? "", price?.version ?? ""];
  const name = key.join("\0");
  let group = known.get(name);
  if (group === undefined) {
    const added = noSums();
    db.run(ADD_TO_GROUP, ...key, ...SUMS.map((sum) => added[sum]));
    const find = `SELECT id FROM ledger_groups WHERE tenant = ? AND batch_id = ? AND day = ? AND operation = ? AND provider = ? AND model = ?
      AND tier = ? AND factor = ? AND price_version = ?`;
    group = { key, id: db.get<{ id: number }>(find, ...key)!.id, added };
    known.set(name, group);
  }
  return group;
}

/** The result of a request that was booked as not kept is kept now (its first commit was refused, say): the same money, another reason. */
function keepAfterAll(db: Database, attemptId: number, entry: LedgerEntry, result: Booked): void {
  const line = db.get<{ group_id: number; paid: number | null }>(
    "UPDATE ledger_lines SET counted = 1 WHERE attempt_id = ? AND custom_id = ? AND counted = 0 RETURNING group_id, paid",
    attemptId,
    entry.customId,
  );
  if (line === undefined) return;
  const paid = line.paid ?? 0;
  spend(result, entry.batchId, -paid);
  const change = "SET uncounted = uncounted - 1, paid_uncounted = paid_uncounted - ?";
  db.run(`UPDATE ledger_groups ${change} WHERE id = ?`, paid, line.group_id);
  db.run(
    `UPDATE ledger_days ${change} WHERE (tenant, day, operation, provider, model, tier) =
       (SELECT tenant, day, operation, provider, model, tier FROM ledger_groups WHERE id = ?)`,
    paid,
    line.group_id,
  );
}

function addSums(db: Database, key: Group["key"], added: RawSums): void {
  const values = SUMS.map((sum) => added[sum]);
  const [tenant, batchId, day, operation, provider, model, tier] = key;
  db.run(ADD_TO_GROUP, ...key, ...values);
  db.run(ADD_TO_DAY, tenant, day, operation, provider, model, tier, ...values);
  addSavings(db, batchId, added.standard, added.paid);
}

function spend(result: Booked, batchId: string, paid: NanoUsd): void {
  if (paid !== 0) result.uncounted.set(batchId, (result.uncounted.get(batchId) ?? 0) + paid);
}

function noSums(): RawSums {
  return Object.fromEntries(SUMS.map((sum) => [sum, 0])) as RawSums;
}

function add(sums: RawSums, { tokens, price, counted }: LedgerEntry): void {
  sums.requests += 1;
  sums.input += tokens.input;
  sums.cached += tokens.cachedInput;
  sums.cache_write += tokens.cacheWrite;
  sums.audio_input += tokens.audioInput;
  sums.output += tokens.output;
  sums.reasoning += tokens.reasoning;
  sums.audio_output += tokens.audioOutput;
  if (price === null) sums.unpriced += 1;
  sums.standard += price?.standard ?? 0;
  sums.paid += price?.paid ?? 0;
  if (counted) return;
  sums.uncounted += 1;
  sums.paid_uncounted += price?.paid ?? 0;
}

/** Money was spent that no result carries. */
export function addCost(db: Database, raw: RawBatch, paid: NanoUsd): void {
  raw.cost += paid;
  saveBatch(db, raw);
}

export class SqliteLedger implements LedgerStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async book(entries: readonly LedgerEntry[]): Promise<{ booked: number; repeated: number }> {
    return this.db.transaction(() => {
      const { booked, repeated, uncounted } = bookEntries(this.db, entries);
      for (const [batchId, paid] of uncounted) {
        const raw = loadBatch(this.db, batchId);
        if (raw !== undefined) addCost(this.db, raw, paid);
      }
      return { booked, repeated };
    });
  }

  async sums(query: CostQuery): Promise<CostGroup[]> {
    const table = query.batchId !== undefined || query.groupBy === "batch" ? "ledger_groups" : "ledger_days";
    const key = KEYS[query.groupBy];
    const rows = this.db.all<RawSums & { key: string }>(
      `SELECT ${key} AS key, ${SUMS.map((sum) => `SUM(${sum}) AS ${sum}`).join(", ")} FROM ${table}
       WHERE tenant = ? AND day BETWEEN ? AND ?${query.batchId === undefined ? "" : " AND batch_id = ?"}
       GROUP BY ${key} ORDER BY SUM(standard) DESC, SUM(requests) DESC, key LIMIT ?`,
      query.tenant,
      query.fromDay,
      query.toDay,
      ...(query.batchId === undefined ? [] : [query.batchId]),
      query.limit,
    );
    return rows.map((row) => ({ key: String(row.key), sums: toSums(row) }));
  }

  async lines(
    tenant: string,
    batchId: string,
    page: { after: { attempt: string; customId: string } | null; limit: number },
  ): Promise<LedgerEntry[]> {
    const rows = this.db.all<RawLine>(
      `SELECT a.attempt, l.custom_id, l.counted, l.at, l.input, l.cached, l.cache_write, l.audio_input, l.output, l.reasoning, l.audio_output,
         l.standard, l.paid, g.operation, g.provider, g.model, g.tier, g.factor, g.price_version
       FROM ledger_attempts a JOIN ledger_lines l ON l.attempt_id = a.id JOIN ledger_groups g ON g.id = l.group_id
       WHERE a.tenant = ?1 AND a.batch_id = ?2 AND (a.attempt, l.custom_id) > (?3, ?4) ORDER BY a.attempt, l.custom_id LIMIT ?5`,
      tenant,
      batchId,
      page.after?.attempt ?? "",
      page.after?.customId ?? "",
      page.limit,
    );
    return rows.map((row) => toEntry(tenant, batchId, row));
  }
}

const KEYS: Record<CostQuery["groupBy"], string> = {
  model: "model",
  operation: "operation",
  tenant: "tenant",
  day: "day",
  batch: "batch_id",
  provider: "provider",
  tier: "tier",
};

interface RawLine extends Omit<RawSums, "requests" | "unpriced" | "uncounted" | "paid_uncounted" | "standard" | "paid"> {
  attempt: string;
  custom_id: string;
  counted: number;
  at: number;
  standard: number | null;
  paid: number | null;
  operation: string;
  provider: string;
  model: string;
  tier: "batch" | "online";
  factor: string;
  price_version: string;
}

function toEntry(tenant: string, batchId: string, row: RawLine): LedgerEntry {
  const { standard, paid, factor, price_version: version } = row;
  return {
    tenant,
    batchId,
    operation: row.operation,
    attempt: row.attempt,
    customId: row.custom_id,
    provider: row.provider,
    model: row.model,
    tier: row.tier,
    tokens: toTokens(row),
    price: standard === null || paid === null ? null : { standard, paid, factor, version },
    at: row.at,
    counted: row.counted === 1,
  };
}

function toSums(row: RawSums): CostSums {
  const { requests, unpriced, uncounted, standard, paid, paid_uncounted: paidUncounted } = row;
  return { requests, unpriced, uncounted, tokens: toTokens(row), standard, paid, paidUncounted };
}

function toTokens(row: Omit<RawSums, "requests" | "unpriced" | "uncounted" | "paid_uncounted" | "standard" | "paid">): Tokens {
  const { input, cached: cachedInput, output, reasoning } = row;
  return { input, cachedInput, cacheWrite: row.cache_write, audioInput: row.audio_input, output, reasoning, audioOutput: row.audio_output };
}
