import type { Caller } from "../../batches/service.ts";
import type { AnalysedBatch } from "../../events/frames/stream-frames.ts";
import { isRetryable } from "../../model/item.ts";
import type { ApiServices } from "../services.ts";

/** What batch.analysis_* says of a batch; null when its stream is gone or has no eventPrefix. */
export async function analysedBatch(
  { batches, streams }: Pick<ApiServices, "batches" | "streams">,
  caller: Caller,
  id: string,
): Promise<AnalysedBatch | null> {
  const batch = await batches.get(caller, id);
  if (batch.stream === null) return null;
  const { eventPrefix, keyField } = streams.get(caller, batch.stream).definition;
  if (eventPrefix === undefined) return null;
  const [line] = batch.status === "completed" ? (await batches.results(caller, id, { success: true }, { limit: 1 })).lines : [];
  const [group] = batch.status === "failed" ? await batches.errors(caller, id) : [];
  const { byOperation } = await batches.counts(caller);
  return {
    prefix: eventPrefix,
    keyField: keyField ?? "key",
    key: batch.streamKey ?? "",
    items: batch.totalItems,
    queuePosition: byOperation[batch.operation]?.pending ?? 0,
    startedAt: batch.startedAt,
    completedAt: batch.completedAt,
    result: line === undefined ? null : objectOf((JSON.parse(line) as { result?: unknown }).result),
    failure:
      group === undefined
        ? null
        : { error: group.error, code: group.code, category: group.category, retryable: isRetryable(group.category) },
  };
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}
