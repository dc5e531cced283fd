import type { BatchRow } from "../model/batch.ts";
import { invalid } from "../model/errors.ts";
import type { BatchFilter, BatchSort, SortPlace, Store } from "../store/port.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { Batches, Caller, HistoryQuery } from "./service.ts";

/** Batches read at once when a list goes out as a whole. */
const LIST_PAGE = 500;
/** Batches of each status that one page of a sorted list looks at: some milliseconds. */
const LOOKS = 1_000;

/** Batches one after the other: in pages with cursors, and whole lists in constant memory. */
export class BatchLists {
  private readonly store: Pick<Store, "batches">;

  constructor(store: Pick<Store, "batches">) {
    this.store = store;
  }

  async history({ tenant }: Caller, query: HistoryQuery): ReturnType<Batches["history"]> {
    const { limit, offset, cursor, sort = "created", order = "desc", ...rest } = query;
    const filter = { ...rest, tenant };
    if (sort !== "created" || order === "asc") {
      if (offset !== undefined && offset > 0)
        throw invalid([{ path: "offset", message: "goes with the newest first; go on by 'cursor'", code: "not_supported" }]);
      return this.sorted(filter, { by: sort, order, limit, cursor });
    }
    const place = cursor === undefined ? undefined : decodeCursor("history", cursor, ["number", "string"]);
    const page = await this.store.batches.list(filter, {
      limit: limit + 1,
      ...(offset === undefined ? {} : { offset }),
      ...(place === undefined ? {} : { before: { createdAt: place[0] as number, id: place[1] as string } }),
    });
    const batches = page.batches.slice(0, limit);
    const last = batches.at(-1);
    const next = page.batches.length > limit && last !== undefined ? last : page.looked;
    const nextCursor = next === null ? null : encodeCursor("history", [next.createdAt, next.id]);
    return { batches, total: page.total, totalIsExact: page.isExact, nextCursor };
  }

  async *stream(caller: Caller, which: Parameters<Batches["streamHistory"]>[1]): AsyncGenerator<BatchRow[]> {
    if ("ids" in which) {
      for (let at = 0; at < which.ids.length; at += LIST_PAGE) {
        const found = await Promise.all(which.ids.slice(at, at + LIST_PAGE).map((id) => this.store.batches.get(caller.tenant, id)));
        yield found.filter((batch) => batch !== null);
      }
      return;
    }
    const filter = { ...which.filter, tenant: caller.tenant };
    const { sort: by, order } = which;
    let after: SortPlace | null = null;
    do {
      const page: { batches: BatchRow[]; next: SortPlace | null } = await this.store.batches.sorted(filter, {
        by,
        ascending: order === "asc",
        limit: LIST_PAGE,
        after,
        looks: LOOKS,
      });
      if (page.batches.length > 0) yield page.batches;
      after = page.next;
      // Whoever else wants to do something does it between two pages.
      await new Promise((resolve) => setImmediate(resolve));
    } while (after !== null);
  }

  async budgeted(caller: Caller, page: { limit: number; cursor?: string | undefined }): ReturnType<Batches["budgeted"]> {
    const [createdAt, id] = page.cursor === undefined ? [] : decodeCursor("budgets", page.cursor, ["number", "string"]);
    const before = id === undefined ? {} : { before: { createdAt: createdAt as number, id: id as string } };
    const found = await this.store.batches.budgeted(caller.tenant, { limit: page.limit + 1, ...before });
    const batches = found.slice(0, page.limit);
    const last = found.length > page.limit ? batches.at(-1)! : null;
    return { batches, nextCursor: last === null ? null : encodeCursor("budgets", [last.createdAt, last.id]) };
  }

  private async sorted(
    filter: BatchFilter,
    { by, order, limit, cursor }: { by: BatchSort; order: "asc" | "desc"; limit: number; cursor: string | undefined },
  ): ReturnType<Batches["history"]> {
    const list = `history ${by} ${order}`;
    const [none, key, id] = cursor === undefined ? [] : decodeCursor(list, cursor, ["number", "number", "string"]);
    const after = id === undefined ? null : { none: none === 1, key: key as number, id: id as string };
    const page = { by, ascending: order === "asc", limit, after, looks: LOOKS };
    const { batches, next } = await this.store.batches.sorted(filter, page);
    const nextCursor = next === null ? null : encodeCursor(list, [next.none ? 1 : 0, next.key, next.id]);
    const { total, isExact } = await this.store.batches.total(filter);
    return { batches, total, totalIsExact: isExact, nextCursor };
  }
}
