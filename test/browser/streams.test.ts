import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-streams-"));
  served = await serve(data);
  browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

beforeEach(async () => ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 })));
afterEach(() => page.context().close());

it("a new stream: the server's faults stand at their fields; once good it is there, as it was typed", async () => {
  await page.goto("/streams");
  await page.getByText("Nothing has come yet").waitFor();
  await page.getByRole("link", { name: "New stream" }).click();
  const dialog = page.getByRole("dialog", { name: "New stream" });
  await dialog.getByLabel("Name", { exact: true }).fill("orders");
  await dialog.getByLabel("Operation").selectOption("steady");
  await dialog.getByLabel("Key field").fill("shop");
  await dialog.getByLabel("Window seconds").fill("30");
  await dialog.getByLabel("Idle timeout").fill("40");
  await dialog.getByRole("button", { name: "Create stream" }).click();
  await dialog.getByText("idleTimeoutSeconds must be less than windowSeconds (30)", { exact: false }).first().waitFor();
  await dialog.getByLabel("Idle timeout").fill("10");
  await dialog.getByRole("button", { name: "Create stream" }).click();
  await page.waitForURL((at) => at.pathname === "/streams/orders");
  const { definition } = await served.client.streams.get("orders");
  expect(definition).toMatchObject({ operation: "steady", keyField: "shop", windowSeconds: 30, idleTimeoutSeconds: 10, paused: false });

  await page.goto("/streams?new=yes");
  await dialog.getByLabel("Name", { exact: true }).fill("orders");
  await dialog.getByRole("button", { name: "Create stream" }).click();
  await dialog.getByText("is taken").waitFor();
});

it("pause and resume from the list; the numbers are those of the API", async () => {
  await served.client.streams.put("clicks", { operation: "steady", keyField: "page", windowSeconds: 3_600 });
  await served.client.streams.push("clicks", [
    { id: "1", n: 1, page: "a" },
    { id: "2", n: 1, page: "b" },
    { id: "3", n: 1, page: "b" },
  ]);
  await page.goto("/streams");
  const row = page.getByRole("row", { name: /^clicks/ });
  await row.getByText("Collecting").waitFor();
  const { open_windows, open_items } = await served.client.streams.get("clicks");
  expect((await row.getByRole("cell").allInnerTexts()).slice(2, 4)).toEqual([String(open_windows), String(open_items)]);
  expect([open_windows, open_items]).toEqual([2, 3]);
  await row.getByText("of 1 h").waitFor();
  await row.getByRole("button", { name: "Pause clicks" }).click();
  await row.getByText("Paused").waitFor();
  expect((await served.client.streams.get("clicks")).paused).toBe(true);
  await row.getByRole("button", { name: "Resume clicks" }).click();
  await row.getByText("Collecting").waitFor();
  expect((await served.client.streams.get("clicks")).paused).toBe(false);
});

it("who may only look is offered no button that the server would refuse", async () => {
  const answer = await served.send("/api/keys", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "looks", role: "viewer" }),
  });
  const { secret } = (await answer.json()) as { secret: string };
  const viewer = await signedIn(browser, served, { theme: "light", width: 1440 }, secret);
  await viewer.page.goto("/streams");
  await viewer.page
    .getByRole("row", { name: /^clicks/ })
    .getByText("Collecting")
    .waitFor();
  expect(await viewer.page.getByRole("button", { name: /^(Pause|Resume) / }).count()).toBe(0);
  expect(await viewer.page.getByRole("link", { name: "New stream" }).count()).toBe(0);
  await viewer.page.context().close();
});
