import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Clock } from "../../model/clock.ts";
import { classify, OperationError } from "../../model/failure.ts";
import type { ChunkWork, Executor, Outcome, RunControl } from "../port.ts";
import { Admission } from "./admission.ts";
import { toOutcome } from "./outcome.ts";
import type { ThreadAnswer, ThreadCall, ThreadSaying } from "./thread-call.ts";
import type { HandlerVoice } from "./voice.ts";

/** Threads are kept this long for the next chunk. */
const IDLE_MS = 30_000;

/**
 * A way into a thread and back costs as much as some short items, so they go in groups, but no item starts later than this after its
 * group was sent: a pause, other chunks and the time limit of a group's last item wait no longer.
 */
const GROUP_MS = 25;
const MAX_GROUP = 100;
/** A group is at most this many times as large as the one before: the first items tell little. */
const GROWTH = 4;

/**
 * Runs processItem in worker threads, some items a call, one at a time in each thread: for handlers that compute, that hang, or that
 * take their process down. A thread that dies or does not obey its time limit is replaced, and only the item it was at fails; the
 * rest of its group runs in another.
 */
export class ThreadExecutor implements Executor {
  readonly kind = "handler";
  private readonly clock: Clock;
  private readonly threads: number;
  private readonly voice: HandlerVoice;
  private pool: Piscina<ThreadCall, void> | null = null;
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(clock: Clock, threads: number, voice: HandlerVoice) {
    this.clock = clock;
    this.voice = voice;
    this.threads = threads;
  }

  async run(work: ChunkWork, control: RunControl): Promise<void> {
    const pool = this.open();
    const admission = new Admission(control, work.items.length);
    const lanes = Math.min(work.lanes, this.threads, work.items.length);
    let size = 1;
    const lane = async (): Promise<void> => {
      while (!control.stopping && !control.signal.aborted) {
        const group = await admission.take(Math.min(size, Math.ceil(admission.left / lanes)));
        if (group.length === 0) return;
        await this.thread();
        try {
          if (control.stopping || control.signal.aborted) return;
          const { settled, itemMs } = await this.call(pool, work, control, group);
          admission.giveBack(group.slice(settled));
          size = Math.max(1, Math.min(MAX_GROUP, size * GROWTH, Math.floor(groupMs(work) / Math.max(itemMs, 0.001))));
        } finally {
          this.free();
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
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

  /** Answers how many items of the group, from its first, have an outcome, and how long one took on average. */
  private async call(
    pool: Piscina<ThreadCall, void>,
    work: ChunkWork,
    control: RunControl,
    group: readonly number[],
  ): Promise<{ settled: number; itemMs: number }> {
    const windowMs = groupMs(work);
    const { port1: answers, port2: inbox } = new MessageChannel();
    const { attempt, batchId, epoch, options, tenant, traceparent } = work;
    const call: ThreadCall = {
      module: work.operation.thread!.href,
      items: group.map((index) => ({ key: work.items[index]!.key, payload: work.items[index]!.payload })),
      context: { attempt, batchId, epoch, options, tenant, traceparent },
      startsUntil: process.hrtime.bigint() + BigInt(Math.round(windowMs * 1e6)),
      answers,
    };
    const startedAt = this.clock.elapsed();
    const limit = new AbortController();
    // The item that runs at this moment started within the window, so it has had its time; before it, only a first item can run so long.
    const cancelTimer = this.clock.after(work.timeoutMs + (group.length > 1 ? windowMs : 0), () => limit.abort());
    let death: unknown = null;
    try {
      // Aborting a running task ends its thread, which is the point: a loop cannot be stopped otherwise.
      await pool.run(call, { signal: AbortSignal.any([control.signal, limit.signal]), transferList: [answers] });
    } catch (error) {
      death = error ?? new Error("no reason was given");
    } finally {
      cancelTimer();
    }
    let settled = 0;
    let spentMs = 0;
    for (let received = receiveMessageOnPort(inbox); received !== undefined; received = receiveMessageOnPort(inbox)) {
      const answer = received.message as ThreadAnswer | ThreadSaying;
      if (!("durationMs" in answer)) {
        this.say(work, work.items[group[settled]!]!.key, answer);
        continue;
      }
      spentMs += answer.durationMs;
      control.settle(
        group[settled++]!,
        "failure" in answer ? { ok: false, ...answer.failure, durationMs: answer.durationMs } : toOutcome(answer.value, answer.durationMs),
      );
    }
    inbox.close();
    if (death !== null && !control.signal.aborted && settled < group.length) {
      // A thread runs its items in order: the first without an answer is the one it was at.
      const durationMs = Math.max(0, this.clock.elapsed() - startedAt - spentMs);
      spentMs += durationMs;
      control.settle(group[settled++]!, limit.signal.aborted ? timedOut(work.timeoutMs, durationMs) : died(death, durationMs));
    }
    return { settled, itemMs: spentMs / Math.max(1, settled) };
  }

  private say(work: ChunkWork, key: string, saying: ThreadSaying): void {
    if ("progress" in saying) this.voice.progress(work, key, saying.progress);
    else this.voice.logOf(work, key)[saying.level](...(saying.said as [string]));
  }

  private open(): Piscina<ThreadCall, void> {
    this.pool ??= new Piscina<ThreadCall, void>({
      filename: new URL(import.meta.url.endsWith(".ts") ? "./thread-call.ts" : "./thread-call.js", import.meta.url).href,
      minThreads: 0,
      maxThreads: this.threads,
      idleTimeout: IDLE_MS,
    });
    return this.pool;
  }
}

/** Short limits keep their meaning: a group adds at most a tenth. */
function groupMs({ timeoutMs }: ChunkWork): number {
  return Math.min(GROUP_MS, timeoutMs / 10);
}

function timedOut(timeoutMs: number, durationMs: number): Outcome {
  return {
    ok: false,
    error: `The item took longer than ${timeoutMs} ms; its thread was ended`,
    code: "timeout",
    category: "transient",
    durationMs,
  };
}

function died(reason: unknown, durationMs: number): Outcome {
  const error = new OperationError(`The thread died: ${reason instanceof Error ? reason.message : String(reason)}`, {
    code: "thread_died",
    category: "transient",
    cause: reason,
  });
  return { ok: false, ...classify(error), durationMs };
}
