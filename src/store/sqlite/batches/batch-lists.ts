import { setImmediate } from "node:timers/promises";
import type { SQLInputValue } from "node:sqlite";
import type { BatchFilter, BatchPage, JobFilter, NarrowFilter } from "../../port.ts";
import { isFew, isNarrowed, narrowing } from "./batch-conditions.ts";
import { toBatchRow } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import type { JobPlaces } from "../sums/job-places.ts";
import type { RawBatch } from "../database/raw-batch.ts";

/** Rows that are cheaper to pass one by one. */
const FAR = 1000;
/** The last day that a Date can be. */
const END_OF_TIME = 8.64e15;
const BOUNDS: Bounds = { atOnce: 5_000, looks: 50_000, counted: 10_000 };

/** What a narrowed list may cost. */
export interface Bounds {
  /** Rows of an index looked at in one turn of the event loop: some milliseconds. */
  atOnce: number;
  /** Looked at for one page, and for one total: some fifty milliseconds. */
  looks: number;
  /** Up to here matches are counted. */
  counted: number;
}

interface Statement {
  sql: string;
  parameters: SQLInputValue[];
}

/** A position in the order newest first. */
interface Place {
  at: number;
  id: string;
}

interface PageRequest {
  limit: number;
  offset?: number;
  before?: { createdAt: number; id: string };
}

type Condition = [sql: string, parameter: SQLInputValue];

/** Rows of an index in the order of a list, and what is still to be asked of each. */
interface Walk {
  table: string;
  /** Its column with the id of the batch. */
  id: string;
  /** What all rows of the walk have in common. */
  bounds: Condition[];
  /** Conditions on further columns of the table, and on the batch of a row. */
  own: Condition[];
  batch: Condition[];
}

/**
 * Lists of batches and how many match. What sums and counters tell apart costs the same however many batches there are. Anything else
 * is looked for along the narrowest index, some rows a turn and so many for an answer at most.
 */
export class BatchLists {
  private readonly db: Database;
  private readonly places: JobPlaces;
  private readonly bounds: Bounds;

  constructor(db: Database, places: JobPlaces, bounds = BOUNDS) {
    this.db = db;
    this.bounds = bounds;
    this.places = places;
  }

  async list(filter: BatchFilter, page: PageRequest): Promise<BatchPage> {
    const range = rangeOf(filter);
    if (range === null && !isFew(filter)) return this.walked(walkOf(filter), page);
    return { batches: this.rows(filter, page, range), ...(await this.total(filter)), looked: null };
  }

  async total(filter: BatchFilter): Promise<Pick<BatchPage, "total" | "isExact">> {
    const range = rangeOf(filter);
    if (range !== null) return { total: this.summed(filter, range), isExact: true };
    return isFew(filter) ? { total: this.countFew(filter), isExact: true } : this.counted(walkOf(filter));
  }

  private rows(filter: BatchFilter, page: PageRequest, range: JobFilter | null): BatchPage["batches"] {
    const { where, parameters } = conditions(filter);
    const offset = page.offset ?? 0;
    const seat = offset < FAR || range === null || page.before !== undefined ? null : this.places.seat(range, offset);
    const keyset = page.before === undefined ? "" : " AND (created_at, id) < (?, ?)";
    const at: SQLInputValue[] = page.before === undefined ? [] : [page.before.createdAt, page.before.id];
    return this.db
      .all<RawBatch>(
        `SELECT * FROM batches WHERE ${where}${keyset}${seat === null ? "" : " AND created_at < ?"} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
        ...parameters,
        ...at,
        ...(seat === null ? [] : [seat.to]),
        page.limit,
        seat?.skip ?? offset,
      )
      .map(toBatchRow);
  }

  private countFew(filter: BatchFilter): number {
    const { where, parameters } = conditions(filter);
    return this.db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM batches WHERE ${where}`, ...parameters)!.n;
  }

  private summed(filter: BatchFilter, range: JobFilter): number {
    if (filter.createdAfter !== undefined || filter.createdBefore !== undefined) return this.places.count(range);
    return this.db.get<{ n: number }>(
      "SELECT COALESCE(SUM(batches), 0) AS n FROM batch_counts WHERE tenant = ?1 AND (?2 IS NULL OR operation = ?2) AND (?3 IS NULL OR status = ?3)",
      filter.tenant,
      filter.operation ?? null,
      filter.status ?? null,
    )!.n;
  }

  private async walked(walk: Walk, page: PageRequest): Promise<BatchPage> {
    const offset = page.offset ?? 0;
    // Who asks for a far position waits for it; who follows cursors is told how far it was looked.
    const looks = offset === 0 ? this.bounds.looks : Infinity;
    const wanted = offset + page.limit;
    const hits: Place[] = [];
    let looked: Place | null = page.before === undefined ? null : { at: page.before.createdAt, id: page.before.id };
    const { atOnce } = this.bounds;
    for (let left = looks; ; left -= atOnce) {
      const end = this.after(walk, looked, atOnce);
      hits.push(...this.hits(walk, looked, end, wanted - hits.length));
      looked = end;
      if (end === null || hits.length >= wanted || left <= atOnce) break;
      await setImmediate();
    }
    const batches = hits.slice(offset).map(({ id }) => toBatchRow(this.db.get<RawBatch>("SELECT * FROM batches WHERE id = ?", id)!));
    const isFull = hits.length >= wanted;
    return {
      batches,
      ...(await this.counted(walk)),
      looked: isFull || looked === null ? null : { createdAt: looked.at, id: looked.id },
    };
  }

  private async counted(walk: Walk): Promise<Pick<BatchPage, "total" | "isExact">> {
    let total = 0;
    let looked: Place | null = null;
    const { atOnce, looks, counted } = this.bounds;
    for (let left = looks; left > 0; left -= atOnce) {
      const end = this.after(walk, looked, atOnce);
      const { sql, parameters } = hitsOf(walk, looked, end);
      total += this.db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${sql}`, ...parameters)!.n;
      if (total > counted) return { total: counted, isExact: false };
      if (end === null) return { total, isExact: true };
      looked = end;
      await setImmediate();
    }
    return { total, isExact: false };
  }

  private hits(walk: Walk, from: Place | null, to: Place | null, limit: number): Place[] {
    const { sql, parameters } = hitsOf(walk, from, to);
    return this.db.all<Place>(
      `SELECT w.at AS at, w.batch AS id FROM ${sql} ORDER BY w.at DESC, w.batch DESC LIMIT ?`,
      ...parameters,
      limit,
    );
  }

  /** The place so many rows on; null = there are not so many. */
  private after(walk: Walk, from: Place | null, rows: number): Place | null {
    const { sql, parameters } = rowsOf(walk, from, null);
    return this.db.get<Place>(`SELECT at, batch AS id FROM (${sql} LIMIT 1 OFFSET ?)`, ...parameters, rows - 1) ?? null;
  }
}

/** Rows behind `from` up to and with `to`; `asked`: those of them that fulfil these conditions. */
function rowsOf({ table, id, bounds }: Walk, from: Place | null, to: Place | null, asked: readonly Condition[] = []): Statement {
  const all = [...bounds, ...asked];
  // Twice: the index takes the time alone as its bound.
  const behind = from === null ? "" : ` AND created_at <= ? AND (created_at, ${id}) < (?, ?)`;
  const until = to === null ? "" : ` AND created_at >= ? AND (created_at, ${id}) >= (?, ?)`;
  return {
    sql: `SELECT ${id === "id" ? "" : "DISTINCT "}created_at AS at, ${id} AS batch FROM ${table} WHERE ${all.map(([sql]) => sql).join(" AND ")}${behind}${until}
      ORDER BY created_at DESC, ${id} DESC`,
    parameters: [
      ...all.map(([, value]) => value),
      ...(from === null ? [] : [from.at, from.at, from.id]),
      ...(to === null ? [] : [to.at, to.at, to.id]),
    ],
  };
}

/** The hits among them, as a table `w` for FROM. */
function hitsOf(walk: Walk, from: Place | null, to: Place | null): Statement {
  const { sql, parameters } = rowsOf(walk, from, to, walk.own);
  if (walk.batch.length === 0) return { sql: `(${sql}) w`, parameters };
  return {
    sql: `(${sql}) w CROSS JOIN batches b ON b.id = w.batch WHERE ${walk.batch.map(([condition]) => condition).join(" AND ")}`,
    parameters: [...parameters, ...walk.batch.map(([, value]) => value)],
  };
}

/** The filter as a range of creation times; null when it also asks for what the sums over batches do not tell apart. */
function rangeOf(filter: BatchFilter): JobFilter | null {
  if (isNarrowed(filter)) return null;
  return {
    tenant: filter.tenant,
    from: filter.createdAfter ?? 0,
    to: filter.createdBefore === undefined ? END_OF_TIME : filter.createdBefore + 1,
    ...(filter.operation === undefined ? {} : { operation: filter.operation }),
    ...(filter.status === undefined ? {} : { statuses: [filter.status] }),
  };
}

function conditions(filter: BatchFilter): { where: string; parameters: SQLInputValue[] } {
  // Found by id, a few at a time: a walk along all batches that asks of each whether it is one of them would grow with history.
  const free = isFew(filter) ? "+" : "";
  const all = asked([
    [`${free}tenant = ?`, filter.tenant],
    [`${free}operation = ?`, filter.operation],
    [`${free}status = ?`, filter.status],
    [`${free}created_at >= ?`, filter.createdAfter],
    [`${free}created_at <= ?`, filter.createdBefore],
    ...narrowing(filter),
  ]);
  return { where: ["sealed = 1", ...all.map(([sql]) => sql)].join(" AND "), parameters: all.map(([, value]) => value) };
}

/** Indexes that a list can walk along, the one whose rows are the fewest first, as a rule. */
const WALKS: readonly { by: keyof NarrowFilter; table: string; where?: string; equals?: string }[] = [
  { by: "error", table: "error_groups INDEXED BY error_groups_newest", where: "failures > 0", equals: "code" },
  { by: "replayOf", table: "batches INDEXED BY batches_replays", where: "sealed = 1 AND replay_of IS NOT NULL", equals: "replay_of" },
  { by: "tag", table: "batch_tags", equals: "tag" },
  { by: "key", table: "batches INDEXED BY batches_key", where: "sealed = 1 AND stream_key IS NOT NULL", equals: "stream_key" },
  { by: "stream", table: "batches INDEXED BY batches_stream", where: "sealed = 1 AND stream IS NOT NULL", equals: "stream" },
  {
    by: "closeReason",
    table: "batches INDEXED BY batches_reason",
    where: "sealed = 1 AND close_reason IS NOT NULL",
    equals: "close_reason",
  },
  // The names are in it: only batches that match are looked up.
  { by: "name", table: "batches INDEXED BY batches_named", where: "sealed = 1 AND name IS NOT NULL" },
  // So are the numbers of items.
  { by: "minItems", table: "batches INDEXED BY batches_newest", where: "sealed = 1" },
  { by: "maxItems", table: "batches INDEXED BY batches_newest", where: "sealed = 1" },
];

function walkOf(filter: BatchFilter): Walk {
  const { tenant, createdAfter, createdBefore, operation, status, ...qualifiers } = filter;
  const { by, table, where, equals } = WALKS.find((walk) => filter[walk.by] !== undefined)!;
  const isOfBatches = table.startsWith("batches ");
  const bounds = asked([
    [where === undefined ? "tenant = ?" : `${where} AND tenant = ?`, tenant],
    [`${equals} = ?`, equals === undefined ? undefined : filter[by]],
    ["created_at >= ?", createdAfter],
    ["created_at <= ?", createdBefore],
  ]);
  const open = { ...qualifiers, ...(equals === undefined ? {} : { [by]: undefined }) };
  const rest = asked([["operation = ?", operation], ["status = ?", status], ...narrowing(open)]);
  return { table, id: isOfBatches ? "id" : "batch_id", bounds, own: isOfBatches ? rest : [], batch: isOfBatches ? [] : rest };
}

function asked(conditions: readonly [string, SQLInputValue | undefined][]): Condition[] {
  return conditions.filter((condition): condition is Condition => condition[1] !== undefined);
}
