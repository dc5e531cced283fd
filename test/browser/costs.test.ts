import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Costs } from "../../src/client/index.ts";
import { built, launch, signedIn } from "../support/browser.ts";
import { startPeer } from "../support/openai-peer/peer.ts";
import { sampleBudgets, sampleCosts } from "../support/samples/sample-costs.ts";
import { serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-costs-"));
  await sampleCosts(data);
  served = await serve(data);
  await sampleBudgets(served.client);
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

/** Money as the API has it, to the last digit. */
const dollars = (value: number): string => `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 9 })}`;
/** As a table writes it; to the last digit it stands in the cell's title. */
const cents = (value: number): string => `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
/** The text of every cell of a table, row by row. As text, because it runs in the browser. */
const cellsOf = (table: string): string =>
  `[...document.querySelectorAll(${JSON.stringify(`${table} tbody tr`)})].map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.innerText.trim()))`;
/** What stands behind each key figure, to the last digit. As text, because it runs in the browser. */
const TITLES = `[...document.querySelectorAll('[aria-label="30 days"] dd[title]')].map((cell) => cell.title)`;
const GROUPS = '[aria-label^="Costs by"]';

const lastMonth = (groupBy: "day" | "model" | "operation"): Promise<Costs> =>
  served.client.costs({ groupBy, from: new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10) });

it("says the ledger's numbers to the last digit: figures, groups and days", async () => {
  await page.goto("/costs");
  const { totals, groups, month } = await lastMonth("model");
  const figures = page.getByLabel("30 days", { exact: true });
  await figures.getByText("Paid", { exact: true }).waitFor();
  const titles = async (): Promise<string[]> => page.evaluate<string[]>(TITLES);
  await expect
    .poll(async () => (await titles()).slice(0, 4))
    .toEqual([totals.paid, totals.standard, totals.saved, month.paid].map(dollars));
  // What the month comes to moves with the clock: it is looked at to the cent.
  expect(Number((await titles())[4]?.replace(/[$,]/g, ""))).toBeCloseTo(month.projected.paid, 1);
  await page.getByText(`${totals.savingsPercentage.toFixed(1)} % less`).waitFor();
  await page.getByRole("region", { name: "What it was spent on" }).getByRole("table").waitFor();
  const rows = await page.evaluate<string[][]>(cellsOf(GROUPS));
  expect(rows.map(([name, , , , standard, paid, saved, share]) => [name, standard, paid, saved, share])).toEqual(
    groups.map((group) => [
      group.key,
      cents(group.standard),
      cents(group.paid),
      cents(group.saved),
      `${group.savingsPercentage.toFixed(1)} %`,
    ]),
  );
  const exact = `[...document.querySelectorAll('${GROUPS} td[title^="$"]')].map((cell) => cell.title)`;
  expect(await page.evaluate<string[]>(exact)).toEqual(groups.flatMap(({ standard, paid, saved }) => [standard, paid, saved].map(dollars)));
  expect(groups.some(({ unpriced }) => unpriced > 0)).toBe(true);

  await page.getByRole("button", { name: "Table", exact: true }).click();
  await page.getByRole("table", { name: "Paid and saved by day" }).waitFor();
  const days = await page.evaluate<string[][]>(cellsOf("figure"));
  const booked = new Map((await lastMonth("day")).groups.map((group) => [group.key, group]));
  const keys = Array.from({ length: 30 }, (_, n) => new Date(Date.now() - (29 - n) * 86_400_000).toISOString().slice(0, 10));
  expect(days.map(([, paid, saved]) => [paid, saved])).toEqual(
    keys.map((key) => [dollars(booked.get(key)?.paid ?? 0), dollars(booked.get(key)?.saved ?? 0)]),
  );
  expect(booked.size).toBeLessThan(30);
});

it("is grouped and ranged by the address", async () => {
  await page.goto("/costs");
  await page.getByRole("link", { name: "Operation", exact: true }).click();
  await page.getByRole("link", { name: "7 days" }).click();
  await page.waitForURL((url) => url.search === "?by=operation&range=7d");
  await page.reload();
  const week = await served.client.costs({ groupBy: "operation", from: new Date(Date.now() - 6 * 86_400_000).toISOString().slice(0, 10) });
  await page
    .getByLabel("7 days", { exact: true })
    .locator(`dd[title="${dollars(week.totals.paid)}"]`)
    .waitFor();
  await expect
    .poll(async () => (await page.evaluate<string[][]>(cellsOf(GROUPS))).map(([name]) => name))
    .toEqual(week.groups.map(({ key }) => key));
});

it("shows how much of each budget is used", async () => {
  await page.goto("/costs");
  const row = page.getByRole("row", { name: /Winter catalogue/ });
  await row.getByText("$4.00").waitFor();
  const { batches } = await served.client.request<{ batches: { name: string; cost: number }[] }>("/api/batch/active");
  expect(batches.find(({ name }) => name === "Winter catalogue")?.cost).toBeGreaterThan(0);
  await expect.poll(async () => Number((await row.getByRole("cell").nth(1).textContent())?.slice(1))).toBeGreaterThan(0);
});

it("shows how much of a provider's limits is in use", async () => {
  const directory = mkdtempSync(join(tmpdir(), "batchyard-quotas-"));
  // It never moves a batch on: what was sent stays enqueued.
  const peer = await startPeer();
  const config = join(import.meta.dirname, "../support/programs/limited-provider.config.ts");
  const other = await serve(directory, { config, env: { PEER_URL: peer.baseURL } });
  const items = [1, 2, 3].map((n) => ({ id: `${n}`, text: `Text number ${n} that somebody wrote` }));
  const options = { model: "gpt-4o-mini", prompt: "Describe {{text}}" };
  await other.client.create({ operation: "annotate", options: { ...options, provider: "openai-batch" } }, items);
  await peer.seen("batches.create");
  const online = await other.client.create({ operation: "annotate", options: { ...options, provider: "openai", retryAttempts: 0 } }, items);
  for await (const progress of other.client.watch(online.id)) void progress;
  const { page: fresh } = await signedIn(browser, other, { theme: "light", width: 1440 });
  await fresh.goto("/costs");
  const section = fresh.getByRole("region", { name: "Limits of providers" });
  await section.getByText("Enqueued tokens of gpt-4o-mini").waitFor();
  const { providers } = await other.client.request<{ providers: Limits }>("/api/system/resources");
  const [enqueued] = providers.enqueued_tokens;
  expect(enqueued).toMatchObject({ provider: "openai", model: "gpt-4o-mini", limit: 2_000 });
  const row = section.getByRole("row", { name: /Enqueued tokens/ });
  await expect
    .poll(() => row.getByRole("cell").allTextContents())
    .toEqual(["Enqueued tokens of gpt-4o-mini", String(enqueued?.tokens), "2,000", expect.stringMatching(/^\d+\.\d %$/), ""]);
  expect(enqueued?.tokens).toBeGreaterThan(10);
  await section
    .getByRole("row", { name: /Requests in the last minute/ })
    .getByText("50", { exact: true })
    .waitFor();
  await fresh.context().close();
  await other.child.end("SIGTERM");
  await peer.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Limits {
  enqueued_tokens: { provider: string; model: string; tokens: number; limit: number | null }[];
}

it("says on an empty ledger how savings come about, with the command to try", async () => {
  const empty = mkdtempSync(join(tmpdir(), "batchyard-no-costs-"));
  const other = await serve(empty);
  const { page: fresh } = await signedIn(browser, other, { theme: "dark", width: 390 });
  await fresh.goto("/costs");
  await fresh.getByText("No request to a model was booked").waitFor();
  await fresh.getByText(`${other.url}/api/batch/create`).waitFor();
  await fresh.getByText("No batch that waits or runs has one").waitFor();
  const { violations } = await new AxeBuilder({ page: fresh }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await fresh.context().close();
  await other.child.end("SIGTERM");
  rmSync(empty, { recursive: true, force: true });
});
