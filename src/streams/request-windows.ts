import type { Backpressure } from "../batches/backpressure.ts";
import type { Clock } from "../model/clock.ts";
import { BatchyardError } from "../model/errors.ts";
import { OPENAI_BATCH } from "../model/upstream.ts";
import type { StreamRow, StreamStore } from "../store/port.ts";
import type { Aggregator } from "./aggregator.ts";
import type { StreamItem } from "./item-reader.ts";
import type { OpenStream } from "./open-stream.ts";
import type { Placed } from "./planned-step.ts";
import { REQUESTS } from "./requests.ts";
import type { WindowView } from "./service.ts";
import { windowView } from "./views.ts";

/** Nothing was taken: the same may be sent again then. */
const RETRY_LATER = { retryAfterSeconds: 5 };

export interface RequestWindowsParts {
  store: Pick<StreamStore, "holdBatches" | "releaseBatches">;
  aggregator: Aggregator;
  pressure: Backpressure;
  clock: Clock;
  /** The stream `requests` of a tenant; there for whoever asks. */
  streamOf(tenant: string): OpenStream;
  /** All there are. */
  streams(): Iterable<OpenStream>;
  /** What is stored of it; absent = nobody has paused it yet. */
  rowOf(stream: OpenStream): StreamRow | undefined;
  /** Items come: the rules of the stream are known from now on. */
  note(stream: OpenStream): void;
  wake(): void;
}

/** The windows of single requests, and the batches they became, while those may not be submitted. */
export class RequestWindows {
  private readonly parts: RequestWindowsParts;

  constructor(parts: RequestWindowsParts) {
    this.parts = parts;
  }

  /** Each to the window it names; resolves after the durable commit, in the order of `items`. Throws queue_full. */
  async collect(tenant: string, items: readonly StreamItem[]): Promise<Placed[]> {
    const { aggregator, pressure } = this.parts;
    const stream = this.parts.streamOf(tenant);
    const { state, waiting, maxSize } = await pressure.of(tenant);
    if (state === "full")
      throw new BatchyardError("queue_full", { waiting, limit: maxSize, seconds: RETRY_LATER.retryAfterSeconds }, RETRY_LATER);
    this.parts.note(stream);
    return aggregator.offer(
      stream,
      items.map((item) => ({ item, deadLetter: null })),
    );
  }

  /** Takes a request out of its open window; false when that has closed. */
  async withdraw(tenant: string, windowId: string, id: string): Promise<boolean> {
    const stream = this.parts.streamOf(tenant);
    const window = [...stream.windows.values()].find((each) => each.id === windowId);
    return window !== undefined && (await this.parts.aggregator.withdraw(stream, window.key, id));
  }

  /** Open ones, those open longest first. */
  list(tenant: string): WindowView[] {
    const open = [...this.parts.streamOf(tenant).windows.values()].filter((window) => window.window !== null);
    return open.sort((a, b) => a.number - b.number).map(windowView);
  }

  /** Requests that may wait. */
  maxOpen(tenant: string): number {
    return this.parts.streamOf(tenant).definition.maxOpen;
  }

  /** Why nothing of them is submitted; null = it is. Unix milliseconds. */
  pauseOf(tenant: string): { since: number | null; reason: string | null } | null {
    const stream = this.parts.streamOf(tenant);
    if (!stream.paused) return null;
    const row = this.parts.rowOf(stream);
    const reason = row?.definition["pauseReason"];
    return row?.paused === true
      ? { since: row.updatedAt, reason: typeof reason === "string" ? reason : null }
      : { since: null, reason: "BATCH_PROCESSING_ENABLED is false" };
  }

  /** When somebody last paused or resumed the collector of a tenant; 0 = never. */
  switchedAt(tenant: string): number {
    return this.parts.rowOf(this.parts.streamOf(tenant))?.updatedAt ?? 0;
  }

  /**
   * Batches wait while their stream is paused, those that somebody paused one by one stay so. One that is at a provider goes on: its
   * results are collected, and its executor sends nothing new while the switch is off. In turn with the commits of windows: one that
   * closed before the stream was resumed is released too.
   */
  holdOrRelease(): Promise<void> {
    const { store, aggregator, clock, wake } = this.parts;
    return aggregator.inTurn(async () => {
      for (const { tenant, paused } of this.parts.streams()) {
        if (paused) await store.holdBatches(tenant, REQUESTS, [OPENAI_BATCH], clock.now());
        else if ((await store.releaseBatches(tenant, REQUESTS, clock.now())).length > 0) wake();
      }
    });
  }
}
