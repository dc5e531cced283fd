import type { Clock } from "../../model/clock.ts";
import { classify } from "../../model/failure.ts";
import type { HandlerResult, TenantServices } from "../../operations/operation.ts";
import type { ChunkWork, Executor, Outcome, RunControl } from "../port.ts";
import { breathe, breatheDue } from "./breather.ts";
import { InFlight } from "./in-flight.ts";
import { ItemContext } from "./item-context.ts";
import { toOutcome } from "./outcome.ts";
import type { HandlerVoice } from "./voice.ts";

/** Runs processItem in this process, `lanes` items at a time. */
export class InlineExecutor implements Executor {
  readonly kind = "handler";
  private readonly clock: Clock;
  private readonly servicesFor: (tenant: string) => TenantServices;
  private readonly voice: HandlerVoice;

  constructor(clock: Clock, servicesFor: (tenant: string) => TenantServices, voice: HandlerVoice) {
    this.clock = clock;
    this.voice = voice;
    this.servicesFor = servicesFor;
  }

  async run(work: ChunkWork, control: RunControl): Promise<void> {
    const flights = new InFlight(this.clock, work.timeoutMs);
    const abort = (): void => flights.stopAll();
    control.signal.addEventListener("abort", abort, { once: true });
    const services = this.servicesFor(work.tenant);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < work.items.length && !control.stopping && !control.signal.aborted) {
        const index = next++;
        const wait = control.admit();
        if (wait !== null) {
          await wait;
          if (control.stopping || control.signal.aborted) return;
        }
        const running = this.start(work, control, services, flights, index);
        if (running !== null) await running;
        if (breatheDue(performance.now())) await breathe();
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(work.lanes, work.items.length) }, lane));
    } finally {
      control.signal.removeEventListener("abort", abort);
      flights.close();
    }
  }

  /** Null when the handler answered at once; else resolves when the item has settled, by itself, by time or by abort. */
  private start(work: ChunkWork, control: RunControl, services: TenantServices, flights: InFlight, index: number): Promise<void> | null {
    const item = work.items[index]!;
    const context = new ItemContext(work, item.key, services, this.voice);
    const startedAt = this.clock.elapsed();
    let answer: HandlerResult | Promise<HandlerResult>;
    try {
      answer = work.operation.processItem!(item.payload as never, context);
    } catch (error) {
      control.settle(index, { ok: false, ...classify(error), durationMs: this.clock.elapsed() - startedAt });
      return null;
    }
    if (!isThenable(answer)) {
      control.settle(index, toOutcome(answer, this.clock.elapsed() - startedAt));
      return null;
    }
    return new Promise((resolve) => {
      const landed = flights.start((reason) => {
        if (reason === "timeout") control.settle(index, timedOut(work.timeoutMs));
        context.abort(
          reason === "timeout"
            ? new DOMException(`The item took longer than ${work.timeoutMs} ms`, "TimeoutError")
            : new DOMException("The batch was stopped", "AbortError"),
        );
        resolve();
      });
      answer.then(
        (value) => {
          // Settling what was stopped is harmless: a run takes the first outcome of an item, and counts what comes too late.
          landed();
          control.settle(index, toOutcome(value, this.clock.elapsed() - startedAt));
          resolve();
        },
        (error: unknown) => {
          if (landed()) control.settle(index, { ok: false, ...classify(error), durationMs: this.clock.elapsed() - startedAt });
          resolve();
        },
      );
    });
  }
}

function timedOut(timeoutMs: number): Outcome {
  return { ok: false, error: `The item took longer than ${timeoutMs} ms`, code: "timeout", category: "transient", durationMs: timeoutMs };
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
