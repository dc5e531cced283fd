import type { HandlerContext, TenantServices } from "../../operations/operation.ts";
import { idempotencyKey, type ChunkWork } from "../port.ts";

/**
 * What a handler gets with an item. Most handlers never look at most of it, so the costly parts (an AbortController, the
 * idempotency key) are made when asked for.
 */
export class ItemContext implements HandlerContext<unknown> {
  readonly key: string;
  readonly services: TenantServices;
  private readonly work: ChunkWork;
  private controller: AbortController | null = null;
  private reason: Error | null = null;

  constructor(work: ChunkWork, key: string, services: TenantServices) {
    this.work = work;
    this.key = key;
    this.services = services;
  }

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.reason !== null) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  get attempt(): number {
    return this.work.attempt;
  }

  get idempotencyKey(): string {
    return idempotencyKey(this.work, this.key);
  }

  get batchId(): string {
    return this.work.batchId;
  }

  get tenant(): string {
    return this.work.tenant;
  }

  get options(): unknown {
    return this.work.options;
  }

  get traceparent(): string | null {
    return this.work.traceparent;
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.controller?.abort(this.reason);
  }
}
