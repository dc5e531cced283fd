import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { finished, serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-share-"));
  served = await serve(data);
  browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

it("a link shows one batch to a stranger, sends its secret in no address, and shows nothing once it is revoked", async () => {
  const batch = await served.client.create(
    { operation: "validate", name: "For the customer", options: { schema: { required: ["ean"] } } },
    [{ id: "1", ean: "a" }, { id: "2" }],
  );
  await finished(served.client, batch.id);
  const { page } = await signedIn(browser, served, { theme: "light", width: 1440 });
  await page.goto(`/batches/${batch.id}`);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = (await page.locator("code", { hasText: "/shared/" }).textContent()) ?? "";
  const [, secret = ""] = link.split("#");
  expect(secret).toMatch(/^by_/);

  const context = await browser.newContext();
  const stranger = await context.newPage();
  const asked: { url: string; referer: string | undefined }[] = [];
  stranger.on("request", (request) => asked.push({ url: request.url(), referer: request.headers()["referer"] }));
  const answer = await stranger.goto(link);
  await stranger.getByRole("heading", { name: "For the customer" }).waitFor();
  await stranger.getByText("100 %", { exact: true }).waitFor();
  await stranger.getByText("1 failed").waitFor();
  expect(await stranger.getByRole("navigation").count()).toBe(0);
  expect(answer?.headers()).toMatchObject({ "x-robots-tag": "noindex, nofollow", "referrer-policy": "no-referrer" });
  expect(answer?.headers()["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(
    asked.filter(({ url, referer }) => new URL(url).href.split("#")[0]?.includes(secret) === true || referer?.includes(secret) === true),
  ).toEqual([]);
  expect(asked.filter(({ url }) => new URL(url).pathname.startsWith("/api/")).every(({ url }) => url.includes(batch.id))).toBe(true);
  expect((await new AxeBuilder({ page: stranger }).analyze()).violations.map(({ id }) => id)).toEqual([]);

  await page.getByRole("button", { name: /^Revoke by_/ }).click();
  await page.getByRole("status").getByText("Link revoked").waitFor();
  await stranger.reload();
  await stranger.getByRole("heading", { name: "This link shows nothing" }).waitFor();
  await context.close();
}, 60_000);
