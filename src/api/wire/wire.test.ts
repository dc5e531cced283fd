import { describe, expect, it } from "vitest";
import type { BatchRow } from "../../model/batch.ts";
import { BatchStats } from "../../model/stats/batch-stats.ts";
import type { ErrorGroup } from "../../store/port.ts";
import * as contract from "../contract/results.ts";
import { batch as batchSchema } from "../contract/batch.ts";
import { asCreated, progressOf, wireBatch } from "./batch.ts";
import { summaryOf } from "./summary.ts";
import { visualizationOf } from "./visualization.ts";

const START = Date.UTC(2026, 0, 1);

function row(changes: Partial<BatchRow> = {}): BatchRow {
  return {
    id: "batch_1767225600000_abcdefghi",
    tenant: "default",
    operation: "annotate",
    status: "completed",
    epoch: 1,
    name: null,
    description: null,
    priority: 1,
    filters: {},
    options: {},
    input: null,
    metadata: null,
    executor: "handler",
    stream: null,
    streamKey: null,
    closeReason: null,
    dependsOn: [],
    replayOf: null,
    tags: [],
    warnings: [],
    totalItems: 100,
    succeeded: 98,
    failed: 2,
    cancelled: 0,
    expired: 0,
    running: 0,
    retried: 0,
    late: 0,
    leasedChunks: 0,
    openChunks: 0,
    cost: 1_500_000_000,
    standard: 0,
    saved: 0,
    error: null,
    createdAt: START,
    startedAt: START,
    completedAt: START + 120_000,
    deadlineAt: null,
    trace: null,
    ...changes,
  };
}

function group(error: string): ErrorGroup {
  return {
    fingerprint: error,
    error,
    code: "timeout",
    category: "transient",
    count: 1,
    firstSeen: START,
    lastSeen: START,
    examples: ["k"],
  };
}

/** The worked example of the contract. */
function example(): BatchStats {
  const stats = new BatchStats();
  for (let i = 0; i < 100; i++) stats.addDuration(i % 2 === 0 ? 1_080 : 1_280);
  for (let i = 0; i < 85; i++) stats.addScore(i === 0 ? 1 : 0.9);
  for (let i = 0; i < 13; i++) stats.addScore(i === 0 ? 0.8 : 0.7);
  stats.timeline.add(START, 48, 2);
  stats.timeline.add(START + 60_000, 50, 0);
  return stats;
}

describe("summary and visualization", () => {
  const view = { batch: row(), stats: example(), itemsPerSecond: null, etaAt: null };

  it("gives the figures of the worked example", () => {
    const viz = visualizationOf(view, [group("Timeout"), group("Invalid response")], START + 500_000);
    expect(viz.overview).toMatchObject({ total: 100, successful: 98, failed: 2, pending: 0, successRate: 0.98, averageDuration: 1_180 });
    expect(viz.errorDistribution.map(({ error, count, percentage }) => [error, count, percentage])).toEqual([
      ["Timeout", 1, 50],
      ["Invalid response", 1, 50],
    ]);
    expect(viz.qualityDistribution.map(({ range, count, percentage }) => [range, count, percentage])).toEqual([
      ["0.8-1.0", 85, 86.73],
      ["0.6-0.8", 13, 13.27],
    ]);
    expect(viz.performanceMetrics.totalDuration).toBe(118_000);
    expect(viz.performanceMetrics).toMatchObject({ min: 1_080, max: 1_280 });
    expect(viz.timeline).toEqual([
      { timestamp: "2026-01-01T00:00:00.000Z", successful: 48, failed: 2, pending: 50, progress: 50 },
      { timestamp: "2026-01-01T00:01:00.000Z", successful: 98, failed: 2, pending: 0, progress: 100 },
    ]);
    const summary = summaryOf(view.batch, view.stats, START);
    expect(summary.performanceMetrics).toEqual({
      averageDuration: 1_180,
      totalDuration: 118_000,
      requestsPerMinute: 50.85,
      wallClockItemsPerMinute: 50,
    });
    expect(contract.visualization.parse(viz)).toEqual(viz);
    expect(contract.summary.parse(summary)).toEqual(summary);
  });

  it("invents nothing for a batch without results", () => {
    const empty = {
      ...view,
      batch: row({ succeeded: 0, failed: 0, status: "pending", startedAt: null, completedAt: null }),
      stats: new BatchStats(),
    };
    const viz = visualizationOf(empty, [], START);
    expect(viz).toMatchObject({ timeline: [], errorDistribution: [], qualityDistribution: [], overview: { successRate: 0, pending: 100 } });
    expect(viz.performanceMetrics).toMatchObject({ averageDuration: 0, p50Duration: null, min: null, max: null, throughput: 0 });
    expect(viz.operationMetrics.estimatedTimeRemaining).toBeNull();
    expect(summaryOf(empty.batch, empty.stats, START)).toMatchObject({
      total: 0,
      qualityScore: null,
      performanceMetrics: { requestsPerMinute: 0 },
    });
  });
});

describe("the wire batch", () => {
  it("is the contract's, in dollars, names and ISO times", () => {
    const wire = wireBatch(row({ priority: 3 }), { itemsPerSecond: 12.34567, etaAt: START });
    expect(batchSchema.parse(wire)).toEqual(wire);
    expect(wire).toMatchObject({
      priority: "critical",
      cost: 1.5,
      processed_items: 100,
      created_at: "2026-01-01T00:00:00.000Z",
      items_per_second: 12.346,
      progress: 100,
    });
  });

  it("shows 100 only when final, and an empty batch as 100", () => {
    expect(progressOf(row({ status: "running", succeeded: 99, failed: 0 }))).toBe(99);
    expect(progressOf(row({ status: "running", succeeded: 100, failed: 0 }))).toBe(99);
    expect(progressOf(row({ status: "running", totalItems: 3, succeeded: 1, failed: 1 }))).toBe(66);
    expect(progressOf(row({ status: "completed", totalItems: 0, succeeded: 0, failed: 0 }))).toBe(100);
    expect(progressOf(row({ status: "pending", totalItems: 0, succeeded: 0, failed: 0 }))).toBe(0);
  });

  it("is announced as it was created", () => {
    expect(wireBatch(asCreated(row()))).toMatchObject({
      status: "pending",
      progress: 0,
      processed_items: 0,
      started_at: null,
      completed_at: null,
      total_items: 100,
    });
  });
});
