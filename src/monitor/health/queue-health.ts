import type { QueueHealth, QueueThresholds } from "../pipeline.ts";
import { worstOf } from "../pipeline.ts";
import { time } from "./bottleneck.ts";

export interface Reason {
  level: Exclude<QueueHealth, "healthy">;
  code: string;
  message: string;
}

export interface HealthVerdict {
  status: QueueHealth;
  /** The worst first. */
  reasons: Reason[];
}

/** What the health of one queue is judged by; counts of the last quarter of an hour. */
export interface QueueFigures {
  name: string;
  depth: number;
  oldestWaitMs: number;
  growth5: number;
  growth15: number;
  /** At present rates, milliseconds; null = never. */
  drainMs: number | null;
  itemsSettled: number;
  itemsFailed: number;
  chunksLost: number;
  breakerOpen: boolean;
}

/** Few of a kind say nothing about a rate. */
const ENOUGH = 10;
const FAILING = 0.1;
const MOSTLY_FAILING = 0.5;
const LONG_DRAIN_MS = 15 * 60_000;

export function queueHealth(queue: QueueFigures, limits: QueueThresholds): HealthVerdict {
  const { name, depth, oldestWaitMs, itemsSettled, itemsFailed } = queue;
  const reasons: Reason[] = [];
  const say = (level: Reason["level"], code: string, message: string): void => void reasons.push({ level, code, message });
  if (queue.breakerOpen) say("critical", "breaker_open", `${name} is stopped: what it talks to fails`);
  if (depth >= limits.warningDepth)
    say(depth >= limits.criticalDepth ? "critical" : "warning", "queue_depth", `${depth} batches of ${name} wait`);
  if (oldestWaitMs >= limits.warningWaitMs)
    say(
      oldestWaitMs >= limits.criticalWaitMs ? "critical" : "warning",
      "queue_wait",
      `a batch of ${name} has waited for ${time(oldestWaitMs)}`,
    );
  const isGrowing = queue.growth5 > 0 && queue.growth15 > 0 && depth >= ENOUGH;
  if (isGrowing && (queue.drainMs === null || queue.drainMs > LONG_DRAIN_MS))
    say("warning", "queue_growing", `${queue.growth15} more batches of ${name} are there than 15 minutes ago`);
  const failing = itemsSettled === 0 ? 0 : itemsFailed / itemsSettled;
  if (itemsSettled >= ENOUGH && failing > FAILING)
    say(failing > MOSTLY_FAILING ? "critical" : "warning", "failure_rate", `${Math.round(failing * 100)} % of the items of ${name} fail`);
  if (queue.chunksLost > 0)
    say(
      "warning",
      "stalled",
      `${queue.chunksLost} ${queue.chunksLost === 1 ? "chunk" : "chunks"} of ${name} lost their worker and were taken up again`,
    );
  return verdictOf(reasons);
}

export function verdictOf(reasons: readonly Reason[]): HealthVerdict {
  const sorted = reasons.toSorted((a, b) => Number(b.level === "critical") - Number(a.level === "critical"));
  return { status: worstOf(sorted.map(({ level }) => level)), reasons: sorted };
}
