import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { serve, type Served, starting } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-journey-"));
  served = await serve(data);
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

/** Rows of a feed, of which every tenth has no price yet and the last no name. */
function feed(rows: number, priced: boolean): string {
  const line = (i: number): string => `${i},${i === rows ? "" : `thing ${i}`},${i % 10 === 0 && !priced ? "soon" : i}`;
  return ["id,name,price", ...Array.from({ length: rows }, (_, i) => line(i + 1))].join("\n");
}

it("a new user: sign-in link, first-run page, upload, dry run, run to the end, errors in groups, retry of one, export, compare", async () => {
  const own = mkdtempSync(join(tmpdir(), "batchyard-newcomer-"));
  // Without a token of its own the server prints a link.
  const child = starting(own, { env: { BATCHYARD_TOKEN: "" } });
  const link = (await child.line(/(http:\S+\/signin\?token=\S+)/))[1]!;
  await child.line(/^ready /);
  writeFileSync(join(own, "products.csv"), feed(2_001, false));
  writeFileSync(join(own, "mended.csv"), feed(2_001, true));
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
  const page = await context.newPage();
  let clicks = 0;
  const click = async (target: Locator): Promise<void> => {
    clicks += 1;
    await target.click();
  };
  const create = async (file: string): Promise<string> => {
    await page.getByLabel("Operation").selectOption("validate");
    await page
      .getByRole("textbox", { name: "schema" })
      .fill('{"required":["name"],"properties":{"name":{"minLength":1},"price":{"pattern":"^[0-9]"}}}');
    await click(page.getByLabel("Upload a file"));
    await page.getByLabel("File with items").setInputFiles(join(own, file));
    await click(page.getByRole("button", { name: "Dry run" }));
    await page.getByText("2,001 items in").waitFor();
    await click(page.getByRole("button", { name: "Create batch" }));
    await page.waitForURL(/batches\/batch_/);
    await page.getByText("100 %", { exact: true }).first().waitFor();
    return /batches\/(batch_\w+)/.exec(page.url())![1]!;
  };
  const started = performance.now();
  try {
    await page.goto(link);
    await page.getByText("Waiting for the first batch").waitFor();
    // A second window stands open on the first-run page and comes alive by itself.
    const watching = await context.newPage();
    await watching.goto(new URL("/", link).href);
    await watching.getByText("Waiting for the first batch").waitFor();

    await click(page.getByRole("link", { name: "make one here" }));
    const first = await create("products.csv");
    await page.getByText("1,800 succeeded").waitFor();
    const group = page.getByRole("region", { name: "Errors" }).getByRole("row", { name: /price must/ });
    await expect.poll(() => group.getByRole("cell").first().innerText()).toBe("200");
    const runs = page.getByRole("status").getByText("200 items run again").waitFor();
    await Promise.all([runs, click(group.getByRole("button", { name: "Retry" }))]);
    // It may still show how the batch stood before.
    const batch = async (): Promise<unknown> =>
      ((await (await page.request.get(new URL(`/api/batch/${first}`, link).href)).json()) as { batch: unknown }).batch;
    await expect.poll(batch).toMatchObject({ epoch: 2, status: "completed" });
    await page.getByText("100 %", { exact: true }).first().waitFor();

    const downloading = page.waitForEvent("download");
    await click(page.getByRole("link", { name: "CSV" }));
    const exported = readFileSync(await (await downloading).path(), "utf8")
      .trim()
      .split("\n");
    expect(exported).toHaveLength(2_002);

    await page.goto(new URL("/batches/new", link).href);
    const second = await create("mended.csv");
    await page.getByText("2,000 succeeded").waitFor();
    await click(page.getByRole("link", { name: "Compare" }));
    await page.getByLabel("Second").fill(first);
    await click(page.getByRole("button", { name: "Compare" }));
    await page.locator("main").getByText("200").first().waitFor();
    const { searchParams } = new URL(page.url());
    expect([searchParams.get("a"), searchParams.get("b")]).toEqual([second, first]);

    await watching.getByRole("heading", { name: "Streams" }).waitFor();
    console.info(
      `a new user's way from the link to the comparison: ${clicks} clicks, ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    expect(clicks).toBeLessThanOrEqual(12);
  } finally {
    await context.close();
    await child.end("SIGTERM");
    rmSync(own, { recursive: true, force: true });
  }
});

it("by keyboard alone: the list of keys, a page, a search, the address, and back", async () => {
  await served.client.create({ operation: "steady" }, [{ id: "1", n: 1 }]);
  const { page } = await signedIn(browser, served, { theme: "dark", width: 1440 });
  await page.locator("main h1").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).getByText("Go to Batches").waitFor();
  await page.keyboard.press("Escape");
  // What is pressed while the page is on its way is meant for that one.
  let letCome = (): void => undefined;
  const awaited = new Promise<void>((resolve) => (letCome = resolve));
  await page.route("**/assets/**", (route) => awaited.then(() => route.continue()));
  for (const key of ["g", "b", "v"]) await page.keyboard.press(key);
  letCome();
  await page.getByRole("dialog", { name: "Order and columns" }).waitFor();
  await page.unroute("**/assets/**");
  await page.keyboard.press("Escape");
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
