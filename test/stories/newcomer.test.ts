import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBatchyard } from "batchyard";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { startServer } from "../../src/server.ts";

const TOKEN = "by_token_of_the_newcomer";

/** The worked example of the contract: 100 items, 98 ok with mean 1180 ms, one `Timeout`, one `Invalid response`. */
interface Report {
  nodeId: string;
  success: boolean;
  result?: unknown;
  error?: string;
  durationMs: number;
  qualityScore?: number;
}
const REPORTS: Report[] = Array.from({ length: 100 }, (_, i) => {
  const nodeId = `node-${i}`;
  if (i === 40) return { nodeId, success: false, error: "Timeout", durationMs: 1180 };
  if (i === 70) return { nodeId, success: false, error: "Invalid response", durationMs: 1180 };
  const nth = i - Number(i > 40) - Number(i > 70);
  return {
    nodeId,
    success: true,
    result: { tags: ["a"] },
    durationMs: 1180 + (nth % 2 === 0 ? -80 : 80),
    qualityScore: nth < 85 ? 0.9 : 0.7,
  };
});

const EXPECTED = {
  visualization: {
    overview: { total: 100, successful: 98, failed: 2, pending: 0, successRate: 0.98, averageDuration: 1180 },
    errorDistribution: [
      { count: 1, percentage: 50 },
      { count: 1, percentage: 50 },
    ],
    qualityDistribution: [
      { range: "0.8-1.0", count: 85, percentage: 86.73, averageScore: 0.9 },
      { range: "0.6-0.8", count: 13, percentage: 13.27, averageScore: 0.7 },
    ],
    performanceMetrics: { averageDuration: 1180, min: 1100, max: 1260, totalDuration: 118_000 },
  },
  summary: {
    total: 100,
    successful: 98,
    failed: 2,
    qualityScore: expect.closeTo((85 * 0.9 + 13 * 0.7) / 98, 4) as number,
    performanceMetrics: { averageDuration: 1180, totalDuration: 118_000, requestsPerMinute: 50.85 },
  },
};

let data: string;
beforeEach(() => (data = mkdtempSync(join(tmpdir(), "batchyard-newcomer-"))));
afterEach(() => rmSync(data, { recursive: true, force: true }));

describe("a newcomer's hundred items", () => {
  it("come out as the contract says, through the library", async () => {
    const yard = await createBatchyard({ data, settings: { LOG_LEVEL: "silent" } });
    const { id } = await yard.createBatch({ operation: "annotate", total_items: 100 });
    for (const { nodeId, success, result, error, durationMs, qualityScore } of REPORTS) {
      expect(await yard.recordResult(id, nodeId, success, result, error, 0, durationMs, qualityScore)).toBe(true);
    }
    expect(await yard.getBatch(id)).toMatchObject({
      status: "completed",
      progress: 100,
      total_items: 100,
      processed_items: 100,
      succeeded_items: 98,
      failed_items: 2,
    });
    const visualization = await yard.getBatchVisualization(id);
    expect(visualization).toMatchObject(EXPECTED.visualization);
    expect(visualization.errorDistribution.map((row) => row.error).toSorted()).toEqual(["Invalid response", "Timeout"]);
    expect(await yard.getSummary(id)).toMatchObject(EXPECTED.summary);
    expect(await yard.getBatchHistory()).toMatchObject([{ id, status: "completed" }]);
    expect(await yard.cancelBatch(id)).toBe(false);
    expect(await yard.cleanupOldBatches(30)).toBe(0);
    await yard.close();
  });

  it("come out the same over HTTP", async () => {
    const config = loadConfig({ BATCHYARD_DATA: data, BATCHYARD_TOKEN: TOKEN, BATCHYARD_PORT: "0", LOG_LEVEL: "silent" });
    const server = await startServer({ config });
    const ask = async (path: string, body?: unknown) => {
      const init =
        body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      const answer = await fetch(server.url + path, { ...init, headers: { ...init.headers, authorization: `Bearer ${TOKEN}` } });
      return { status: answer.status, json: (await answer.json()) as { batch?: { id: string } } };
    };
    try {
      const created = await ask("/api/batch/create", { operation: "annotate", total_items: 100 });
      expect(created.status).toBe(201);
      const { id } = created.json.batch!;
      const first = await ask(`/api/batch/${id}/results`, REPORTS.slice(0, 60));
      expect(first.json).toMatchObject({ success: true, accepted: 60, duplicates: 0 });
      // The same results again count once.
      expect((await ask(`/api/batch/${id}/results`, REPORTS.slice(0, 60))).json).toMatchObject({ accepted: 0, duplicates: 60 });
      expect((await ask(`/api/batch/${id}`)).json).toMatchObject({ batch: { status: "running", progress: 60 } });
      await ask(`/api/batch/${id}/results`, REPORTS.slice(60));
      expect((await ask(`/api/batch/${id}`)).json).toMatchObject({
        batch: { status: "completed", progress: 100, succeeded_items: 98, failed_items: 2 },
      });
      expect((await ask(`/api/batch/${id}/viz`)).json).toMatchObject({ visualization: { batchId: id, ...EXPECTED.visualization } });
      expect((await ask(`/api/batch/${id}/results`)).json).toMatchObject({ batch: { id, summary: EXPECTED.summary } });
      expect((await ask("/api/batch/stats")).json).toMatchObject({ stats: { total: 1, byStatus: { completed: 1 }, completionRate: 1 } });
    } finally {
      await server.stop();
    }
  });
});
