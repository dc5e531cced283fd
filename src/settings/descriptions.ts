/** What a setting does, in one sentence, and what its number counts. */
export interface SettingDescription {
  readonly says: string;
  readonly unit?: string;
}

/** By `category.field`; every field of the table has one. */
export const DESCRIPTIONS: Readonly<Record<string, SettingDescription>> = {
  "batch.window_seconds": { says: "A window of detections closes at this age, counted from its first item.", unit: "s" },
  "batch.idle_timeout_seconds": { says: "A window of detections closes when nothing came for this long; less than the window.", unit: "s" },
  "batch.check_interval_seconds": { says: "How often windows are looked at for age and idle time.", unit: "s" },
  "batch.max_detections": { says: "A window of detections closes with this many items.", unit: "items" },
  "batch.default_size": { says: "Items in a chunk of a batch that does not say batchSize.", unit: "items" },
  "batch.max_retries": { says: "Retries of an item after its first try, where the batch does not say retryAttempts.", unit: "retries" },
  "batch.timeout_ms": { says: "Time one try of an item may take, where the batch does not say otherwise.", unit: "ms" },
  "batch.retention_days": { says: "Batches that ended this long ago are removed with their items and results.", unit: "days" },
  "fast_path.confidence_threshold": {
    says: "Detections from this confidence on go alone, at once, when their type is among the object types.",
  },
  "fast_path.object_types": { says: "Types of detections that the fast path takes." },
  "processing.enabled": { says: "Whether collected requests to models are made into batches." },
  "processing.create_interval": { says: "When collected requests become batches, as a cron expression." },
  "processing.status_check_interval": { says: "When a provider is asked how its batches are, as a cron expression." },
  "processing.result_processing_interval": { says: "When the results of a provider's ended batches are fetched, as a cron expression." },
  "processing.max_requests": { says: "Requests in one batch at most.", unit: "requests" },
  "processing.timeout_hours": { says: "A provider's batch is given up after this time.", unit: "h" },
  "processing.min_size": { says: "Fewer collected requests than this wait for the next time.", unit: "requests" },
  "monitoring.retention_days": { says: "How long statistics are kept.", unit: "days" },
  "alerts.error_rate_threshold": { says: "Share of failed items from which the recommended alert on errors fires.", unit: "%" },
  "alerts.processing_time_threshold": { says: "Duration of a batch from which the recommended alert on slow batches fires.", unit: "s" },
  "queue.max_size": { says: "Waiting batches at which new work is refused with 503.", unit: "batches" },
  "queue.backpressure_threshold": { says: "Share of the largest queue from which windows hold their items back." },
  "queue.warning_depth": { says: "Waiting batches of an operation from which its queue counts as warning.", unit: "batches" },
  "queue.critical_depth": { says: "Waiting batches of an operation from which its queue counts as critical.", unit: "batches" },
  "queue.warning_wait_seconds": { says: "Wait of the oldest batch from which a queue counts as warning.", unit: "s" },
  "queue.critical_wait_seconds": { says: "Wait of the oldest batch from which a queue counts as critical.", unit: "s" },
  "events.window_ms": { says: "Time after which a group of events is sent under the classic policy.", unit: "ms" },
  "events.max_events": { says: "Events at which a group is sent under the classic policy.", unit: "events" },
  "events.max_retries": { says: "Further tries of an EventBatcher to send a group that failed.", unit: "retries" },
  "events.retry_delay_ms": { says: "Pause of an EventBatcher before such a try.", unit: "ms" },
  "dashboard.refresh_seconds": {
    says: "How often an open page asks for lists and figures anew, beside the events it hears; dear ones every few of these.",
    unit: "s",
  },
  "dashboard.alerts_seconds": { says: "How often an open page asks how many alerts fire.", unit: "s" },
  "dashboard.detail_seconds": { says: "How often an open page of one batch or stream, or of the workers, asks anew.", unit: "s" },
  "dashboard.max_retries": { says: "Further tries of a page's question that failed in a way that may pass.", unit: "retries" },
  "dashboard.retry_delay_ms": { says: "Pause before the first of them; it doubles with each, up to 30 s.", unit: "ms" },
  "retention.batches_days": {
    says: "Batches that ended this long ago are removed; the same setting as batch.retention_days.",
    unit: "days",
  },
  "retention.completed_days": { says: "The same for completed batches alone; 0 = as batches_days.", unit: "days" },
  "retention.failed_days": { says: "The same for failed batches alone; 0 = as batches_days.", unit: "days" },
  "retention.cancelled_days": { says: "The same for cancelled batches alone; 0 = as batches_days.", unit: "days" },
  "retention.expired_days": { says: "The same for expired batches alone; 0 = as batches_days.", unit: "days" },
  "retention.dead_letters_days": { says: "Dead letters of streams are removed after this time; 0 = never by themselves.", unit: "days" },
  "retention.audit_days": { says: "Entries of the audit log are removed after this time, provably; 0 = never.", unit: "days" },
  "retention.monitoring_days": { says: "How long statistics are kept; the same setting as monitoring.retention_days.", unit: "days" },
};
