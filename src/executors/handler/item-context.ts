import type { HandlerContext, HandlerLog, TenantServices } from "../../operations/operation.ts";
import { idempotencyKey, type ChunkWork } from "../port.ts";
import { checkedShare, type HandlerVoice } from "./voice.ts";

/**
 * What a handler gets with an item. Most handlers never look at most of it, so the costly parts (an AbortController, the
 * idempotency key) are made when asked for.
 */
export class ItemContext implements HandlerContext<unknown> {
  readonly key: string;
  readonly services: TenantServices;
  private readonly work: ChunkWork;
  private readonly voice: HandlerVoice;
  private heard: HandlerLog | null = null;
  private controller: AbortController | null = null;
  private reason: Error | null = null;

  constructor(work: ChunkWork, key: string, services: TenantServices, voice: HandlerVoice) {
    this.work = work;
    this.voice = voice;
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

  get log(): HandlerLog {
    return (this.heard ??= this.voice.logOf(this.work, this.key));
  }

  progress(share: number): void {
    this.voice.progress(this.work, this.key, checkedShare(share));
  }

  get traceparent(): string | null {
    return this.work.traceparent;
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.controller?.abort(this.reason);
  }
}
