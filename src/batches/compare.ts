import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { BatchRow } from "../model/batch.ts";
import type { ItemResult } from "../model/item.ts";
import { fieldChanges } from "./field-changes.ts";
import type { ChangeKind, Comparison, ComparisonPage } from "./service.ts";

/** Keys that only one of the two has: the first so many are listed. */
const SHOWN = 1000;
/** Changed items that can be paged through. */
const PAGED = 10_000;
/** Pairs whose difference is remembered, so that the next page of the same pair reads its own items only. */
const REMEMBERED = 4;

/** What differs between two batches, by key: the index over which pages are made. */
interface Difference {
  added: string[];
  removed: string[];
  changed: { nodeId: string; kind: ChangeKind }[];
  counts: Comparison["counts"];
}

/** Reads results of a batch. */
export interface ResultReader {
  all(batch: BatchRow): AsyncIterable<string[]>;
  one(batch: BatchRow, nodeId: string): Promise<string | null>;
}

/** Compares the results of two batches by key: what only one has, and what differs in success, result, error or score. */
export class Comparisons {
  private readonly reader: ResultReader;
  private readonly known = new Map<string, Difference>();

  constructor(reader: ResultReader) {
    this.reader = reader;
  }

  async page(a: BatchRow, b: BatchRow, asked: ComparisonPage): Promise<Omit<Comparison, "a" | "b">> {
    const { added, removed, changed, counts } = await this.difference(a, b);
    const matching = asked.kind === undefined ? changed : changed.filter(({ kind }) => kind === asked.kind);
    const shown: Comparison["changed"] = [];
    for (const { nodeId, kind } of matching.slice(asked.offset, asked.offset + asked.limit)) {
      const [x, y] = [await this.essenceIn(a, nodeId), await this.essenceIn(b, nodeId)];
      shown.push({ nodeId, kind, ...(asked.brief ? {} : { a: x, b: y }), ...fieldChanges(x, y) });
    }
    return { added, removed, changed: shown, counts };
  }

  private async essenceIn(batch: BatchRow, nodeId: string): Promise<unknown> {
    const line = await this.reader.one(batch, nodeId);
    return line === null ? null : essence(JSON.parse(line) as ItemResult);
  }

  private async difference(a: BatchRow, b: BatchRow): Promise<Difference> {
    const key = [a, b].map(({ id, epoch, succeeded, failed }) => `${id} ${epoch} ${succeeded} ${failed}`).join(" ");
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const found = await differenceOf(this.reader.all(a), this.reader.all(b));
    this.known.set(key, found);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= REMEMBERED) break;
      this.known.delete(oldest);
    }
    return found;
  }
}

/** Holds the results of the first batch in memory, the second one streams by. */
async function differenceOf(a: AsyncIterable<string[]>, b: AsyncIterable<string[]>): Promise<Difference> {
  const left = new Map<string, string>();
  for await (const lines of a) {
    for (const line of lines) left.set((JSON.parse(line) as ItemResult).nodeId, line);
    await setImmediate();
  }
  const added: string[] = [];
  const changed: Difference["changed"] = [];
  const counts = { added: 0, removed: 0, changed: 0, fixed: 0, broken: 0, same: 0 };
  for await (const lines of b) {
    for (const line of lines) {
      const result = JSON.parse(line) as ItemResult;
      const other = left.get(result.nodeId);
      left.delete(result.nodeId);
      if (other === undefined) {
        counts.added += 1;
        if (added.length < SHOWN) added.push(result.nodeId);
        continue;
      }
      const before = JSON.parse(other) as ItemResult;
      if (isDeepStrictEqual(essence(before), essence(result))) {
        counts.same += 1;
        continue;
      }
      const kind = before.success === result.success ? "other" : result.success ? "fixed" : "broken";
      counts.changed += 1;
      if (kind !== "other") counts[kind] += 1;
      if (changed.length < PAGED) changed.push({ nodeId: result.nodeId, kind });
    }
    await setImmediate();
  }
  counts.removed = left.size;
  const order = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return {
    added: added.sort(order),
    removed: [...left.keys()].sort(order).slice(0, SHOWN),
    changed: changed.sort((x, y) => order(x.nodeId, y.nodeId)),
    counts,
  };
}

/** What of a result says what came out, without when and how fast. */
function essence(result: ItemResult): Record<string, unknown> {
  const { success, result: value, error, errorCode, qualityScore } = result;
  return { success, result: value, error, errorCode, qualityScore };
}
