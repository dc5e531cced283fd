import { z } from "zod";
import { record, text, time, whole, yes } from "../../model/fields.ts";
import { streamName } from "../../model/stream-name.ts";

/** Streams: definitions, items on their way in, open windows, dead letters; and the pipeline they are part of. */

export const streamParams = z.strictObject({ name: streamName });
/** A change of rules: why, for the audit log, and whether a large one asks for a preview. */
export const changeQuery = z.strictObject({
  reason: text(1, 500).optional().meta({ description: "Why it is changed; stands in the audit entry" }),
  preview: z.enum(["required", "optional"]).default("optional").meta({
    description:
      "required: a limit that changes by more than 20 % is refused (409 preview_required) unless the same rules were previewed within the last hour or a reason is given; BATCHYARD_PREVIEW_REQUIRED asks for it always",
  }),
});
export const stream = z.strictObject({
  name: z.string(),
  definition: record.meta({
    description:
      "operation, options, keyField, idField, numericIds, windowSeconds, idleTimeoutSeconds, checkIntervalSeconds, maxItems, maxBytes, minItems, maxWaitSeconds, schedule, fastPath, overflow, maxOpen, eventPrefix, paused",
  }),
  ready_made: z.boolean(),
  paused: z.boolean(),
  open_windows: z.int(),
  open_items: z.int(),
  dropped_items: z.int().meta({ description: "By drop_oldest, since the server's start" }),
  fault: z.string().nullable().meta({ description: "Why its windows cannot become batches" }),
});
export const streamsAnswer = z.strictObject({ success: yes, streams: z.array(stream) });
export const streamAnswer = z.strictObject({ success: yes, stream });
export const removedStreamAnswer = z.strictObject({ success: yes, deleted: yes, batches: z.array(z.string()) });

const rejectedItem = z.strictObject({ index: z.int(), code: z.string(), message: z.string() });
export const itemsAnswer = z.strictObject({
  success: yes,
  accepted: z.int(),
  rejected: z.array(rejectedItem).meta({ description: "At most the first 1,000" }),
  items: z
    .array(z.strictObject({ id: z.string(), batchId: z.string(), fastPath: z.boolean() }))
    .meta({ description: "At most the first 1,000" }),
  rejectedCount: z.int(),
});

export const windowsQuery = z.strictObject({ limit: whole(1, 10_000).default(1_000), key: text(0, 512).optional() });
export const openWindow = z.strictObject({
  batch_id: z.string(),
  key: z.string(),
  items: z.int(),
  bytes: z.int(),
  opened_at: time,
  last_item_at: time,
  age_seconds: z.number(),
  idle_seconds: z.number(),
  fill: z.number().nullable(),
  due_at: time.nullable(),
  held: z.boolean(),
});
export const windowsAnswer = z.strictObject({ success: yes, windows: z.array(openWindow), total: z.int() });

export const flushBody = z.strictObject({ key: text(0, 512).optional() }).optional();
export const flushAnswer = z.strictObject({ success: yes, flushed: z.int(), batches: z.array(z.string()) });

export const lettersQuery = z.strictObject({ limit: whole(1, 1_000).default(100), cursor: text(1, 500).optional() });
const deadLetter = z.strictObject({ id: z.int(), item_key: z.string().nullable(), item: z.unknown(), reason: z.string(), at: time });
export const lettersAnswer = z.strictObject({
  success: yes,
  dead_letters: z.array(deadLetter),
  total: z.int(),
  nextCursor: z.string().nullable(),
});
export const requeueBody = z
  .strictObject({
    limit: whole(1, 1_000_000).default(1_000),
    rate: whole(1, 100_000).optional().meta({ description: "Items a second; at once without it" }),
  })
  .prefault({});
export const requeueAnswer = z.strictObject({ success: yes, requeued: z.int(), scheduled: z.int(), left: z.array(rejectedItem) });

// ── the pipeline ─────────────────────────────────────────────────────────────────────────────────────────────────────

const seconds = z.number();
const backpressure = z
  .strictObject({ state: z.enum(["normal", "warning", "full"]), waiting: z.int(), threshold: z.int(), max_size: z.int() })
  .meta({ description: "Batches that wait; from the threshold on windows hold, at max_size nothing new is taken" });
export const pipelineAnswer = z.strictObject({
  file_watcher: z.null(),
  batch_aggregator: z.strictObject({
    active_batches: z.int(),
    batches: z.array(
      z.strictObject({
        batch_id: z.string(),
        camera_id: z.string(),
        detection_count: z.int(),
        started_at: z.number().meta({ description: "Unix seconds" }),
        age_seconds: seconds,
        last_activity_seconds: seconds,
      }),
    ),
    batch_window_seconds: seconds,
    idle_timeout_seconds: seconds,
    batch_check_interval_seconds: seconds,
    batch_max_detections: z.int(),
    closure_lag: z.strictObject({
      closures: z.int(),
      p50_ms: z.number().nullable(),
      p99_ms: z.number().nullable(),
      max_ms: z.number().nullable(),
    }),
  }),
  backpressure,
  degradation: z.strictObject({
    mode: z.enum(["normal", "degraded", "minimal", "offline"]),
    is_degraded: z.boolean(),
    services: z.array(
      z.strictObject({
        name: z.string(),
        status: z.enum(["healthy", "unhealthy"]),
        last_check: time,
        consecutive_failures: z.int(),
        error_message: z.string().nullable(),
      }),
    ),
  }),
  timestamp: time,
});

const health = z.enum(["healthy", "warning", "critical"]);
export const queuesAnswer = z.strictObject({
  queues: z.array(
    z.strictObject({
      name: z.string(),
      status: health,
      depth: z.int(),
      running: z.int(),
      workers: z.int(),
      throughput: z.strictObject({ jobs_per_minute: z.number(), avg_processing_seconds: z.number().nullable() }),
      oldest_job: z.strictObject({ id: z.string(), queued_at: time, wait_seconds: z.number() }).nullable(),
    }),
  ),
  summary: z.strictObject({ total_queued: z.int(), total_running: z.int(), total_workers: z.int(), overall_status: health, backpressure }),
});

const stageFigures = z
  .strictObject({
    avg_ms: z.number(),
    min_ms: z.number(),
    max_ms: z.number(),
    p50_ms: z.number(),
    p95_ms: z.number(),
    p99_ms: z.number(),
    sample_count: z.int(),
  })
  .nullable();
const stages = {
  watch_to_detect: stageFigures,
  detect_to_batch: stageFigures,
  batch_to_analyze: stageFigures,
  total_pipeline: stageFigures,
};
export const latencyQuery = z.strictObject({ window_minutes: whole(1, 43_200).default(60) });
export const latencyAnswer = z.strictObject({ ...stages, window_minutes: z.int(), timestamp: time });
export const latencyHistoryQuery = z.strictObject({
  since: whole(1, 43_200).default(60).meta({ description: "Minutes" }),
  bucket_seconds: whole(1, 86_400).default(60),
});
export const latencyHistoryAnswer = z.strictObject({
  snapshots: z.array(z.strictObject({ timestamp: time, stages: z.strictObject(stages) })),
  window_minutes: z.int(),
  bucket_seconds: z.int(),
  timestamp: time,
});

export const breakerParams = z.strictObject({ name: text(1, 100) });
export const breakersAnswer = z.strictObject({
  success: yes,
  breakers: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(["closed", "open", "half_open"]),
      consecutive_failures: z.int(),
      last_error: z.string().nullable().meta({ description: "Null when it was of another tenant's item" }),
      opened_at: time.nullable(),
      retry_at: time.nullable(),
    }),
  ),
});
