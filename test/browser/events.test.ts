import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { finished, serve, type Served } from "../support/served.ts";

interface Logged {
  type: string;
  timestamp: string;
  cursor: string;
  severity: string;
  data: Record<string, unknown>;
}

let data: string;
let served: Served;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-events-"));
  served = await serve(data);
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

const log = async (query: string): Promise<Logged[]> =>
  ((await (await served.send(`/api/events/log?${query}`)).json()) as { events: Logged[] }).events;
const rows = (text: string) => page.getByRole("table").getByRole("row", { name: text });

it("shows what happens as it happens; text, type and severity narrow it; an event opens and leads on", async () => {
  await page.goto("/events");
  await page.getByText("worker.started").first().waitFor();
  const batch = await served.client.create({ operation: "steady", name: "Watched" }, [{ id: "1", n: 1 }]);
  await finished(served.client, batch.id);
  await rows("batch.completed").waitFor();
  const failing = await served.client.create({ operation: "validate", options: { schema: { required: ["ean"] } } }, [{ id: "1" }]);
  await finished(served.client, failing.id);
  await rows("Critical batch.failed").waitFor();

  await page.getByRole("searchbox", { name: "Text in the events" }).fill(batch.id);
  await page.keyboard.press("Enter");
  await rows("batch.failed").waitFor({ state: "detached" });
  expect(new URL(page.url()).searchParams.get("q")).toBe(batch.id);
  await page.getByRole("searchbox", { name: "Text in the events" }).fill("");

  await page.getByLabel("From severity").selectOption("critical");
  await rows("batch.completed").waitFor({ state: "detached" });
  await rows("batch.failed").waitFor();
  await page.reload();
  await rows("batch.failed").waitFor();
  expect(await page.getByLabel("From severity").inputValue()).toBe("critical");
  await page.goBack();
  await rows("batch.completed").waitFor();

  await rows("batch.completed").getByRole("button").click();
  await page.getByLabel("Data of the event").getByText(`"batch_id": "${batch.id}"`).waitFor();
  await page.getByRole("link", { name: "Only batch.completed" }).click();
  await rows("batch.created").first().waitFor({ state: "detached" });
  await rows("batch.completed").getByRole("link").first().click();
  await page.getByRole("heading", { name: "Watched" }).waitFor();
});

it("while a row is open new events wait, and come in when asked for", async () => {
  await page.goto("/events?types=batch.*");
  await rows("batch.failed").getByRole("button").click();
  await page.getByLabel("Data of the event").waitFor();
  const before = await page.getByRole("row").count();
  await served.client.create({ operation: "steady" }, [{ id: "1", n: 1 }]);
  const pill = page.getByRole("button", { name: /new events?$/ });
  await pill.waitFor();
  expect(await page.getByRole("row").count()).toBe(before);
  await pill.click();
  await pill.waitFor({ state: "detached" });
  await page.getByLabel("Data of the event").waitFor({ state: "detached" });
});

it("events of one kind that came together are one row that opens, and the export holds each of them as the log does", async () => {
  await served.send("/api/streams/doors", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ operation: "steady", keyField: "key", windowSeconds: 600 }),
  });
  await page.goto("/events?types=window.*");
  await page.getByText("Nothing that matches").waitFor();
  const keys = Array.from({ length: 40 }, (_, i) => `door-${i}`);
  await served.send("/api/streams/doors/items", {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: keys.map((key) => `${JSON.stringify({ id: key, key, n: 1 })}\n`).join(""),
  });
  await page.getByText("40 events shown").waitFor();
  // However many rows they came in: opened, they are what the window on the list has room for.
  const closed = rows("window.opened × ").getByRole("button", { expanded: false });
  await closed.first().waitFor();
  while ((await closed.count()) > 0) await closed.first().click();
  await expect.poll(() => page.getByRole("row", { name: "window.opened" }).count()).toBeGreaterThan(5);

  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "JSONL" }).click()]);
  const lines = readFileSync(await download.path(), "utf8")
    .trim()
    .split("\n");
  const saved = lines.map((line) => JSON.parse(line) as Logged);
  const kept = await log("types=window.*&limit=1000");
  expect(saved.map((event) => event.data)).toEqual(kept.map((event) => event.data));
  expect(saved.map(({ type, severity }) => [type, severity])).toEqual(kept.map(({ type, severity }) => [type, severity]));
});

it("replays from a time, goes on live, and says when the log no longer has a place", async () => {
  const [first] = await log("from=2026-01-01&types=batch.created");
  await page.goto(`/events?types=batch.*&at=${first?.timestamp}`);
  await page.getByText("Replay").waitFor();
  const expected = await log(`from=${first?.timestamp}&types=batch.*`);
  expect(expected.length).toBeGreaterThan(3);
  await page.getByText(`${expected.length} events, oldest first`).waitFor();
  await page.getByText("This is the newest event.").waitFor();
  await page.getByRole("link", { name: "Go live" }).click();
  await page.getByText("newest first").waitFor();
  await page.goto("/events?at=elsewhere.1");
  await page.getByText("Stream reset: ").waitFor();
});

it("frozen it stands still, and shows what came meanwhile when it is let go", async () => {
  await page.goto("/events?types=batch.created");
  await rows("batch.created").first().waitFor();
  await page.keyboard.press("f");
  await page.getByTestId("live").getByText("Frozen").waitFor();
  const shown = await page.getByText(/events? shown/).textContent();
  const batch = await served.client.create({ operation: "steady", name: "Meanwhile" }, [{ id: "1", n: 1 }]);
  await finished(served.client, batch.id);
  expect(await page.getByText(/events? shown/).textContent()).toBe(shown);
  await page.keyboard.press("f");
  await page.getByRole("link", { name: "Meanwhile" }).waitFor();
});
