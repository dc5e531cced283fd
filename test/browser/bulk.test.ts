import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn, withTimeToUndo } from "../support/browser.ts";
import { serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-bulk-page-"));
  served = await serve(data);
  for (let i = 0; i < 14; i += 1)
    await served.client.create({ operation: "outside", name: `Wait ${i}`, total_items: i + 1, options: { executor: "external" } });
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
  await page.getByText("14 selected").waitFor();
  await page.getByLabel("Select Wait 3").uncheck();
  await page.getByText("13 selected").waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Pause: 13 batches" }).click();
  const tray = page.getByRole("region", { name: "Acts on many batches" });
  await tray.getByText("Finished: 13 done.").waitFor();
  expect(await byStatus()).toMatchObject({ paused: 13, pending: 2 });
  await tray.getByRole("button", { name: "Put away" }).click();

  const undoSeconds = await withTimeToUndo(page);
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
  expect(undoSeconds).toEqual([10]);
  expect(await byStatus()).toMatchObject({ paused: 13, pending: 2 });
  await tray.getByRole("button", { name: "Put away" }).click();

  const doomed = await served.client.create({ operation: "outside", name: "Doomed", total_items: 3, options: { executor: "external" } });
  await page.goto("/batches?q=Doomed");
  await page.getByRole("button", { name: "Select all 1" }).click();
  await page.getByRole("button", { name: "Close now" }).click();
  const closing = page.getByRole("dialog", { name: "Close now" });
  await closing.getByText("It is done to 1 batch").waitFor();
  expect(await closing.getByRole("button", { name: "Close now: 1 batch" }).isDisabled()).toBe(true);
  await closing.getByLabel("Why").fill("Nobody waits for it");
  await closing.getByRole("button", { name: "Close now: 1 batch" }).click();
  await tray.getByText("Finished: 1 done.").waitFor();
  expect(await served.client.get(doomed.id)).toMatchObject({
    status: "failed",
    failed_items: 3,
    error: expect.stringContaining("Nobody waits for it") as string,
  });
});

it("an operator does the same, with the same time to undo it; a viewer may look and export", async () => {
  const as = async (role: "operator" | "viewer") => {
    const { secret } = await served.client.keys.create({ name: role, role });
    const context = await browser.newContext({ baseURL: served.url });
    const page = await context.newPage();
    await page.goto("/signin");
    await page.locator("input[name=key]").fill(secret);
    await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.locator("main button").click()]);
    await page.goto("/batches?q=Other");
    await page.getByRole("table", { name: "Batches" }).getByText("Other").waitFor();
    await page.getByRole("button", { name: "Select all 1" }).click();
    await page.getByText("1 selected").waitFor();
    return page;
  };
  const reader = await as("viewer");
  expect(await reader.getByRole("button", { name: /Retry|Pause|Resume|Cancel/ }).count()).toBe(0);
  const download = reader.waitForEvent("download");
  await reader.getByLabel("Export").selectOption("csv");
  expect((await readFile(await (await download).path(), "utf8")).split("\r\n")[1]).toContain("Other,outside,pending");
  await reader.context().close();
  const worker = await as("operator");
  const undoSeconds = await withTimeToUndo(worker);
  await worker.getByRole("button", { name: "Cancel batches" }).click();
  await worker.getByRole("button", { name: "Cancel: 1 batch" }).click();
  const tray = worker.getByRole("region", { name: "Acts on many batches" });
  // What runs stands there after a reload too.
  await tray.getByRole("button", { name: "Undo" }).waitFor();
  await worker.reload();
  await tray.getByRole("button", { name: "Undo" }).click();
  await tray.getByText("Undone: nothing was changed.").waitFor();
  expect(undoSeconds).toEqual([10]);
  expect((await served.client.history({ name: "Other" })).batches[0]!.status).toBe("pending");
  await worker.context().close();
});

it("sorts, chooses columns, selects a range and takes in what is new, all by the keyboard; the address says it", async () => {
  const { page } = await signedIn(browser, served, { theme: "light", width: 1440 });
  await page.goto("/batches?q=Wait");
  const table = page.getByRole("table", { name: "Batches" });
  const names = () => table.getByRole("link").allInnerTexts();
  await table.getByText("Wait 13").waitFor();
  await page.keyboard.press("v");
  const view = page.getByRole("dialog", { name: "Order and columns" });
  await view.getByRole("checkbox", { name: "Items" }).check();
  await view.getByRole("checkbox", { name: "Priority" }).uncheck();
  await view.getByRole("button", { name: "Done" }).press("Enter");
  expect(new URL(page.url()).searchParams.get("columns")).toBe("state,progress,items,failed,created");
  const head = table.getByRole("columnheader", { name: "Items" });
  await head.getByRole("button").press("Enter");
  await page.getByText("14 batches, by items, most first").waitFor();
  await expect.poll(async () => [await head.getAttribute("aria-sort"), (await names())[0]]).toEqual(["descending", "Wait 13"]);
  await head.getByRole("button").press("Enter");
  await page.getByText("14 batches, by items, fewest first").waitFor();
  await expect.poll(names).toEqual(Array.from({ length: 14 }, (_, i) => `Wait ${i}`));
  await page.reload();
  await page.getByText("14 batches, by items, fewest first").waitFor();
  expect(await head.getAttribute("aria-sort")).toBe("ascending");

  for (const key of ["j", "j", "x", "j", "j", "X"]) await page.keyboard.press(key);
  await page.getByText("3 selected").waitFor();
  expect(await Promise.all([1, 3, 4].map((i) => page.getByLabel(`Select Wait ${i}`, { exact: true }).isChecked()))).toEqual([
    true,
    true,
    false,
  ]);
  const download = page.waitForEvent("download");
  await page.getByLabel("Export").selectOption("jsonl");
  const lines = (await readFile(await (await download).path(), "utf8")).trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(["Wait 1", "Wait 2", "Wait 3"]);
  await page.keyboard.press("Escape");
  await page.getByText("3 selected").waitFor({ state: "detached" });

  await served.client.create({ operation: "outside", name: "Somebody else's", total_items: 1, options: { executor: "external" } });
  const late = await served.client.create({
    operation: "outside",
    name: "Wait for it",
    total_items: 100,
    options: { executor: "external" },
  });
  await page.getByRole("button", { name: "1 new" }).waitFor();
  expect(await names()).not.toContain("Wait for it");
  await page.keyboard.press("u");
  await table.getByText("Wait for it").waitFor();
  await page.getByRole("button", { name: "1 new" }).waitFor({ state: "detached" });
  // The row it stands on is the same after rows came in.
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  // Its own name: the address changes while the list is still shown.
  await page.getByRole("heading", { level: 1, name: "Wait 2" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("15 batches, by items, fewest first").waitFor();
  // The columns were remembered.
  await page.goto("/batches");
  await table.getByRole("columnheader", { name: "Items" }).waitFor();
  await served.client.cancel(late.id);
  await page.context().close();
});

it("says which part of a search excludes everything", async () => {
  const { page } = await signedIn(browser, served, { theme: "dark", width: 1440 });
  await page.goto("/batches?q=Wait+op:nothing");
  await page.getByText("No batch matches").waitFor();
  const drop = page.getByRole("listitem").filter({ hasText: "Drop op:nothing" });
  await drop.getByText("15 batches would match").waitFor();
  await drop.getByRole("link").click();
  await page.getByRole("button", { name: "Select all 15" }).waitFor();
  expect(new URL(page.url()).search).toBe("?q=Wait");
  await page.goto("/batches?q=Wait+items>100");
  await page.getByText("No batch matches").waitFor();
  await page.goto("/batches?q=Wait+items>11&sort=items");
  await page.getByText("4 batches, by items, most first").waitFor();
  await page.goto("/batches?q=error:never");
  await page.getByText("No batch matches").waitFor();
  await page.context().close();
});
