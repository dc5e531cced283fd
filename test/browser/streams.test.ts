import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { answered, built, launch, signedIn } from "../support/browser.ts";
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
});

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
  await expect
    .poll(async () => (await row.getByRole("cell").allInnerTexts()).slice(2, 4))
    .toEqual([String(open_windows), String(open_items)]);
  expect([open_windows, open_items]).toEqual([2, 3]);
  await row.getByText("of 1 h").waitFor();
  await row.getByRole("button", { name: "Pause clicks" }).click();
  await row.getByText("Paused").waitFor();
  expect((await served.client.streams.get("clicks")).paused).toBe(true);
  await row.getByRole("button", { name: "Resume clicks" }).click();
  await row.getByText("Collecting").waitFor();
  expect((await served.client.streams.get("clicks")).paused).toBe(false);
});

it("open windows: items against their limit as the API says, bars that age by themselves, one window closed, then all", async () => {
  await served.client.streams.put("parcels", { operation: "steady", keyField: "depot", windowSeconds: 3_600, maxItems: 4 });
  await served.client.streams.push("parcels", [
    { id: "1", n: 1, depot: "north" },
    { id: "2", n: 1, depot: "south" },
    { id: "3", n: 1, depot: "south" },
  ]);
  await page.goto("/streams/parcels");
  const windows = page.getByRole("table", { name: "Open windows" });
  const south = windows.getByRole("row", { name: /^south/ });
  await south.getByText("of 4").waitFor();
  const told = (await served.client.streams.windows("parcels", { key: "south" })).windows[0]!;
  await south.getByRole("img", { name: `Items of south: items ${told.items} of 4`, exact: true }).waitFor();
  // The bar goes on between two answers of the server: with every request held back it still reaches the next seconds.
  await page.route("**/api/**", () => {});
  const age = async (): Promise<number> => Number.parseInt((await south.getByRole("cell").nth(1).innerText()).split(" ")[0]!, 10);
  const before = await age();
  await expect.poll(age).toBeGreaterThan(before);
  await page.unroute("**/api/**");

  await answered(south.getByRole("button", { name: "Close now: south" }), "1 window closed");
  expect((await served.client.streams.windows("parcels")).windows.map(({ key }) => key)).toEqual(["north"]);
  await page.getByRole("button", { name: "Close all now" }).click();
  await page.getByRole("dialog").getByText("1 item in 1 open window").waitFor();
  await page.getByRole("button", { name: "Close 1 window" }).click();
  await page.getByText("The next item opens one").waitFor();
  expect((await served.client.history({ stream: "parcels" })).batches.map(({ close_reason }) => close_reason)).toEqual([
    "manual",
    "manual",
  ]);
});

it("rules: a large change wants a preview or a reason; what is applied is in force, and the reason is in the audit", async () => {
  await served.client.streams.put("orders", { operation: "steady", keyField: "shop", windowSeconds: 600, maxItems: 50 });
  await served.client.streams.push(
    "orders",
    Array.from({ length: 120 }, (_, n) => ({ id: `o${n}`, n: 1, shop: "berlin" })),
  );
  await page.goto("/streams/orders?tab=rules");
  const most = page.getByLabel("Most items");
  await most.fill("55");
  expect(await page.getByRole("button", { name: "Apply", exact: true }).isEnabled()).toBe(true);
  await most.fill("20");
  expect(await page.getByRole("button", { name: "Apply all the same" }).isEnabled()).toBe(false);
  await page.getByText("changes by more than 20 %").waitFor();

  await page.getByRole("button", { name: "Preview the change" }).click();
  const impact = page.getByRole("table", { name: "Impact" });
  await impact.waitFor();
  await page.getByText("It needs more data").waitFor();
  const { current, candidate } = await served.client.streams.preview("orders", { maxItems: 20 });
  const batches = impact.getByRole("row", { name: /^Batches/ }).getByRole("cell");
  await expect
    .poll(async () => (await batches.allInnerTexts()).slice(0, 3))
    .toEqual(["2", String(current!.batches), String(candidate!.batches)]);
  expect([current!.batches, candidate!.batches]).toEqual([2, 6]);
  await answered(page.getByRole("button", { name: "Apply", exact: true }), "The new rules are in force");
  expect((await served.client.streams.get("orders")).definition).toMatchObject({ maxItems: 20, windowSeconds: 600, keyField: "shop" });

  await page.getByRole("table", { name: "Earlier changes" }).getByText("50", { exact: true }).waitFor();
  await page.getByLabel("Window seconds").fill("60");
  await page.getByLabel("Reason").fill("the warehouse waits");
  await answered(page.getByRole("button", { name: "Apply all the same" }), "The new rules are in force");
  await expect.poll(async () => (await served.client.streams.get("orders")).definition["windowSeconds"]).toBe(60);
  const audit = (await (await served.send("/api/admin/audit?action=stream.put&limit=1")).json()) as { entries: { after: object }[] };
  expect(audit.entries[0]!.after).toMatchObject({ windowSeconds: 60, reason: "the warehouse waits" });

  // Back to the rules before, by way of a preview.
  await page
    .getByRole("table", { name: "Earlier changes" })
    .getByRole("listitem")
    .filter({ hasText: /^Window / })
    .waitFor();
  await page.getByRole("table", { name: "Earlier changes" }).getByRole("button", { name: "Roll back" }).first().click();
  await impact.waitFor();
  expect(await page.getByLabel("Window seconds").inputValue()).toBe("600");
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await expect.poll(async () => (await served.client.streams.get("orders")).definition["windowSeconds"]).toBe(600);
});

it("the rules of detections are the settings: applied there, and what they refuse stands at the field", async () => {
  await page.goto("/streams/detections?tab=rules");
  await page.getByLabel("Idle timeout").fill("100");
  await page.getByLabel("Reason").fill("to see it refused");
  await page.getByRole("button", { name: "Apply all the same" }).click();
  await page.getByRole("alert").getByText("batch.idle_timeout_seconds", { exact: true }).waitFor();
  await page.getByLabel("Idle timeout").fill("33");
  await answered(page.getByRole("button", { name: "Apply", exact: true }), "The new rules are in force");
  expect((await served.client.settings.get())["batch"]).toMatchObject({ window_seconds: 90, idle_timeout_seconds: 33 });
});

it("dead letters go back into windows, as many as are asked for", async () => {
  await served.client.streams.put("full", { operation: "steady", maxOpen: 2, overflow: "dead_letter", windowSeconds: 3_600 });
  await served.client.streams.push(
    "full",
    [1, 2, 3, 4, 5].map((n) => ({ id: `l${n}`, n })),
  );
  await served.client.streams.flush("full");
  await page.goto("/streams/full");
  await page.getByRole("link", { name: "Dead letters 3" }).click();
  await page.getByRole("button", { name: "Offer them again" }).click();
  await page.getByLabel("How many").fill("2");
  await answered(page.getByRole("button", { name: "Offer again", exact: true }), "2 items offered again");
  await page.getByRole("heading", { name: "1 dead letter" }).waitFor();
  expect((await served.client.streams.get("full")).open_items).toBe(2);
  await page.getByRole("button", { name: "l5" }).click();
  await page.getByText('"id": "l5"').waitFor();
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
