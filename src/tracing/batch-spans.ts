import type { EventLog } from "../events/port.ts";
import type { StoredEvent } from "../model/event.ts";
import type { Store } from "../store/port.ts";
import type { Tracing } from "./port.ts";

const ENDS: ReadonlySet<string> = new Set(["batch.completed", "batch.failed", "batch.cancelled", "batch.expired"]);
const COUNTS = ["total", "succeeded", "failed", "cancelled", "expired"] as const;

export interface BatchSpansParts {
  tracing: Tracing;
  store: Pick<Store, "batches" | "streams">;
  events: Pick<EventLog, "subscribe">;
  failed(error: unknown): void;
}

/** Records the span of each batch when it has ended: whichever process began it, the one that is there at its end tells. */
export class BatchSpans {
  private readonly parts: BatchSpansParts;
  private line: Promise<void> = Promise.resolve();
  private stopListening = (): void => {};

  constructor(parts: BatchSpansParts) {
    this.parts = parts;
  }

  start(): void {
    this.stopListening = this.parts.events.subscribe((events) => {
      for (const event of events) {
        if (!ENDS.has(event.type)) continue;
        this.line = this.line.then(() => this.record(event)).catch(this.parts.failed);
      }
    });
  }

  /** Ends after the spans of what was handed over. */
  async stop(): Promise<void> {
    this.stopListening();
    await this.line;
  }

  private async record({ tenant, entity, data, ts }: StoredEvent): Promise<void> {
    const { store, tracing } = this.parts;
    const batch = await store.batches.get(tenant, entity.id);
    if (batch === null || batch.trace === null) return;
    const epoch = Number(data["epoch"]);
    const runMs = Number(data["duration_ms"]);
    tracing.ended({
      batch,
      status: String(data["status"]),
      epoch,
      startedAt: epoch === 1 ? batch.createdAt : ts - runMs,
      endedAt: ts,
      counts: Object.fromEntries(COUNTS.map((name) => [`batchyard.items.${name}`, Number(data[name])])),
      links: batch.stream === null ? [] : await store.streams.traces(tenant, batch.id),
    });
  }
}
