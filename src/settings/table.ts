import type { Config, SettingName } from "../config.ts";

/** One field of `/api/v1/settings`: which setting it shows, and where its value stands in the configuration. */
export interface SettingField {
  readonly name: SettingName;
  readonly of: (config: Config) => SettingValue;
  /** The field counts in thousandths of what the setting counts in. */
  readonly thousandths?: true;
  /** What may be given, when it is not what the setting says. */
  readonly allowed?: string;
}

export type SettingValue = number | boolean | string | readonly string[];

/** Category → field. Everything here can be changed while the server runs. */
export const SETTING_FIELDS: Readonly<Record<string, Readonly<Record<string, SettingField>>>> = {
  batch: {
    window_seconds: { name: "BATCH_WINDOW_SECONDS", of: (config) => config.windows.windowSeconds },
    idle_timeout_seconds: { name: "BATCH_IDLE_TIMEOUT_SECONDS", of: (config) => config.windows.idleTimeoutSeconds },
    check_interval_seconds: { name: "BATCH_CHECK_INTERVAL_SECONDS", of: (config) => config.windows.checkIntervalSeconds },
    max_detections: { name: "BATCH_MAX_DETECTIONS", of: (config) => config.windows.maxDetections },
    default_size: { name: "BATCH_DEFAULT_SIZE", of: (config) => config.batch.defaultSize },
    max_retries: { name: "BATCH_MAX_RETRIES", of: (config) => config.batch.maxRetries },
    timeout_ms: { name: "BATCH_TIMEOUT_MS", of: (config) => config.batch.timeoutMs },
    retention_days: { name: "BATCH_RETENTION_DAYS", of: (config) => config.batch.retentionDays },
  },
  fast_path: {
    confidence_threshold: { name: "FAST_PATH_CONFIDENCE_THRESHOLD", of: (config) => config.windows.fastPath.confidenceThreshold },
    object_types: { name: "FAST_PATH_OBJECT_TYPES", of: (config) => config.windows.fastPath.objectTypes },
  },
  processing: {
    enabled: { name: "BATCH_PROCESSING_ENABLED", of: (config) => config.processing.enabled },
    create_interval: { name: "BATCH_CREATE_INTERVAL", of: (config) => config.processing.createInterval },
    status_check_interval: { name: "BATCH_STATUS_CHECK_INTERVAL", of: (config) => config.processing.statusCheckInterval },
    result_processing_interval: { name: "BATCH_RESULT_PROCESSING_INTERVAL", of: (config) => config.processing.resultProcessingInterval },
    max_requests: { name: "BATCH_MAX_REQUESTS", of: (config) => config.processing.maxRequests },
    timeout_hours: { name: "BATCH_TIMEOUT_HOURS", of: (config) => config.processing.timeoutHours },
    min_size: { name: "BATCH_MIN_SIZE", of: (config) => config.processing.minSize },
  },
  monitoring: {
    retention_days: { name: "BATCH_MONITORING_RETENTION_DAYS", of: (config) => config.monitoring.retentionDays },
  },
  alerts: {
    error_rate_threshold: { name: "BATCH_ALERT_THRESHOLD_ERROR_RATE", of: (config) => config.alerts.errorRate },
    processing_time_threshold: { name: "BATCH_ALERT_THRESHOLD_PROCESSING_TIME", of: (config) => config.alerts.processingTimeSeconds },
  },
  queue: {
    max_size: { name: "QUEUE_MAX_SIZE", of: (config) => config.queue.maxSize },
    backpressure_threshold: { name: "QUEUE_BACKPRESSURE_THRESHOLD", of: (config) => config.queue.backpressureThreshold },
    warning_depth: { name: "QUEUE_WARNING_DEPTH", of: (config) => config.queue.warningDepth },
    critical_depth: { name: "QUEUE_CRITICAL_DEPTH", of: (config) => config.queue.criticalDepth },
    warning_wait_seconds: { name: "QUEUE_WARNING_WAIT_SECONDS", of: (config) => config.queue.warningWaitMs / 1000 },
    critical_wait_seconds: { name: "QUEUE_CRITICAL_WAIT_SECONDS", of: (config) => config.queue.criticalWaitMs / 1000 },
  },
  events: {
    window_ms: {
      name: "SSE_BATCH_TIMEOUT_SECONDS",
      of: (config) => config.sse.batchTimeoutMs,
      thousandths: true,
      allowed: "allowed: a whole number of milliseconds from 10 to 60000",
    },
    max_events: { name: "SSE_BATCH_SIZE", of: (config) => config.sse.batchSize },
    max_retries: { name: "SSE_BATCH_MAX_RETRIES", of: (config) => config.sse.maxRetries },
    retry_delay_ms: {
      name: "SSE_BATCH_RETRY_DELAY",
      of: (config) => config.sse.retryDelayMs,
      thousandths: true,
      allowed: "allowed: a whole number of milliseconds from 0 to 60000",
    },
  },
  dashboard: {
    refresh_seconds: { name: "BATCHYARD_DASHBOARD_REFRESH_SECONDS", of: (config) => config.dashboard.refreshSeconds },
    alerts_seconds: { name: "BATCHYARD_DASHBOARD_ALERTS_SECONDS", of: (config) => config.dashboard.alertsSeconds },
    detail_seconds: { name: "BATCHYARD_DASHBOARD_DETAIL_SECONDS", of: (config) => config.dashboard.detailSeconds },
    max_retries: { name: "BATCHYARD_DASHBOARD_MAX_RETRIES", of: (config) => config.dashboard.maxRetries },
    retry_delay_ms: { name: "BATCHYARD_DASHBOARD_RETRY_DELAY_MS", of: (config) => config.dashboard.retryDelayMs },
  },
  retention: {
    batches_days: { name: "BATCH_RETENTION_DAYS", of: (config) => config.batch.retentionDays },
    ...Object.fromEntries(
      (["completed", "failed", "cancelled", "expired"] as const).map((state): [string, SettingField] => [
        `${state}_days`,
        {
          name: `BATCH_RETENTION_${state.toUpperCase() as Uppercase<typeof state>}_DAYS`,
          of: (config) => config.batch.retention[state],
          allowed: "allowed: a whole number of days from 1 to 365, or 0 = as batches_days",
        },
      ]),
    ),
    monitoring_days: { name: "BATCH_MONITORING_RETENTION_DAYS", of: (config) => config.monitoring.retentionDays },
    dead_letters_days: {
      name: "BATCH_DEAD_LETTER_RETENTION_DAYS",
      of: (config) => config.batch.retentionOfLog.deadLetters,
      allowed: "allowed: a whole number of days from 1 to 3650, or 0 = for ever",
    },
    audit_days: {
      name: "BATCHYARD_AUDIT_RETENTION_DAYS",
      of: (config) => config.batch.retentionOfLog.audit,
      allowed: "allowed: a whole number of days from 1 to 3650, or 0 = for ever",
    },
  },
};

/** What is set from outside only: shown as set or not, never as it is. */
export const HIDDEN_FIELDS: Readonly<Record<string, (config: Config) => string | null>> = {
  token: (config) => config.token,
  database_url: (config) => config.databaseUrl,
  redis_url: (config) => config.redisUrl,
  openai_api_key: (config) => config.openai.apiKey,
  otlp_endpoint: ({ otel }) => otel["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? otel["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? null,
};

/** The first field that shows a setting: how faults of it are named. */
export function pathOf(name: string): string {
  for (const [category, fields] of Object.entries(SETTING_FIELDS)) {
    for (const [field, { name: shown }] of Object.entries(fields)) if (shown === name) return `${category}.${field}`;
  }
  return name;
}
