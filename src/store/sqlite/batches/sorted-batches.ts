import type { SQLInputValue } from "node:sqlite";
import { BATCH_STATES, FINAL_BATCH_STATES, OPEN_BATCH_STATES, type BatchStatus } from "../../../model/moves.ts";
import type { BatchFilter, BatchSort, SortPlace } from "../../batches.ts";
import { narrowest, narrowing } from "./batch-conditions.ts";
import type { Database } from "../database/database.ts";

/** Batches of these states that stand along an index (tenant, status, key, id). */
interface Course {
  statuses: readonly BatchStatus[];
  index: string;
  /** What `index` is narrowed to. */
  only: string;
  key: string;
}

interface Condition {
  where: string;
  parameters: SQLInputValue[];
}

interface Looked extends SortPlace {
  hit: number;
}

interface Page {
  by: BatchSort;
  ascending: boolean;
  limit: number;
  after: SortPlace | null;
  looks: number;
}

const NEWEST = { index: "batches_status", only: "sealed = 1", key: "created_at" };
const STILL_OPEN: Course = { ...NEWEST, statuses: OPEN_BATCH_STATES };
const ENDED = "completed_at IS NOT NULL";

/** Of each order the batches that have a value, and those that have none. */
const COURSES: Readonly<Record<BatchSort, { some: Course; none: readonly Course[] }>> = {
  created: { some: { ...NEWEST, statuses: BATCH_STATES }, none: [] },
  completed: { some: { statuses: FINAL_BATCH_STATES, index: "batches_removable", only: ENDED, key: "completed_at" }, none: [STILL_OPEN] },
  items: { some: { statuses: BATCH_STATES, index: "batches_items", only: "sealed = 1", key: "total_items" }, none: [] },
  failed: { some: { statuses: BATCH_STATES, index: "batches_failed", only: "sealed = 1", key: "failed" }, none: [] },
  duration: {
    some: {
      statuses: FINAL_BATCH_STATES,
      index: "batches_duration",
      only: `${ENDED} AND started_at IS NOT NULL`,
      key: "MAX(completed_at - started_at, 0)",
    },
    none: [
      STILL_OPEN,
      { statuses: FINAL_BATCH_STATES, index: "batches_unstarted", only: `${ENDED} AND started_at IS NULL`, key: "created_at" },
    ],
  },
};

/** Values of a batch as SQL, null where it has none. */
const VALUES: Readonly<Record<BatchSort, string>> = {
  created: "created_at",
  completed: "completed_at",
  items: "total_items",
  failed: "failed",
  duration: "MAX(completed_at - started_at, 0)",
};

/** Lists in another order than that of creation: one walk along an index for each status, merged. */
export class SortedBatches {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  page(filter: BatchFilter, page: Page): { ids: string[]; next: SortPlace | null } {
    const few = this.collected(filter, page);
    const { looked, cut } = few === null ? this.walks(filter, page) : { looked: few, cut: null };
    const hits = looked.filter(({ hit }) => hit === 1).slice(0, page.limit + 1);
    const shown = hits.slice(0, page.limit);
    const last = hits.length > page.limit ? shown.at(-1)! : cut;
    return { ids: shown.map(({ id }) => id), next: last === null ? null : { none: last.none, key: last.key, id: last.id } };
  }

  /** What stands behind `after`, where a part of the filter leaves so few that they are rather sorted than walked to; else null. */
  private collected(filter: BatchFilter, { by, ascending, after, looks }: Page): Looked[] | null {
    const few = narrowest(filter, looks + 1);
    if (few === null) return null;
    const order = orderOf(ascending);
    const parts = conditionsOf(filter);
    const { where, parameters } = joined(filter.status === undefined ? parts : [...parts, ["status = ?", filter.status]]);
    const rows = this.db.all<{ id: string; value: number | null; createdAt: number; hit: number }>(
      `SELECT id, ${VALUES[by]} AS value, created_at AS createdAt, (${where}) AS hit FROM batches
       WHERE sealed = 1 AND ${few.byId ? "+" : ""}tenant = ? AND ${few.sql} LIMIT ?`,
      ...parameters,
      filter.tenant,
      ...few.parameters,
      looks + 1,
    );
    if (rows.length > looks) return null;
    return rows
      .map(({ id, value, createdAt, hit }) => ({ id, none: value === null, key: value ?? createdAt, hit }))
      .filter((row) => after === null || order(after, row) < 0)
      .sort(order);
  }

  /** In order, up to where one of the walks was cut off: the others must not be ahead of it. */
  private walks(filter: BatchFilter, { by, ascending, limit, after, looks }: Page): { looked: Looked[]; cut: Looked | null } {
    const order = orderOf(ascending);
    const condition = joined(conditionsOf(filter, by));
    const most = condition.where === "1" ? limit + 1 : looks;
    const found: Looked[] = [];
    for (const none of [false, true]) {
      if (after?.none === true && !none) continue;
      const courses = none ? COURSES[by].none : [COURSES[by].some];
      const walks = courses.flatMap((course) =>
        course.statuses
          .filter((status) => filter.status === undefined || status === filter.status)
          .map((status) => {
            const place = after?.none === none ? after : null;
            return this.walk(filter, course, { status, none, ascending: ascending && !none, place, most }, condition);
          }),
      );
      const cut =
        walks
          .filter((rows) => rows.length === most)
          .map((rows) => rows.at(-1)!)
          .sort(order)[0] ?? null;
      const looked = walks.flat().filter((row) => cut === null || order(row, cut) <= 0);
      found.push(...looked.sort(order));
      if (cut !== null) return { looked: found, cut };
    }
    return { looked: found, cut: null };
  }

  private walk(
    filter: BatchFilter,
    { index, only, key }: Course,
    at: { status: BatchStatus; none: boolean; ascending: boolean; place: SortPlace | null; most: number },
    condition: Condition,
  ): Looked[] {
    const [beyond, direction] = at.ascending ? [">", "ASC"] : ["<", "DESC"];
    // Created between two times is a part of the index itself when that is in the order of creation.
    const range = key === "created_at" ? rangeOf(filter) : { where: "1", parameters: [] };
    const rows = (where: string, parameters: SQLInputValue[], most: number): Looked[] =>
      this.db
        .all<{ key: number; id: string; hit: number }>(
          `SELECT ${key} AS key, id, (${condition.where}) AS hit FROM batches INDEXED BY ${index}
           WHERE ${only} AND tenant = ? AND status = ? AND ${range.where} AND ${where} ORDER BY ${key} ${direction}, id ${direction} LIMIT ?`,
          ...condition.parameters,
          filter.tenant,
          at.status,
          ...range.parameters,
          ...parameters,
          most,
        )
        .map((row) => ({ ...row, none: at.none }));
    if (at.place === null) return rows("1", [], at.most);
    // First those of the same value, then the rest: an index over an expression is not walked by a pair.
    const alike = rows(`${key} = ? AND id ${beyond} ?`, [at.place.key, at.place.id], at.most);
    return alike.length === at.most ? alike : [...alike, ...rows(`${key} ${beyond} ?`, [at.place.key], at.most - alike.length)];
  }
}

type Order = (a: SortPlace, b: SortPlace) => number;

function orderOf(ascending: boolean): Order {
  const byId = (a: SortPlace, b: SortPlace): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return (a, b) => {
    if (a.none !== b.none) return a.none ? 1 : -1;
    const difference = a.key - b.key || byId(a, b);
    return ascending && !a.none ? difference : -difference;
  };
}

/** What of the filter is not in the index walked along, but for the status. */
function conditionsOf(filter: BatchFilter, by?: BatchSort): [sql: string, parameter: SQLInputValue][] {
  const operation: [string, string][] = filter.operation === undefined ? [] : [["operation = ?", filter.operation]];
  return [...narrowing(filter), ...operation, ...(by === "created" ? [] : rangesOf(filter))];
}

function rangeOf(filter: BatchFilter): Condition {
  return joined(rangesOf(filter));
}

function rangesOf({ createdAfter, createdBefore }: BatchFilter): [sql: string, parameter: number][] {
  return [
    ...(createdAfter === undefined ? [] : [["created_at >= ?", createdAfter] satisfies [string, number]]),
    ...(createdBefore === undefined ? [] : [["created_at <= ?", createdBefore] satisfies [string, number]]),
  ];
}

function joined(parts: readonly [sql: string, parameter: SQLInputValue][]): Condition {
  return { where: parts.length === 0 ? "1" : parts.map(([sql]) => sql).join(" AND "), parameters: parts.map(([, value]) => value) };
}
