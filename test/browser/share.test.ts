import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { answered, built, launch, signedIn } from "../support/browser.ts";
import { linkTo } from "../support/samples/sample-batches.ts";
import { finished, serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
/** Another site; it is named as 127.0.0.1 and not named as localhost. */
let portal: Server;
let portalPort: number;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-share-"));
  portal = createServer((request, response) => {
    const src = new URL(request.url ?? "/", "http://portal").searchParams.get("of") ?? "";
    response.setHeader("content-type", "text/html");
    response.end(
      `<!doctype html><title>Portal</title><h1>Portal</h1><iframe title="Batch" src="${src}" width="800" height="500"></iframe>`,
    );
  });
  await new Promise<void>((resolve) => portal.listen(0, resolve));
  portalPort = (portal.address() as AddressInfo).port;
  served = await serve(data, { env: { BATCHYARD_FRAME_ORIGINS: `http://127.0.0.1:${portalPort}` } });
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  portal.close();
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
  expect(answer?.headers()["content-security-policy"]).toContain(`frame-ancestors http://127.0.0.1:${portalPort}`);
  expect(
    asked.filter(({ url, referer }) => new URL(url).href.split("#")[0]?.includes(secret) === true || referer?.includes(secret) === true),
  ).toEqual([]);
  expect(asked.filter(({ url }) => new URL(url).pathname.startsWith("/api/")).every(({ url }) => url.includes(batch.id))).toBe(true);
  expect((await new AxeBuilder({ page: stranger }).analyze()).violations.map(({ id }) => id)).toEqual([]);

  await answered(page.getByRole("button", { name: /^Revoke by_/ }), "Link revoked");
  await stranger.reload();
  await stranger.getByRole("heading", { name: "This link shows nothing" }).waitFor();
  await context.close();
});

it("follows the batch by its own events, in the frame of a site that is named", async () => {
  const steady = { operation: "steady", options: { workMs: 50, batchSize: 10, concurrency: 2 } };
  const batch = await served.client.create({ ...steady, name: "For the portal" }, items(60));
  await served.client.pause(batch.id);
  const link = await linkTo(served.client, batch.id);
  const context = await browser.newContext();
  // It may look at the batch once; what it shows after that it has from the stream.
  let looks = 0;
  await context.route(`**/api/batch/${batch.id}`, (route) => ((looks += 1) === 1 ? route.continue() : route.abort()));
  const page = await context.newPage();
  const stream = page.waitForResponse((response) => response.url().includes(`/api/batch/${batch.id}/events`));
  await page.goto(framing("127.0.0.1", link));
  const frame = page.frameLocator("iframe");
  await frame.getByRole("heading", { name: "For the portal" }).waitFor();
  expect((await stream).status()).toBe(200);
  await served.client.resume(batch.id);
  await frame.getByText("100 %", { exact: true }).waitFor();
  await frame.getByText("60 of 60 items").waitFor();
  await context.close();
});

it("is shown in no frame of another site, nor is any other page in the frame of one that is named", async () => {
  const batch = await served.client.create({ operation: "validate", name: "Not for frames", options: { schema: {} } }, items(1));
  const context = await browser.newContext();
  for (const [host, path] of [
    ["localhost", await linkTo(served.client, batch.id)],
    ["127.0.0.1", "/signin"],
    ["127.0.0.1", `/batches/${batch.id}`],
  ] as const) {
    const page = await context.newPage();
    const refused = page.waitForEvent("console", (message) => /frame-ancestors|X-Frame-Options/.test(message.text()));
    await page.goto(framing(host, path));
    await refused;
    await expect.poll(() => page.frames()[1]?.url()).toBe("chrome-error://chromewebdata/");
    await page.close();
  }
  await context.close();
});

const items = (count: number): { id: string }[] => Array.from({ length: count }, (_, n) => ({ id: `n${n}` }));
const framing = (host: string, path: string): string =>
  `http://${host}:${portalPort}/?of=${encodeURIComponent(new URL(path, served.url).href)}`;
