/**
 * The dashboard in a real Chromium: how soon each page can be used with 10⁴ and 10⁶ batches in the store, its slowest request, and
 * what 1,000 events a second cost a page that stays open.
 *
 *   npm run build && node --conditions=batchyard-source bench/ui.ts [--batches 10000,1000000] [--pages /,/batches] [--rate 1000]
 *     [--seconds 300] [--only pages|load] [--save]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { createClient } from "../src/client/index.ts";
import { built, launch } from "../test/support/browser.ts";
import { figure, percentile, report, type Row } from "./support/report.ts";
import { seedBatches } from "./support/seeded-store.ts";
import { serve, TOKEN } from "./support/served.ts";
import { FORGET, WATCH, type Watched } from "./ui/watch.ts";

const { values } = parseArgs({
  options: {
    batches: { type: "string", default: "10000,1000000" },
    pages: { type: "string", default: "/,/batches,/events" },
    rate: { type: "string", default: "1000" },
    seconds: { type: "string", default: "300" },
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    save: { type: "boolean", default: false },
  },
});
built();

async function signedIn(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1440, height: 900 } });
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  await page.goto("/signin");
  await page.locator("input[name=key]").fill(TOKEN);
  await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.locator("main button").click()]);
  return page;
}

const middle = (times: number[]): number =>
  percentile(
    times.toSorted((a, b) => a - b),
    0.5,
  );

/** Waits until heading and contents stand there; milliseconds since the navigation began. */
async function usable(page: Page): Promise<number> {
  await page.locator("main h1").waitFor();
  await page.locator("main [role=status] .bg-wash").first().waitFor({ state: "detached" });
  // What watches the page says so with the next frame.
  await page.waitForFunction("window.watched.usableAt > 0");
  return (await page.evaluate<Watched>("window.watched")).usableAt;
}

/** The pages that the server answers with the dashboard and that need no name of a thing. */
async function pathsOf(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const { paths } = (await answer.json()) as { paths: Record<string, { get?: { tags?: string[] } }> };
  return Object.keys(paths).filter((path) => paths[path]?.get?.tags?.includes("Dashboard") === true && !path.includes("{"));
}

/** Milliseconds from the start of the navigation until the page can be used, with an empty cache each time. */
async function pages(browser: Browser): Promise<Row[]> {
  const rows = new Map<string, Row>();
  for (const batches of values.batches.split(",").map(Number)) {
    const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
    try {
      await seedBatches(data, batches);
      const server = await serve(data);
      const fromOverview: number[] = [];
      for (const to of await pathsOf(server.url)) {
        const times: number[] = [];
        const slowest: number[] = [];
        for (let round = 0; round < Number(values.rounds); round++) {
          const page = await signedIn(browser, server.url);
          const cdp = await page.context().newCDPSession(page);
          await cdp.send("Network.clearBrowserCache");
          await page.goto(to, { waitUntil: "commit" });
          times.push(await usable(page));
          await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => undefined);
          slowest.push(
            await page.evaluate<number>(
              `Math.max(0, ...performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/") && !name.includes("/api/events?")).map(({ responseStart, requestStart }) => responseStart - requestStart))`,
            ),
          );
          if (to === "/") fromOverview.push(await page.evaluate<number>(FROM_THE_OVERVIEW));
          await page.context().close();
        }
        const row = rows.get(to) ?? { page: to };
        rows.set(to, row);
        row[`usable ms, ${figure(batches)} batches`] = Math.round(middle(times));
        row[`slowest request ms, ${figure(batches)}`] = Math.round(middle(slowest));
        console.error(to, batches, Math.round(middle(times)), Math.round(middle(slowest)));
      }
      const listed = rows.get("from the overview to the list") ?? { page: "from the overview to the list" };
      listed[`usable ms, ${figure(batches)} batches`] = Math.round(middle(fromOverview));
      rows.set("from the overview to the list", listed);
      await server.stop();
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  }
  return [...rows.values()];
}

/** Milliseconds from a press on the link in the navigation until the first batch of the list stands there. */
const FROM_THE_OVERVIEW = `new Promise((resolve) => {
  const pressed = performance.now();
  document.querySelector('nav a[href="/batches"]').click();
  const look = () => document.querySelector("table[aria-label=Batches] tbody a") ? resolve(performance.now() - pressed) : requestAnimationFrame(look);
  look();
})`;

/** Bytes of the page's own heap after it was cleaned. */
async function heap(page: Page): Promise<number> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  await cdp.detach();
  return usedSize;
}

/** Batches of the first page of the list whose progress is told. */
const SHOWN = 50;
const options = { expression: "$" };

/** A page that stays open while so many events a second happen. */
async function load(browser: Browser): Promise<Row[]> {
  const rows: Row[] = [];
  for (const path of values.pages.split(",")) {
    const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
    await seedBatches(data, 10_000);
    const server = fork(join(import.meta.dirname, "ui", "server.ts"), [data], {
      execArgv: ["--conditions=batchyard-source"],
      env: { ...process.env, BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "error" },
    });
    try {
      const [{ url }] = (await once(server, "message")) as [{ url: string }];
      const client = createClient({ url, token: TOKEN });
      const batches: string[] = [];
      for (let i = 0; i < SHOWN; i++)
        batches.push((await client.create({ operation: "transform", name: `Load ${i}`, options }, [{ id: "1" }])).id);
      const page = await signedIn(browser, url);
      await page.goto(path);
      await usable(page);
      server.send({ rate: Number(values.rate), batches });
      // The first seconds compile and warm up what then runs for hours.
      await page.waitForTimeout(10_000);
      const before = await heap(page);
      await page.evaluate(FORGET);
      await page.waitForTimeout(Number(values.seconds) * 1000);
      const seen = await page.evaluate<Watched>("window.watched");
      const grown = (await heap(page)) - before;
      rows.push({
        page: path,
        "events/s": Number(values.rate),
        seconds: Number(values.seconds),
        "tasks > 50 ms": seen.longTasks.length,
        "longest ms": Math.round(Math.max(0, ...seen.longTasks)),
        "frames dropped %": (seen.dropped * 100) / (seen.frames + seen.dropped),
        "React commits/s": seen.commits / Number(values.seconds),
        "heap growth MB": grown / 1024 / 1024,
      });
      console.error(rows.at(-1));
      await page.context().close();
    } finally {
      const left = once(server, "exit");
      server.disconnect();
      await left;
      rmSync(data, { recursive: true, force: true });
    }
  }
  return rows;
}

const browser = await launch();
try {
  if (values.only !== "load")
    report("Dashboard by number of batches", await pages(browser), [
      `Median of ${values.rounds} visits with an empty cache, from the start of the navigation until heading and contents stand there; headless Chromium without a GPU on the same machine as the server.`,
    ]);
  if (values.only !== "pages")
    report("Dashboard at 1,000 events a second", await load(browser), [
      "Long tasks and frames as the browser's own observers tell them, commits through the hook of React's developer tools, the heap after a collection; server, events and browser share the machine.",
    ]);
} finally {
  await browser.close();
}
