import { z } from "zod";
import { text, time, whole, yes } from "../../model/fields.ts";

/** Who runs chunks: the worker of this server, and those of the caller's tenant that pull over HTTP. */

export const workerParams = z.strictObject({ id: text(1, 300) });
export const worker = z.strictObject({
  id: z.string(),
  kind: z.enum(["local", "external"]),
  slots: z.int().nullable().meta({ description: "Chunks at once; null where only the worker knows" }),
  running: z.int().meta({ description: "Chunks it holds now; of an external worker its leases" }),
  status: z.enum(["idle", "busy", "off"]),
  state: z
    .enum(["live", "draining", "lost"])
    .meta({ description: "lost: a lease of it ran out unanswered, and it was not heard of since" }),
  chunks_done: z.int().nullable().meta({
    description: "Chunks it has had and given back or ended, since the server's start; null for tenants that do not own the server",
  }),
  memory: z
    .strictObject({ rss_bytes: z.int(), heap_used_bytes: z.int().nullable() })
    .nullable()
    .meta({ description: "Of the process it runs in; null where only the worker knows" }),
  event_loop_lag_p99_seconds: z.number().nullable(),
  version: z.string().nullable().meta({ description: "Of an external worker what it tells of itself, as all that follows" }),
  cpu_percent: z.number().nullable().meta({ description: "Of one core, by its process" }),
  host: z
    .strictObject({
      name: z.string().nullable(),
      cpu_percent: z.number().nullable().meta({ description: "Of all cores, whoever uses them" }),
      memory_bytes: z.int().nullable(),
      memory_free_bytes: z.int().nullable(),
    })
    .nullable()
    .meta({ description: "The machine it runs on; null where it is not told" }),
  last_seen: time.nullable().meta({ description: "Last call; null: holds leases, but was not heard of since the server's start" }),
});
export const resizeBody = z.strictObject({ slots: whole(0, 256).meta({ description: "Chunks at once; until the next start" }) });
export const chunkParams = z.strictObject({ chunk: z.string().regex(/^\d{1,15}$/, { error: "must be the number of a chunk" }) });
export const revokedAnswer = z.strictObject({ success: yes, chunk: z.int(), worker: z.string() });
export const workedChunksAnswer = z.strictObject({
  success: yes,
  chunks: z
    .array(
      z.strictObject({
        chunk: z.int(),
        batch_id: z.string(),
        batch_name: z.string().nullable(),
        operation: z.string(),
        worker: z.string(),
        items: z.int(),
        settled: z.int().meta({ description: "Items that have ended" }),
        attempt: z.int(),
        lease_until: time,
      }),
    )
    .meta({ description: "At most 200, those whose lease ends first before" }),
  total: z.int(),
});
export const workersAnswer = z.strictObject({ success: yes, workers: z.array(worker) });
export const workerAnswer = z.strictObject({ success: yes, worker });
