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
  data = mkdtempSync(join(tmpdir(), "batchyard-bulk-page-"));
  served = await serve(data);
  for (let i = 0; i < 14; i += 1)
    await served.client.create({ operation: "outside", name: `Wait ${i}`, total_items: 2, options: { executor: "external" } });
  await served.client.create({ operation: "outside", name: "Other", total_items: 2, options: { executor: "external" } });
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

const byStatus = async () => (await served.client.stats()).byStatus;

it("pauses all that match but one, on the server, and cancels more than ten only by their number", async () => {
  const { page } = await signedIn(browser, served, { theme: "light", width: 1440 });
  await page.goto("/batches?q=Wait");
  await page.getByRole("button", { name: "Select all 14" }).click();
  await page.getByLabel("Select Wait 3").uncheck();
  await page.getByText("13 selected").waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Pause: 13 batches" }).click();
  const tray = page.getByRole("region", { name: "Acts on many batches" });
  await tray.getByText("Finished: 13 done.").waitFor();
  expect(await byStatus()).toMatchObject({ paused: 13, pending: 2 });
  await tray.getByRole("button", { name: "Put away" }).click();

  await page.getByRole("button", { name: "Select all 14" }).click();
  await page.getByRole("button", { name: "Cancel batches" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel" });
  const confirm = dialog.getByRole("button", { name: "Cancel: 14 batches" });
  await confirm.waitFor();
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel("Type 14 to confirm").fill("14");
  await confirm.click();
  await tray.getByRole("button", { name: "Undo" }).click();
  await tray.getByText("Undone: nothing was changed.").waitFor();
  expect(await byStatus()).toMatchObject({ paused: 13, pending: 2 });
});

it("an operator does it from the page; a viewer is not asked", async () => {
  const as = async (role: "operator" | "viewer") => {
    const { secret } = await served.client.keys.create({ name: role, role });
    const context = await browser.newContext({ baseURL: served.url });
    const page = await context.newPage();
    await page.goto("/signin");
    await page.locator("input[name=key]").fill(secret);
    await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.locator("main button").click()]);
    await page.goto("/batches?q=Other");
    await page.getByRole("table", { name: "Batches" }).getByText("Other").waitFor();
    return page;
  };
  const reader = await as("viewer");
  expect(await reader.getByRole("button", { name: /^Select all/ }).count()).toBe(0);
  await reader.context().close();
  const worker = await as("operator");
  await worker.getByRole("button", { name: "Select all 1" }).click();
  await worker.getByRole("button", { name: "Cancel batches" }).click();
  await worker.getByRole("button", { name: "Cancel: 1 batch" }).click();
  await worker.getByRole("status").getByText("Cancel: 1 batch").waitFor();
  const { batches } = await served.client.history({ name: "Other" });
  expect(batches[0]!.status).toBe("cancelled");
  await finished(served.client, batches[0]!.id);
  await worker.context().close();
});

it("says which part of a search excludes everything, and refuses what has no index", async () => {
  const { page } = await signedIn(browser, served, { theme: "dark", width: 1440 });
  await page.goto("/batches?q=Wait+op:nothing");
  await page.getByText("No batch matches").waitFor();
  const drop = page.getByRole("listitem").filter({ hasText: "Drop op:nothing" });
  await drop.getByText("14 batches would match").waitFor();
  await drop.getByRole("link").click();
  await page.getByRole("button", { name: "Select all 14" }).waitFor();
  expect(new URL(page.url()).search).toBe("?q=Wait");
  await page.goto("/batches?q=items>100");
  await page.getByText("items>100: sizes are not searched").waitFor();
  await page.goto("/batches?q=error:never");
  await page.getByText("No batch matches").waitFor();
  await page.context().close();
});
