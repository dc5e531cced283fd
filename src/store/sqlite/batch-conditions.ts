import type { NarrowFilter } from "../batches.ts";

/** Conditions on batches that lists and acts on many share, each with its one parameter. */
export function narrowing(filter: NarrowFilter): [sql: string, parameter: string][] {
  return Object.entries(CONDITIONS).flatMap(([name, { sql, like }]) => {
    const value = filter[name as keyof NarrowFilter];
    return value === undefined ? [] : [[sql, like === true ? likeOf(value) : value] satisfies [string, string]];
  });
}

export function isNarrowed(filter: NarrowFilter): boolean {
  return narrowing(filter).length > 0;
}

/** The one part of a filter that the fewest batches are likely to match, of those with an index of their own; null = it has none. */
export function narrowest(filter: NarrowFilter): [sql: string, parameter: string] | null {
  const name = (["id", "replayOf", "worker", "error", "key", "stream", "closeReason"] as const).find((each) => filter[each] !== undefined);
  return name === undefined ? null : [CONDITIONS[name].sql, filter[name]!];
}

/** Such batches are named by another table. */
export function isFoundById({ worker, error }: NarrowFilter): boolean {
  return worker !== undefined || error !== undefined;
}

const CONDITIONS: Readonly<Record<keyof NarrowFilter, { sql: string; like?: true }>> = {
  id: { sql: "id = ?" },
  name: { sql: "name LIKE ? ESCAPE '\\'", like: true },
  stream: { sql: "stream = ?" },
  key: { sql: "stream_key = ?" },
  closeReason: { sql: "close_reason = ?" },
  tag: { sql: "EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)" },
  // By what is leased now and by what failed: both are few beside all batches, and have an index.
  worker: { sql: "id IN (SELECT batch_id FROM chunks WHERE state = 'leased' AND worker_id = ?)" },
  error: { sql: "id IN (SELECT batch_id FROM error_groups WHERE failures > 0 AND code = ?)" },
  replayOf: { sql: "replay_of = ?" },
};

function likeOf(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`;
}
