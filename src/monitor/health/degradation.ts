import { iso } from "../../model/clock.ts";
import type { Checked } from "./health-watch.ts";

export type DegradationMode = "normal" | "degraded" | "minimal" | "offline";

export interface ServiceState {
  name: string;
  isHealthy: boolean;
  /** Unix milliseconds. */
  checkedAt: number;
  /** Looks, or calls, in a row that failed. */
  failures: number;
  error: string | null;
}

export interface DegradationFacts {
  now: number;
  /** Of the server's parts: `store` is whether it answers, `writes` whether it takes anything. */
  checks: readonly Checked[];
  /** `operation`, or `provider:model`. */
  breakers: readonly { name: string; isOpen: boolean; failures: number; error: string | null }[];
  /** Workers of outside. */
  workers: readonly { id: string; isLost: boolean; lastSeenAt: number | null }[];
  /** Somebody takes what waits. */
  served: boolean;
}

/**
 * offline: the store does not answer. minimal: what comes is kept at most; it is not worked on, or nothing new can be taken.
 * degraded: something else fails. `operation`: what windows are for.
 */
export function degradationOf(facts: DegradationFacts, operation: string): { mode: DegradationMode; services: ServiceState[] } {
  const { now, checks, breakers, workers, served } = facts;
  const services: ServiceState[] = [
    ...checks.map(({ name, ok, at, failures, message }) => ({ name, isHealthy: ok, checkedAt: at, failures, error: message })),
    { name: "workers", isHealthy: served, checkedAt: now, failures: served ? 0 : 1, error: served ? null : "nobody takes what waits" },
    ...breakers.map(({ name, isOpen, failures, error }) => ({ name, isHealthy: !isOpen, checkedAt: now, failures, error })),
    ...workers.map(({ id, isLost, lastSeenAt }) => ({
      name: `worker:${id}`,
      isHealthy: !isLost,
      checkedAt: now,
      failures: isLost ? 1 : 0,
      error: isLost ? `silent since ${iso(lastSeenAt) ?? "it came"}` : null,
    })),
  ];
  const fails = (name: string): boolean => checks.some((check) => check.name === name && !check.ok);
  const isStopped = fails("writes") || fails("dispatcher") || !served || breakers.some(({ name, isOpen }) => isOpen && name === operation);
  const mode = fails("store") ? "offline" : isStopped ? "minimal" : services.some(({ isHealthy }) => !isHealthy) ? "degraded" : "normal";
  return { mode, services };
}
