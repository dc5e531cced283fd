import { z } from "zod";
import { instant, text, time, whole, yes } from "../../model/fields.ts";
import { streamName } from "../../model/stream-name.ts";
import { errorClass } from "./monitoring.ts";
import { METRIC_GROUPS, METRIC_NAMES, type MetricName } from "../../monitor/metrics/catalogue.ts";
import { RANGES, type RangeName } from "../../monitor/jobs/range.ts";
import { worker } from "./workers.ts";

const count = z.int();
const figure = z.number().nullable();
const health = z.enum(["healthy", "warning", "critical"]);
const verdict = z.strictObject({
  status: health,
  reasons: z.array(z.strictObject({ level: health, code: z.string(), message: z.string() })),
});
const bottleneck = z
  .strictObject({
    kind: z.enum(["window", "dispatch", "capacity", "handler", "retry", "throttle"]),
    sentence: z.string(),
    shares: z.strictObject({ window: z.number(), dispatch: z.number(), run: z.number() }),
    end_to_end_p95_seconds: z.number(),
  })
  .nullable();
const closures = z.record(z.string(), count);

/** Rates and percentiles are of the last 15 minutes, seconds from sketches within 1 %. */
export const overviewAnswer = z.strictObject({
  success: yes,
  timestamp: time,
  health: verdict,
  verdict: z.string().meta({ description: "The state in a sentence" }),
  bottleneck,
  utilisation: figure.meta({ description: "Mean share of the slots in use; null where all work is done outside" }),
  tiles: z.array(
    z.strictObject({
      name: z.string(),
      unit: z.enum(["per_minute", "batches", "percent", "seconds"]),
      value: figure,
      sparkline: z.array(figure).meta({ description: "Minute by minute, the last one not over" }),
      yesterday: figure,
      change_percent: figure.meta({ description: "Against the same time of the day before" }),
    }),
  ),
  queues: z.array(
    z.strictObject({
      name: z.string(),
      health: verdict,
      depth: count,
      running: count,
      growth: z
        .strictObject({ m1: count, m5: count, m15: count })
        .meta({ description: "Batches that are not final, more than so many minutes ago" }),
      drain_seconds: figure.meta({ description: "Until none is left, as batches come and end now; null = not at this rate" }),
      oldest_wait_seconds: figure,
      wait_p95_seconds: figure,
      run_p95_seconds: figure,
      batches_per_minute: z.number(),
      items_per_minute: z.number(),
      failure_percent: figure,
      stalled: count.meta({ description: "Chunks that lost their worker" }),
      reprocessed: count,
      bottleneck,
    }),
  ),
  streams: z.array(
    z.strictObject({
      name: z.string(),
      operation: z.string(),
      paused: z.boolean(),
      items_per_minute: z.number(),
      open_windows: count,
      open_items: count,
      oldest_seconds: figure,
      depth: count,
      wait_p95_seconds: figure,
      age_mean_seconds: figure,
      age_max_seconds: figure,
      failure_percent: figure,
      closures_per_minute: z.number(),
      closures,
      bottleneck,
    }),
  ),
  stages: z.array(
    z.strictObject({
      stage: z.enum(["collect", "wait", "run"]),
      now: count,
      p95_seconds: figure,
      failure_percent: figure.meta({ description: "Over a day" }),
      failure_percent_before: figure.meta({ description: "Over the day before" }),
    }),
  ),
  day: z.strictObject({
    batches: z.record(z.string(), count),
    items: z.strictObject({ received: count, succeeded: count, failed: count, retried: count, dead_letters: count }),
    batch_failure_percent: figure,
    item_success_percent: figure,
    stalled: count,
    windows: z.strictObject({
      closed: count,
      items: count,
      jobs_avoided: count,
      closures,
      age_mean_seconds: figure,
      age_max_seconds: figure,
    }),
    wait_p95_seconds: figure,
    run_p95_seconds: figure,
    total_p95_seconds: figure,
  }),
  littles_law: z.strictObject({ in_system: z.number(), rate_per_second: z.number(), mean_seconds: figure, error: figure }),
  workers: z.array(worker),
  critical: z.array(
    z.strictObject({
      type: z.string(),
      entity: z.string(),
      timestamp: time,
      data: z.record(z.string(), z.unknown()),
      alert: z
        .strictObject({ open: z.boolean(), acknowledged_by: z.string().nullable() })
        .nullable()
        .meta({ description: "How it stands now with the alert this is about; null = it is about none" }),
    }),
  ),
});

const names = METRIC_NAMES as [MetricName, ...MetricName[]];
const metricKind = {
  metric: z.string(),
  type: z.enum(["counter", "gauge", "histogram"]),
  unit: z.enum(["seconds", "bytes", "usd", "ratio", "count"]),
  help: z.string(),
  labels: z.array(z.string()),
};
export const metricsListAnswer = z.strictObject({
  success: yes,
  metrics: z.array(z.strictObject({ ...metricKind, group: z.enum(METRIC_GROUPS) })),
});

const span = {
  range: z
    .enum(Object.keys(RANGES) as [RangeName, ...RangeName[]])
    .default("24h")
    .meta({ description: "How far before `to` it begins when there is no `from`" }),
  from: instant().optional(),
  to: instant().optional().meta({ description: "Default: now" }),
};
export const historyQuery = z.strictObject({
  metric: z.enum(names).meta({ description: "A metric of /metrics, without its prefix" }),
  source: text(1, 300).optional().meta({ description: "Value of its first label; absent = all together" }),
  ...span,
  width: whole(60, 86_400 * 366)
    .optional()
    .meta({ description: "Seconds of a point: a whole number of minutes, hours or days" }),
  format: z.enum(["json", "csv"]).default("json"),
});

const point = z.strictObject({
  timestamp: time,
  value: figure.meta({ description: "Of a counter what came in this time, of others the mean; null = not measured, or no server ran" }),
  parts: z.record(z.string(), z.number()).optional().meta({ description: "By the second label" }),
  count: count.optional(),
  p50: z.number().optional(),
  p95: z.number().optional(),
  p99: z.number().optional(),
  max: z.number().optional(),
});
const historyRange = z.strictObject({ from: time, to: time, whole: point, points: z.array(point) });
export const historyAnswer = z.strictObject({
  success: yes,
  ...metricKind,
  source: z.string().nullable(),
  sources: z.array(z.string()).meta({ description: "Values of the first label that have figures in this time" }),
  promql: z.string().meta({ description: "The same asked of Prometheus" }),
  width_seconds: count,
  current: historyRange,
  previous: historyRange.meta({ description: "The time before, as long" }),
  change_percent: figure,
});

export const failuresQuery = z.strictObject({ limit: whole(1, 100).default(20) });
export const failuresAnswer = z.strictObject({
  success: yes,
  failures: z.array(errorClass).meta({ description: "By error code, most frequent first" }),
  codes: count.meta({ description: "All there are" }),
  items: count.meta({ description: "Failures that stand, of all codes" }),
});

export const clockAnswer = z.strictObject({
  success: yes,
  now: z.int().meta({ description: "Unix milliseconds by the server's clock; the middle of the round trip tells how far another is off" }),
});

export const markersQuery = z.strictObject(span);
export const markersAnswer = z.strictObject({
  success: yes,
  markers: z
    .array(
      z.strictObject({
        kind: z.enum(["settings", "alert", "start"]),
        timestamp: time,
        until: time.nullable().meta({ description: "End of an alert; null while it is open, and of the others" }),
        text: z.string(),
      }),
    )
    .meta({ description: "The newest 200 of each kind, in order of time" }),
});

const stageTimes = z.strictObject({ mean_seconds: z.number(), p50_seconds: z.number(), p95_seconds: z.number(), p99_seconds: z.number() });
export const flowQuery = z.strictObject({
  stream: streamName.optional().meta({ description: "Only its windows, and the queue and run of the batches they became" }),
  operation: text(1, 100).optional().meta({ description: "Only batches of this operation; everything together without either" }),
  minutes: whole(1, 43_200).default(15),
});
/** Percentiles from sketches within 1 %. */
export const flowAnswer = z.strictObject({
  success: yes,
  stream: z.string().nullable(),
  operation: z.string().nullable(),
  minutes: count,
  stages: z.array(
    z.strictObject({
      stage: z.enum(["window", "queue", "run"]),
      count: count.meta({ description: "Windows or batches that passed it" }),
      times: stageTimes.nullable().meta({ description: "Null: none did" }),
      share: z.number().meta({ description: "Of the sum of the stages' 95th percentiles" }),
    }),
  ),
  batch: stageTimes.nullable().meta({ description: "From the creation of a batch to its end: queue and run together" }),
  end_to_end: stageTimes.nullable().meta({
    description: "From a window's first item to the end of its batch, exact, of windows that closed in this time; null for an operation",
  }),
  tries: z.strictObject({
    settled: count.meta({ description: "Items with a final result" }),
    retried: count.meta({ description: "Items put off for another try" }),
    share: figure.meta({ description: "Of all tries, those that were put off; null without any" }),
    by_category: z.record(z.string(), count),
  }),
  saturation: z
    .array(z.strictObject({ timestamp: time, utilisation: z.number(), wait_p95_seconds: z.number(), batches: count }))
    .meta({ description: "Share of this server's slots in use, and the wait of the batches that ended then; empty where it runs nothing" }),
});

export const keysQuery = z.strictObject({ hours: whole(1, 24 * 366).default(24) });
export const keysAnswer = z.strictObject({
  success: yes,
  stream: z.string(),
  hours: count,
  keys: z.array(
    z.strictObject({
      key: z.string().nullable().meta({ description: "null: all others" }),
      items: count,
      items_per_minute: z.number(),
      windows: count,
      window_items: count,
      age_mean_seconds: figure,
      age_p95_seconds: figure,
    }),
  ),
});
