import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-journey-"));
  served = await serve(data);
  browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

it("a new user: first-run page, upload, dry run, run, errors in groups, retry of one, and the overview came alive by itself", async () => {
  const csv = join(data, "products.csv");
  writeFileSync(csv, "id,name,price\n1,lamp,12\n2,chair,-3\n3,rug,8\n");
  const { page } = await signedIn(browser, served, { theme: "light", width: 1440 });
  const watching = await page.context().newPage();
  await watching.goto("/");
  await watching.getByText("Waiting for the first batch").waitFor();

  await page.getByRole("link", { name: "make one here" }).click();
  await page.getByLabel("Operation").selectOption("validate");
  await page.getByRole("textbox", { name: "schema" }).fill('{"properties":{"price":{"pattern":"^[0-9]"}}}');
  await page.getByLabel("Upload a file").check();
  await page.getByLabel("File with items").setInputFiles(csv);
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByText("3 items in 1 chunk").waitFor();
  await page.getByRole("button", { name: "Create batch" }).click();

  await page.getByRole("heading", { name: "Errors" }).waitFor();
  await page.getByText("100 %", { exact: true }).first().waitFor();
  await page.getByText("2 succeeded").waitFor();
  const group = page.getByRole("row", { name: /price must/ });
  await group.getByRole("button", { name: "Retry" }).click();
  await page.getByRole("status").getByText("1 item runs again").waitFor();
  const [, id = ""] = /batches\/(batch_\w+)/.exec(page.url()) ?? [];
  for await (const progress of served.client.watch(id)) void progress;
  expect(await served.client.get(id)).toMatchObject({ epoch: 2, succeeded_items: 2, failed_items: 1 });

  await watching.getByRole("heading", { name: "Streams" }).waitFor();
}, 60_000);

it("by keyboard alone: the list of keys, a page, a search, the address, and back", async () => {
  await served.client.create({ operation: "steady" }, [{ id: "1", n: 1 }]);
  const { page } = await signedIn(browser, served, { theme: "dark", width: 1440 });
  await page.locator("main h1").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).getByText("Go to Batches").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await page.getByRole("heading", { name: "Batches", level: 1 }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("op:nothing");
  await page.keyboard.press("Enter");
  await page.getByText("No batch matches").waitFor();
  expect(new URL(page.url()).search).toBe("?q=op%3Anothing");
  await page.reload();
  await page.getByText("No batch matches").waitFor();
  await page.goBack();
  await page.getByRole("table", { name: "Batches" }).waitFor();
  await page.keyboard.press("f");
  await page.getByTestId("live").getByText("Frozen").waitFor();
});
