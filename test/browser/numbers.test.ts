import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page, Response } from "playwright-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { duration } from "../../dashboard/src/figures/duration.ts";
import { compact, count, percent } from "../../dashboard/src/figures/number.ts";
import type { Batch, BatchItemResult, ErrorGroup, Visualization } from "../../src/client/index.ts";
import { built, launch, signedIn } from "../support/browser.ts";
import { finished, serve, type Served } from "../support/served.ts";

/** The page says what the API says, and the API says what is counted in the results as they are stored. */

let data: string;
let served: Served;
let browser: Browser;
let page: Page;
const ids: string[] = [];

const schema = { type: "object", required: ["name"], properties: { price: { type: "number", minimum: 0 } } };
const product = (i: number) => ({ id: `p${i}`, name: `thing ${i}`, price: i % 9 === 4 ? -1 : i % 23 === 7 ? "on request" : i });

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-numbers-"));
  served = await serve(data);
  for (const items of [137, 4, 61, 800]) {
    const products = Array.from({ length: items }, (_, i) => product(i));
    const { id } = await served.client.create({ operation: "validate", name: `Of ${items}`, options: { schema, batchSize: 30 } }, products);
    await finished(served.client, id);
    ids.push(id);
  }
  const { id } = await served.client.create({ operation: "validate", name: "All wrong", options: { schema } }, [{ id: "1" }, { id: "2" }]);
  await finished(served.client, id);
  ids.push(id);
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

/** Every stored result of a batch. */
async function resultsOf(id: string): Promise<BatchItemResult[]> {
  const answer = await served.send(`/api/batch/${id}/results`, { headers: { accept: "application/x-ndjson" } });
  const lines = (await answer.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as BatchItemResult);
}

/** Label → value of a row of key figures. */
async function figures(row: Locator): Promise<Record<string, string>> {
  const labels = await row.locator("dt").allInnerTexts();
  const values = await row.locator("dt + dd").allInnerTexts();
  return Object.fromEntries(labels.map((label, i) => [label, values[i]!]));
}

async function rowsOf(table: Locator): Promise<string[][]> {
  const rows: string[][] = [];
  for (const row of await table.locator("tbody tr:not([aria-hidden])").all()) rows.push(await row.locator("th, td").allInnerTexts());
  return rows;
}

it("a batch: progress, figures, errors and quality", async () => {
  const id = ids[3]!;
  await page.goto(`/batches/${id}`);
  await page.getByRole("heading", { name: "Quality" }).waitFor();
  await page.getByRole("heading", { name: "Errors" }).waitFor();
  const results = await resultsOf(id);
  const failed = results.filter((result) => !result.success);
  const batch: Batch = await served.client.get(id);
  const viz: Visualization = await served.client.viz(id);
  const groups: ErrorGroup[] = await served.client.errors(id);

  // The API against the results.
  expect([batch.total_items, batch.processed_items, batch.failed_items]).toEqual([800, results.length, failed.length]);
  expect(viz.overview).toMatchObject({ total: 800, successful: results.length - failed.length, failed: failed.length });
  expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(failed.length);
  for (const group of groups) {
    const members = failed.filter((result) => result.errorCode === group.code && result.error === group.error);
    expect(group.count).toBe(members.length);
  }
  for (const range of viz.qualityDistribution) {
    const [low = 0, high = 0] = range.range.split("-").map(Number);
    const scores = results
      .map((result) => result.qualityScore ?? -1)
      .filter((score) => score <= high && (score > low || (low === 0 && score === 0)));
    expect([range.count, range.averageScore]).toEqual([scores.length, expect.closeTo(scores.length === 0 ? 0 : mean(scores), 4)]);
  }

  // The page against the API.
  const way = await page.getByRole("list", { name: "Way of the batch" }).innerText();
  const ran = duration(Date.parse(batch.completed_at!) - Date.parse(batch.started_at!));
  expect(way.split(/\s*\n\s*/)).toEqual(expect.arrayContaining(["Created", "Waited", "Ran", ran, "Ended", batch.status]) as string[]);
  const progress = page.getByRole("region", { name: "Progress" });
  await progress.getByText(`${count(batch.processed_items)} of ${count(batch.total_items)} items`).waitFor();
  await expect
    .poll(() => progress.getByRole("listitem").allInnerTexts())
    .toEqual([`${count(batch.succeeded_items)} succeeded`, `${count(batch.failed_items)} failed`]);
  await expect
    .poll(() => figures(page.getByLabel("Figures")))
    .toMatchObject({
      Success: percent(viz.overview.successRate),
      "Item, p50": duration(viz.performanceMetrics.p50Duration!),
      "Item, p95": duration(viz.performanceMetrics.p95Duration!),
    });
  const errors = page.getByRole("region", { name: "Errors" }).getByRole("table");
  await expect
    .poll(async () => (await rowsOf(errors)).map((cells) => cells.slice(1, 3)))
    .toEqual(groups.map((group) => [count(group.count), `${group.percentage.toFixed(1)} %`]));
  const quality = page.getByRole("region", { name: "Quality" }).getByRole("table");
  await expect
    .poll(async () => (await rowsOf(quality)).map(([range, , ...rest]) => [range, ...rest]))
    .toEqual(
      viz.qualityDistribution.map((range) => [
        range.range.replace("-", " – "),
        count(range.count),
        `${range.percentage.toFixed(1)} %`,
        range.averageScore.toFixed(2),
      ]),
    );
});

it("the list: counts of the states and of every row", async () => {
  await page.goto("/batches");
  const table = page.getByRole("table", { name: "Batches" });
  await table.getByText("All wrong").waitFor();
  const tabs = page.getByRole("navigation", { name: "States" }).getByRole("link");
  await expect
    .poll(async () => (await tabs.allInnerTexts()).map((tab) => tab.replace(/\s+/g, " ")).filter((tab) => !tab.endsWith(" 0")))
    .toEqual(["All 5", "Completed 4", "Failed 1"]);
  await expect.poll(() => rowsOf(table)).toHaveLength(ids.length);
  const shown = await rowsOf(table);
  for (const [i, id] of ids.toReversed().entries()) {
    const results = await resultsOf(id);
    const failed = results.filter((result) => !result.success).length;
    expect(await served.client.get(id)).toMatchObject({ processed_items: results.length, failed_items: failed });
    const text = shown[i]!.join(" ").replace(/\s+/g, " ");
    expect(text).toContain(`100 % ${count(results.length)} / ${count(results.length)}`);
    expect(text).toContain(` ${count(failed)} normal`);
  }
});

it("the overview: its tiles and the figures of the last hour", async () => {
  // Windows that move: what the page shows is held against the answers it got last.
  let overview: OverviewTold | null = null;
  let monitoring: MonitoringTold | null = null;
  let firing: number | null = null;
  const hear = async (answer: Response): Promise<void> => {
    if (answer.url().endsWith("/api/system/overview")) overview = (await answer.json()) as OverviewTold;
    if (answer.url().endsWith("/api/system/alerts")) firing = ((await answer.json()) as { alerts: { firing: number } }).alerts.firing;
    if (answer.url().includes("/api/admin/batch-monitoring?")) monitoring = ((await answer.json()) as { data: MonitoringTold }).data;
  };
  const onAnswer = (answer: Response): void => void hear(answer);
  page.on("response", onAnswer);
  await page.goto("/?range=1h");
  await page.getByRole("heading", { name: "Last hour" }).waitFor();
  const all = (await Promise.all(ids.map(resultsOf))).flat();
  const failed = all.filter((result) => !result.success).length;
  const statuses = await Promise.all(ids.map(async (id) => (await served.client.get(id)).status));

  // The page against the API.
  const hour = page.getByLabel("Last hour", { exact: true }).locator("visible=true").last();
  const tiles = page.getByLabel("Last 15 minutes").locator("dt + dd");
  const saysWhatItWasTold = async (): Promise<void> => {
    expect(await figures(hour)).toMatchObject({
      Batches: compact(monitoring!.summary["totalJobs"]!),
      Items: compact(monitoring!.summary["totalRequests"]!),
      Success: `${monitoring!.summary["successRate"]!.toFixed(1)} %`,
      "Mean run time": duration(monitoring!.summary["averageProcessingTime"]!),
      "Items an hour": compact(all.length),
    });
    const titles = await Promise.all((await tiles.all()).map((tile) => tile.getAttribute("title")));
    const values = overview!.tiles.map(({ value }) => (value === null ? null : String(value)));
    expect(titles.slice(0, values.length)).toEqual(values);
    expect(await tiles.nth(values.length).innerText()).toBe(String(firing));
  };
  await vi.waitFor(saysWhatItWasTold, { timeout: 120_000, interval: 200 });
  page.off("response", onAnswer);

  // The API against the results.
  const { summary, performance } = monitoring!;
  expect(summary).toMatchObject({
    totalJobs: ids.length,
    completedJobs: statuses.filter((status) => status === "completed").length,
    failedJobs: statuses.filter((status) => status === "failed").length,
    totalRequests: all.length,
    processedRequests: all.length,
  });
  expect(performance.throughput["requestsPerHour"]).toBe(all.length);
  const tile = (name: string): number | null => overview!.tiles.find((each) => each.name === name)?.value ?? null;
  expect(tile("batches_open")).toBe(0);
  expect(tile("end_to_end_p95")).toBeGreaterThan(0);
  expect(tile("failures")).toBeCloseTo((failed * 100) / all.length, 1);
  // Fourteen whole minutes and what there is of the fifteenth.
  const minutes = all.length / tile("items_done")!;
  expect(minutes).toBeGreaterThanOrEqual(14);
  expect(minutes).toBeLessThanOrEqual(15);
});

interface OverviewTold {
  tiles: { name: string; value: number | null }[];
}
interface MonitoringTold {
  summary: Record<string, number>;
  performance: { throughput: Record<string, number> };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
