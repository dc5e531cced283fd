import type { BatchRow } from "../../model/batch.ts";
import type { BatchStore, NewBatch, NewChunk, SealRequest } from "../../store/port.ts";

/** A batch that fits in here is created in one transaction; a larger one is staged chunk by chunk and sealed at the end. */
const SMALL_ITEMS = 2000;
/** Chunks written at once while staging. */
const CHUNKS_A_WRITE = 8;

/** Creates a batch of chunks as they come, in constant memory; `sealFor` is given how many items they were. Whatever throws leaves nothing behind. */
export async function fill(
  store: BatchStore,
  batch: NewBatch,
  source: AsyncIterable<NewChunk>,
  sealFor: (total: number) => SealRequest,
): Promise<BatchRow> {
  let staged = false;
  let total = 0;
  let chunks: NewChunk[] = [];
  try {
    for await (const chunk of source) {
      chunks.push(chunk);
      total += chunk.keys.length;
      if (!staged && total > SMALL_ITEMS) {
        await store.stage(batch);
        staged = true;
      }
      if (staged && chunks.length >= CHUNKS_A_WRITE) {
        await store.append(batch.tenant, batch.id, chunks);
        chunks = [];
      }
    }
    if (!staged) return await store.create(batch, chunks, sealFor(total));
    await store.append(batch.tenant, batch.id, chunks);
    return await store.seal(sealFor(total));
  } catch (error) {
    if (staged) await store.discard({ batchId: batch.id });
    throw error;
  }
}
