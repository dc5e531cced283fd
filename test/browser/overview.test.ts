import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { answered, built, launch, signedIn } from "../support/browser.ts";
import { keptPort } from "../support/port.ts";
import { sampleAlert } from "../support/samples/sample-history.ts";
import { sampleCosts } from "../support/samples/sample-costs.ts";
import { finished, serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-overview-"));
  await sampleCosts(data, 3);
  await sampleAlert(data);
  served = await serve(data, { port: await keptPort() });
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

it("takes an alert on, once, and says so", async () => {
  const row = page.getByRole("row", { name: /Alert firing/ }).filter({ hasText: "batchFailure" });
  await answered(row.getByRole("button", { name: /^Acknowledge/ }), "Acknowledged");
  await row.getByText("Acknowledged", { exact: true }).waitFor();
  const { data: found } = await served.client.request<{ data: { alerts: { message: string; acknowledgedBy: string | null }[] } }>(
    "/api/admin/batch-monitoring/alerts",
  );
  expect(found.alerts.find(({ message }) => message.includes("batchFailure"))?.acknowledgedBy).toMatch(/^session:/);
});

it("pauses a stream and lets it go on", async () => {
  await page.getByRole("button", { name: "Pause detections" }).click();
  await page
    .getByRole("row", { name: /detections/ })
    .getByText("Paused")
    .waitFor();
  expect((await served.client.streams.get("detections")).paused).toBe(true);
  await page.getByRole("button", { name: "Resume detections" }).click();
  await page.getByRole("button", { name: "Pause detections" }).waitFor();
  expect((await served.client.streams.get("detections")).paused).toBe(false);
});

it("says the API's numbers: queue status, throughput, what was paid and saved", async () => {
  // An hour that moves: what the page shows is held against the answer it got last.
  interface Told {
    queues: Record<string, number>;
    historical: { requests: number; recorded: boolean }[];
  }
  let told: Told | null = null;
  page.on("response", (answer) => {
    if (!/batch-monitoring\?.*timeRange=1h/.test(answer.url())) return;
    void answer.json().then(({ data: body }: { data: Told }) => (told = body));
  });
  await page.goto("/?range=1h");
  const status = page.getByRole("region", { name: "Queue status" });
  await status.getByText("Completed").waitFor();
  const throughput = page.getByRole("region", { name: "Throughput" });
  await throughput.getByRole("button", { name: "Table", exact: true }).click();
  const saysWhatItWasTold = async (): Promise<void> => {
    const counts = await status.locator("li").allTextContents();
    expect(counts.map((text) => Number(text.replace(/\D/g, "")))).toEqual(
      ["pending", "processing", "completed", "failed"].map((name) => told?.queues[name]),
    );
    const items = await throughput.locator("tbody tr td:nth-child(2)").allTextContents();
    const expected = told!.historical.map(({ requests, recorded }) => (recorded ? requests.toLocaleString("en") : "—"));
    expect(items.slice(1, -1)).toEqual(expected.slice(1, 1 + items.length - 2));
    // An hour ago there was no server: left open, not zero.
    expect(items).toContain("—");
  };
  await vi.waitFor(saysWhatItWasTold, { timeout: 60_000, interval: 200 });
  await page.getByRole("region", { name: "Cost and savings" }).waitFor();
});

/** What stands there after something has happened: of how fast it hears a page says nothing while there is nothing to hear. */
async function saidOnNews(pill: Locator): Promise<string> {
  await served.client.streams.pause("detections");
  await served.client.streams.resume("detections");
  return pill.innerText();
}

it("says how late it hears by the server's clock, also where its own is an hour ahead", async () => {
  const skewed = await browser.newContext({ baseURL: served.url, storageState: await page.context().storageState() });
  await skewed.addInitScript("{ const now = Date.now; Date.now = () => now() + 3_600_000; }");
  const other = await skewed.newPage();
  await other.goto("/");
  const pill = other.getByTestId("live");
  // By the two clocks it would be "1 h".
  await expect.poll(() => saidOnNews(pill)).toMatch(/Hz · [\d.]+ m?s$/);
  await skewed.close();
});

it("says how fast it hears, and writes times in the zone that is asked for", async () => {
  await expect.poll(() => saidOnNews(page.getByTestId("live"))).toContain("Hz");
  const tokyo = await browser.newContext({
    baseURL: served.url,
    timezoneId: "Asia/Tokyo",
    storageState: await page.context().storageState(),
  });
  const other = await tokyo.newPage();
  await other.goto("/");
  const time = other.locator("main time").first();
  await time.waitFor();
  expect(await time.getAttribute("title")).toContain("(Asia/Tokyo)");
  await other.keyboard.press("z");
  await other.locator('main time[title*="(UTC)"]').first().waitFor();
  await other.reload();
  await other.locator('main time[title*="(UTC)"]').first().waitFor();
  await tokyo.close();
});

it("keeps the last it knew while the server is gone, and goes on by itself when it is back", async () => {
  await page.goto("/");
  await page.getByRole("heading", { name: "Streams" }).waitFor();
  const port = Number(new URL(served.url).port);
  await served.child.end("SIGKILL");
  await page.getByText("The server does not answer.").waitFor();
  await page.getByRole("heading", { name: "Streams" }).waitFor();
  await page
    .getByTestId("live")
    .getByText(/Reconnecting/)
    .waitFor();
  served = await serve(data, { port });
  await page.getByText("The server does not answer.").waitFor({ state: "detached" });
  await page.getByTestId("live").getByText("Live").waitFor();
  const { id } = await served.client.create({ operation: "steady", name: "After it came back" }, [{ id: "1", n: 1 }]);
  await finished(served.client, id);
  await page.goto("/batches");
  await page.getByText("After it came back").waitFor();
  expect((await served.client.get(id)).status).toBe("completed");
});
