import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { isFinalType } from "../catalogue.ts";
import type { Gauge, Meter } from "./gauges.ts";
import type { EventLog } from "../port.ts";
import { RateMeter } from "./rate-meter.ts";

interface Rates {
  items: RateMeter;
  batches: RateMeter;
}

/** Items that ended and batches that ended, of a tenant and of each of its streams: means of the last ten seconds, out of the log. */
export class Throughput implements Meter {
  private readonly log: EventLog;
  private readonly clock: Clock;
  /** By tenant, then by stream; "" = all together. */
  private readonly rates = new Map<string, Map<string, Rates>>();
  /** Items of open batches that were counted. */
  private readonly counted = new Map<string, number>();
  private unsubscribe: (() => void) | null = null;

  constructor(log: EventLog, clock: Clock) {
    this.log = log;
    this.clock = clock;
  }

  watch(on: boolean): void {
    this.unsubscribe?.();
    this.unsubscribe = on ? this.log.subscribe((events) => this.count(events)) : null;
    if (on) return;
    this.rates.clear();
    this.counted.clear();
  }

  measure(tenant: string): Promise<Gauge[]> {
    const own = this.of(tenant);
    if (!own.has("")) own.set("", this.fresh());
    return Promise.resolve(
      [...own].map(([stream, { items, batches }]) => ({
        type: "pipeline.throughput",
        entity: stream === "" ? { kind: "pipeline", id: tenant } : { kind: "stream", id: stream },
        data: {
          ...(stream === "" ? {} : { stream }),
          items_per_second: items.perSecond(),
          batches_per_minute: Math.round(batches.perSecond() * 600) / 10,
        },
      })),
    );
  }

  private count(events: readonly StoredEvent[]): void {
    for (const { tenant, type, entity, data } of events) {
      if (entity.kind !== "batch" || !type.startsWith("batch.")) continue;
      const { processed, stream } = data;
      if (typeof processed !== "number") continue;
      // What ended of a batch before anybody looked is no throughput of now.
      const before = this.counted.get(entity.id) ?? (type === "batch.created" || type === "batch.started" ? 0 : processed);
      const isFinal = isFinalType(type);
      if (isFinal) this.counted.delete(entity.id);
      else this.counted.set(entity.id, processed);
      for (const name of typeof stream === "string" ? ["", stream] : [""]) {
        const own = this.of(tenant);
        const rates = own.get(name) ?? this.fresh();
        own.set(name, rates);
        rates.items.add(Math.max(0, processed - before));
        if (isFinal) rates.batches.add(1);
      }
    }
  }

  private of(tenant: string): Map<string, Rates> {
    let own = this.rates.get(tenant);
    if (own === undefined) this.rates.set(tenant, (own = new Map()));
    return own;
  }

  private fresh(): Rates {
    return { items: new RateMeter(this.clock), batches: new RateMeter(this.clock) };
  }
}
