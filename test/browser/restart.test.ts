import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, signedIn } from "../support/browser.ts";
import { loadConfig } from "../../src/config.ts";
import { startServer } from "../../src/server.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { keptPort } from "../support/port.ts";
import { finished, serve, type Served, TOKEN } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-restart-"));
  served = await serve(data, { port: await keptPort() });
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

it("the server is killed and comes back: the page keeps what it showed, says how old it is, and ends at the right numbers by itself", async () => {
  const items = Array.from({ length: 120 }, (_, n) => ({ id: `n${n}`, n }));
  const steady = { operation: "steady", name: "Outlives its server", options: { workMs: 200, batchSize: 5, concurrency: 2 } };
  const { page } = await signedIn(browser, served, { theme: "light", width: 1440 });
  const batch = await served.client.create(steady, items);
  await page.goto(`/batches/${batch.id}`);
  await page.getByTestId("live").getByText("Live").waitFor();
  await page.getByRole("heading", { name: "Outlives its server" }).waitFor();
  await page.getByText(/\d succeeded/).waitFor();
  for await (const { processed } of served.client.watch(batch.id)) if ((processed ?? 0) >= 10) break;

  await served.child.end("SIGKILL");
  await page.getByTestId("live").getByText("Reconnecting").waitFor();
  await page.getByText(/This is how it was \d+ s ago/).waitFor();
  await page.getByRole("heading", { name: "Outlives its server" }).waitFor();
  expect(await page.getByText(/\d succeeded/).count()).toBe(1);

  served = await serve(data, { port: Number(new URL(served.url).port) });
  await page.getByTestId("live").getByText("Live").waitFor();
  await page.getByText("This is how it was").waitFor({ state: "detached" });
  await finished(served.client, batch.id);
  const ended = await served.client.get(batch.id);
  expect(ended.processed_items).toBe(items.length);
  await page.getByText("100 %", { exact: true }).first().waitFor();
  await page.getByText(`${ended.succeeded_items} succeeded`).waitFor();
  await page.getByText(`${ended.failed_items} failed`).first().waitFor();
});

it("reload and back show the same list as before, with its filters", async () => {
  const { page } = await signedIn(browser, served, { theme: "dark", width: 1440 });
  await page.goto("/batches?q=op:steady");
  await page.getByRole("table", { name: "Batches" }).getByText("Outlives its server").waitFor();
  await page
    .getByRole("navigation", { name: "States" })
    .getByRole("link", { name: /^Failed/ })
    .click();
  await page.getByText("No batch matches").waitFor();
  await page.reload();
  await page.getByText("No batch matches").waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "Outlives its server" }).click();
  await page.getByRole("heading", { name: "Outlives its server", level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole("table", { name: "Batches" }).getByText("Outlives its server").waitFor();
  expect(await page.getByLabel("Search batches").inputValue()).toBe("op:steady");
  await page.goForward();
  await page.getByRole("heading", { name: "Outlives its server", level: 1 }).waitFor();
});

it("a page that cannot keep up says so, and so does one that is cut off: live, degraded, live, reconnecting, stale, live", async () => {
  const folder = mkdtempSync(join(tmpdir(), "batchyard-degraded-"));
  const server = await startServer({
    config: loadConfig({
      BATCHYARD_DATA: folder,
      BATCHYARD_PORT: "0",
      BATCHYARD_WORKERS: "0",
      BATCHYARD_TOKEN: TOKEN,
      LOG_LEVEL: "silent",
    }),
    alerts: false,
  });
  const upstream = Number(new URL(server.url).port);
  let isUp = true;
  const proxy = new CuttingProxy(() => (isUp ? upstream : null));
  await proxy.listen();
  try {
    const { page } = await signedIn(browser, { ...served, url: proxy.url }, { theme: "light", width: 1440 });
    const pill = page.getByTestId("live");
    await page.clock.install();
    await page.reload();
    await pill.getByText("Live").waitFor();

    const degraded = async (): Promise<number> => {
      const answer = await fetch(`${server.url}/api/events/stats`, { headers: { authorization: `Bearer ${TOKEN}` } });
      return ((await answer.json()) as { stats: { connections: { degraded: number } } }).stats.connections.degraded;
    };
    proxy.hold();
    for (let n = 0; (await degraded()) === 0; n += 1) {
      expect(n).toBeLessThan(3_000);
      const data = { batch_id: `b${n}`, text: "x".repeat(20_000) };
      const entity = { kind: "batch", id: data.batch_id };
      await server.yard.store.events.append([{ tenant: "default", type: "batch.created", entity, severity: "info", ts: Date.now(), data }]);
    }
    proxy.release("event: stream.degraded");
    await pill.getByText("Degraded").waitFor();
    proxy.release();
    await pill.getByText("Live").waitFor();

    isUp = false;
    proxy.cut(0);
    await pill.getByText("Reconnecting").waitFor();
    await page.clock.fastForward(31_000);
    await pill.getByText(/^Stale ([3-9]\d|\d{3,}) s$/).waitFor();
    isUp = true;
    await page.clock.fastForward(30_000);
    await pill.getByText("Live").waitFor();
    await page.context().close();
  } finally {
    await proxy.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
