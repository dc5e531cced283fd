import { Piscina } from "piscina";
import type { Clock } from "../../model/clock.ts";
import { classify, OperationError } from "../../model/failure.ts";
import { idempotencyKey, type ChunkWork, type Executor, type RunControl } from "../port.ts";
import { toOutcome } from "./outcome.ts";
import type { ThreadAnswer, ThreadCall } from "./thread-call.ts";

/** Threads are kept this long for the next chunk. */
const IDLE_MS = 30_000;

/**
 * Runs processItem in worker threads, one call an item: for handlers that compute, that hang, or that take their process
 * down. A thread that dies or does not obey its time limit is replaced, and only its own item fails.
 */
export class ThreadExecutor implements Executor {
  readonly kind = "handler";
  private readonly clock: Clock;
  private readonly threads: number;
  private pool: Piscina<ThreadCall, ThreadAnswer> | null = null;
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(clock: Clock, threads: number) {
    this.clock = clock;
    this.threads = threads;
  }

  async run(work: ChunkWork, control: RunControl): Promise<void> {
    const pool = this.open();
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < work.items.length && !control.stopping && !control.signal.aborted) {
        const index = next++;
        const wait = control.admit();
        if (wait !== null) await wait;
        await this.thread();
        try {
          if (control.stopping || control.signal.aborted) return;
          await this.call(pool, work, control, index);
        } finally {
          this.free();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(work.lanes, this.threads, work.items.length) }, lane));
  }

  /** Resolves when a thread is free: chunks run side by side, and an item's time must not go by while it stands in line. */
  private async thread(): Promise<void> {
    if (this.busy < this.threads) this.busy += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private free(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.busy -= 1;
    else next();
  }

  async close(): Promise<void> {
    await this.pool?.destroy();
    this.pool = null;
  }

  private async call(pool: Piscina<ThreadCall, ThreadAnswer>, work: ChunkWork, control: RunControl, index: number): Promise<void> {
    const item = work.items[index]!;
    const startedAt = this.clock.elapsed();
    const limit = new AbortController();
    let timedOut = false;
    const cancelTimer = this.clock.after(work.timeoutMs, () => {
      timedOut = true;
      limit.abort();
    });
    const call: ThreadCall = {
      module: work.operation.thread!.href,
      payload: item.payload,
      context: { attempt: work.attempt, idempotencyKey: idempotencyKey(work, item.key), key: item.key, batchId: work.batchId, tenant: work.tenant, options: work.options },
    };
    try {
      // Aborting a running task ends its thread, which is the point: a loop cannot be stopped otherwise.
      const answer = await pool.run(call, { signal: AbortSignal.any([control.signal, limit.signal]) });
      const durationMs = this.clock.elapsed() - startedAt;
      if ("failure" in answer) control.settle(index, { ok: false, ...answer.failure, durationMs });
      else control.settle(index, toOutcome(answer.value, durationMs));
    } catch (error) {
      if (control.signal.aborted) return;
      const failure = timedOut
        ? { error: `The item took longer than ${work.timeoutMs} ms; its thread was ended`, code: "timeout", category: "transient" as const }
        : classify(new OperationError(`The thread died: ${error instanceof Error ? error.message : String(error)}`, { code: "thread_died", category: "transient", cause: error }));
      control.settle(index, { ok: false, ...failure, durationMs: this.clock.elapsed() - startedAt });
    } finally {
      cancelTimer();
    }
  }

  private open(): Piscina<ThreadCall, ThreadAnswer> {
    this.pool ??= new Piscina<ThreadCall, ThreadAnswer>({
      filename: new URL(import.meta.url.endsWith(".ts") ? "./thread-call.ts" : "./thread-call.js", import.meta.url).href,
      minThreads: 0,
      maxThreads: this.threads,
      idleTimeout: IDLE_MS,
    });
    return this.pool;
  }
}
