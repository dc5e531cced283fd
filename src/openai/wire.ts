import type { FileRow } from "../store/port.ts";
import type { OpenAiBatchRow, OpenAiUsage } from "../store/openai-batches.ts";

/** Our rows as OpenAI's objects: every field there, null where there is nothing, times in Unix seconds. */

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));

/** A file that came by another door has no purpose of OpenAI's; its clients know such a file as this. */
export const OTHER_PURPOSE = "user_data";

export function wireFile(file: FileRow): Record<string, unknown> & { id: string } {
  return {
    id: file.id,
    object: "file",
    bytes: file.bytes,
    created_at: seconds(file.createdAt),
    expires_at: seconds(file.expiresAt),
    filename: file.name,
    purpose: file.purpose ?? OTHER_PURPOSE,
    status: "processed",
    status_details: null,
  };
}

/** `counts` are those of the running batch, when it knows better than the row. */
export function wireBatch(
  row: OpenAiBatchRow,
  counts: { total: number; completed: number; failed: number } = row,
): Record<string, unknown> & { id: string } {
  return {
    id: row.id,
    object: "batch",
    endpoint: row.endpoint,
    model: row.model,
    errors: row.errors === null ? null : { object: "list", data: row.errors },
    input_file_id: row.inputFileId,
    completion_window: "24h",
    status: row.status,
    output_file_id: row.outputFileId,
    error_file_id: row.errorFileId,
    created_at: seconds(row.createdAt),
    in_progress_at: seconds(row.inProgressAt),
    expires_at: seconds(row.expiresAt),
    finalizing_at: seconds(row.finalizingAt),
    completed_at: seconds(row.completedAt),
    failed_at: seconds(row.failedAt),
    expired_at: seconds(row.expiredAt),
    cancelling_at: seconds(row.cancellingAt),
    cancelled_at: seconds(row.cancelledAt),
    request_counts: { total: counts.total, completed: counts.completed, failed: counts.failed },
    usage: row.usage === null ? null : wireUsage(row.usage),
    metadata: row.metadata,
  };
}

function wireUsage(usage: OpenAiUsage): Record<string, unknown> {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cachedInput },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoningOutput },
    total_tokens: usage.total,
  };
}

/** A page of a list, from one row more than fits. */
export function wirePage(data: readonly (Record<string, unknown> & { id: string })[], limit: number): Record<string, unknown> {
  const page = data.slice(0, limit);
  return { object: "list", data: page, first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null, has_more: data.length > limit };
}
