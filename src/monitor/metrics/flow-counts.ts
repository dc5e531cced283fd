import type { FlowMeasure } from "../../model/flow.ts";
import { Sketch } from "../../model/stats/sketch.ts";
import type { MonitorStore } from "../../store/port.ts";

const MINUTE = 60_000;
/** Buckets this old get no more: what happens now is counted in the minute it happens in. */
const SETTLED_MS = 2 * MINUTE;
const FORGOTTEN_MS = 2 * 1440 * MINUTE;
const SOURCES = ["operation:", "stream:"];

/** source → counter → sum, and source → measure → distribution. */
interface Totals {
  counts: Map<string, Map<string, number>>;
  measures: Map<string, Map<FlowMeasure, Sketch>>;
}

/**
 * What has happened since this began, per source: only ever grows, as a counter has to. Minutes that are over are added up once, so
 * that a reading costs by the time since the last one, and retention takes nothing away.
 */
export class FlowCounts {
  private readonly store: MonitorStore;
  private readonly tenant: string;
  private past: Totals = { counts: new Map(), measures: new Map() };
  /** As it was told last: no counter goes below. */
  private last: Totals = this.past;
  private lastEnd = 0;
  private settledTo: number;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(store: MonitorStore, tenant: string, since: number) {
    this.store = store;
    this.tenant = tenant;
    this.settledTo = since - (since % MINUTE);
  }

  /** One reading at a time: two must not add the same minute. */
  read(now: number): Promise<Totals> {
    const reading = this.turn.then(() => this.next(now));
    this.turn = reading.catch(() => undefined);
    return reading;
  }

  private async next(now: number): Promise<Totals> {
    // Nobody has asked for days: what was then is no longer kept by the minute, and counting it by the hour could count some of it twice.
    if (now - this.settledTo > FORGOTTEN_MS) {
      this.past = this.last;
      const known = now - FORGOTTEN_MS;
      this.settledTo = Math.max(known - (known % MINUTE), this.lastEnd);
    }
    const edge = now - SETTLED_MS - ((now - SETTLED_MS) % MINUTE);
    if (edge > this.settledTo) {
      await this.add(this.past, this.settledTo, edge);
      this.settledTo = edge;
    }
    const totals: Totals = {
      counts: new Map([...this.past.counts].map(([source, counts]) => [source, new Map(counts)])),
      measures: new Map([...this.past.measures].map(([source, measures]) => [source, copied(measures)])),
    };
    await this.add(totals, this.settledTo, now + MINUTE);
    this.last = totals;
    this.lastEnd = now - (now % MINUTE) + MINUTE;
    return totals;
  }

  private async add(totals: Totals, from: number, to: number): Promise<void> {
    const filter = { tenant: this.tenant, from, to, sources: SOURCES };
    const flow = await this.store.flow(filter, null);
    const distributions = await this.store.distributions(filter);
    for (const { source, metric, value } of flow) {
      const counts = totals.counts.get(source) ?? new Map<string, number>();
      totals.counts.set(source, counts);
      counts.set(metric, (counts.get(metric) ?? 0) + value);
    }
    for (const { source, metric, sketch } of distributions) {
      const measures = totals.measures.get(source) ?? new Map<FlowMeasure, Sketch>();
      totals.measures.set(source, measures);
      const sum = measures.get(metric);
      if (sum === undefined) measures.set(metric, sketch);
      else sum.merge(sketch);
    }
  }
}

function copied(measures: ReadonlyMap<FlowMeasure, Sketch>): Map<FlowMeasure, Sketch> {
  return new Map(
    [...measures].map(([measure, sketch]) => {
      const copy = new Sketch();
      copy.merge(sketch);
      return [measure, copy];
    }),
  );
}
