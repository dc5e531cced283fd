/**
 * `node dashboard/screenshots.ts [part of a name]`: every page, light and dark, 1440 and 390 wide, empty and full, as pictures in
 * dashboard/.screenshots, from a real server with real batches. Run `npm run build` first.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launch, openDialog, signedIn } from "../test/support/browser.ts";
import { sampleAlerts } from "../test/support/samples/sample-alerts.ts";
import { sampleBudgets, sampleCosts } from "../test/support/samples/sample-costs.ts";
import { sampleHistory } from "../test/support/samples/sample-history.ts";
import { linkTo, sampleBatches } from "../test/support/samples/sample-batches.ts";
import { recordedStream, sampleStreams } from "../test/support/samples/sample-streams.ts";
import { serve, type Served } from "../test/support/served.ts";

const FOLDER = join(import.meta.dirname, ".screenshots");
const [only = ""] = process.argv.slice(2);

/** An address, and the name of the button that opens what is to be seen, or the key: `?` */
type Shot = string | readonly [address: string, open: string];

/** Each skeleton of what is being loaded says what it stands for. */
const LOADING = "main [role=status] > .sr-only";

async function shoot(browser: Browser, served: Served, pages: Readonly<Record<string, Shot>>): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    for (const width of [1440, 390]) {
      const names = Object.entries(pages).filter(([name]) => `${name}-${theme}-${width}`.includes(only));
      if (names.length === 0) continue;
      const { page, complaints } = await signedIn(browser, served, { theme, width });
      for (const [name, shot] of names) {
        const [address, open] = typeof shot === "string" ? [shot, null] : shot;
        await page.goto(address);
        // A shared page stands alone, without the shell.
        if (!address.startsWith("/shared/")) await page.getByTestId("live").getByText("Live").waitFor();
        await page.locator("main h1").waitFor();
        await page.locator(LOADING).first().waitFor({ state: "detached" });
        if (open !== null) await openDialog(page, open);
        // Charts are drawn a moment after the figures.
        await page.evaluate("new Promise((drawn) => setTimeout(drawn, 400))");
        await page.screenshot({ path: join(FOLDER, `${name}-${theme}-${width}.png`), fullPage: open === null });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) console.log(`${name}-${theme}-${width}: ${wide} px wider than the screen`);
      }
      for (const complaint of complaints) console.log(`${theme} ${width}: ${complaint}`);
      await page.context().close();
    }
  }
}

/** A server over a data directory of its own, gone afterwards. */
async function withServer(prepare: (data: string) => Promise<void>, run: (served: Served) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "batchyard-screenshots-"));
  await prepare(data);
  const served = await serve(data);
  try {
    await run(served);
  } finally {
    await served.child.end("SIGTERM");
    rmSync(data, { recursive: true, force: true });
  }
}

mkdirSync(FOLDER, { recursive: true });
const browser = await launch();
try {
  await withServer(
    async () => {},
    (served) =>
      shoot(browser, served, {
        "overview-empty": "/",
        "batches-empty": "/batches",
        "streams-empty": "/streams",
        "history-empty": "/history",
        "costs-empty": "/costs",
        "alerts-empty": "/alerts",
        "failures-empty": "/failures",
        "events-empty": "/events?types=alert.*",
        "stream-empty": "/streams/detections",
        "stream-rules-empty": "/streams/detections?tab=rules",
        "stream-none": "/streams/nothing",
        "flow-empty": "/flow",
        "workers-empty": "/workers",
      }),
  );
  await withServer(recordedStream, async (served) => {
    const { mixed, running, failed, replay } = await sampleBatches(served.client);
    await sampleStreams(served.client);
    await sampleAlerts(served);
    await shoot(browser, served, {
      overview: "/?range=1h",
      batches: "/batches",
      "batches-sorted": "/batches?sort=failed&select=all&columns=state,items,failed,duration,cost,created,ended",
      "batches-none": "/batches?q=op:nothing",
      "batch-mixed": `/batches/${mixed}`,
      "batch-running": `/batches/${running}`,
      "batch-failed": `/batches/${failed}`,
      "new-batch": "/batches/new",
      compare: `/batches/compare?a=${mixed}&b=${failed}`,
      "compare-replay": `/batches/compare?a=${mixed}&b=${replay}`,
      "batch-replay": `/batches/${replay}`,
      events: "/events",
      "events-replay": `/events?at=${new Date(Date.now() - 60_000).toISOString()}&types=batch.*`,
      audit: "/audit",
      "audit-none": "/audit?actor=nobody",
      settings: "/settings",
      "settings-retention": "/settings?tab=retention",
      "settings-keys": "/settings?tab=keys",
      "settings-connections": "/settings?tab=connections",
      "settings-browser": "/settings?tab=browser",
      "events-lost": "/events?at=elsewhere.1",
      streams: "/streams",
      "new-stream": "/streams?new=yes",
      failures: "/failures",
      "failures-codes": "/failures?tab=codes",
      "failures-dead": "/failures?tab=dead&queue=operation:validate",
      "failures-slow": "/failures?tab=slow",
      "failures-sizes": "/failures?tab=sizes",
      alerts: "/alerts",
      "alerts-pending": "/alerts?tab=pending",
      "alerts-silenced": "/alerts?tab=silenced",
      "alerts-history": "/alerts?tab=history",
      "alerts-rules": "/alerts?tab=rules",
      "alerts-rule": "/alerts?tab=rules&edit=highErrorRate",
      "alerts-silences": "/alerts?tab=silences",
      "alerts-channels": "/alerts?tab=channels",
      stream: "/streams/orders",
      "stream-traffic": "/streams/orders?tab=traffic",
      "stream-rules": "/streams/orders?tab=rules",
      "stream-dead-letters": "/streams/clicks?tab=dead-letters",
      flow: "/flow?stream=orders&minutes=1440",
      workers: "/workers",
      "workers-resize": ["/workers", "Resize"],
      "workers-drain": ["/workers", "Drain"],
      "workers-take": ["/workers", "Take away"],
      "batch-replay-dialog": [`/batches/${mixed}`, "Replay"],
      "batch-share": [`/batches/${mixed}`, "Share"],
      "batch-cancel": [`/batches/${running}`, "Cancel"],
      "batches-view": ["/batches", "View"],
      "failures-mute": ["/failures", "Mute"],
      "failures-give-up": ["/failures", "Give up"],
      "alerts-silence": ["/alerts", "Silence"],
      "alerts-channel": ["/alerts?tab=channels", "New channel"],
      "alerts-new-rule": "/alerts?tab=rules&edit=",
      "settings-new-key": ["/settings?tab=keys", "New key"],
      "stream-flush": ["/streams/invoices", "Close all now"],
      palette: ["/", "Control+k"],
      keyboard: ["/batches", "?"],
      shared: await linkTo(served.client, mixed),
      "shared-running": await linkTo(served.client, running),
      "shared-ended": `/shared/${failed}`,
    });
  });
  await withServer(
    async (data) => {
      await sampleCosts(data);
      await sampleHistory(data);
    },
    async (served) => {
      await sampleBudgets(served.client);
      await shoot(browser, served, {
        "overview-day": "/",
        history: "/history",
        "history-stack": "/history?metric=windows_closed_total&compare=yes",
        "history-band": "/history?metric=batch_run_seconds",
        "history-none": "/history?metric=nothing",
        costs: "/costs",
        "costs-batches": "/costs?range=month&by=batch",
      });
    },
  );
} finally {
  await browser.close();
}
