import { setTimeout as elapsed } from "node:timers/promises";

/**
 * Time that goes by because it is what is tested: the work of a handler, the seeded instant of a kill, the length of a stop. Never
 * a way to wait until something has happened: what has happened says so, or is looked at until it is the case.
 */
export function lapse(ms: number, signal?: AbortSignal): Promise<void> {
  return elapsed(ms, undefined, signal === undefined ? {} : { signal });
}
