import type { z } from "zod";
import type { Pressure } from "../../batches/backpressure.ts";
import { worstOf, type QueueView } from "../../monitor/pipeline.ts";
import type * as contract from "../contract/streams.ts";
import { round } from "./batch.ts";

type QueuesAnswer = z.output<typeof contract.queuesAnswer>;

/** `workers`: slots of the one pool that serves all operations. */
export function queuesAnswer(rows: readonly QueueView[], workers: number, pressure: Pressure): QueuesAnswer {
  const queues = rows.map((row) => ({
    name: row.operation,
    status: row.health,
    depth: row.pending,
    running: row.running,
    workers,
    throughput: {
      jobs_per_minute: round(row.perMinute, 2),
      avg_processing_seconds: row.meanMs === null ? null : round(row.meanMs / 1000, 3),
    },
    oldest_job:
      row.oldest === null
        ? null
        : {
            id: row.oldest.id,
            queued_at: new Date(row.oldest.createdAt).toISOString(),
            wait_seconds: round((row.waitMs ?? 0) / 1000, 1),
          },
  }));
  const sum = (of: (queue: (typeof queues)[number]) => number): number => queues.reduce((total, queue) => total + of(queue), 0);
  return {
    queues,
    summary: {
      total_queued: sum((queue) => queue.depth),
      total_running: sum((queue) => queue.running),
      total_workers: workers,
      overall_status: worstOf([
        ...queues.map((queue) => queue.status),
        pressure.state === "full" ? "critical" : pressure.state === "warning" ? "warning" : "healthy",
      ]),
      backpressure: wirePressure(pressure),
    },
  };
}

export function wirePressure({ state, waiting, threshold, maxSize }: Pressure): QueuesAnswer["summary"]["backpressure"] {
  return { state, waiting, threshold, max_size: maxSize };
}
