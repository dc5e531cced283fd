import { isDeepStrictEqual } from "node:util";
import type { ItemResult } from "../model/item.ts";
import type { Comparison } from "./service.ts";

const SHOWN = 1000;

/**
 * Compares the results of two batches by key: what only one has, and what differs in success, result, error or score.
 * Holds the results of the first batch in memory, the second one streams by.
 */
export async function compareResults(
  a: AsyncIterable<string[]>,
  b: AsyncIterable<string[]>,
): Promise<Pick<Comparison, "added" | "removed" | "changed" | "counts">> {
  const left = new Map<string, string>();
  for await (const lines of a) {
    for (const line of lines) left.set((JSON.parse(line) as ItemResult).nodeId, line);
  }
  const added: string[] = [];
  const changed: Comparison["changed"] = [];
  const counts = { added: 0, removed: 0, changed: 0, same: 0 };
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
      const before = essence(JSON.parse(other) as ItemResult);
      const after = essence(result);
      if (isDeepStrictEqual(before, after)) counts.same += 1;
      else {
        counts.changed += 1;
        if (changed.length < SHOWN) changed.push({ nodeId: result.nodeId, a: before, b: after });
      }
    }
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
function essence(result: ItemResult): unknown {
  const { success, result: value, error, errorCode, qualityScore } = result;
  return { success, result: value, error, errorCode, qualityScore };
}
