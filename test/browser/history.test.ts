import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { sampleHistory } from "../support/samples/sample-history.ts";
import { serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-history-"));
  await sampleHistory(data, 3);
  served = await serve(data);
  browser = await launch();
  ({ page, complaints } = await signedIn(browser, served, { theme: "light", width: 1440 }));
  complaints.length = 0;
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

interface History {
  current: {
    from: string;
    to: string;
    whole: { value: number; parts: Record<string, number> };
    points: { timestamp: string; value: number | null; parts: Record<string, number> }[];
  };
  promql: string;
}
const history = async (query: string): Promise<History> => (await served.send(`/api/system/history?${query}`)).json() as Promise<History>;
/** A stretch that is over: what is asked twice is answered alike. */
const span = (): { from: string; to: string } => {
  const to = new Date(Math.floor(Date.now() / 300_000) * 300_000 - 300_000);
  return { from: new Date(to.getTime() - 4 * 3_600_000).toISOString(), to: to.toISOString() };
};
/** The text of every cell with a number, row by row. As text, because it runs in the browser. */
const CELLS = `[...document.querySelectorAll("main figure tbody tr")].map((row) => [...row.querySelectorAll("td.number")].map((cell) => cell.textContent))`;

it("says the API's numbers: the figures, every cell of the table, and leaves open what no server recorded", async () => {
  const { from, to } = span();
  const query = `metric=items_total&from=${from}&to=${to}`;
  const { current } = await history(query);
  await page.goto(`/history?${query}`);
  const figures = page.getByLabel("Of the whole time");
  await figures.getByText("Succeeded", { exact: true }).waitFor();
  const titles = async (): Promise<number[]> =>
    Promise.all((await figures.locator("dd[title]").all()).map(async (cell) => Number(await cell.getAttribute("title"))));
  const parts = Object.values(current.whole.parts).toSorted((a, b) => b - a);
  await expect.poll(titles).toEqual([current.whole.value, ...parts]);
  expect(current.whole.value).toBeGreaterThan(1_000);

  await page.getByRole("button", { name: "Table", exact: true }).click();
  await page.getByRole("table", { name: "Items" }).waitFor();
  const cells = await page.evaluate<string[][]>(CELLS);
  expect(cells).toHaveLength(current.points.length);
  const names = await page.getByRole("table", { name: "Items" }).locator("th.number").allTextContents();
  const written = (value: number): string => value.toLocaleString("en");
  expect(cells).toEqual(
    current.points.map(({ value, parts: own }) => names.map((name) => (value === null ? "—" : written(own[name] ?? 0)))),
  );
  expect(current.points.filter(({ value }) => value === null).length).toBeGreaterThan(2);
  expect(complaints).toEqual([]);
});

it("narrows to a source and a part, stands beside the time before, and all of it is in the address", async () => {
  await page.goto("/history?metric=items_total&range=24h");
  await page.getByLabel("Operation").selectOption("enrich");
  await page.getByLabel("Outcome").selectOption("failed");
  await page.getByLabel(/Compare with/).check();
  await page.getByText("failed, before", { exact: true }).waitFor();
  expect(new URL(page.url()).search).toBe("?metric=items_total&range=24h&source=enrich&part=failed&compare=yes");
  // The last day moves: what the page asks for again and again, and what is asked here, are the same sooner or later.
  const failed = async (): Promise<number> => {
    const { current } = await history("metric=items_total&source=enrich&range=24h");
    return page.getByLabel("Of the whole time").locator(`dd[title="${current.whole.parts["failed"]}"]`).count();
  };
  await expect.poll(failed).toBeGreaterThan(0);
  await page.reload();
  await page.getByText("failed, before", { exact: true }).waitFor();
  await page.goBack();
  await page.getByText("failed, before", { exact: true }).waitFor({ state: "detached" });
});

it("a stretch drawn over with the pointer becomes the time of the page, and Back undoes it", async () => {
  await page.goto("/history?metric=batch_run_seconds&range=24h");
  const canvas = page.locator("figure canvas");
  await canvas.waitFor();
  const over = page.locator("figure .u-over");
  const { width } = (await over.boundingBox())!;
  // Where it stands by then: what is loaded later may move it.
  await over.hover({ position: { x: width * 0.5, y: 100 } });
  await page.mouse.down();
  await over.hover({ position: { x: width * 0.6, y: 105 } });
  await over.hover({ position: { x: width * 0.75, y: 110 } });
  await page.mouse.up();
  await page.waitForURL((url) => url.searchParams.has("from"));
  const { searchParams } = new URL(page.url());
  const hours = (Date.parse(searchParams.get("to")!) - Date.parse(searchParams.get("from")!)) / 3_600_000;
  expect(hours).toBeGreaterThan(5.8);
  expect(hours).toBeLessThan(6.2);
  await page.getByRole("button", { name: "Wider" }).click();
  await page.waitForURL(
    (url) => Math.abs(Date.parse(url.searchParams.get("to")!) - Date.parse(url.searchParams.get("from")!)) > 11 * 3_600_000,
  );
  await page.goBack();
  await page.goBack();
  await page.waitForURL((url) => !url.searchParams.has("from"));
});

it("marks changed settings and alerts, and lists them", async () => {
  await page.goto("/history");
  const list = page.getByRole("region", { name: "What happened in this time" });
  await list.getByText("batch.window_seconds 90 → 60").waitFor();
  await list
    .getByText(/highErrorRate/)
    .first()
    .waitFor();
  await list
    .getByText(/Server started, version/)
    .first()
    .waitFor();
  // An alert may fire between two questions.
  const missing = async (): Promise<number> => {
    const { markers } = (await (await served.send("/api/system/markers")).json()) as { markers: unknown[] };
    return Math.min(20, markers.length) - (await list.locator("tbody tr").count());
  };
  await expect.poll(missing).toBe(0);
});

it("goes elsewhere: as CSV, as a picture, as PromQL", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: served.url });
  const { from, to } = span();
  await page.goto(`/history?metric=windows_closed_total&from=${from}&to=${to}`);
  const { current, promql } = await history(`metric=windows_closed_total&from=${from}&to=${to}`);
  const [csv] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  const lines = readFileSync(await csv.path(), "utf8")
    .trim()
    .split("\r\n");
  expect(lines).toHaveLength(1 + current.points.length);
  expect(lines[1]?.split(",")[1]).toBe(current.points[0]?.value === null ? "" : String(current.points[0]?.value));
  const [png] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "PNG" }).click()]);
  expect(png.suggestedFilename()).toBe("windows_closed_total.png");
  const picture = readFileSync(await png.path());
  expect(picture.subarray(1, 4).toString()).toBe("PNG");
  expect(picture.length).toBeGreaterThan(5_000);
  await page.getByRole("button", { name: "Copy PromQL" }).click();
  await page.getByText("PromQL copied").waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe(promql);
});

it("keeps a view under a name", async () => {
  await page.goto("/history?metric=queue_depth&range=7d");
  await page.getByRole("button", { name: "Saved views" }).click();
  await page.getByLabel("Name of this view").fill("My queue");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.goto("/history");
  await page.getByRole("button", { name: "Saved views (1)" }).click();
  await page.getByRole("link", { name: "My queue" }).click();
  await page.getByRole("heading", { name: "Queue depth", level: 1 }).waitFor();
  expect(new URL(page.url()).search).toBe("?metric=queue_depth&range=7d");
  await page.getByRole("button", { name: "Saved views (1)" }).click();
  await page.getByRole("button", { name: "Forget My queue" }).click();
  await page.getByText("None yet.").waitFor();
});
