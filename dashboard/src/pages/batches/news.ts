import type { Batch, BatchFilter } from "batchyard/client";
import type { Arrival } from "../../live/arrivals.ts";

/** Batches that a list would show since it was asked for: how many, and whether all of them surely. */
export interface News {
  count: number;
  isCertain: boolean;
}

/** What events do not say of a batch. */
const UNTOLD = [
  "tag",
  "closeReason",
  "worker",
  "error",
  "replayOf",
  "minItems",
  "maxItems",
] as const satisfies readonly (keyof BatchFilter)[];

export function newsFor(filter: BatchFilter, arrivals: ReadonlyMap<string, Arrival>, askedAt: number, rows: readonly Batch[]): News {
  let count = 0;
  const shown = new Set(rows.map(({ id }) => id));
  for (const [id, arrival] of arrivals) if (arrival.at >= askedAt && !shown.has(id) && fits(filter, id, arrival)) count += 1;
  return { count, isCertain: UNTOLD.every((name) => filter[name] === undefined) };
}

/** Without a state only new batches come in; with one, those too that came into it. */
function fits(filter: BatchFilter, id: string, { created, status, operation, name, stream, key, at }: Arrival): boolean {
  const is = (wanted: string | undefined, value: string | null): boolean => wanted === undefined || wanted === value;
  return (
    (filter.status === undefined ? created : filter.status === status) &&
    is(filter.operation, operation) &&
    is(filter.stream, stream) &&
    is(filter.key, key) &&
    is(filter.id, id) &&
    (filter.name === undefined || name?.toLowerCase().includes(filter.name.toLowerCase()) === true) &&
    (filter.createdBefore === undefined || at <= Date.parse(filter.createdBefore))
  );
}
