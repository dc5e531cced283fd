import type { Clock } from "../../model/clock.ts";
import type { ErrorCategory } from "../../model/item.ts";

const OPENS_AFTER = 20;
const FIRST_COOL_DOWN_MS = 1000;
const LONGEST_COOL_DOWN_MS = 30_000;

/** Codes that say the handler's own code failed or was slow: no sign that what it talks to is down. */
const OWN_FAULTS = new Set(["handler_error", "timeout"]);

export interface BreakerView {
  name: string;
  state: "closed" | "open" | "half_open";
  consecutiveFailures: number;
  lastError: string | null;
  /** Whose item that error was of: its text may quote the item. */
  lastTenant: string | null;
  /** Unix milliseconds. */
  openedAt: number | null;
  retryAt: number | null;
}

/**
 * One breaker an operation. Opens after 20 items in a row failed with a transient, resource or rate-limit error of what
 * the handler talks to; while open its chunks are deferred, never failed. After a cool-down (1 s, doubling to 30 s) one
 * chunk goes as a probe: a success closes the breaker, a failure opens it again. A model of a provider has one too
 * (`provider:model`), which its requests ask for themselves.
 */
export class Breakers {
  private readonly clock: Clock;
  private readonly breakers = new Map<string, { view: BreakerView; coolDownMs: number; probe: number | null }>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** May a chunk of this operation be dispatched now? */
  allows(operation: string): boolean {
    const breaker = this.breakers.get(operation);
    if (breaker === undefined || breaker.view.state === "closed") return true;
    if (breaker.view.state === "open" && breaker.view.retryAt! <= this.clock.now()) {
      breaker.view.state = "half_open";
      breaker.probe = null;
    }
    return breaker.view.state === "half_open" && breaker.probe === null;
  }

  /** A chunk starts; in half-open it is the probe. */
  started(operation: string, chunkId: number): void {
    const breaker = this.breakers.get(operation);
    if (breaker?.view.state === "half_open") breaker.probe ??= chunkId;
  }

  /** A chunk ended, however: a probe that settled nothing makes room for another. */
  ended(operation: string, chunkId: number): void {
    const breaker = this.breakers.get(operation);
    if (breaker?.probe === chunkId) breaker.probe = null;
  }

  succeeded(operation: string): void {
    const breaker = this.breakers.get(operation);
    if (breaker === undefined || breaker.view.consecutiveFailures === 0) return;
    breaker.view = { ...closed(operation) };
    breaker.coolDownMs = FIRST_COOL_DOWN_MS;
  }

  /** True when the breaker is open after this failure: what talks to the same thing is to start no more. */
  failed(
    operation: string,
    failure: { tenant: string; category: ErrorCategory; code: string; error: string },
    opensAfter = OPENS_AFTER,
  ): boolean {
    if (OWN_FAULTS.has(failure.code) || !["transient", "resource", "rate_limit"].includes(failure.category)) return false;
    let breaker = this.breakers.get(operation);
    if (breaker === undefined) {
      breaker = { view: closed(operation), coolDownMs: FIRST_COOL_DOWN_MS, probe: null };
      this.breakers.set(operation, breaker);
    }
    const view = breaker.view;
    view.consecutiveFailures += 1;
    view.lastError = failure.error;
    view.lastTenant = failure.tenant;
    if (view.state === "open") return true;
    if (view.state === "closed" && view.consecutiveFailures < opensAfter) return false;
    if (view.state === "half_open") breaker.coolDownMs = Math.min(LONGEST_COOL_DOWN_MS, breaker.coolDownMs * 2);
    view.state = "open";
    view.openedAt = this.clock.now();
    view.retryAt = view.openedAt + breaker.coolDownMs;
    return true;
  }

  isOpen(operation: string): boolean {
    return this.breakers.get(operation)?.view.state === "open";
  }

  reset(operation: string): boolean {
    return this.breakers.delete(operation);
  }

  list(): BreakerView[] {
    return [...this.breakers.values()].map((breaker) => ({ ...breaker.view }));
  }

  /** When this breaker lets a probe through; null = it is not open. */
  retryAt(name: string): number | null {
    const view = this.breakers.get(name)?.view;
    return view?.state === "open" ? view.retryAt : null;
  }

  /** When an open breaker lets a probe through; null = none is open. */
  nextProbeAt(): number | null {
    const times = [...this.breakers.values()].filter((breaker) => breaker.view.state === "open").map((breaker) => breaker.view.retryAt!);
    return times.length === 0 ? null : Math.min(...times);
  }
}

function closed(name: string): BreakerView {
  return { name, state: "closed", consecutiveFailures: 0, lastError: null, lastTenant: null, openedAt: null, retryAt: null };
}
