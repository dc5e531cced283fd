import { sourceOf } from "../../model/flow.ts";
import type { AlertFigures, AlertStore } from "../../store/alerts.ts";
import type { FlowPoint, MonitorStore } from "../../store/port.ts";
import { ALERT_KINDS, isFurther, type AlertKindName } from "./catalogue.ts";
import { valueAt, type Measure } from "./look.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Rates over fewer tries say nothing. */
const LEAST_TRIES = 20;
/** Things of one kind that are looked at apart: of more, those that are furthest over the threshold, or nearest to it. */
const MOST_INSTANCES = 200;

/** What only the running process knows of a tenant. */
export interface LiveFacts {
  /** Somebody takes what waits. */
  served: boolean;
  lostWorkers: number;
  pressure: { waiting: number; maxSize: number };
  /** Of streams whose windows close by age: when the oldest open one was opened. */
  oldestWindows: readonly { stream: string; openedAt: number; windowMs: number }[];
}

export type Readings = ReadonlyMap<AlertKindName, ReadonlyMap<string, Measure>>;

/** Measures everything that rules are about, whichever rules there are: what is not measured cannot be tried out later. */
export class AlertMeter {
  private readonly monitor: Pick<MonitorStore, "flow">;
  private readonly store: Pick<AlertStore, "figures">;
  private readonly live: (tenant: string) => Promise<LiveFacts>;
  private readonly channelsOff: (tenant: string) => string[];
  private readonly isReceiver: (tenant: string, channel: string) => boolean;

  constructor(parts: {
    monitor: Pick<MonitorStore, "flow">;
    store: Pick<AlertStore, "figures">;
    live: (tenant: string) => Promise<LiveFacts>;
    /** Channels whose receiver is gone. */
    channelsOff: (tenant: string) => string[];
    /** False: the channel was removed, and what still waits for it says nothing. */
    isReceiver: (tenant: string, channel: string) => boolean;
  }) {
    this.monitor = parts.monitor;
    this.store = parts.store;
    this.live = parts.live;
    this.channelsOff = parts.channelsOff;
    this.isReceiver = parts.isReceiver;
  }

  /** `unseenMs`: how long nobody had looked before this tick. */
  async read(tenant: string, at: number, unseenMs: number): Promise<Readings> {
    const figures = await this.store.figures(tenant, { since: at - HOUR_MS, now: at });
    const live = await this.live(tenant);
    const off = this.channelsOff(tenant);
    const flow = async (lengthMs: number): Promise<Counts> => {
      const sources = ["operation:", "stream:"];
      return new Counts(await this.monitor.flow({ tenant, from: at - lengthMs, to: at + 1, sources, metrics: [...COUNTED] }, null));
    };
    const [tenMinutes, quarter, hour, day] = [
      await flow(10 * MINUTE_MS),
      await flow(15 * MINUTE_MS),
      await flow(HOUR_MS),
      await flow(DAY_MS),
    ];
    const { operations } = figures;
    const waiting = operations.reduce((sum, each) => sum + each.pending, 0);

    const measured: readonly [AlertKindName, readonly Measure[]][] = [
      ["highErrorRate", hour.sources("operation:").flatMap((source) => errorRate(hour, source))],
      ["longProcessingTime", operations.flatMap((each) => processingTime(each, at))],
      ["lowThroughput", [throughput(figures.firstBatchAt, day, at)]],
      ["batchFailure", hour.sources("operation:").map((source) => counted(source, hour.of(source, "batches.failed")))],
      ["windowNearTimeout", live.oldestWindows.map((window) => windowAge(window, at))],
      ["queueWaitHigh", operations.map((each) => queueWait(each))],
      ["queueStuck", operations.map((each) => queueStuck(each, tenMinutes, at))],
      ["queueGrowing", operations.map(({ operation }) => counted(sourceOf.operation(operation), growth(quarter, operation)))],
      ["batchStalled", quarter.sources("operation:").map((source) => counted(source, quarter.of(source, "chunks.lost")))],
      ["noWorkers", [counted("", live.served ? 0 : waiting)]],
      ["workerLost", [counted("", live.lostWorkers)]],
      ["deadLetterNew", hour.sources("stream:").map((source) => counted(source, hour.of(source, "dead_letters")))],
      ["newErrorClass", figures.newErrorClasses.map(({ operation, classes }) => counted(sourceOf.operation(operation), classes))],
      ["retryStorm", quarter.sources("operation:").map((source) => retries(quarter, source))],
      ["backpressure", [counted("", (live.pressure.waiting * 100) / live.pressure.maxSize)]],
      ["budgetNearLimit", figures.budgets.map(({ operation, percent }) => counted(sourceOf.operation(operation), percent))],
      [
        "providerBatchNearExpiry",
        figures.providers.map(({ provider, timeoutAt }) => ({ instance: `provider:${provider}`, shape: "until", number: timeoutAt })),
      ],
      [
        "sourceSilent",
        figures.lastArrivals.map(({ stream, at: number }) => ({ instance: sourceOf.stream(stream), shape: "since", number })),
      ],
      ["watchdog", [counted("", unseenMs)]],
      [
        "channelBroken",
        figures.channels
          .filter(({ channel }) => !off.includes(channel) && this.isReceiver(tenant, channel))
          .map(({ channel, tries }) => aboutChannel(channel, tries)),
      ],
      ["channelOff", off.map((channel) => aboutChannel(channel, 1))],
    ];
    return new Map(measured.map(([kind, measures]) => [kind, table(kind, measures, at)]));
  }
}

const COUNTED = [
  "items.succeeded",
  "items.failed",
  "items.retried",
  "batches.created",
  "batches.completed",
  "batches.failed",
  "batches.cancelled",
  "batches.expired",
  "chunks.lost",
  "dead_letters",
] as const;
type Counted = (typeof COUNTED)[number];

/** Counters of a stretch of time. */
class Counts {
  private readonly counts = new Map<string, number>();
  private readonly names = new Set<string>();

  constructor(points: readonly FlowPoint[]) {
    for (const { source, metric, value } of points) {
      this.names.add(source);
      this.counts.set(`${metric} ${source}`, value);
    }
  }

  of(source: string, metric: Counted): number {
    return this.counts.get(`${metric} ${source}`) ?? 0;
  }

  sources(beginning: string): string[] {
    return [...this.names].filter((name) => name.startsWith(beginning)).sort();
  }
}

/** A figure that is none, because nothing was divided by nothing, is not there. */
function table(kind: AlertKindName, measures: readonly Measure[], at: number): ReadonlyMap<string, Measure> {
  const known = measures.filter(({ number }) => Number.isFinite(number));
  return new Map((known.length <= MOST_INSTANCES ? known : furthest(kind, known, at)).map((measure) => [measure.instance, measure]));
}

/** Of equals those whose names come first, so that they are the same at every look. */
function furthest(kind: AlertKindName, measures: readonly Measure[], at: number): readonly Measure[] {
  const further = isFurther(ALERT_KINDS[kind].compare);
  const values = new Map(measures.map((measure) => [measure, valueAt(measure, at)]));
  const order = (a: Measure, b: Measure): number => {
    const [x, y] = [values.get(a)!, values.get(b)!];
    return further(x, y) ? -1 : further(y, x) ? 1 : 0;
  };
  return measures.toSorted(order).slice(0, MOST_INSTANCES);
}

function counted(instance: string, number: number): Measure {
  return { instance, shape: "value", number };
}

function aboutChannel(channel: string, number: number): Measure {
  return counted(`channel:${channel}`, number);
}

/** Multiplied before it is divided: a tenth is 10 exactly. */
function errorRate(counts: Counts, source: string): Measure[] {
  const [succeeded, failed] = [counts.of(source, "items.succeeded"), counts.of(source, "items.failed")];
  return succeeded + failed === 0 ? [] : [counted(source, (failed * 100) / (succeeded + failed))];
}

function processingTime({ operation, oldestStartAt, longestMs }: AlertFigures["operations"][number], at: number): Measure[] {
  const instance = sourceOf.operation(operation);
  if (oldestStartAt !== null && at - oldestStartAt >= (longestMs ?? 0)) return [{ instance, shape: "since", number: oldestStartAt }];
  return longestMs === null ? [] : [counted(instance, longestMs)];
}

function throughput(firstBatchAt: number | null, day: Counts, at: number): Measure {
  if (firstBatchAt === null || firstBatchAt > at - DAY_MS) return { instance: "", shape: "nodata", number: 0 };
  const ended = day
    .sources("operation:")
    .reduce((sum, source) => sum + day.of(source, "batches.completed") + day.of(source, "batches.failed"), 0);
  return counted("", ended / 24);
}

/** In whole percent: what changes at every tick is a row at every tick. */
function windowAge({ stream, openedAt, windowMs }: LiveFacts["oldestWindows"][number], at: number): Measure {
  return counted(sourceOf.stream(stream), Math.floor((Math.max(0, at - openedAt) * 100) / windowMs));
}

function queueWait({ operation, oldestPendingAt }: AlertFigures["operations"][number]): Measure {
  const instance = sourceOf.operation(operation);
  return oldestPendingAt === null ? counted(instance, 0) : { instance, shape: "since", number: oldestPendingAt };
}

function queueStuck({ operation, pending, oldestPendingAt }: AlertFigures["operations"][number], lately: Counts, at: number): Measure {
  const instance = sourceOf.operation(operation);
  const moved = lately.of(instance, "items.succeeded") + lately.of(instance, "items.failed") > 0;
  return counted(instance, !moved && oldestPendingAt !== null && at - oldestPendingAt >= 10 * MINUTE_MS ? pending : 0);
}

function growth(counts: Counts, operation: string): number {
  const source = sourceOf.operation(operation);
  const ends = (["batches.completed", "batches.failed", "batches.cancelled", "batches.expired"] as const).map((metric) =>
    counts.of(source, metric),
  );
  return counts.of(source, "batches.created") - ends.reduce((sum, each) => sum + each, 0);
}

function retries(counts: Counts, source: string): Measure {
  const retried = counts.of(source, "items.retried");
  const tries = retried + counts.of(source, "items.succeeded") + counts.of(source, "items.failed");
  return counted(source, tries < LEAST_TRIES ? 0 : (retried * 100) / tries);
}
