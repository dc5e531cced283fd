import type { NarrowFilter } from "../../batches.ts";

/** Conditions on batches that lists and acts on many share, each with its one parameter. */
export function narrowing(filter: NarrowFilter): [sql: string, parameter: string | number][] {
  return Object.entries(CONDITIONS).flatMap(([name, { sql, like }]) => {
    const value = filter[name as keyof NarrowFilter];
    return value === undefined ? [] : [[sql, like === true ? likeOf(String(value)) : value] satisfies [string, string | number]];
  });
}

export function isNarrowed(filter: NarrowFilter): boolean {
  return narrowing(filter).length > 0;
}

/** At most one batch, or those that a worker is at now. */
export function isFew({ id, worker }: NarrowFilter): boolean {
  return id !== undefined || worker !== undefined;
}

/**
 * The one part of a filter that the fewest batches are likely to match, of those with an index of their own, as a condition that finds
 * at least `most` of them if there are so many; null = it has none.
 */
export function narrowest(
  filter: NarrowFilter & { tenant: string },
  most: number,
): { sql: string; parameters: (string | number)[]; byId: boolean } | null {
  const { tenant, error, tag } = filter;
  const one = (name: keyof NarrowFilter, byId: boolean) =>
    filter[name] === undefined ? null : { sql: CONDITIONS[name].sql, parameters: [filter[name]], byId };
  const named = (sql: string, value: string | undefined) =>
    value === undefined ? null : { sql: `id IN (${sql} LIMIT ?)`, parameters: [tenant, value, most], byId: true };
  return (
    one("id", true) ??
    one("replayOf", false) ??
    one("worker", true) ??
    named(
      "SELECT DISTINCT batch_id FROM error_groups INDEXED BY error_groups_newest WHERE failures > 0 AND tenant = ? AND code = ?",
      error,
    ) ??
    one("key", false) ??
    named("SELECT batch_id FROM batch_tags WHERE tenant = ? AND tag = ?", tag) ??
    one("stream", false) ??
    one("closeReason", false)
  );
}

const CONDITIONS: Readonly<Record<keyof NarrowFilter, { sql: string; like?: true }>> = {
  id: { sql: "id = ?" },
  name: { sql: "name LIKE ? ESCAPE '\\'", like: true },
  stream: { sql: "stream = ?" },
  key: { sql: "stream_key = ?" },
  closeReason: { sql: "close_reason = ?" },
  tag: { sql: "EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)" },
  worker: { sql: "id IN (SELECT batch_id FROM chunks WHERE state = 'leased' AND worker_id = ?)" },
  replayOf: { sql: "replay_of = ?" },
  minItems: { sql: "total_items >= ?" },
  maxItems: { sql: "total_items <= ?" },
  error: { sql: "EXISTS (SELECT 1 FROM error_groups WHERE batch_id = id AND failures > 0 AND code = ?)" },
};

function likeOf(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`;
}
