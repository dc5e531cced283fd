import type { Clock } from "../../model/clock.ts";
import { classify } from "../../model/failure.ts";
import type { TenantServices } from "../../operations/operation.ts";
import type { ChunkWork, Executor, RunControl } from "../port.ts";
import { InFlight } from "./in-flight.ts";
import { ItemContext } from "./item-context.ts";
import { settleAll } from "./outcome.ts";
import type { HandlerVoice } from "./voice.ts";

/** Runs processBatch in this process: one call a chunk, with the items' time limits added up. */
export class ChunkHandlerExecutor implements Executor {
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
    const wait = control.admit();
    if (wait !== null) await wait;
    if (control.stopping || control.signal.aborted) return;
    const limitMs = work.timeoutMs * work.items.length;
    const flights = new InFlight(this.clock, limitMs);
    const context = new ItemContext(work, "", this.servicesFor(work.tenant), this.voice);
    const startedAt = this.clock.elapsed();
    const failAll = (error: unknown): void => {
      const durationMs = (this.clock.elapsed() - startedAt) / work.items.length;
      for (let i = 0; i < work.items.length; i++) control.settle(i, { ok: false, ...classify(error), durationMs });
    };
    await new Promise<void>((resolve) => {
      const landed = flights.start((reason) => {
        const error =
          reason === "timeout"
            ? new DOMException(`The chunk took longer than ${limitMs} ms`, "TimeoutError")
            : new DOMException("The batch was stopped", "AbortError");
        if (reason === "timeout") failAll(error);
        context.abort(error);
        resolve();
      });
      control.signal.addEventListener("abort", () => flights.stopAll(), { once: true });
      const call = async (): Promise<unknown> => work.operation.processBatch!(work.items, context);
      call().then(
        (answers) => {
          landed();
          settleAll(work, control, answers, this.clock.elapsed() - startedAt);
          resolve();
        },
        (error: unknown) => {
          if (landed()) failAll(error);
          resolve();
        },
      );
    });
    flights.close();
  }
}
