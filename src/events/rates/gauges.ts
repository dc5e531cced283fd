import type { Clock } from "../../model/clock.ts";

/** Figures that are measured while somebody looks, and stored nowhere. */
export const GAUGE_TYPES = ["queue.status", "pipeline.throughput", "worker.stats"] as const;
export type GaugeType = (typeof GAUGE_TYPES)[number];

const SECOND = 1_000;

export interface Gauge {
  type: GaugeType;
  /** What the figures are about: the queues of a tenant, one worker, one stream. */
  entity: { kind: string; id: string };
  data: Record<string, unknown>;
}

/** Measures of a tenant now; `watch` is told when somebody begins and when nobody looks any more. */
export interface Meter {
  measure(tenant: string): Promise<Gauge[]>;
  watch?(on: boolean): void;
}

interface Watcher {
  tenant: string;
  types: ReadonlySet<GaugeType>;
  told: Map<string, string>;
  listener: (gauge: Gauge, at: number) => void;
}

/**
 * Once a second, to whoever asked for these figures by name: they replace each other, nobody resumes at one, and a log of them
 * would grow by quarter of a million rows a day of an idle server. Without a watcher there is no timer and nothing is measured;
 * a figure that did not change is not sent again.
 */
export class Gauges {
  private readonly clock: Clock;
  private readonly meters: Readonly<Record<GaugeType, Meter>>;
  private readonly failed: (error: unknown) => void;
  private readonly watchers = new Set<Watcher>();
  private stopTimer: () => void = () => undefined;

  constructor(parts: { clock: Clock; meters: Readonly<Record<GaugeType, Meter>>; failed: (error: unknown) => void }) {
    this.clock = parts.clock;
    this.meters = parts.meters;
    this.failed = parts.failed;
  }

  get watched(): number {
    return this.watchers.size;
  }

  /** The returned function ends it. */
  watch(tenant: string, types: readonly GaugeType[], listener: (gauge: Gauge, at: number) => void): () => void {
    const watcher: Watcher = { tenant, types: new Set(types), told: new Map(), listener };
    this.watchers.add(watcher);
    if (this.watchers.size === 1) {
      for (const meter of Object.values(this.meters)) meter.watch?.(true);
      this.later();
    }
    return () => {
      if (!this.watchers.delete(watcher) || this.watchers.size > 0) return;
      this.stopTimer();
      for (const meter of Object.values(this.meters)) meter.watch?.(false);
    };
  }

  private later(): void {
    this.stopTimer = this.clock.after(SECOND, () => {
      this.look()
        .catch(this.failed)
        .finally(() => {
          if (this.watchers.size > 0) this.later();
        });
    });
  }

  /** Each figure is measured once for all who want it. */
  private async look(): Promise<void> {
    for (const [tenant, watchers] of Map.groupBy(this.watchers, (watcher) => watcher.tenant)) {
      for (const type of GAUGE_TYPES) {
        const wanting = watchers.filter(({ types }) => types.has(type));
        if (wanting.length === 0) continue;
        const at = this.clock.now();
        for (const gauge of await this.meters[type].measure(tenant)) this.tell(wanting, gauge, at);
      }
    }
  }

  private tell(watchers: readonly Watcher[], gauge: Gauge, at: number): void {
    const figure = `${gauge.type} ${gauge.entity.kind} ${gauge.entity.id}`;
    const text = JSON.stringify(gauge.data);
    for (const watcher of watchers) {
      if (!this.watchers.has(watcher) || watcher.told.get(figure) === text) continue;
      watcher.told.set(figure, text);
      watcher.listener(gauge, at);
    }
  }
}

/** The gauges among types as a connection names them. Null (everything) is everything of the log, and they are not in it. */
export function gaugesAmong(types: readonly string[] | null): GaugeType[] {
  const asked = types ?? [];
  return GAUGE_TYPES.filter((gauge) => asked.some((type) => (type.endsWith(".*") ? gauge.startsWith(type.slice(0, -1)) : type === gauge)));
}
