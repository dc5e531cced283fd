import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { answered, built, launch, signedIn } from "../support/browser.ts";
import { serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-settings-"));
  served = await serve(data, { env: { BATCH_MAX_RETRIES: "2" } });
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

const setting = (path: string) => page.getByRole("listitem").filter({ has: page.getByText(path, { exact: true }) });

it("shows every setting as the API has it; what the environment decides cannot be typed into", async () => {
  await page.goto("/settings");
  await page.getByRole("heading", { name: "Windows and batches" }).waitFor();
  const { settings } = (await (await served.send("/api/v1/settings/table")).json()) as {
    settings: { path: string; kind: string; value: unknown; variable: string }[];
  };
  const first = settings.filter((each, i) => settings.findIndex(({ variable }) => variable === each.variable) === i);
  const shown = await Promise.all(first.map(({ path }) => setting(path).locator("input, select").inputValue()));
  expect(shown).toEqual(first.map(({ value }) => (Array.isArray(value) ? value.join(", ") : String(value))));
  expect(first.length).toBeGreaterThan(25);
  expect(await setting("batch.max_retries").locator("input").isDisabled()).toBe(true);
  await setting("batch.max_retries").getByText("BATCH_MAX_RETRIES in the environment").waitFor();
});

it("says in the server's words what is not valid, saves all changes at once, and the audit log shows them", async () => {
  await page.goto("/settings");
  await setting("queue.max_size").locator("input").fill("0");
  await setting("queue.max_size").getByText("is 0; allowed: a whole number from 1 to 10000000").waitFor();
  expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await setting("queue.max_size").locator("input").fill("500");
  await setting("queue.max_size").getByText("default 10000").waitFor();
  await setting("fast_path.object_types").locator("input").fill("person, dog");
  await setting("batch.window_seconds").locator("input").fill("100");
  await page.getByText("3 settings changed").waitFor();
  await answered(page.getByRole("button", { name: "Save" }), "3 settings saved");
  expect(await served.client.settings.get()).toMatchObject({
    batch: { window_seconds: 100 },
    queue: { max_size: 500 },
    fast_path: { object_types: ["person", "dog"] },
  });
  await setting("queue.max_size").getByText("changed here").waitFor();

  await page.goto("/audit?action=settings_changed");
  const row = page.getByRole("table", { name: "Audit log" }).getByRole("row", { name: /settings_changed/ });
  await row.getByRole("button").click();
  const difference = page.getByRole("table", { name: "What changed" });
  await difference.getByRole("row", { name: "queue.max_size − 10000 + 500" }).waitFor();
});

it("a large change of a window is shown in its effect before it is saved; discarding forgets it", async () => {
  await page.goto("/settings?q=window_seconds");
  await setting("batch.window_seconds").locator("input").fill("300");
  await page.getByRole("button", { name: "Preview and save" }).click();
  const dialog = page.getByRole("dialog", { name: "What the change would have done" });
  await dialog
    .getByText("No detections", { exact: false })
    .or(dialog.getByText("recorded", { exact: false }))
    .first()
    .waitFor();
  await dialog.getByRole("button", { name: "Not yet" }).click();
  await page.getByRole("button", { name: "Discard" }).click();
  expect(await setting("batch.window_seconds").locator("input").inputValue()).toBe("100");
  expect(await served.client.settings.get()).toMatchObject({ batch: { window_seconds: 100 } });
});

it("a new key is shown once, works, and no longer once it is revoked; a sign-in link signs in", async () => {
  await page.goto("/settings?tab=keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("textbox", { name: /^Name/ }).fill("nightly job");
  await page.getByRole("radio", { name: /^viewer/ }).check();
  await page.getByRole("button", { name: "Create key" }).click();
  const secret = (await page.getByTestId("secret").textContent()) ?? "";
  const client = createClient({ url: served.url, token: secret });
  expect((await client.request<{ role: string }>("/api/session")).role).toBe("viewer");
  await page.getByRole("button", { name: "I have it" }).click();
  expect(await page.content()).not.toContain(secret);
  await page.getByRole("button", { name: "Revoke nightly job" }).click();
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await page.getByRole("button", { name: "Revoke nightly job" }).waitFor({ state: "detached" });
  await expect(client.request("/api/session")).rejects.toMatchObject({ status: 401 });
  await page.getByRole("checkbox", { name: "Also those that ended" }).check();
  await page.getByRole("row", { name: /nightly job viewer Revoked/ }).waitFor();

  await page.getByRole("button", { name: "Make a link" }).click();
  const link = await page.locator("code", { hasText: "/signin?token=" }).textContent();
  const other = await browser.newContext();
  const stranger = await other.newPage();
  await stranger.goto(link ?? "");
  await stranger.waitForURL((at) => at.pathname === "/");
  await stranger.getByRole("heading", { level: 1 }).waitFor();
  await other.close();
});

it("an open page asks in the rhythm of the settings, from the moment they are saved", async () => {
  const change = (dashboard: Record<string, number>) => served.client.settings.change({ dashboard });
  await change({ alerts_seconds: 3_600, detail_seconds: 3_600, max_retries: 4, retry_delay_ms: 1 });
  // A clock is that of all pages of a context.
  const { page: other } = await signedIn(browser, served, { theme: "light", width: 1440 });
  const asked = { alerts: 0, workers: 0 };
  other.on("request", (request) => {
    if (request.url().endsWith("/api/system/alerts")) asked.alerts += 1;
  });
  await other.route("**/api/system/workers", (route) => {
    asked.workers += 1;
    return route.fulfill({ status: 503, json: { error: "Not now", code: "unavailable" } });
  });
  await other.clock.install();
  await other.goto("/settings?q=dashboard.");
  // Who may change settings is known by the session, which told the rhythm too.
  const alertsSeconds = other
    .getByRole("listitem")
    .filter({ has: other.getByText("dashboard.alerts_seconds", { exact: true }) })
    .locator("input");
  await expect.poll(() => alertsSeconds.isEnabled()).toBe(true);
  await other.getByRole("link", { name: "Workers" }).click();
  await other.getByText("Not now").first().waitFor();
  expect(asked.workers).toBe(1 + 4);

  await page.goto("/settings?q=dashboard.");
  await setting("dashboard.alerts_seconds").locator("input").fill("5");
  await answered(page.getByRole("button", { name: "Save" }), "1 setting saved");
  await expect
    .poll(async () => {
      await other.clock.runFor(1_000);
      return asked.alerts;
    })
    .toBeGreaterThan(4);
  await other.context().close();
});

it("keys can be others: conflicts are named, they work on every page, and a reload keeps them", async () => {
  await page.goto("/settings?tab=browser");
  const freeze = page.getByRole("row").filter({ has: page.getByRole("button", { name: "Change the keys of: Freeze the page" }) });
  await freeze.getByRole("button", { name: /^Change/ }).click();
  await page.keyboard.press("t");
  await page.keyboard.press("Enter");
  await freeze.getByText("In the way of: Next theme").waitFor();
  await freeze.getByRole("button", { name: /^Change/ }).click();
  await page.keyboard.press("q");
  await page.keyboard.press("Enter");
  await freeze.getByText("In the way of").waitFor({ state: "detached" });
  await page.goto("/batches");
  await page.getByRole("heading", { name: "Batches", level: 1 }).waitFor();
  await page.keyboard.press("q");
  await page.getByTestId("live").getByText("Frozen").waitFor();
  await page.goto("/settings?tab=browser");
  await page.getByRole("button", { name: "All as they came" }).click();
  await page.getByRole("row", { name: /Freeze the page, or let it go f/ }).waitFor();
  await page.getByRole("radio", { name: "UTC" }).check();
  await page.reload();
  expect(await page.getByRole("radio", { name: "UTC" }).isChecked()).toBe(true);
});

/** Work that lets nothing else run for a while. */
const BUSY = "() => { const until = performance.now() + 600; while (performance.now() < until); }";

it("what the page costs the browser is measured against its budget, and told to nobody", async () => {
  await page.goto("/settings?tab=browser");
  const table = page.getByRole("table", { name: "Budget of this page" });
  const line = (what: string) => table.getByRole("row", { name: what });
  const first = async (what: string): Promise<number> =>
    Number.parseFloat((await line(what).getByRole("cell").first().innerText()) || "NaN");
  // The table itself is drawn anew each second.
  await expect.poll(() => first("Changes of the page")).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Measure anew" }).click();
  const before = await first("Long tasks");
  const sent: string[] = [];
  page.on("request", (request) => sent.push(`${request.method()} ${request.postData() ?? ""}`));
  await page.evaluate(`setTimeout(${BUSY}, 0)`);
  await expect.poll(() => first("Long tasks")).toBeGreaterThanOrEqual(before + 1);
  await expect.poll(() => line("Long tasks").innerText()).toMatch(/longest [\d.]+ m?s[\s\S]*Over/);

  // A press that is answered late.
  await page.evaluate(`document.addEventListener("keydown", ${BUSY}, { once: true })`);
  await page.keyboard.press("Shift");
  await line("Input delay").getByText("Over").waitFor();
  await line("Delay of events").getByText(/^\d/).first().waitFor();
  expect(sent.filter((request) => request !== "GET ")).toEqual([]);
  await page.getByRole("button", { name: "Measure anew" }).click();
  await line("Input delay").getByText("Within").waitFor();
});

it("the audit log narrows by its address, and its chain is verified in the server's words", async () => {
  await page.goto("/audit");
  await page.getByLabel("What", { exact: true }).fill("key_created");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("1 entry, newest first").waitFor();
  expect(new URL(page.url()).search).toBe("?action=key_created");
  await page.getByRole("button", { name: "Verify" }).click();
  const dialog = page.getByRole("dialog", { name: "Verify the audit log" });
  await dialog.getByRole("button", { name: "Verify", exact: true }).click();
  await dialog.getByText("The chain is whole").waitFor();
  await dialog.getByLabel("Head noted down earlier").fill(`1:${"0".repeat(64)}`);
  await dialog.getByRole("button", { name: "Verify", exact: true }).click();
  await dialog.getByText("The chain is broken").waitFor();
});
