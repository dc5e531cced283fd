import type { FlowMeasure } from "../../model/flow.ts";

/** Before each name in the Prometheus text. */
export const PREFIX = "batchyard_";

export const METRIC_GROUPS = ["intake", "windows", "queue", "run", "workers", "events", "money", "self"] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];

/** Where a metric is counted as it happens; see src/model/flow.ts. `scale` turns what is stored into base units. */
export interface FlowOrigin {
  of: "operation" | "stream";
  /** A counter; one that ends in `.` stands for all that begin so, and the rest of their names is the second label. */
  counter?: string;
  measure?: FlowMeasure;
  scale?: number;
}

export interface MetricKind {
  readonly type: "counter" | "gauge" | "histogram";
  readonly group: MetricGroup;
  readonly help: string;
  readonly labels: readonly string[];
  /** Null = measured when asked, and sampled once a minute for its history (of the server's own tenant). */
  readonly flow: FlowOrigin | null;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400, 86_400] as const;
const SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 25_000, 100_000] as const;

function counted(group: MetricGroup, of: FlowOrigin["of"], counter: string, help: string, label?: string): MetricKind {
  return { type: "counter", group, help, labels: label === undefined ? [of] : [of, label], flow: { of, counter } };
}

function seconds(group: MetricGroup, of: FlowOrigin["of"], measure: FlowMeasure, help: string): MetricKind {
  return { type: "histogram", group, help, labels: [of], flow: { of, measure, scale: 1 / 1000 }, buckets: SECONDS };
}

function gauge(group: MetricGroup, help: string, ...labels: string[]): MetricKind {
  return { type: "gauge", group, help, labels, flow: null };
}

function counter(group: MetricGroup, help: string, ...labels: string[]): MetricKind {
  return { type: "counter", group, help, labels, flow: null };
}

/**
 * The one table of metrics: /metrics, GET /api/system/history, docs/operate/metrics.md, the Grafana board and the alert rules are made
 * from it. Base units; counters begin with the process; the first label names the source. Keys of streams are never labels.
 */
export const METRICS = {
  stream_items_received_total: counted("intake", "stream", "items.received", "Items that a stream took"),
  stream_items_rejected_total: counter("intake", "Items that a stream did not take, by the code of the refusal", "stream", "reason"),
  stream_offers_total: counter("intake", "Requests that brought items", "stream"),
  stream_offer_seconds_total: counter("intake", "Time until what they brought was durably stored, added up", "stream"),
  stream_dead_letters_total: counted("intake", "stream", "dead_letters", "Items that a stream kept aside for want of room"),

  windows_opened_total: counted("windows", "stream", "windows.opened", "Windows that opened"),
  windows_closed_total: counted("windows", "stream", "windows.closed.", "Windows that closed, by reason", "reason"),
  window_items_total: counted(
    "windows",
    "stream",
    "windows.items",
    "Items in windows that closed; less the windows, it is the jobs that were avoided",
  ),
  window_age_seconds: seconds("windows", "stream", "age", "Age of windows when they closed"),
  window_closure_lag_seconds: seconds("windows", "stream", "lag", "How much later than its rule a window was durably closed"),
  window_size_items: {
    type: "histogram",
    group: "windows",
    help: "Items of windows that closed",
    labels: ["stream"],
    flow: { of: "stream", measure: "items" },
    buckets: SIZES,
  },
  windows_open: gauge("windows", "Open windows", "stream"),
  windows_open_items: gauge("windows", "Items in open windows", "stream"),
  window_oldest_age_seconds: gauge("windows", "Age of the oldest open window", "stream"),
  window_oldest_age_ratio: gauge("windows", "Age of the oldest open window as a share of its time limit", "stream"),

  batches_total: counted(
    "queue",
    "operation",
    "batches.",
    "Steps in the lives of batches: created, started, completed, failed, cancelled, expired, reprocessed",
    "step",
  ),
  batches: gauge("queue", "Batches that are not final, by status", "operation", "status"),
  queue_depth: gauge("queue", "Batches that wait for their first chunk", "operation"),
  queue_oldest_wait_seconds: gauge("queue", "How long the batch has waited that waits longest", "operation"),
  queue_waiting: gauge("queue", "Batches that wait, of all operations"),
  queue_limit: gauge("queue", "Batches that may wait before new ones are refused"),
  batch_wait_seconds: seconds("queue", "operation", "wait", "From creation to start, of batches that ended"),

  items_total: counted("run", "operation", "items.", "Items that succeeded, failed, or were put off for another try", "outcome"),
  item_retries_total: counted("run", "operation", "retries.", "Tries that ended in another try, by what they failed of", "category"),
  item_failures_total: counted("run", "operation", "failures.", "Items that failed for good, by category", "category"),
  chunks_lost_total: counted("run", "operation", "chunks.lost", "Chunks whose worker fell silent; each was taken up by another"),
  batch_run_seconds: seconds("run", "operation", "run", "From start to end of a batch"),
  batch_total_seconds: seconds("run", "operation", "total", "From creation to end of a batch"),
  runs_rate_limited: gauge("run", "Chunks that run and wait for the rate limit of their batch", "operation"),
  breaker_open: gauge("run", "1 while the breaker of an operation is open", "operation"),
  dead_items: gauge("run", "Dead letters of a stream, dead items of an operation", "queue", "kind"),

  worker_slots: gauge("workers", "Chunks that the worker of this process runs at once"),
  worker_slots_busy: gauge("workers", "Of these, in use"),
  worker_busy_seconds_total: counter("workers", "Time that slots were in use, added up over all of them"),
  worker_chunks_total: counter("workers", "Chunks that ran in this process and have left it"),
  workers: gauge("workers", "Workers by kind and state", "kind", "state"),
  worker_heartbeat_age_seconds: gauge("workers", "Since the outside worker was heard of that has been silent longest"),

  stream_clients: gauge("events", "Open connections", "door"),
  stream_clients_dropped_total: counter("events", "Connections that were cut because their reader was too slow", "door"),
  events_total: counter("events", "Events that someone listened to", "door"),
  event_frames_total: counter("events", "Frames those events became", "door"),
  event_frames_saved_total: counter("events", "Events less frames: what coalescing saved", "door"),
  event_frames_written_total: counter("events", "Frames written, to all readers", "door"),
  event_delivery_p99_seconds: gauge("events", "From an event's stamp to its last reader, 99th percentile of the last minutes", "door"),
  events_pending: gauge("events", "Events that wait for their frame"),

  model_requests_total: counter("money", "Requests to models that were booked", "model"),
  model_tokens_total: counter("money", "Tokens of requests to models", "model", "direction"),
  model_standard_usd_total: counter("money", "What requests to models would cost one by one, where a price is known", "model"),
  model_paid_usd_total: counter("money", "What requests to models did cost", "model"),

  provider_requests: gauge("money", "Single requests under way", "provider", "model"),
  provider_requests_limit: gauge("money", "As many as may be under way at once now", "provider", "model"),
  provider_rate_use_ratio: gauge("money", "What the last minute took of a limit of a minute that the config names", "provider", "unit"),
  provider_enqueued_tokens: gauge("money", "Prompt tokens in batches that a provider has not ended", "provider", "model"),
  provider_enqueued_tokens_limit: gauge("money", "Quota for them, where one is known", "provider", "model"),

  littles_law_error_ratio: gauge("self", "How far the batches in the system are from rate × time over the last 15 minutes; 0 = they agree"),
  store_size_bytes: gauge("self", "Store on disk"),
  store_free_bytes: gauge("self", "Of this, what removed rows have left for new ones"),
  store_log_bytes: gauge("self", "Write-ahead log of the store"),
  store_connections: gauge("self", "Connections to the store"),
  store_busy_seconds_total: counter("self", "Time that they were in use, added up over all of them; its rate is the use of the pool"),
  store_transactions_total: counter("self", "Transactions of the store"),
  store_slow_transactions_total: counter("self", "Of these, those that took longer than 100 ms"),
  disk_free_bytes: gauge("self", "Free where the data lies"),
  cache_hits_total: counter("self", "Looks into a cache that found what they looked for", "cache"),
  cache_misses_total: counter("self", "Those that did not", "cache"),
  cache_entries: gauge("self", "What a cache holds", "cache"),
  cache_bytes: gauge("self", "Memory of it, estimated, where that can be known", "cache"),
  ready: gauge("self", "1 while a part of the server is ready", "part"),
  event_loop_lag_p99_seconds: gauge("self", "Delay of the event loop since the last scrape, 99th percentile"),
  resident_memory_bytes: gauge("self", "Memory of the process"),
  heap_used_bytes: gauge("self", "Of this, JavaScript objects"),
  cpu_seconds_total: counter("self", "Processor time of the process"),
  uptime_seconds: gauge("self", "Since the process started"),
  build_info: gauge("self", "Always 1; the version is a label", "version"),
} as const satisfies Record<string, MetricKind>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** The kind of a metric with what only some have. */
export function kindOf(name: MetricName): MetricKind {
  return METRICS[name];
}

/** Second labels whose values are few: of a gauge each of them has a history of its own. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  status: ["pending", "running", "paused"],
  direction: ["input", "output"],
  kind: ["stream", "operation"],
  state: ["live", "draining", "lost"],
};

/** Values of the second label that are sampled; none of a metric that is counted as it happens. */
export function sampledParts(name: MetricName): readonly string[] {
  const { flow, labels } = kindOf(name);
  return flow === null ? (PARTS[labels[1] ?? ""] ?? []) : [];
}

export type MetricUnit = "seconds" | "bytes" | "usd" | "ratio" | "count";

/** What its values are, out of its name. */
export function unitOf(name: MetricName): MetricUnit {
  const [, unit] = /_(seconds|bytes|usd|ratio)(?:_total)?$/.exec(name) ?? [];
  return (unit as MetricUnit | undefined) ?? "count";
}

/** How gauges of several sources become one: of ages and shares the worst, of the rest the sum. */
export function combined(name: MetricName, a: number, b: number): number {
  return /_(seconds|ratio|open|ready)$/.test(name) && kindOf(name).type === "gauge" && name !== "windows_open" ? Math.max(a, b) : a + b;
}

/** Metrics that are measured when asked: all without an origin in the flow. */
export type MeasuredMetric = { [N in MetricName]: (typeof METRICS)[N]["flow"] extends null ? N : never }[MetricName];

export interface MetricSample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** What was measured now. A metric without samples says nothing. */
export type MetricReadings = Partial<Record<MetricName, MetricSample[]>>;
