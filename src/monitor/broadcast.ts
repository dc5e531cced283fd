import type { Clock } from "../model/clock.ts";
import type { EventStore, MonitorStore, StreamStore } from "../store/port.ts";

/** At whole multiples of it. */
const EVERY_MS = 5 * 60_000;
/** A timer may ring a little before its time. */
const EARLY_MS = 1_000;
const TYPE = "worker.statistics";
const ENTITY = "statistics";
/** More than a day of them. */
const KEPT = 1_000;

/** Puts the statistics of the last five minutes into the log, once every five minutes to the moment, whatever restarts in between. */
export class StatisticsBroadcast {
  private readonly parts: {
    store: { events: EventStore; monitor: Pick<MonitorStore, "flow">; streams: Pick<StreamStore, "queues"> };
    clock: Clock;
    tenants: () => Promise<string[]>;
    slots: () => number;
    failed: (error: unknown) => void;
  };
  private stopTimer = (): void => {};
  private round: Promise<void> = Promise.resolve();
  private stopped = false;
  /** By tenant, when they were told last; Unix milliseconds. */
  private readonly told = new Map<string, number>();

  constructor(parts: StatisticsBroadcast["parts"]) {
    this.parts = parts;
  }

  start(): void {
    const { clock, failed } = this.parts;
    this.stopTimer = clock.after(EVERY_MS - (clock.now() % EVERY_MS), () => {
      this.round = this.tell()
        .catch(failed)
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopTimer();
    await this.round;
  }

  private async tell(): Promise<void> {
    const now = this.parts.clock.now();
    const at = now + EARLY_MS - ((now + EARLY_MS) % EVERY_MS);
    for (const tenant of await this.parts.tenants()) {
      const told = this.told.get(tenant) ?? (await this.lastOf(tenant));
      // Told already, or the clock was put right by a little; one that was set back is believed, or nobody would tell until it has caught up.
      if (told >= at && told - at < EVERY_MS) continue;
      this.told.set(tenant, at);
      await this.parts.store.events.append([
        { tenant, type: TYPE, entity: { kind: "statistics", id: ENTITY }, severity: "info", ts: at, data: await this.figures(tenant, at) },
      ]);
    }
  }

  private async lastOf(tenant: string): Promise<number> {
    return (await this.parts.store.events.read(0, KEPT, { tenant, entity: ENTITY })).at(-1)?.ts ?? 0;
  }

  private async figures(tenant: string, at: number): Promise<Record<string, unknown>> {
    const { monitor, streams } = this.parts.store;
    const points = await monitor.flow({ tenant, from: at - EVERY_MS, to: at, sources: ["operation:"] }, null);
    const sum = (metric: string): number =>
      points.filter((point) => point.metric === metric).reduce((total, { value }) => total + value, 0);
    const queues = await streams.queues(tenant, at - EVERY_MS);
    return {
      minutes: EVERY_MS / 60_000,
      slots: this.parts.slots(),
      pending: queues.reduce((total, { pending }) => total + pending, 0),
      running: queues.reduce((total, { running }) => total + running, 0),
      batches_completed: sum("batches.completed"),
      batches_failed: sum("batches.failed"),
      items_succeeded: sum("items.succeeded"),
      items_failed: sum("items.failed"),
      items_retried: sum("items.retried"),
    };
  }
}
