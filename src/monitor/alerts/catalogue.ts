import type { AlertFrequency, AlertSeverity, Compare } from "../../model/alert.ts";

export type Unit = "percent" | "ms" | "per hour" | "count";

/** What of the settings decides thresholds that a rule leaves open. */
export interface ThresholdSettings {
  alerts: { errorRate: number; processingTimeSeconds: number };
  queue: { backpressureThreshold: number; criticalWaitMs: number; warningDepth: number };
}

/** One kind of rule: what it measures, and how it is set when nobody says otherwise. */
export interface AlertKind {
  /** What is measured, of what. */
  readonly measures: string;
  readonly unit: Unit;
  readonly compare: Compare;
  readonly threshold: (settings: ThresholdSettings) => number;
  readonly severity: AlertSeverity;
  readonly frequency: AlertFrequency;
  /** Seconds a breach lasts before it fires, and a recovery before it resolves. */
  readonly forSeconds: number;
  readonly keepSeconds: number;
  readonly enabled: boolean;
  /** Kinds that, while they fire, explain this one: it is not told then. */
  readonly inhibitedBy: readonly AlertKindName[];
}

const HOUR_MS = 3_600_000;

function kind(from: Omit<AlertKind, "enabled" | "inhibitedBy"> & Partial<Pick<AlertKind, "enabled" | "inhibitedBy">>): AlertKind {
  return { enabled: true, inhibitedBy: [], ...from };
}

export const ALERT_KIND_NAMES = [
  "highErrorRate",
  "longProcessingTime",
  "lowThroughput",
  "batchFailure",
  "windowNearTimeout",
  "queueWaitHigh",
  "queueStuck",
  "queueGrowing",
  "batchStalled",
  "noWorkers",
  "workerLost",
  "deadLetterNew",
  "newErrorClass",
  "retryStorm",
  "backpressure",
  "budgetNearLimit",
  "providerBatchNearExpiry",
  "sourceSilent",
  "watchdog",
  "channelBroken",
  "channelOff",
] as const;
export type AlertKindName = (typeof ALERT_KIND_NAMES)[number];

/** The one table of rules: each is there from the start under the name of its kind. docs/operate/alerts.md is made from it. */
export const ALERT_KINDS: Readonly<Record<AlertKindName, AlertKind>> = {
  highErrorRate: kind({
    measures: "failed items of an operation, of muted kinds, too, among those that ended within the last hour",
    unit: "percent",
    compare: "above",
    threshold: ({ alerts }) => alerts.errorRate,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 300,
  }),
  longProcessingTime: kind({
    measures:
      "the longest time from start to end of a batch of an operation: of those that run, up to now; of those that ended within the last hour",
    unit: "ms",
    compare: "above",
    threshold: ({ alerts }) => alerts.processingTimeSeconds * 1000,
    severity: "medium",
    frequency: "hourly",
    forSeconds: 0,
    keepSeconds: 300,
  }),
  lowThroughput: kind({
    measures: "batches that ended in an hour, over the last 24 hours; no data before the first batch is that old",
    unit: "per hour",
    compare: "below",
    threshold: () => 0.5,
    severity: "medium",
    frequency: "daily",
    forSeconds: 0,
    keepSeconds: 300,
    inhibitedBy: ["noWorkers"],
  }),
  batchFailure: kind({
    measures: "whole batches of an operation that failed within the last hour",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "critical",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  windowNearTimeout: kind({
    measures:
      "age of a stream's oldest open window as a share of what closes it by time; a window that closes by age passes every share, so it is off",
    unit: "percent",
    compare: "atLeast",
    threshold: () => 90,
    severity: "low",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 300,
    enabled: false,
  }),
  queueWaitHigh: kind({
    measures: "how long the oldest waiting batch of an operation has waited",
    unit: "ms",
    compare: "above",
    threshold: ({ queue }) => queue.criticalWaitMs,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 60,
    inhibitedBy: ["noWorkers"],
  }),
  queueStuck: kind({
    measures: "waiting batches of an operation none of whose items ended within the last 10 minutes, while the oldest waited as long",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "critical",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 60,
    inhibitedBy: ["noWorkers"],
  }),
  queueGrowing: kind({
    measures: "batches of an operation that came within the last 15 minutes, less those that ended",
    unit: "count",
    compare: "above",
    threshold: ({ queue }) => queue.warningDepth,
    severity: "medium",
    frequency: "immediate",
    forSeconds: 300,
    keepSeconds: 300,
    inhibitedBy: ["noWorkers"],
  }),
  batchStalled: kind({
    measures: "chunks of an operation whose worker stopped answering within the last 15 minutes",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  noWorkers: kind({
    measures: "batches that wait while no worker takes any",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "critical",
    frequency: "immediate",
    forSeconds: 60,
    keepSeconds: 30,
  }),
  workerLost: kind({
    measures: "workers of outside that went silent while they held work, within the last hour",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  deadLetterNew: kind({
    measures: "items of a stream that found no room and were kept aside within the last hour",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "high",
    frequency: "hourly",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  newErrorClass: kind({
    measures: "kinds of errors of an operation seen for the first time within the last hour, but for muted ones",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "medium",
    frequency: "hourly",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  retryStorm: kind({
    measures: "tries of an operation's items that ended in a retry, among all tries of the last 15 minutes; from 20 tries on",
    unit: "percent",
    compare: "above",
    threshold: () => 50,
    severity: "high",
    frequency: "immediate",
    forSeconds: 60,
    keepSeconds: 300,
  }),
  backpressure: kind({
    measures: "waiting batches as a share of QUEUE_MAX_SIZE",
    unit: "percent",
    compare: "atLeast",
    threshold: ({ queue }) => queue.backpressureThreshold * 100,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 60,
    inhibitedBy: ["noWorkers"],
  }),
  budgetNearLimit: kind({
    measures: "the largest share of its budget that a running batch of an operation has spent",
    unit: "percent",
    compare: "atLeast",
    threshold: () => 80,
    severity: "medium",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  providerBatchNearExpiry: kind({
    measures: "time until an upstream batch of a provider is given up",
    unit: "ms",
    compare: "atMost",
    threshold: () => HOUR_MS,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  sourceSilent: kind({
    measures: "how long nothing has come for a stream that had items before",
    unit: "ms",
    compare: "above",
    threshold: () => 24 * HOUR_MS,
    severity: "medium",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
  watchdog: kind({
    measures: "how long nobody looked: after the server was down or its event loop hung",
    unit: "ms",
    compare: "above",
    threshold: () => 300_000,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 60,
  }),
  channelBroken: kind({
    measures: "tries of a channel's message that has not arrived; told through the other channels",
    unit: "count",
    compare: "atLeast",
    threshold: () => 3,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 60,
  }),
  channelOff: kind({
    measures: "channels that nothing goes to since their receiver said that it is gone (410); told through the other channels",
    unit: "count",
    compare: "atLeast",
    threshold: () => 1,
    severity: "high",
    frequency: "immediate",
    forSeconds: 0,
    keepSeconds: 0,
  }),
};

export function isAlertKind(name: string): name is AlertKindName {
  return (ALERT_KIND_NAMES as readonly string[]).includes(name);
}

export function breaches(compare: Compare, value: number, threshold: number): boolean {
  switch (compare) {
    case "above":
      return value > threshold;
    case "atLeast":
      return value >= threshold;
    case "below":
      return value < threshold;
    case "atMost":
      return value <= threshold;
  }
}

/** Is `a` further over the threshold than `b`? */
export function isFurther(compare: Compare): (a: number, b: number) => boolean {
  return compare === "above" || compare === "atLeast" ? (a, b) => a > b : (a, b) => a < b;
}
