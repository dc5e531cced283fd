import type { Batch } from "../client/index.ts";
import type { Happening, Model } from "./feed.ts";
import { UNICODE, type Glyphs } from "./glyphs.ts";
import type { Scene } from "./pane.ts";
import type { Snapshot } from "./snapshot.ts";

/** Noon of the pictures' day. */
export const NOON = Date.UTC(2026, 0, 5, 12);

const at = (secondsAgo: number): string => new Date(NOON - secondsAgo * 1_000).toISOString();

function batch(n: number, more: Partial<Batch> = {}): Batch {
  return {
    id: `batch_1767614400000_aaaaaaaa${n}`,
    operation: "annotate",
    status: "completed",
    progress: 100,
    created_at: at(600 + n),
    started_at: at(590),
    completed_at: at(60),
    total_items: 1_000,
    processed_items: 1_000,
    succeeded_items: 1_000,
    failed_items: 0,
    cancelled_items: 0,
    expired_items: 0,
    running_items: 0,
    retried_items: 0,
    late_results: 0,
    trace_id: null,
    filters: {},
    options: {},
    input: null,
    name: `batch ${n}`,
    description: null,
    priority: "normal",
    stream: null,
    key: null,
    close_reason: null,
    executor: "handler",
    epoch: 1,
    depends_on: [],
    tags: [],
    metadata: null,
    warnings: [],
    eta_at: null,
    items_per_second: null,
    cost: 0,
    deadline_at: null,
    error: null,
    ...more,
  };
}

/** One that runs, one that is paused, one with a name that would steer a terminal, and some that have ended. */
const BATCHES: readonly Batch[] = [
  batch(1, {
    name: "夜の列車 🚂 nightly import of every price",
    status: "running",
    progress: 42,
    processed_items: 4_200,
    total_items: 10_000,
    failed_items: 12,
    completed_at: null,
    items_per_second: 118.4,
    eta_at: at(-49),
  }),
  batch(2, { name: "waits for Monday", status: "paused", progress: 7, processed_items: 70, completed_at: null }),
  batch(3, { name: "evil\u001b[31m red\u001b]0;owned\u0007\u202e name\nand a second line" }),
  batch(4, { name: null, status: "failed", failed_items: 1_000, error: "All 1000 items failed, most with: Timeout" }),
  batch(5, { name: "👩‍👩‍👧‍👦 family", status: "cancelled", cancelled_items: 400 }),
];

const minutes = (...last: number[]): number[] => [...Array.from({ length: 15 - last.length }, () => 0), ...last];

export function snapshot(batches: readonly Batch[] = BATCHES): Snapshot {
  const open = batches.filter(({ completed_at }) => completed_at === null);
  const tile = (
    name: string,
    unit: "per_minute" | "batches" | "percent" | "seconds",
    value: number | null,
    sparkline: (number | null)[],
  ) => ({
    name,
    unit,
    value,
    sparkline,
    yesterday: null,
    change_percent: null,
  });
  const health = { status: "warning" as const, reasons: [] };
  const figures = { avg_ms: 40, min_ms: 5, max_ms: 900, p50_ms: 31.2, p95_ms: 120.5, p99_ms: 840, sample_count: 51 };
  return {
    overview: {
      success: true,
      timestamp: at(0),
      health,
      verdict: "Warning: annotate waits for free slots. 2 batches a minute end, 1 runs, 12 wait.",
      bottleneck: {
        kind: "capacity",
        sentence: "71 % of the 95th percentile of 4.0 min is waiting for free slots: more workers would help.",
        shares: { window: 0.1, dispatch: 0.71, run: 0.19 },
        end_to_end_p95_seconds: 240,
      },
      utilisation: 0.93,
      tiles: [
        tile("items_done", "per_minute", 7104, minutes(2, 8, 5, 9, 7, 7)),
        tile("batches_ended", "per_minute", 2.2, minutes(1, 0, 3)),
        tile("batches_open", "batches", 13, minutes(1, 4, 9, 13)),
        tile("wait_p95", "seconds", 171.3, [null, null, null, ...minutes(1, 2, 3).slice(3)]),
        tile("failures", "percent", 0.28, minutes(1)),
        tile("windows_closed", "per_minute", 6, minutes(4, 6, 6)),
      ],
      queues: [
        {
          name: "annotate",
          health,
          depth: 12,
          running: 1,
          growth: { m1: 1, m5: 4, m15: 12 },
          drain_seconds: 863,
          oldest_wait_seconds: 301,
          wait_p95_seconds: 171,
          run_p95_seconds: 69,
          batches_per_minute: 2.2,
          items_per_minute: 7104,
          failure_percent: 0.28,
          stalled: 0,
          reprocessed: 0,
          bottleneck: null,
        },
      ],
      streams: [
        {
          name: "detections",
          operation: "annotate",
          items_per_minute: 512.4,
          open_windows: 14,
          open_items: 331,
          oldest_seconds: 71.4,
          depth: 12,
          wait_p95_seconds: 171.3,
          age_mean_seconds: 42,
          age_max_seconds: 90,
          failure_percent: 0.28,
          closures_per_minute: 6,
          closures: { timeout: 40, idle: 51 },
          bottleneck: null,
        },
        {
          name: "orders",
          operation: "import",
          items_per_minute: 0,
          open_windows: 0,
          open_items: 0,
          oldest_seconds: null,
          depth: 0,
          wait_p95_seconds: null,
          age_mean_seconds: null,
          age_max_seconds: null,
          failure_percent: null,
          closures_per_minute: 0,
          closures: {},
          bottleneck: null,
        },
      ],
      stages: [
        { stage: "collect", now: 14, p95_seconds: 88, failure_percent: 0, failure_percent_before: null },
        { stage: "wait", now: 12, p95_seconds: 171.3, failure_percent: null, failure_percent_before: null },
        { stage: "run", now: 1, p95_seconds: 69, failure_percent: 0.28, failure_percent_before: 0.3 },
      ],
      day: {
        batches: { created: 1_204, completed: 1_188, failed: 3, cancelled: 1, expired: 0, reprocessed: 0 },
        items: { received: 98_213, succeeded: 97_938, failed: 275, retried: 804, dead_letters: 0 },
        batch_failure_percent: 0.25,
        item_success_percent: 99.72,
        stalled: 0,
        windows: { closed: 4_410, items: 98_213, jobs_avoided: 93_803, closures: {}, age_mean_seconds: 40, age_max_seconds: 90 },
        wait_p95_seconds: 171.3,
        run_p95_seconds: 69,
        total_p95_seconds: 240.2,
      },
      littles_law: { in_system: 12.2, rate_per_second: 0.04, mean_seconds: 200, error: 0.01 },
      workers: [
        { id: "local:embedded:4711", kind: "local", slots: 4, running: 4, status: "busy", state: "live", last_seen: at(0) },
        { id: "gpu-box-7", kind: "external", slots: null, running: 2, status: "busy", state: "draining", last_seen: at(4) },
        { id: "old-box", kind: "external", slots: null, running: 0, status: "off", state: "lost", last_seen: at(3_600) },
      ],
      critical: [{ type: "worker.lost", entity: "worker:old-box", timestamp: at(3_590), data: { worker: "old-box" } }],
    },
    active: { batches: [...open], count: open.length, total: open.length },
    history: { batches: [...batches], count: batches.length, filter: {}, total: batches.length, nextCursor: null },
    stats: { total: 120_311, byStatus: {}, byOperation: {}, completionRate: 0.99 },
    queues: {
      queues: [
        {
          name: "annotate",
          status: "warning",
          depth: 12,
          running: 1,
          workers: 4,
          throughput: { jobs_per_minute: 2.2, avg_processing_seconds: 30 },
          oldest_job: { id: "batch_1", queued_at: at(301), wait_seconds: 301 },
        },
      ],
      summary: {
        total_queued: 12,
        total_running: 1,
        total_workers: 4,
        overall_status: "warning",
        backpressure: { state: "normal", waiting: 12, threshold: 8_000, max_size: 10_000 },
      },
    },
    pipeline: {
      file_watcher: null,
      batch_aggregator: {
        active_batches: 14,
        batches: [],
        batch_window_seconds: 90,
        idle_timeout_seconds: 30,
        batch_check_interval_seconds: 5,
        batch_max_detections: 500,
        closure_lag: { closures: 91, p50_ms: 2, p99_ms: 14, max_ms: 31 },
      },
      backpressure: { state: "normal", waiting: 12, threshold: 8_000, max_size: 10_000 },
      degradation: {
        mode: "normal",
        is_degraded: false,
        services: ["store", "dispatcher", "live"].map((name) => ({
          name,
          status: "healthy" as const,
          last_check: at(0),
          consecutive_failures: 0,
          error_message: null,
        })),
      },
      timestamp: at(0),
    },
    latency: {
      watch_to_detect: null,
      detect_to_batch: figures,
      batch_to_analyze: figures,
      total_pipeline: figures,
      window_minutes: 60,
      timestamp: at(0),
    },
    failures: {
      success: true,
      failures: [
        {
          code: "timeout",
          category: "transient",
          error: "No answer within 30 s",
          count: 263,
          jobs: 4,
          jobIds: ["batch_1767614400000_aaaaaaaa4"],
          recoverable: true,
          recommendation: "Retry these: the cause lay outside and may be gone",
        },
        {
          code: "schema",
          category: "data",
          error: "price is required",
          count: 12,
          jobs: 1,
          jobIds: ["batch_1767614400000_aaaaaaaa1"],
          recoverable: false,
          recommendation: "Mend the items and send them again: a retry gives the same result",
        },
      ],
      codes: 2,
      items: 275,
      batches: 500,
      whole: false,
    },
    alerts: {
      settings: { errorRateThreshold: 10, processingTimeThreshold: 3_600, notificationChannels: ["log"], alertSuppression: 0 },
      counts: { firing: 1, critical: 1, silenced: 0, pending: 0 },
      alerts: [
        {
          id: "alert_1",
          rule: "queueGrowing",
          kind: "queueGrowing",
          instance: "operation:annotate",
          severity: "critical",
          state: "firing",
          nodata: false,
          silenced: false,
          inhibited: false,
          acknowledged: false,
          value: 12,
          worst: 12,
          threshold: 10,
          message: "12 batches of annotate wait: at least 10",
          openedAt: at(125),
          resolvedAt: null,
          channels: ["log"],
          acknowledgedAt: null,
          acknowledgedBy: null,
          note: null,
        },
      ],
      pending: [],
      next: null,
    },
    resources: null,
  };
}

const EVENTS: readonly Happening[] = [
  {
    type: "chunk.retried",
    data: { batch_id: "batch_1767614400000_aaaaaaaa1", operation: "annotate", reason: "retry" },
    timestamp: at(2),
    serial: 3,
    times: 17,
  },
  {
    type: "window.closed",
    data: { batch_id: "batch_1767614400000_aaaaaaaa6", stream: "detections", key: "front_door", close_reason: "idle" },
    timestamp: at(4),
    serial: 2,
    times: 1,
  },
  {
    type: "batch.failed",
    data: {
      batch_id: "batch_1767614400000_aaaaaaaa4",
      operation: "annotate",
      total: 1_000,
      succeeded: 0,
      failed: 1_000,
      error: "All failed",
    },
    timestamp: at(60),
    serial: 1,
    times: 1,
  },
];

export function scene(more: Partial<Model> = {}, glyphs: Glyphs = UNICODE): Scene {
  return { model: { snapshot: snapshot(), events: EVENTS, connection: { kind: "live" }, heardAt: NOON, ...more }, glyphs, now: NOON };
}
