import type { Batch } from "batchyard/client";

/** The request that would make the same batch again, for a shell. Inline items are not in it: they are of this batch. */
export function curlOf(batch: Batch, origin: string): string {
  const request = {
    operation: batch.operation,
    ...(batch.name === null ? {} : { name: batch.name }),
    options: batch.options,
    priority: batch.priority,
    ...(batch.tags.length === 0 ? {} : { tags: batch.tags }),
    ...(Object.keys(batch.filters).length === 0 ? {} : { filters: batch.filters }),
    ...(batch.input === null ? { items: [] } : { input: batch.input }),
  };
  const body = JSON.stringify(request).replaceAll("'", String.raw`'\''`);
  return `curl -s ${origin}/api/batch/create \\\n  -H "authorization: Bearer $BATCHYARD_TOKEN" -H "content-type: application/json" \\\n  -d '${body}'`;
}
