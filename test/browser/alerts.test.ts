import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { answered, built, launch, signedIn } from "../support/browser.ts";
import { sampleAlerts } from "../support/samples/sample-alerts.ts";
import { finished, serve, type Served } from "../support/served.ts";

const BASE = "/api/admin/batch-monitoring";
let data: string;
let served: Served;
let browser: Browser;
let page: Page;
/** The limit of 60 requests a minute is a credential's: the page and these tests have one each. */
let authorization: string;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-alerts-"));
  served = await serve(data);
  const failing = await served.client.create({ operation: "validate", options: { schema: { required: ["ean"] } } }, [{ id: "a" }]);
  await finished(served.client, failing.id);
  await sampleAlerts(served);
  authorization = `Bearer ${(await served.client.keys.create({ name: "test", role: "admin" })).secret}`;
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

async function api<T>(path: string, body?: unknown): Promise<T> {
  const posted = { method: "POST", body: JSON.stringify(body), headers: { authorization, "content-type": "application/json" } };
  const answer = await served.send(`${BASE}${path}`, body === undefined ? { headers: { authorization } } : posted);
  expect(answer.ok).toBe(true);
  return (await answer.json()) as T;
}
interface Listed {
  data: {
    counts: { firing: number; pending: number; silenced: number };
    alerts: { id: string; rule: string; silenced: boolean; acknowledged: boolean; acknowledgedBy: string | null }[];
  };
}

it("shows what fires with the counts of the API, says so in the navigation, and takes an alert on", async () => {
  const { data: listed } = await api<Listed>("/alerts?state=open");
  await page.goto("/alerts");
  const tabs = page.getByRole("navigation", { name: /^Alerts by state/ });
  for (const [name, count] of Object.entries({
    Firing: listed.counts.firing,
    Pending: listed.counts.pending,
    Silenced: listed.counts.silenced,
  }))
    await tabs.getByRole("link", { name: `${name} ${count}`, exact: true }).waitFor();
  await page.getByRole("link", { name: `Alerts ${listed.counts.firing} firing, 1 critical` }).waitFor();
  await expect.poll(() => page.getByRole("table").getByRole("row").count()).toBe(1 + listed.counts.firing);

  await answered(page.getByRole("button", { name: "Acknowledge batchFailure validate" }), "batchFailure is yours now");
  await page
    .getByRole("row", { name: /batchFailure/ })
    .getByText("taken on by session:")
    .last()
    .waitFor();
  const { data: after } = await api<Listed>("/alerts?state=open");
  expect(after.alerts.find(({ rule }) => rule === "batchFailure")).toMatchObject({
    acknowledged: true,
    acknowledgedBy: expect.stringMatching(/^session:/) as string,
  });
});

it("silences an alert from its row, lists the silence, and ends it", async () => {
  await page.goto("/alerts");
  await page.getByRole("button", { name: "Silence highErrorRate validate" }).click();
  const dialog = page.getByRole("dialog", { name: "Silence" });
  expect(await dialog.getByLabel("Rule").inputValue()).toBe("highErrorRate");
  expect(await dialog.getByLabel("About").inputValue()).toBe("operation:validate");
  await dialog.getByRole("button", { name: "4 h", exact: true }).click();
  await answered(dialog.getByRole("button", { name: "Silence for 4 h" }), "Silenced for 4 h");
  const { silences } = await api<{ silences: { rule: string | null; instance: string | null }[] }>("/silences");
  expect(silences).toContainEqual(expect.objectContaining({ rule: "highErrorRate", instance: "operation:validate" }));

  await page.getByRole("link", { name: "Silences", exact: true }).click();
  expect(new URL(page.url()).search).toBe("?tab=silences");
  await answered(page.getByRole("button", { name: "End now the silence of highErrorRate, validate" }), "The silence has ended");
  await page.goBack();
  await page
    .getByRole("link", { name: /^Firing/, exact: false })
    .and(page.locator("[aria-current=page]"))
    .waitFor();
});

it("changes a rule after trying it, turns all off and the recommended ones on again", async () => {
  await page.goto("/alerts?tab=rules");
  await page.getByRole("link", { name: "Change batchFailure" }).click();
  const dialog = page.getByRole("dialog", { name: "batchFailure" });
  await dialog.getByText(/It would have fired \d+ time/).waitFor();
  await dialog.getByLabel("Fires at at least").fill("1000");
  await dialog.getByText("It would not have fired").waitFor();
  await answered(dialog.getByRole("button", { name: "Save" }), "batchFailure is saved");
  await page
    .getByRole("row", { name: /^batchFailure/ })
    .getByText("≥ 1,000")
    .waitFor();

  const { rules } = await api<{ rules: { name: string; kind: string; enabled: boolean; recommended: boolean }[] }>("/rules");
  for (const { name, kind } of rules)
    await api("/rules", { name, kind, enabled: false, ...(name === "batchFailure" ? { threshold: 1000 } : {}) });
  await page.reload();
  await page.getByText("No rule is on.").waitFor();
  await answered(
    page.getByRole("button", { name: /^Turn on the \d+ recommended rules/ }),
    `${rules.filter(({ recommended }) => recommended).length} rules are on`,
  );
  const after = (await api<{ rules: typeof rules }>("/rules")).rules;
  expect(after.filter(({ enabled }) => enabled).map(({ name }) => name)).toEqual(
    rules.filter(({ recommended }) => recommended).map(({ name }) => name),
  );
});

it("adds a channel, shows the server's refusal and the answer of a test, and removes it", async () => {
  await page.goto("/alerts?tab=channels");
  await page.getByRole("button", { name: "New channel" }).click();
  const dialog = page.getByRole("dialog", { name: "New channel" });
  await dialog.getByLabel("Name").fill("inside");
  await dialog.getByLabel("Address").fill("http://169.254.169.254/latest");
  await dialog.getByRole("button", { name: "Add the channel" }).click();
  await dialog.getByRole("alert").getByText("private network").waitFor();
  await dialog.getByLabel("Address").fill("https://alerts.example.invalid/x");
  await answered(dialog.getByRole("button", { name: "Add the channel" }), "inside is set up");

  await page.getByRole("button", { name: "Test log" }).click();
  await page.getByText("The test message arrived").waitFor();
  await page.getByRole("button", { name: "Test inside" }).click();
  await page.getByText("The test message did not arrive").waitFor();
  await page.getByRole("button", { name: "Remove inside" }).click();
  await answered(page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }), "inside is gone");
  const { channels } = await api<{ channels: { name: string }[] }>("/channels");
  expect(channels.map(({ name }) => name)).not.toContain("inside");
});

it("tells who may not see alerts how many there are, and why not which", async () => {
  const { secret } = await served.client.keys.create({ name: "reader", role: "viewer" });
  const context = await browser.newContext({ baseURL: served.url });
  const other = await context.newPage();
  await other.goto("/signin");
  await other.locator("input[name=key]").fill(secret);
  await Promise.all([other.waitForURL((at) => at.pathname === "/"), other.locator("main button").click()]);
  await other.goto("/alerts");
  await other.getByText("only admins see").waitFor();
  await other.getByText("The role of this session is viewer").waitFor();
  expect(await other.getByRole("navigation", { name: /^Alerts by state/ }).count()).toBe(0);
  await context.close();
});
