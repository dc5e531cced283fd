import type { ClaimedChunk } from "../store/port.ts";
import type { OpenSpan, Tracing } from "../tracing/port.ts";

/** One run of a chunk as a span within its batch. */
export function attemptSpan(tracing: Pick<Tracing, "attempt">, chunk: ClaimedChunk): OpenSpan {
  const { batch } = chunk;
  return tracing.attempt(batch.trace?.context ?? null, {
    "batchyard.batch.id": batch.id,
    "batchyard.operation": batch.operation,
    "batchyard.executor": batch.executor,
    ...(batch.stream === null ? {} : { "batchyard.stream": batch.stream }),
    "batchyard.chunk": chunk.id,
    "batchyard.chunk.items": chunk.keys.length,
    "batchyard.attempt": chunk.attempt,
    "batchyard.batch.epoch": chunk.epoch,
    "batchyard.fence": chunk.fence,
    "batchyard.worker": chunk.workerId,
  });
}
