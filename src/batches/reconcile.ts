import type { ItemResult } from "../model/item.ts";
import type { Reconciliation } from "./service.ts";

const SHOWN = 1000;

/**
 * Each key of the batch exactly once among its results? `keys` are those the batch was created with (roots only); with
 * none, as in batches whose items were only announced, nothing can be missing or unknown by name.
 */
export async function reconcileResults(
  keys: AsyncIterable<string[]>,
  results: AsyncIterable<string[]>,
  expected: number,
  openItems: number,
  named: boolean,
): Promise<Omit<Reconciliation, "costs" | "upstream">> {
  // 0 = not seen, then how often.
  const seen = new Map<string, number>();
  for await (const block of keys) for (const key of block) seen.set(key, 0);
  const duplicate: string[] = [];
  const unknown: string[] = [];
  const counts = { missing: 0, duplicate: 0, unknown: 0 };
  let settled = 0;
  for await (const lines of results) {
    for (const line of lines) {
      settled += 1;
      const { nodeId } = JSON.parse(line) as ItemResult;
      const times = seen.get(nodeId);
      if (times === undefined && named) {
        counts.unknown += 1;
        if (unknown.length < SHOWN) unknown.push(nodeId);
      } else if ((times ?? 0) > 0) {
        counts.duplicate += 1;
        if (duplicate.length < SHOWN) duplicate.push(nodeId);
      }
      seen.set(nodeId, (times ?? 0) + 1);
    }
  }
  const missing: string[] = [];
  for (const [key, times] of seen) {
    if (times > 0) continue;
    counts.missing += 1;
    if (missing.length < SHOWN) missing.push(key);
  }
  // Items that are still open are not missing; they have no result yet.
  const gone = counts.missing - openItems;
  const ok = counts.duplicate === 0 && counts.unknown === 0 && (named ? gone <= 0 : true);
  return { expected, settled, open: openItems, missing, duplicate, unknown, counts, ok };
}
