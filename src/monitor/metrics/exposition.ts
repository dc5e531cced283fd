import { Counter, Gauge, Registry } from "prom-client";
import { BIN_BASE, Sketch } from "../../model/stats/sketch.ts";
import type { MonitorStore } from "../../store/port.ts";
import { BoundedLabels } from "./bounded-labels.ts";
import {
  combined,
  kindOf,
  METRIC_NAMES,
  PREFIX,
  type MetricKind,
  type MetricName,
  type MetricReadings,
  type MetricSample,
} from "./catalogue.ts";
import { FlowCounts } from "./flow-counts.ts";

export const EXPOSITION_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** `low`: one series for all sources together. */
export type Detail = "full" | "low";

/** Tenants whose counters are kept up; a further one begins anew, which Prometheus takes for a restart. */
const MAX_TENANTS = 100;

interface Distributed {
  labels: Readonly<Record<string, string>>;
  sketch: Sketch;
}

/** The Prometheus text of a tenant: what the flow has counted since the process started, and what is measured now. */
export class Exposition {
  private readonly store: MonitorStore;
  private readonly since: number;
  private readonly tenants = new Map<string, { counts: FlowCounts; labels: BoundedLabels }>();

  constructor(store: MonitorStore, since: number) {
    this.store = store;
    this.since = since;
  }

  async text(tenant: string, readings: MetricReadings, detail: Detail, now: number): Promise<string> {
    const { counts, labels } = this.of(tenant);
    const totals = await counts.read(now);
    const registry = new Registry();
    for (const name of METRIC_NAMES) {
      const kind = kindOf(name);
      const bounded = boundedBy(kind, labels, detail);
      if (kind.flow === null) {
        register(registry, name, kind, merged(name, (readings[name] ?? []).map(bounded)));
        continue;
      }
      const { of, counter, measure, scale = 1 } = kind.flow;
      const beginning = `${of}:`;
      if (measure !== undefined) {
        const distributions: Distributed[] = [...totals.measures].flatMap(([source, measures]) => {
          const sketch = measures.get(measure);
          if (!source.startsWith(beginning) || sketch === undefined) return [];
          return [{ labels: bounded({ labels: { [of]: source.slice(beginning.length) }, value: 0 }).labels, sketch }];
        });
        registry.registerMetric(new Distribution(name, kind, together(distributions), scale));
        continue;
      }
      const samples: MetricSample[] = [];
      for (const [source, sums] of totals.counts) {
        if (!source.startsWith(beginning)) continue;
        const own = { [of]: source.slice(beginning.length) };
        for (const [metric, value] of sums) {
          if (metric === counter) samples.push(bounded({ labels: own, value }));
          else if (counter!.endsWith(".") && metric.startsWith(counter!))
            samples.push(bounded({ labels: { ...own, [kind.labels[1]!]: metric.slice(counter!.length) }, value }));
        }
      }
      register(registry, name, kind, merged(name, samples));
    }
    return registry.metrics();
  }

  private of(tenant: string): { counts: FlowCounts; labels: BoundedLabels } {
    let own = this.tenants.get(tenant);
    if (own === undefined) {
      if (this.tenants.size >= MAX_TENANTS) this.tenants.delete(this.tenants.keys().next().value!);
      own = { counts: new FlowCounts(this.store, tenant, this.since), labels: new BoundedLabels() };
      this.tenants.set(tenant, own);
    }
    return own;
  }
}

/** Labels that name a source: there can be any number of them. */
const SOURCE_LABELS = new Set(["operation", "stream", "queue", "model"]);

/** The labels that a sample shows: those of the catalogue, sources bounded, or left out when little detail is asked for. */
function boundedBy(kind: MetricKind, known: BoundedLabels, detail: Detail): (sample: MetricSample) => MetricSample {
  const shown = kind.labels.filter((label) => detail === "full" || !SOURCE_LABELS.has(label));
  return ({ labels, value }) => ({
    labels: Object.fromEntries(
      shown.map((label) => [label, SOURCE_LABELS.has(label) ? known.of(label, labels[label] ?? "") : (labels[label] ?? "")]),
    ),
    value,
  });
}

/** Samples of the same labels as one: what is bounded or left out goes together. */
function merged(metric: MetricName, samples: readonly MetricSample[]): MetricSample[] {
  const sums = new Map<string, MetricSample>();
  for (const { labels, value } of samples) {
    const name = JSON.stringify(labels);
    const known = sums.get(name);
    sums.set(name, { labels, value: known === undefined ? value : combined(metric, known.value, value) });
  }
  return [...sums.values()];
}

/** Distributions of the same labels as one; what is alone stays as it is. */
function together(distributions: readonly Distributed[]): Distributed[] {
  return [...Map.groupBy(distributions, ({ labels }) => JSON.stringify(labels)).values()].map((same) => {
    if (same.length === 1) return same[0]!;
    const sum = { labels: same[0]!.labels, sketch: new Sketch() };
    for (const { sketch } of same) sum.sketch.merge(sketch);
    return sum;
  });
}

function register(registry: Registry, name: string, { type, help, labels }: MetricKind, samples: readonly MetricSample[]): void {
  const options = { name: PREFIX + name, help, labelNames: [...labels], registers: [registry] };
  const metric = type === "counter" ? new Counter(options) : new Gauge(options);
  // A metric without labels begins at 0 in the library; nothing measured is no value.
  if (samples.length === 0 && labels.length === 0) metric.remove();
  for (const { labels: own, value } of samples) metric.inc({ ...own }, value);
}

interface Place {
  value: number;
  bucket: number;
}

/** Of each metric, where its bins are: some hundred bins cover a second to a day. */
const PLACES = new Map<string, Map<number, Place>>();

/** A histogram out of a sketch: each of its bins, which are 2 % wide, counts in the bucket its middle is in. */
class Distribution extends Gauge {
  private readonly kind: MetricKind;
  private readonly distributions: readonly Distributed[];
  private readonly scale: number;
  private readonly full: string;

  constructor(name: string, kind: MetricKind, distributions: readonly Distributed[], scale: number) {
    super({ name: PREFIX + name, help: kind.help, registers: [] });
    this.full = PREFIX + name;
    this.kind = kind;
    this.distributions = distributions;
    this.scale = scale;
  }

  override async get(): ReturnType<Gauge["get"]> {
    const values = this.distributions.flatMap(({ labels, sketch }) => this.series(labels, sketch));
    return { name: this.full, help: this.kind.help, type: "histogram", aggregator: "sum", values } as unknown as Awaited<
      ReturnType<Gauge["get"]>
    >;
  }

  /** The middle of a bin, and the first bucket it is in. */
  private placeOf(bin: number): Place {
    const places = PLACES.get(this.full) ?? new Map<number, Place>();
    PLACES.set(this.full, places);
    let place = places.get(bin);
    if (place === undefined) {
      const value = ((2 * Math.pow(BIN_BASE, bin)) / (BIN_BASE + 1)) * this.scale;
      const bounds = this.kind.buckets ?? [];
      // Half a bin of tolerance: a value that was exactly the bound belongs below it.
      const first = bounds.findIndex((bound) => value <= bound * BIN_BASE);
      places.set(bin, (place = { value, bucket: first < 0 ? bounds.length : first }));
    }
    return place;
  }

  private series(labels: Readonly<Record<string, string>>, sketch: Sketch): object[] {
    const bounds = this.kind.buckets ?? [];
    const counts = bounds.map(() => 0);
    let sum = 0;
    for (const [bin, n] of sketch.bins) {
      const { value, bucket } = this.placeOf(bin);
      sum += value * n;
      if (bucket < counts.length) counts[bucket]! += n;
    }
    // Each bucket holds those below it, too.
    let below = sketch.zeros;
    for (const [i, n] of counts.entries()) counts[i] = below += n;
    const bucket = (le: string, value: number): object => ({ metricName: `${this.full}_bucket`, labels: { ...labels, le }, value });
    return [
      ...bounds.map((bound, i) => bucket(String(bound), counts[i]!)),
      bucket("+Inf", sketch.count),
      { metricName: `${this.full}_sum`, labels, value: sum },
      { metricName: `${this.full}_count`, labels, value: sketch.count },
    ];
  }
}
