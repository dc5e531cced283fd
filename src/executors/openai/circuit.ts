import type { ErrorCategory } from "../../model/item.ts";

/** Failures in a row that open the breaker of a model. */
export const OPENS_AFTER = 5;

/** The breakers of this process, as far as the requests to a model use them: by `provider:model`. */
export interface Circuit {
  /** May a request be sent now? Half-open, one may. */
  allows(name: string): boolean;
  started(name: string, request: number): void;
  /** However it ended: a probe that says nothing makes room for another. */
  ended(name: string, request: number): void;
  succeeded(name: string): void;
  /** True when the breaker is open after it. */
  failed(name: string, failure: { tenant: string; category: ErrorCategory; code: string; error: string }, opensAfter: number): boolean;
  /** When an open one lets a probe through; null = it is not open. */
  retryAt(name: string): number | null;
}
