import type { Bottleneck } from "./bottleneck.ts";
import type { LittlesLaw } from "./littles-law.ts";
import type { HealthVerdict } from "./queue-health.ts";

/** What only the running server knows. */
export interface OverviewFacts {
  streams: readonly { name: string; operation: string; paused: boolean; openWindows: number; openItems: number; oldestMs: number | null }[];
  /** Slots of this process in use now. */
  busy: number;
  slots: number;
  /** Live workers of outside. */
  outsideWorkers: number;
  lostWorkers: number;
  runs: readonly { operation: string; limited: boolean }[];
  breakersOpen: ReadonlySet<string>;
  pressure: { state: "normal" | "warning" | "full"; waiting: number; maxSize: number };
  /** Parts of the server that are not ready. */
  notReady: readonly string[];
  /** Alerts that stand and are not silenced; `critical` are part of `firing`. */
  alerts: { firing: number; critical: number };
}

export interface Tile {
  name: string;
  unit: "per_minute" | "batches" | "percent" | "ms";
  value: number | null;
  /** Minute by minute; null = nothing was measured. */
  sparkline: (number | null)[];
  /** The same time of the day before, and how far from it, percent. */
  yesterday: number | null;
  changePercent: number | null;
}

export interface QueueReport {
  name: string;
  health: HealthVerdict;
  depth: number;
  running: number;
  /** Batches more than so many minutes ago. */
  growth: { m1: number; m5: number; m15: number };
  drainMs: number | null;
  oldestWaitMs: number | null;
  waitP95Ms: number | null;
  runP95Ms: number | null;
  endedPerMinute: number;
  itemsPerMinute: number;
  /** Percent of items, null = none has ended. */
  failurePercent: number | null;
  stalled: number;
  reprocessed: number;
  bottleneck: Bottleneck | null;
}

export interface StreamReport {
  name: string;
  operation: string;
  paused: boolean;
  itemsPerMinute: number;
  openWindows: number;
  openItems: number;
  oldestMs: number | null;
  /** Batches of its operation that wait. */
  depth: number;
  waitP95Ms: number | null;
  ageMeanMs: number | null;
  ageMaxMs: number | null;
  failurePercent: number | null;
  closuresPerMinute: number;
  closures: Record<string, number>;
  bottleneck: Bottleneck | null;
}

export interface StageReport {
  stage: "collect" | "wait" | "run";
  /** Windows or batches in it now. */
  now: number;
  p95Ms: number | null;
  /** Of what enters it, percent that fails there: over a day, and over the day before. */
  failurePercent: number | null;
  failurePercentBefore: number | null;
}

export interface DayReport {
  batches: Record<"created" | "completed" | "failed" | "cancelled" | "expired" | "reprocessed", number>;
  items: { received: number; succeeded: number; failed: number; retried: number; deadLetters: number };
  /** Percent of the batches that completed or failed. */
  batchFailurePercent: number | null;
  /** Percent of the items that succeeded or failed. */
  itemSuccessPercent: number | null;
  chunksLost: number;
  windows: {
    closed: number;
    items: number;
    jobsAvoided: number;
    closures: Record<string, number>;
    ageMeanMs: number | null;
    ageMaxMs: number | null;
  };
  waitP95Ms: number | null;
  runP95Ms: number | null;
  totalP95Ms: number | null;
}

export interface OverviewReport {
  health: HealthVerdict;
  sentence: string;
  bottleneck: Bottleneck | null;
  utilisation: number | null;
  tiles: Tile[];
  queues: QueueReport[];
  streams: StreamReport[];
  stages: StageReport[];
  day: DayReport;
  littlesLaw: LittlesLaw;
}
