import type { StoredEvent } from "../../model/event.ts";

/** An event under the names of a stream's own prefix: sent as `{type, data}`. */
export interface StreamFrame {
  type: string;
  data: Record<string, unknown>;
}

/** A batch of a stream with an eventPrefix, and how it ended as far as it has. */
export interface AnalysedBatch {
  prefix: string;
  /** Name of the field that names the window: `camera_id`. */
  keyField: string;
  key: string;
  items: number;
  /** Batches of its operation that wait before it; null when that is not known. */
  queuePosition: number | null;
  /** Unix milliseconds. */
  startedAt: number | null;
  completedAt: number | null;
  /** The result of its items: an analysis is one for the whole window. */
  result: Record<string, unknown> | null;
  failure: { error: string; code: string; category: string; retryable: boolean } | null;
}

/** `<prefix>.new` for each item a window took, `<prefix>.batch` when it closed, with the true reason. */
export function windowFrames({ type, data, ts }: StoredEvent): StreamFrame[] {
  const prefix = data["event_prefix"];
  if (typeof prefix !== "string") return [];
  const keyField = typeof data["key_field"] === "string" ? data["key_field"] : "key";
  if (type === "item.received") {
    const items = Array.isArray(data["items"]) ? (data["items"] as Record<string, unknown>[]) : [];
    return items.map((item) => ({
      type: `${prefix}.new`,
      data: { timestamp: new Date(ts).toISOString(), ...item, ...numericId(item, prefix), batch_id: data["batch_id"] },
    }));
  }
  if (type !== "window.closed") return [];
  const ids = Array.isArray(data["ids"]) ? (data["ids"] as string[]) : [];
  return [
    {
      type: `${prefix}.batch`,
      data: {
        batch_id: data["batch_id"],
        [keyField]: data["key"],
        [`${prefix}_ids`]: ids.map(plain),
        [`${prefix}_count`]: data["count"],
        started_at: data["started_at"],
        closed_at: data["closed_at"],
        close_reason: data["close_reason"],
      },
    },
  ];
}

/** `batch.analysis_started|completed|failed` of such a batch. */
export function analysisFrame({ type, seq, ts, entity, data }: StoredEvent, batch: AnalysedBatch): StreamFrame {
  const head = { batch_id: entity.id, [batch.keyField]: batch.key };
  const at = new Date(ts).toISOString();
  if (type === "batch.started") {
    const position = batch.queuePosition === null ? {} : { queue_position: batch.queuePosition };
    return { type: "batch.analysis_started", data: { ...head, [`${batch.prefix}_count`]: batch.items, ...position, started_at: at } };
  }
  if (type === "batch.completed") {
    const { risk_score, risk_level } = batch.result ?? {};
    const risk = { ...(risk_score === undefined ? {} : { risk_score }), ...(risk_level === undefined ? {} : { risk_level }) };
    const duration_ms = batch.startedAt === null ? 0 : Math.max(0, (batch.completedAt ?? ts) - batch.startedAt);
    return { type: "batch.analysis_completed", data: { ...head, event_id: seq, ...risk, duration_ms, completed_at: at } };
  }
  const { failure } = batch;
  const error = failure?.error ?? (typeof data["error"] === "string" ? data["error"] : "The analysis failed");
  return {
    type: "batch.analysis_failed",
    data: { ...head, error, error_type: errorType(failure), retryable: failure?.retryable ?? false, failed_at: at },
  };
}

function errorType(failure: AnalysedBatch["failure"]): "timeout" | "connection" | "validation" | "processing" {
  if (failure === null) return "processing";
  if (failure.code === "timeout") return "timeout";
  if (/^(E[A-Z]+|UND_ERR_.*)$/.test(failure.code) || failure.category === "resource" || failure.category === "rate_limit")
    return "connection";
  return failure.category === "data" || failure.category === "configuration" ? "validation" : "processing";
}

/** Ids are texts inside; those that are whole numbers go out as numbers, as they came in. */
function plain(id: string): string | number {
  return /^-?\d{1,15}$/.test(id) ? Number(id) : id;
}

function numericId(item: Record<string, unknown>, prefix: string): Record<string, unknown> {
  const name = `${prefix}_id`;
  const id = item[name];
  return typeof id === "string" ? { [name]: plain(id) } : {};
}
