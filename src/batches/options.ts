import { RUN_OPTION_NAMES } from "../model/run-options.ts";
import type { MaxFailures } from "../model/batch.ts";

const RUN_NAMES: ReadonlySet<string> = new Set(RUN_OPTION_NAMES);

/** The options of a batch without those that every batch takes: what the operation's own schema parses. */
export function ownOptions(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !RUN_NAMES.has(name)));
}

/** The options that every batch takes. */
export function sharedOptions(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => RUN_NAMES.has(name)));
}

/**
 * `concurrency` counts items in flight over all workers, so it is shared out: from 8 on two chunks with half the items
 * each (one goes on while the other waits for its last item), below one chunk with all of them.
 */
export function chunksAtOnce(concurrency: number | undefined): number | null {
  return concurrency === undefined ? null : concurrency >= 8 ? 2 : 1;
}

export function lanesPerChunk(concurrency: number | undefined): number | undefined {
  return concurrency === undefined ? undefined : Math.floor(concurrency / chunksAtOnce(concurrency)!);
}

/** Failed items that are still allowed; null = any number. "10%" of 1,000 items allows 100. */
export function failuresAllowed(maxFailures: MaxFailures | undefined, totalItems: number): number | null {
  if (maxFailures === undefined) return null;
  return typeof maxFailures === "number" ? maxFailures : Math.floor((Number.parseFloat(maxFailures) / 100) * totalItems);
}
