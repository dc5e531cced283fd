import type { Clock } from "../../model/clock.ts";
import { sourceOf, type GaugeMeasure } from "../../model/flow.ts";
import type { GaugeSample, MonitorStore } from "../../store/port.ts";
import { BoundedLabels } from "./bounded-labels.ts";
import { combined, kindOf, type MetricName, type MetricReadings } from "./catalogue.ts";

export const SAMPLE_MS = 60_000;

/** Name under which a gauge is sampled: with the value of its second label. */
export function gaugeMeasure(name: MetricName, second?: string): GaugeMeasure {
  return second === undefined ? `gauge.${name}` : `gauge.${name}.${second}`;
}

/** Keeps a value a minute of everything that is only measured, so that it has a history, too: gauges as they are, counters by what came since. */
export class Sampler {
  private readonly store: MonitorStore;
  private readonly clock: Clock;
  private readonly tenant: string;
  private readonly read: () => Promise<MetricReadings>;
  private readonly failed: (error: unknown) => void;
  private readonly labels = new BoundedLabels();
  /** Of counters, by series: what was not there at the last sample is what has come since. */
  private readonly counted = new Map<string, number>();
  private stopTimer = (): void => {};
  private running: Promise<void> | null = null;

  constructor(parts: {
    store: MonitorStore;
    clock: Clock;
    tenant: string;
    read: () => Promise<MetricReadings>;
    failed: (error: unknown) => void;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.tenant = parts.tenant;
    this.read = parts.read;
    this.failed = parts.failed;
  }

  start(): void {
    this.stopTimer = this.clock.after(SAMPLE_MS, () => {
      // Every minute is counted from the last one, however long a reading takes; a minute whose predecessor still reads is left out.
      this.start();
      this.running ??= this.sample()
        .catch(this.failed)
        .finally(() => (this.running = null));
    });
  }

  /** What is being read is still written. */
  async stop(): Promise<void> {
    this.stopTimer();
    await this.running;
  }

  /** Of the minute in which the reading begins. */
  async sample(): Promise<void> {
    const now = this.clock.now();
    await this.store.sample(this.tenant, this.samplesOf(await this.read()), now);
  }

  /** One of each gauge as a whole, and one of each of its sources. */
  private samplesOf(readings: MetricReadings): GaugeSample[] {
    const values = new Map<string, GaugeSample>();
    for (const [name, samples] of Object.entries(readings) as [MetricName, NonNullable<MetricReadings[MetricName]>][]) {
      const [first, second] = kindOf(name).labels;
      const add = (source: string, metric: GaugeMeasure, value: number): void => {
        const known = values.get(`${source} ${metric}`);
        values.set(`${source} ${metric}`, { source, metric, value: known === undefined ? value : combined(name, known.value, value) });
      };
      for (const { labels, value: read } of samples) {
        const value = kindOf(name).type === "counter" ? this.increase(name, labels, read) : read;
        if (value === null) continue;
        add(sourceOf.gauge(), gaugeMeasure(name), value);
        if (first === undefined) continue;
        const source = sourceOf.gauge(this.labels.of(first, labels[first] ?? ""));
        add(source, gaugeMeasure(name), value);
        if (second !== undefined) add(source, gaugeMeasure(name, labels[second]), value);
      }
    }
    return [...values.values()];
  }

  /** Null at the first sight of a series. */
  private increase(name: MetricName, labels: Readonly<Record<string, string>>, read: number): number | null {
    const series = `${name} ${JSON.stringify(labels)}`;
    const before = this.counted.get(series);
    this.counted.set(series, read);
    return before === undefined ? null : Math.max(0, read - before);
  }
}
