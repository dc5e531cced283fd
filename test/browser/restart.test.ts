import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { finished, serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-restart-"));
  served = await serve(data);
  browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

it("the server is killed and comes back: the page keeps what it showed, says how old it is, and ends at the right numbers by itself", async () => {
  const items = Array.from({ length: 120 }, (_, n) => ({ id: `n${n}`, n }));
  const steady = { operation: "steady", name: "Outlives its server", options: { workMs: 200, batchSize: 5, concurrency: 2 } };
  const { page } = await signedIn(browser, served, { theme: "light", width: 1440 });
  const batch = await served.client.create(steady, items);
  await page.goto(`/batches/${batch.id}`);
  await page.getByTestId("live").getByText("Live").waitFor();
  await page.getByRole("heading", { name: "Outlives its server" }).waitFor();
  await page.getByText(/\d succeeded/).waitFor();
  for await (const { processed } of served.client.watch(batch.id)) if ((processed ?? 0) >= 10) break;

  await served.child.end("SIGKILL");
  await page.getByTestId("live").getByText("Reconnecting").waitFor();
  await page.getByText(/This is how it was \d+ s ago/).waitFor();
  await page.getByRole("heading", { name: "Outlives its server" }).waitFor();
  expect(await page.getByText(/\d succeeded/).count()).toBe(1);

  served = await serve(data, { port: Number(new URL(served.url).port) });
  await page.getByTestId("live").getByText("Live").waitFor({ timeout: 45_000 });
  await page.getByText("This is how it was").waitFor({ state: "detached" });
  await finished(served.client, batch.id);
  const ended = await served.client.get(batch.id);
  expect(ended.processed_items).toBe(items.length);
  await page.getByText("100 %", { exact: true }).first().waitFor();
  await page.getByText(`${ended.succeeded_items} succeeded`).waitFor();
  await page.getByText(`${ended.failed_items} failed`).first().waitFor();
}, 120_000);

it("reload and back show the same list as before, with its filters", async () => {
  const { page } = await signedIn(browser, served, { theme: "dark", width: 1440 });
  await page.goto("/batches?q=op:steady");
  await page.getByRole("table", { name: "Batches" }).getByText("Outlives its server").waitFor();
  await page
    .getByRole("navigation", { name: "States" })
    .getByRole("link", { name: /^Failed/ })
    .click();
  await page.getByText("No batch matches").waitFor();
  await page.reload();
  await page.getByText("No batch matches").waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "Outlives its server" }).click();
  await page.getByRole("heading", { name: "Outlives its server", level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole("table", { name: "Batches" }).getByText("Outlives its server").waitFor();
  expect(await page.getByLabel("Search batches").inputValue()).toBe("op:steady");
  await page.goForward();
  await page.getByRole("heading", { name: "Outlives its server", level: 1 }).waitFor();
});
